"""Which device a job trains on, its arithmetic, and its settings for repeatable bits."""

from __future__ import annotations

import ctypes
import fcntl
import os
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import torch

from shared.errors import UserError
from shared.runs.config import Training
from shared.training import parallel

T = TypeVar("T")

ALLOW_CPU = "REPLICATIONS_ALLOW_CPU"
"""The environment variable by whose value 1 a run that asks for GPUs is content with fewer, or with none."""

SINGLE_PRECISION: tuple[Any, ...] = (
    *(torch.backends.cudnn, torch.backends.cudnn.conv, torch.backends.cudnn.rnn),  # type: ignore[attr-defined]
    torch.backends.cuda.matmul,
)
"""Where torch keeps in what a GPU computes: each of its own, since what is set for all does not change each."""


def there(asked: int) -> int:
    """Return how many of the GPUs that a run asks for it gets: all, or those that are there where that is allowed.

    Raises:
        UserError: there are fewer, and it is not.

    """
    seen = torch.cuda.device_count() if asked and torch.cuda.is_available() else 0
    if seen < asked and os.environ.get(ALLOW_CPU) != "1":
        raise UserError(
            f"this run asks for {asked} GPU{'s' * (asked > 1)} (training.gpus), and {seen or 'none'} can be used here; "
            f"start it where they are, or set {ALLOW_CPU}=1 to take what there is, if need be the processor."
        )
    return min(seen, asked)


class Lock:
    """A file that processes hold together, or one alone, until they let go, forget it or end, however they end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def taken(self, *, alone: bool) -> bool:
        """Take it, if others who have it now let that be, and return whether they did.

        Raises:
            UserError: it cannot be locked.

        """
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o600) if self._file is None else self._file
            fcntl.flock(self._file, fcntl.LOCK_NB | (fcntl.LOCK_EX if alone else fcntl.LOCK_SH))
        except BlockingIOError:
            self.let_go()
            return False
        except OSError as error:
            raise UserError(f"{self.path}: cannot be locked ({error.strerror}); remove it.") from None
        return True

    def let_go(self) -> None:
        """Leave it to others."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __del__(self) -> None:
        self.let_go()


def claim(devices: Sequence[str], folder: Path, shares: int = 1) -> tuple[int, list[Lock]]:
    """Take one of the named devices that no other process holds, for as long as the locks are kept.

    With `shares` of two or more it is one share of a device, which so many processes that ask alike have together.
    Snakemake counts the GPUs of a machine (`--resources gpu=N`) but hands out none, so jobs side by side share them
    out by lock files in `folder`: one a device, which a process holds alone or with others, and one a share. Where
    nothing is free, this waits.

    Raises:
        UserError: `folder` is not this user's own, or has something else in place of a lock file.

    """
    _own(folder)
    return _wait(
        lambda: next(
            ((index, held) for index, name in enumerate(devices) if (held := _held(folder, name, shares))), None
        ),
        f"all {len(devices)} GPUs of this machine are taken by other runs, waiting; "
        f"to start no more than fit: snakemake --resources gpu={len(devices)}",
    )


def _wait(until: Callable[[], T | None], why: str) -> T:
    """Return what comes, asked for every second; said once is why it does not come at first."""
    told = False
    while not (come := until()):
        if not told:
            told = True
            print(why, file=sys.stderr, flush=True)  # noqa: T201 - the log is this program's output
        time.sleep(1)
    return come


@contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Let the processes that train together claim their devices while those of no other run do.

    Two runs that each had some of the devices they need would wait for one another without end. A process that trains
    alone waits for nobody here.

    Raises:
        UserError: as `claim`, or another of the processes did not come.

    """
    if parallel.count() == 1:
        yield
        return
    turn = None
    if parallel.rank() == 0:
        _own(folder)
        turn = Lock(folder / "several.lock")
        _wait(lambda: turn.taken(alone=True), "another run of several GPUs waits for its own here, waiting for it")
    parallel.meet()
    yield
    parallel.meet()
    if turn is not None:
        turn.let_go()


def _held(folder: Path, name: str, shares: int) -> list[Lock]:
    """Return the locks by which a device, or a share of it, is taken; none where it cannot be."""
    device = Lock(folder / f"{name}.lock")
    if not device.taken(alone=shares == 1):
        return []
    if shares == 1:
        return [device]
    for number in range(shares):
        share = Lock(folder / f"{name}.{number}.lock")
        if share.taken(alone=True):
            return [device, share]
    device.let_go()
    return []


def _own(folder: Path) -> None:
    """Make a folder that only this user can enter, or see that it is so; UserError where it is another's or a link."""
    with suppress(FileExistsError):
        folder.mkdir(parents=True, mode=0o700)
    there = folder.lstat()
    if not stat.S_ISDIR(there.st_mode) or there.st_uid != os.getuid():
        raise UserError(f"{folder}: it is no folder of your own; remove it, or set TMPDIR to a folder of your own.")
    folder.chmod(0o700)


def prepare(
    training: Training, *, name: str = "this run", gpus: int | None = None, shares: int = 1
) -> tuple[torch.device, Any]:
    """Choose the device, and fix threads, arithmetic and algorithms so that a seed gives the same bits again.

    It is one of the `gpus` that are asked for, else of those of the training; with `shares` one share of it (`claim`).
    With a given number of threads a CPU gives them as it is; a GPU must be told. An error calls the run by its `name`.

    Returns the device and what must be kept alive to hold it.

    Raises:
        UserError: there are fewer GPUs than it asks for, those there cannot be locked, or the device has no TF32 and
            the run is to be trained in it.

    """
    torch.set_num_threads(training.threads)
    keep_freed_memory()
    if there(training.gpus if gpus is None else gpus) == 0:
        _has(training.precision, torch.device("cpu"), name)
        return torch.device("cpu"), None
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    names = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    folder = Path(tempfile.gettempdir()) / f"replications-gpus-{os.getuid()}"
    with in_turn(folder):
        index, lock = claim(names, folder, shares)
    torch.cuda.set_device(index)
    device = torch.device("cuda", index)
    _has(training.precision, device, name)
    compute(training.precision)
    return device, lock


def _has(precision: str, device: torch.device, name: str) -> None:
    """See that a device has the arithmetic that a run asks for: another that stands in would be recorded as that one.

    Raises:
        UserError: it is TF32, and the device has none.

    """
    if precision == "tf32" and not (device.type == "cuda" and torch.cuda.is_tf32_supported()):
        raise UserError(
            f"{name} is to be trained in TF32 (training.precision), which {describe(device)} does not compute in; "
            "start it where there is a GPU that does (NVIDIA's since Ampere), or set training.precision: fp32."
        )


def compute(precision: str) -> None:
    """Let GPUs multiply and convolve numbers of single precision in TF32 where that is the precision, else as IEEE 754.

    TF32 rounds the factors to 10 bits of fraction. Unless told, torch does so in convolutions and not in products.
    """
    single = "tf32" if precision == "tf32" else "ieee"
    for operations in SINGLE_PRECISION:
        operations.fp32_precision = single


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
