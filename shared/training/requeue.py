"""A job of Slurm that can only wait goes back to the queue, so that others have its devices meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys

JOB = "SLURM_JOB_ID"


def give_back() -> None:
    """Ask Slurm, in one of its jobs, to put it back into the queue, which ends it by SIGTERM; else do nothing."""
    job = os.environ.get(JOB)
    if job is None:
        return
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=False)
    except OSError as error:
        said = str(error)
    else:
        said = done.stderr.strip() if done.returncode else "it starts again later"
    print(f"Slurm was asked to put job {job} back into its queue: {said}", file=sys.stderr, flush=True)  # noqa: T201
