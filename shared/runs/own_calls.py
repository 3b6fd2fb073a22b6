"""What code of a user's own raises, and what it is waited for: told with the line of it."""

from __future__ import annotations

import sys
import sysconfig
import threading
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from shared import ROOT
from shared.errors import UserError

PATIENCE = 10.0
"""For so many seconds nothing is said."""
_OF_OTHERS = tuple(
    f"{folder}/"
    for folder in (
        *(ROOT / wing for wing in ("shared", "papers")),
        *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    )
)


def said(error: BaseException) -> str:
    """Return an error in a line, with file and line where the user's own code raises it, or calls what does."""
    lines = str(error).strip().splitlines()
    what = "" if isinstance(error, UserError) else type(error).__name__
    where = _place(traceback.walk_tb(error.__traceback__))
    return ": ".join(filter(None, (what, lines[0] if lines else ""))) + (f", at {where}" if where else "")


@contextmanager
def asked(what: str, where: object = "") -> Iterator[None]:
    """Say what is waited for where that takes more than ten seconds, and what it raises, SystemExit too.

    Raises:
        UserError: it raises something; named are the file `where`, if any, and what is asked.

    """
    try:
        with _watched(what):
            yield
    except (Exception, SystemExit) as error:
        if isinstance(error, SystemExit) and _is_ours(error):
            raise
        raise UserError(f"{f'{where}: ' if where else ''}{what} raises {said(error)}; mend it.") from error


@contextmanager
def _watched(what: str) -> Iterator[None]:
    ended, waiting = threading.Event(), threading.get_ident()

    def watch() -> None:
        if not ended.wait(PATIENCE):
            frame = sys._current_frames().get(waiting)
            where = _place(reversed(list(traceback.walk_stack(frame)))) if frame else ""
            print(f"waiting for {what}{f', now at {where}' if where else ''}; Ctrl-C ends it", flush=True)  # noqa: T201

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


def _is_ours(error: SystemExit) -> bool:
    """Whether the suite itself ends the program, as it does when it is told to by SIGTERM."""
    *_, (innermost, _) = traceback.walk_tb(error.__traceback__)
    return innermost.f_code.co_filename.startswith(f"{ROOT / 'shared'}/")


def _place(frames: Iterable[tuple[FrameType, int]]) -> str:
    """Return "file:line" of the innermost frame that is neither the suite's nor a library's; "" where there is none."""
    own = [
        (path, line)
        for frame, line in frames
        if (path := frame.f_code.co_filename) and not path.startswith(_OF_OTHERS) and Path(path).is_file()
    ]
    return "{}:{}".format(*own[-1]) if own else ""
