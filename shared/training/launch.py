"""Start as many processes as a training wants devices, where it wants several and they are there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

import torch

from shared.errors import UserError


def train_together(gpus: int) -> bool:
    """Run this very command in several processes by `torchrun`, and return True; False where it is for this one.

    There are as many processes as the run wants devices, or as the machine has. A termination signal reaches them all.

    Raises:
        UserError: a process failed.
        SystemExit: with status 143, they were asked to stop.

    """
    processes = min(gpus, torch.cuda.device_count())
    if processes < 2 or "LOCAL_RANK" in os.environ:
        return False
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    child = subprocess.Popen([*torchrun, "-m", "shared", *sys.argv[1:]])
    stopped = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        stopped.append(number)
        child.send_signal(number)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        status = child.wait()
    finally:
        signal.signal(signal.SIGTERM, before)
    if stopped:
        sys.exit(143)
    if status:
        raise UserError(
            f"one of the {processes} processes that train together failed, see its message above; the same command "
            "goes on from the last checkpoint."
        )
    return True
