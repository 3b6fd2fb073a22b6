"""What a command prints: it goes nowhere once its reader is gone or full, so that no work is left undone for it."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO


class _Lasting(io.FileIO):
    """A standard stream that takes all that is written: the first refusal is kept, and what follows goes nowhere."""

    refusal: OSError | None = None

    def write(self, data: object) -> int:
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            self.refusal = error
            with Path(os.devnull).open("wb") as nowhere:
                os.dup2(nowhere.fileno(), self.fileno())
            return memoryview(data).nbytes  # type: ignore[arg-type]


@contextlib.contextmanager
def lasting_output() -> Iterator[Callable[[], OSError | None]]:
    """Let the standard streams be lasting; yield what says why standard output took no more, but for a closed pipe.

    A stream that was closed before this program started goes nowhere from the beginning, and what an encoding has no
    letter for is written by its number.
    """
    before = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    sys.stdout, sys.stderr = (_lasting(stream) for stream in before)
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)

    def refusal() -> OSError | None:
        sys.stdout.flush()
        found: OSError | None = getattr(raw, "refusal", None)
        return None if found is None or found.errno == errno.EPIPE else found

    try:
        yield refusal
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def _lasting(stream: TextIO) -> TextIO:
    try:
        raw = _Lasting(stream.fileno(), "w", closefd=False)
    except OSError:  # it is no file, as in a test
        return stream
    stream.flush()
    buffer = io.BufferedWriter(raw)
    return io.TextIOWrapper(
        buffer, stream.encoding, "backslashreplace", line_buffering=raw.isatty() or stream is sys.stderr
    )
