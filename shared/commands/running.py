"""Run the suite's own workflow from a command: its Snakefile, in the folder that the results lie in."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from shared import ROOT
from shared.errors import UserError, refused
from shared.records.results import Results

LOCKS, HELD = Path(".snakemake/locks"), Path(".snakemake/held")
LOOKS_SECONDS = 1.0
_held: list[IO[str]] = []


def workflow_folder(results: Results) -> Path:
    """Return the folder that the workflow runs in; raises UserError where it would not write to these results."""
    folder = results.root.resolve()
    if folder.name != "results":
        raise UserError(f"--results {folder}: the workflow writes to a folder named results; name one so.")
    return folder.parent


def require_writable(results: Results) -> None:
    """Raise UserError where the workflow cannot write: Snakemake shows a stack."""
    for folder in (workflow_folder(results) / ".snakemake", results.root):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            error.filename = str(folder)
            raise refused(error) from None


def run_workflow(
    results: Results,
    targets: Sequence[Path],
    root: Path,
    *,
    cores: int,
    seconds: float | None = None,
    options: Sequence[str] = (),
    output: IO[str] | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> int | None:
    """Make targets, paths below the folder of `workflow_folder`, and return the exit status of Snakemake.

    After so many seconds each process is told to stop, and None is returned: trainings save a checkpoint, and go on
    from it another time. They are told so too where this process is interrupted. What Snakemake says goes to `output`
    where one is given; `meanwhile` is called every second.
    """
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
        *("--directory", str(workflow_folder(results)), "--cores", str(cores), "--rerun-incomplete"),
        *("--quiet", "host", "rules", "progress", *options, "--", *map(str, targets)),
    ]
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "REPLICATION_DATA": str(root.resolve()), "PYTHONPATH": paths}
    require_writable(results)
    remove_left_locks(workflow_folder(results))
    process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=output, stderr=output)
    try:
        return _waited(process, seconds, meanwhile)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()


def _waited(process: subprocess.Popen[bytes], seconds: float | None, meanwhile: Callable[[], None]) -> int | None:
    """Return the exit status of a process, None where it goes on after so many seconds."""
    end = time.monotonic() + (math.inf if seconds is None else seconds)
    while (left := end - time.monotonic()) > 0:
        try:
            return process.wait(min(LOOKS_SECONDS, left))
        except subprocess.TimeoutExpired:
            meanwhile()
    return None


def hold_folder() -> None:
    """Hold the folder that this process, a Snakemake, runs in until it ends, however that is.

    Snakemake's own locks outlive it where it is killed, and say nothing of who left them.
    """
    with contextlib.suppress(OSError):
        HELD.parent.mkdir(exist_ok=True)
        _held.append(HELD.open("a+"))
        fcntl.flock(_held[-1], fcntl.LOCK_SH)


def remove_left_locks(folder: Path) -> None:
    """Remove the locks that a killed Snakemake left in a folder: those there are while no Snakemake holds it."""
    if not (folder / LOCKS).exists() or not (folder / HELD).exists():
        return
    with contextlib.suppress(OSError), (folder / HELD).open("a+") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder / LOCKS)
