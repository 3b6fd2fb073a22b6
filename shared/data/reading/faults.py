"""What is wrong with a data set: the first fault ends a training's reading, while `check` is told of all."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shared.errors import UserError

    Tell = Callable[[UserError], None]

_TELL: ContextVar[Tell | None] = ContextVar("tell", default=None)


def refuse(error: UserError) -> None:
    """Raise `error`, or, where all faults are asked for, tell it: the reader goes on without what it is about."""
    tell = _TELL.get()
    if tell is None:
        raise error from None
    tell(error)


@contextmanager
def all_told(tell: Tell) -> Iterator[None]:
    """Let readers tell faults, each as it is found, that they would else end with."""
    token = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(token)
