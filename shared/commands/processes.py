"""What the environment says of processes that train together."""

from __future__ import annotations

import os

from shared.errors import UserError

NUMBERS = ("RANK", "LOCAL_RANK", "WORLD_SIZE")
MEETING = ("MASTER_ADDR", "MASTER_PORT")


def work_alone() -> None:
    """Take from the environment what it says of other processes: a launcher's words are for those that train."""
    for name in (*NUMBERS, *MEETING):
        os.environ.pop(name, None)


def require_whole() -> None:
    """Raise UserError where the environment speaks of several processes otherwise than `torchrun` does."""
    said = {name: os.environ[name] for name in (*NUMBERS, *MEETING) if name in os.environ}
    numbers = {name: said[name] for name in NUMBERS if name in said}
    good = all(number.isdecimal() for number in numbers.values())
    if good and int(said.get("WORLD_SIZE", "1")) > 1:
        good = len(said) == len(NUMBERS) + len(MEETING)
    if not good or int(said.get("RANK", "0")) >= int(said.get("WORLD_SIZE", "1")):
        told = " ".join(f"{name}={number}" for name, number in numbers.items())
        raise UserError(
            f"{told} in the environment: no torchrun has started this process so; unset {', '.join(numbers)}, and as "
            "many processes are started as the run has GPUs."
        )
