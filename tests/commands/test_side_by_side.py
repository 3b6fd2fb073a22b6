"""Work in several processes: in order, errors told, none waited for that was killed."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from shared.commands.side_by_side import each
from shared.errors import UserError


def _square(number: int) -> tuple[int, int]:
    time.sleep(0.2 if number == 0 else 0)
    return number**2, os.getpid()


def _refuse_two(number: int) -> int:
    if number == 2:
        raise UserError("two is refused")
    return number


def _be_killed(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def _end_itself(number: int) -> int:
    return sys.exit(143) if number == 1 else number


def _say_who_and_wait(folder: Path) -> None:
    (folder / str(os.getpid())).touch()
    time.sleep(60)


def test_what_is_made_comes_in_the_order_of_the_things_whoever_is_done_first():
    made = list(each(_square, range(6), 2))
    assert [square for square, _ in made] == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {process for _, process in made}


@pytest.mark.parametrize(("things", "most"), [(range(6), 1), (range(1), 2)])
def test_one_process_or_one_thing_takes_no_other_process(things, most):
    assert {process for _, process in each(_square, things, most)} == {os.getpid()}


def test_nothing_is_made_of_nothing():
    assert list(each(_square, [], 2)) == []


def test_an_error_of_the_work_is_raised_where_it_is_waited_for():
    made = each(_refuse_two, range(4), 2)
    assert [next(made), next(made)] == [0, 1]
    with pytest.raises(UserError, match="two is refused"):
        next(made)


@pytest.mark.parametrize("work", [_be_killed, _end_itself])
def test_that_a_process_died_is_told(work):
    with pytest.raises(UserError, match="was killed"):
        list(each(work, range(8), 2))


def test_who_stops_asking_waits_for_none(tmp_path):
    before = time.monotonic()
    made = each(_say_who_and_wait, [tmp_path] * 4, 2)
    with pytest.raises(TimeoutError):
        _interrupted(made, tmp_path)
    assert time.monotonic() - before < 40
    for started in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(started.name), 0)


def _interrupted(made, folder: Path) -> None:
    """Wait for the first, until a signal comes as soon as two processes work."""

    def interrupt(*_: object) -> None:
        if len(list(folder.iterdir())) == 2:
            raise TimeoutError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    try:
        next(made)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
