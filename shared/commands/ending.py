"""How a process of the suite ends: its output written, what was imported not taken apart."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import NoReturn


def end_after(work: Callable[[], object]) -> NoReturn:
    """Do the work of this process and end it with the exit status that Python would give, as `multiprocessing` does.

    What was imported is left as it is: to take torch apart takes a quarter of the time that it takes to import it, in
    a fork, page after page, longer than many a job.
    """
    status: object = 1
    try:
        work()
        status = 0
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if not isinstance(status, int):
        print(status, file=sys.stderr)  # noqa: T201
        status = 1
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(status)
