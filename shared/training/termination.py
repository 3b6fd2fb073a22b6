"""How a training obeys SIGTERM: between two steps, where it can save; where it only measures, at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

GRACE_SECONDS = 5.0
"""How long after the signal a step or a batch may still take; what takes longer is broken off."""
LAST_SECONDS = 3.0
"""How much later the process ends where nothing can be broken off, as in an operation that waits for another process.

Python hears no signal in there."""


class Stopped(BaseException):
    """Training was asked to stop (SIGTERM); the same command goes on from the newest checkpoint."""


class Termination:
    """Whether SIGTERM came.

    It is first only noted, to be looked at between two steps, where all can be saved. Within `at_once` it breaks off
    what is done there, and after `GRACE_SECONDS` without a look whatever is done: both by `Stopped`.
    """

    def __init__(self) -> None:
        self._came = False
        self._seen = False
        self._at_once = False

    @property
    def came(self) -> bool:
        """Whether the signal came; who has seen that has all the time to save, whatever comes then."""
        if self._came and not self._seen:
            self._seen = True
            signal.setitimer(signal.ITIMER_REAL, 0)
        return self._came

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let the signal break off what is done here, which changes nothing that a checkpoint keeps.

        Raises:
            Stopped: it came.

        """
        self._at_once = True
        try:
            if self.came:
                raise Stopped
            yield
        finally:
            self._at_once = False

    def note(self, _number: int, _frame: FrameType | None) -> None:
        """Take the signal."""
        self._came = True
        if self._seen:
            return
        if self._at_once:
            self._seen = True
            raise Stopped
        signal.setitimer(signal.ITIMER_REAL, GRACE_SECONDS)

    def break_off(self, _number: int, _frame: FrameType | None) -> None:
        """Take the alarm that nobody looked in time."""
        self._seen = True
        raise Stopped

    def watch(self, signals: int) -> None:
        """In a thread of its own, end the process where a SIGTERM of those told over a pipe is not heard in time."""
        while number := os.read(signals, 1):
            if number[0] == signal.SIGTERM:
                time.sleep(GRACE_SECONDS + LAST_SECONDS)
                if not self._seen:
                    os._exit(128 + signal.SIGTERM)
        os.close(signals)


@contextmanager
def terminable() -> Iterator[Termination]:
    """Yield what SIGTERM does in the body instead of ending the process; nothing in any but the main thread.

    Raises:
        Stopped: it came, and nobody has looked since, as in the last end of an epoch.

    """
    termination = Termination()
    if threading.current_thread() is not threading.main_thread():
        yield termination
        return
    terminated = signal.signal(signal.SIGTERM, termination.note)
    alarmed = signal.signal(signal.SIGALRM, termination.break_off)
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    threading.Thread(target=termination.watch, args=(told,), daemon=True).start()
    try:
        yield termination
    finally:
        signal.set_wakeup_fd(-1)
        os.close(tell)
        signal.signal(signal.SIGTERM, terminated)
        asked = termination.came
        signal.signal(signal.SIGALRM, alarmed)
    if asked:
        raise Stopped
