"""What is wrong with a data set: the first fault ends a training's reading, while `check` is told of all."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NoReturn, TypeVar

from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    Tell = Callable[[UserError], None]

A = TypeVar("A")
B = TypeVar("B")

_TELL: ContextVar[Tell | None] = ContextVar("tell", default=None)


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


def end(errors: Sequence[UserError]) -> NoReturn:
    """Raise the first of `errors`, or, where all faults are asked for, tell all, after which there is no going on."""
    for error in errors[:-1]:
        refuse(error)
    raise errors[-1] from None


@contextmanager
def all_told(tell: Tell) -> Iterator[None]:
    """Let readers tell faults, each as it is found, that they would else end with."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)
