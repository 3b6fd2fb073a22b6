"""Trainings that end as if they were killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from shared.training.checkpoint import Checkpoints


class Killed(Exception):  # noqa: N818 - it is no error
    """Raised in place of a kill."""


@contextmanager
def killed_at_a_checkpoint() -> Iterator[None]:
    """Expect that the training within ends once it has written a checkpoint, as it is made to."""
    save = Checkpoints.save

    def save_and_die(checkpoints: Checkpoints, state: dict[str, Any]) -> None:
        save(checkpoints, state)
        raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_die)
        with pytest.raises(Killed):
            yield
