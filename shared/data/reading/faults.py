"""What is wrong with a data set: the first fault ends a training's reading, while `check` is told of all."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NoReturn, TypeVar

from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType

    Tell = Callable[[UserError], None]
    Kind = tuple[tuple[CodeType, int], ...]

A = TypeVar("A")
B = TypeVar("B")

_TELL: ContextVar[Tell | None] = ContextVar("tell", default=None)
MOST_TOLD = 100
"""So many faults of a kind are told one by one."""


def refuse(error: UserError) -> None:
    """Raise `error`, or, where all faults are asked for, tell it: the reader goes on without what it is about."""
    tell = _TELL.get()
    if tell is None:
        raise error from None
    tell(error)


def without_faults(read: Callable[[A], B], items: Iterable[A]) -> tuple[list[B], list[int]]:
    """Return what `read` makes of each of `items`, and their places, but of those that it raises UserError for."""
    made, places = [], []
    for place, item in enumerate(items):
        try:
            made.append(read(item))
            places.append(place)
        except UserError as error:
            refuse(error)
    return made, places


def end(errors: Iterable[UserError]) -> NoReturn:
    """Raise the first of `errors`, or, where all faults are asked for, tell all, after which there is no going on."""
    others = iter(errors)
    last = next(others)
    for error in others:
        refuse(last)
        last = error
    raise last from None


@contextmanager
def all_told(tell: Tell) -> Iterator[None]:
    """Let readers tell faults, each as it is found, that they would else end with."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)


class Told:
    """Faults said one by one, each once; of a kind the first `MOST_TOLD`, the others counted.

    Those are of a kind that the same calls lead to, from where they are told up to `check`.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said: set[str] = set()
        self._first: dict[Kind, str] = {}
        self._times: Counter[Kind] = Counter()

    def __bool__(self) -> bool:
        return bool(self._said)

    def tell(self, error: UserError) -> None:
        """Say a fault, or count it."""
        sentence, kind = str(error), tuple(_calls())
        if sentence in self._said:
            return
        self._times[kind] += 1
        if self._times[kind] <= MOST_TOLD:
            self._first.setdefault(kind, sentence)
            self._said.add(sentence)
            self._say(sentence)

    def tell_rest(self) -> None:
        """Say how many there are of each kind beyond those said."""
        for kind, times in self._times.items():
            if times > MOST_TOLD:
                self._say(f"and {times - MOST_TOLD} more such as the first: {self._first[kind]}")


def _calls() -> Iterator[tuple[CodeType, int]]:
    """Yield where each function that is being run stands."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame.f_code, frame.f_lineno
        frame = frame.f_back
