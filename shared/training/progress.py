"""Progress of a training: a bar with the time left on a terminal, plain lines in a log."""

from __future__ import annotations

import datetime
import sys
import time
from types import TracebackType

from tqdm import tqdm

LOG_SECONDS = 30.0
BAR = "{desc} {percentage:3.0f}%, {remaining} left{postfix}, {rate_fmt} {bar}"
"""What is cut off first on a narrow terminal stands last."""


class Progress:
    """Shows steps, loss, speed and time left on standard error."""

    def __init__(self, label: str, total: int, done: int, batch_size: int) -> None:
        self.label, self.total, self.batch_size = label, total, batch_size
        self._bar = (
            tqdm(total=total, initial=done, desc=label, unit=" steps", bar_format=BAR, dynamic_ncols=True)
            if sys.stderr.isatty()
            else None
        )
        self._first, self._start = done, time.monotonic()
        self._last = self._start
        self._step, self._epoch, self._loss = done, 0, ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._step > self._first:
            self._line()

    def step(self, step: int, epoch: int, loss: float | None = None) -> None:
        """Say that `step` steps are done; `loss`, where given, is the mean since the epoch began."""
        self._step, self._epoch = step, epoch
        if loss is not None:
            self._loss = f"loss {loss:.4f}, "
        if self._bar is not None:
            self._bar.update(step - self._bar.n)
            self._bar.set_postfix_str(f"{self._loss}epoch {epoch}", refresh=False)
        elif time.monotonic() - self._last >= LOG_SECONDS:
            self._line()

    def _line(self) -> None:
        self._last = time.monotonic()
        rate = (self._step - self._first) / max(self._last - self._start, 1e-9)
        left = str(datetime.timedelta(seconds=round((self.total - self._step) / rate)))
        print(  # noqa: T201 - the log is this program's output
            f"{self.label}: epoch {self._epoch}, step {self._step}/{self.total}, {self._loss}"
            f"{rate * self.batch_size:,.0f} images/s, {left} left",
            file=sys.stderr,
            flush=True,
        )
