"""Why trainings failed, in a sentence each, as their logs and Snakemake's output tell."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from shared.errors import UserError

LOG = "train.log"
"""Where a job that trains says what it does, beside the seeds that it trains."""
TRACEBACK = "Traceback (most recent call last):\n"
FRAME = re.compile(r'^  File "(.*)", line (\d+)', re.MULTILINE)
EXCEPTION = re.compile(r"^\S.*", re.MULTILINE)
ERROR = "error: "
JOB_FAILED, LOCKED = "At least one job did not complete", "LockException"


def why(text: str, own: Iterable[Path]) -> str:
    """Return what the end of a log says of why its training failed, "" where it says nothing of the kind.

    Of a traceback that is the exception, with the last line of one of the `own` modules that it came by.
    """
    text = text.rstrip()
    said = text[text.rfind("\n") + 1 :]
    if said.startswith(ERROR):
        return said.removeprefix(ERROR)
    _, begins, trace = text.rpartition(TRACEBACK)
    exception = EXCEPTION.search(trace)
    if not begins or exception is None:
        return ""
    files = {str(path) for path in own}
    places = [f"{path}:{line}: " for path, line in FRAME.findall(trace) if path in files]
    return (places[-1] if places else "") + exception[0]


def read_from(path: Path, begins: int) -> str:
    """Return the text of a log from a byte on."""
    with path.open("rb") as file:
        file.seek(begins)
        return file.read().decode(errors="replace")


def require_started(said: str, folder: Path) -> None:
    """Raise UserError where Snakemake failed by `said` before any of its jobs did, in a folder."""
    if LOCKED in said:
        raise UserError(
            f"another Snakemake makes the same files in {folder}: give the same command again when it has ended, or, "
            "if there is none (it was killed, or the power failed), after 'snakemake --unlock' there."
        )
    lines = [line for line in said.splitlines() if line.strip()]
    if errors := [line.removeprefix(ERROR) for line in lines if line.startswith(ERROR)]:
        raise UserError(errors[-1])
    if JOB_FAILED not in said:
        last = lines[-1] if lines else "it said nothing"
        raise UserError(f"Snakemake failed: {last}; its log is in {folder / '.snakemake/log'}.")
