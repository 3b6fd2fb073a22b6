"""Start as many processes as a training wants devices, where it wants several and they are there."""

from __future__ import annotations

import os
import signal
import sys

from shared.errors import UserError
from shared.training import device


def train_together(gpus: int) -> bool:
    """Run this very command in several processes by `torchrun`, and return True; False where it is for this one.

    There are as many processes as the run has devices. `torchrun` does in this process what it does: it passes on to
    all what asks this one to stop, and waits for them.

    Raises:
        UserError: a process failed, or the run asks for more devices than there are.
        SystemExit: with status 128 + n, signal n asked them to stop: 143 after SIGTERM.

    """
    processes = device.there(gpus)
    if processes < 2 or "LOCAL_RANK" in os.environ:
        return False
    from torch.distributed import run  # noqa: PLC0415 - as long to import as all that this process does
    from torch.distributed.elastic.multiprocessing.api import SignalException  # noqa: PLC0415
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError  # noqa: PLC0415

    options = ["--standalone", f"--nproc-per-node={processes}"]
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    try:
        run.run(run.parse_args([*options, "-m", "shared", *sys.argv[1:]]))  # type: ignore[no-untyped-call]
    except SignalException as asked:
        sys.exit(128 + asked.sigval)
    except ChildFailedError:
        raise UserError(
            f"one of the {processes} processes that train together failed, see its message above; the same command "
            "goes on from the last checkpoint."
        ) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return True
