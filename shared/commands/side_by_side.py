"""The same work for many things in several processes, which end with the command, whichever way that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from shared.errors import UserError

Thing = TypeVar("Thing")
Made = TypeVar("Made")


def each(work: Callable[[Thing], Made], things: Sequence[Thing], most: int) -> Iterator[Made]:
    """Yield what `work` makes of each thing, in their order, from up to so many processes at once; of one: from this.

    `work`, things and what is made of them go from process to process, pickled. Raises what `work` raises, and
    UserError where a process is killed, such as for want of memory.
    """
    if min(most, len(things)) < 2:
        yield from map(work, things)
        return
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(min(most, len(things)), context, _leave_ctrl_c) as pool:
        try:
            # Not by its `map`, which takes back what is not begun while the pool says of it that a process was ended.
            waiting = deque(pool.submit(_made, work, thing) for thing in things)
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool:
            raise UserError(
                "one of several processes was killed, perhaps for want of memory; give fewer `--processes`."
            ) from None
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _made(work: Callable[[Thing], Made], thing: Thing) -> Made:
    """Do the work in one of several processes; where it ends the process, that takes nothing more from the others."""
    try:
        return work(thing)
    except SystemExit as ended:
        os._exit(ended.code if isinstance(ended.code, int) else 1)


def _leave_ctrl_c() -> None:
    """Ctrl-C reaches all processes: the command's own takes it, and ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
