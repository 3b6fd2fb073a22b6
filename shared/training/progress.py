"""Progress of a training: a bar with the time left on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

LOG_SECONDS = 30.0


class Progress:
    """Shows steps, loss, speed and time left on standard error."""

    def __init__(self, label: str, total: int, done: int, batch_size: int) -> None:
        self.label, self.total, self.batch_size = label, total, batch_size
        self._bar = (
            tqdm(total=total, initial=done, desc=label, unit="step", dynamic_ncols=True)
            if sys.stderr.isatty()
            else None
        )
        self._first, self._start = done, time.monotonic()
        self._last = self._start

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def step(self, step: int, epoch: int, loss: float | None = None) -> None:
        """Say that `step` steps are done; `loss`, where given, is the mean since the epoch began."""
        if self._bar is not None:
            self._bar.update(step - self._bar.n)
            if loss is not None:
                self._bar.set_postfix(epoch=epoch, loss=f"{loss:.4f}")
            return
        now = time.monotonic()
        if now - self._last >= LOG_SECONDS:
            self._last = now
            self._line(step, epoch, loss)

    def _line(self, step: int, epoch: int, loss: float | None) -> None:
        seconds = time.monotonic() - self._start
        rate = (step - self._first) / seconds if seconds else 0.0
        left = f"{(self.total - step) / rate:.0f} s left" if rate else "time left unknown"
        shown = "" if loss is None else f"loss {loss:.4f}, "
        print(  # noqa: T201 - the log is this program's output
            f"{self.label}: epoch {epoch}, step {step}/{self.total}, {shown}"
            f"{rate * self.batch_size:,.0f} images/s, {left}",
            file=sys.stderr,
            flush=True,
        )
