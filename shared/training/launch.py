"""Start as many processes as a training wants devices, where it wants several and they are there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from types import FrameType

from shared.errors import UserError
from shared.training import device


def train_together(gpus: int) -> bool:
    """Run this very command in several processes by `torchrun`, and return True; False where it is for this one.

    There are as many processes as the run has devices. A termination signal reaches them all.

    Raises:
        UserError: a process failed, or the run asks for more devices than there are.
        SystemExit: with status 143, they were asked to stop.

    """
    processes = device.there(gpus)
    if processes < 2 or "LOCAL_RANK" in os.environ:
        return False
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    children: list[subprocess.Popen[bytes]] = []
    stopped = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        stopped.append(number)
        for child in children:
            child.send_signal(number)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        children.append(subprocess.Popen([*torchrun, "-m", "shared", *sys.argv[1:]]))
        if stopped:
            children[0].terminate()
        status = children[0].wait()
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
