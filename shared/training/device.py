"""Which device a job trains on, and its settings for repeatable bits."""

from __future__ import annotations

import ctypes
import os
import stat
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

from shared.errors import UserError
from shared.runs.config import Training


def claim(devices: Sequence[str], folder: Path) -> tuple[int, FileLock]:
    """Take one of the named devices that no other process holds, until the lock is released or the process ends.

    Snakemake counts the GPUs of a machine (`--resources gpu=N`) but hands out none, so jobs side by side share them
    out by one lock file a device in `folder`. Where every device is held, this waits.

    Raises:
        UserError: `folder` is not this user's own, or has something else in place of a lock file.

    """
    _own(folder)
    locks = [FileLock(folder / f"{name}.lock") for name in devices]
    waiting = False
    while True:
        for index, lock in enumerate(locks):
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            except OSError as error:
                raise UserError(f"{lock.lock_file}: cannot be locked ({error.strerror}); remove it.") from None
            return index, lock
        if not waiting:
            waiting = True
            print(  # noqa: T201 - the log is this program's output
                f"all {len(devices)} GPUs of this machine are taken by other runs, waiting; "
                f"to start no more than fit: snakemake --resources gpu={len(devices)}",
                file=sys.stderr,
                flush=True,
            )
        time.sleep(1)


def _own(folder: Path) -> None:
    """Make a folder that only this user can enter, or see that it is so; UserError where it is another's or a link."""
    with suppress(FileExistsError):
        folder.mkdir(parents=True, mode=0o700)
    there = folder.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.getuid():
        raise UserError(f"{folder}: it is no folder of your own; remove it, or set TMPDIR to a folder of your own.")
    folder.chmod(0o700)


def prepare(training: Training) -> tuple[torch.device, Any]:
    """Choose the device, and fix threads and algorithms so that a seed gives the same bits again.

    With a given number of threads a CPU gives them as it is; a GPU must be told.

    Returns the device and what must be kept alive to hold it.
    """
    torch.set_num_threads(training.threads)
    keep_freed_memory()
    if training.gpus == 0 or not torch.cuda.is_available():
        return torch.device("cpu"), None
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    names = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    index, lock = claim(names, Path(tempfile.gettempdir()) / f"replications-gpus-{os.getuid()}")
    torch.cuda.set_device(index)
    return torch.device("cuda", index), lock


def keep_freed_memory() -> None:
    """Tell the C library's allocator to keep large blocks for the next step instead of handing them back each time.

    A batch's activations are blocks of tens of MB; mapping their pages anew in every step takes as long as the
    arithmetic. Does nothing where the C library is not glibc.
    """
    trim_threshold, mmap_threshold = -1, -3
    with suppress(OSError, AttributeError):
        allocator = ctypes.CDLL("libc.so.6")
        allocator.mallopt(mmap_threshold, 1 << 30)
        allocator.mallopt(trim_threshold, (1 << 31) - 1)


def describe(device: torch.device) -> str:
    """Return the device's name as its maker gives it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "CPU"
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "CPU")
    return f"{model} ({torch.backends.cpu.get_cpu_capability()})"
