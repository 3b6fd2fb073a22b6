"""Run the suite's own workflow from a command: its Snakefile, in the folder that the results lie in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from shared import ROOT
from shared.errors import UserError
from shared.records.results import Results


def workflow_folder(results: Results) -> Path:
    """Return the folder that the workflow runs in; raises UserError where it would not write to these results."""
    folder = results.root.resolve()
    if folder.name != "results":
        raise UserError(f"--results {folder}: the workflow writes to a folder named results; name one so.")
    return folder.parent


def run_workflow(
    results: Results,
    targets: Sequence[Path],
    root: Path,
    *,
    cores: int,
    seconds: float | None = None,
    options: Sequence[str] = (),
) -> int | None:
    """Make targets, paths below the folder of `workflow_folder`, and return the exit status of Snakemake.

    After so many seconds each process is told to stop, and None is returned: trainings save a checkpoint, and go on
    from it another time. They are told so too where this process is interrupted.
    """
    command = [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")),
        *("--directory", str(workflow_folder(results)), "--cores", str(cores), "--rerun-incomplete"),
        *("--quiet", "host", "rules", "progress", *options, "--", *map(str, targets)),
    ]
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "REPLICATION_DATA": str(root.resolve()), "PYTHONPATH": paths}
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
