"""What the benchmarks have in common: parts measured in turn, processes of their own, and the rows of a table.

A part is compared with the plain way repetition by repetition, by how many times as fast it is, so that what else the
machine does meanwhile hits both alike; above 1 is faster, in every benchmark. The machine's own rate is that of a
product of large square matrices in the precision of the part.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, ParamSpec, TypeVar

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from shared.errors import UserError
from shared.reporting.table import markdown_table
from shared.training import device as devices

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
COLUMNS = ("part", "time", "a second", "times as fast (least to most)", "share of GEMM", "peak MiB", "note")

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Seconds = dict[str, list[float]]
"""Of each part, once a repetition."""
Spread = tuple[float, float, float]
"""Median, least and greatest."""


class Row(BaseModel):
    """What one part of a benchmark took: a row of a table.

    `seconds` is the median over the repetitions, in which `count` of some `unit` were done; `ratio` how many times as
    fast as the plain way; `share` that of the machine's own rate; `peak_mib` the greatest memory above what there was
    before; `note` what else was found. Of a part that was not measured but extrapolated, `measured` is false.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str
    seconds: float
    count: float | None = None
    unit: str = ""
    ratio: Spread | None = None
    share: float | None = None
    peak_mib: float | None = None
    note: str = ""
    measured: bool = True

    def cells(self) -> list[str]:
        """Return the row's texts under `COLUMNS`."""
        return [
            self.part,
            duration(self.seconds),
            f"{_digits(self.count / self.seconds)} {self.unit}" if self.count else "",
            "{:.3g} ({:.3g} to {:.3g})".format(*self.ratio) if self.ratio else "",
            f"{100 * self.share:.0f} %" if self.share is not None else "",
            f"{self.peak_mib:,.0f}" if self.peak_mib is not None else "",
            self.note if self.measured else "; ".join(filter(None, ["extrapolated", self.note])),
        ]


def duration(seconds: float) -> str:
    """Return a time with three digits, in a unit that suits it."""
    scale, unit = next(((s, u) for s, u in ((1, "s"), (1e3, "ms")) if seconds * s >= 1), (1e6, "µs"))
    return f"{_digits(seconds * scale)} {unit}"


def _digits(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def spread(first: Sequence[float], second: Sequence[float]) -> Spread:
    """Return median, least and greatest of first / second, pair by pair."""
    ratios = [a / b for a, b in zip(first, second, strict=True)]
    return median(ratios), min(ratios), max(ratios)


def row(
    part: str,
    seconds: Sequence[float],
    plain: Sequence[float] | None = None,
    *,
    count: float | None = None,
    unit: str = "",
    operations: float = 0,
    rates: Sequence[float] | None = None,
    peak_mib: float | None = None,
    note: str = "",
) -> Row:
    """Return the row of a part from the seconds of its repetitions.

    `plain` has those of the plain way, and `rates` the machine's own rate, operations a second, of the same
    repetitions; `operations` is how many there are in one measurement.
    """
    shares = [operations / one / rate for one, rate in zip(seconds, rates, strict=True)] if rates else None
    return Row(
        part=part,
        seconds=median(seconds),
        count=count,
        unit=unit,
        ratio=spread(plain, seconds) if plain else None,
        share=median(shares) if shares else None,
        peak_mib=peak_mib,
        note=note,
    )


def seconds(work: Callable[[], object], times: int = 1, device: torch.device | None = None) -> float:
    """Return how long one call of `work` takes, the mean over some in a row, with what a GPU is still at."""

    def wait() -> None:
        if device is not None and device.type == "cuda":
            torch.cuda.synchronize(device)

    wait()
    began = time.perf_counter()
    for _ in range(times):
        work()
    wait()
    return (time.perf_counter() - began) / times


def in_turn(parts: Mapping[str, Callable[[], float]], repetitions: int, *, warm_up: bool = True) -> Seconds:
    """Measure each part once a repetition, in turn, after one repetition to warm up; return the seconds of each."""
    rounds = [{name: measure() for name, measure in parts.items()} for _ in range(warm_up + repetitions)]
    return {name: [one[name] for one in rounds[warm_up:]] for name in parts}


class Gemm:
    """Products of two square matrices, `times` in a row: the machine's own rate in one precision."""

    def __init__(
        self, size: int = 2048, dtype: torch.dtype = torch.float32, device: torch.device | None = None, times: int = 4
    ) -> None:
        self.size, self.times, self.device = size, times, device
        self.matrices: Sequence[Tensor] = tuple(torch.rand(3, size, size, device=device).to(dtype))

    def __call__(self) -> float:
        """Return the seconds of one product."""
        a, b, c = self.matrices
        return seconds(lambda: torch.mm(a, b, out=c), self.times, self.device)


def gemm_rates(size: int, seconds: Iterable[float]) -> list[float]:
    """Return the rates (operations a second, two a multiply-add) of products of that size that took so long."""
    return [2 * size**3 / one for one in seconds]


def bf16_is_faster() -> bool:
    """Whether this processor multiplies large matrices faster in bf16 than in fp32."""
    parts = {dtype: Gemm(1024, dtype) for dtype in (torch.float32, torch.bfloat16)}
    taken = in_turn({str(dtype): gemm for dtype, gemm in parts.items()}, 3)
    wide, narrow = (median(taken[str(dtype)]) for dtype in parts)
    return narrow < wide


def training_operations(network: nn.Module, images: Tensor) -> float:
    """Return the operations of forward and backward for each image, as torch counts them, two a multiply-add.

    They are those of convolutions and matrix products; the rest is left out, and the images need no gradient.
    """
    with FlopCounterMode(display=False) as counter:
        torch.autograd.backward(network(images).sum())
    return int(counter.get_total_flops()) / len(images)


def afresh(work: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
    """Return what `work`, a function of a module, returns in a process that starts anew: all its memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments, **options).result()


def apart(work: Callable[Arguments, Result], *arguments: Arguments.args, **options: Arguments.kwargs) -> Result:
    """Return what `work`, a function of a module, returns in a process of its own, which has settings of its own.

    It forks from a server that has imported what this script does, and computed nothing: it need not import it anew,
    but shares memory with the server.
    """
    context = multiprocessing.get_context("forkserver")
    script = Path(getattr(sys.modules["__main__"], "__file__", None) or "").stem
    context.set_forkserver_preload([__name__, f"{__package__}.{script}"])
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(work, *arguments, **options).result()


def resident(field: str) -> float:
    """Return a field of this process's memory status, such as VmRSS, in MiB; Linux alone tells it so."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def rise(work: Callable[[], object], device: torch.device | None = None) -> float:
    """Return how far (MiB) the memory of this process, or of a GPU, rises above its present level during some work."""
    if device is not None and device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        work()
        return (torch.cuda.max_memory_allocated(device) - before) / 2**20
    forget_peak()
    level = resident("VmRSS")
    work()
    return resident("VmHWM") - level


def forget_peak() -> None:
    """Let the greatest memory of this process, VmHWM, be the present one."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_of(
    prepare: Callable[Arguments, Callable[[], object]], *arguments: Arguments.args, **options: Arguments.kwargs
) -> float:
    """Return how far (MiB) two calls of what `prepare` returns raise the memory of a process of their own.

    It is that of a GPU where one of the options is such a `device`.
    """
    return apart(_peak_of, prepare, arguments, options)


def _peak_of(
    prepare: Callable[..., Callable[[], object]], arguments: Sequence[object], options: Mapping[str, Any]
) -> float:
    work = prepare(*arguments, **options)

    def twice() -> None:
        work()
        work()

    return rise(twice, options.get("device"))


def at_least(least: int) -> Callable[[str], int]:
    """Return a type of option: a whole number that is not below `least`."""

    def whole_number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is below {least}")
        return int(text)

    return whole_number


def parser(described: str | None, *, threads: int, repetitions: int) -> argparse.ArgumentParser:
    """Return a script's parser, with the options that all have; `described` is the script's docstring."""
    options = argparse.ArgumentParser(description=(described or "").splitlines()[0])
    options.add_argument("--threads", type=at_least(1), default=threads, help=f"threads of every part ({threads})")
    options.add_argument(
        "--repetitions", type=at_least(1), default=repetitions, help=f"of each part, in turn ({repetitions})"
    )
    options.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to this file")
    return options


def main(measured: Callable[[argparse.Namespace], Iterable[Row]], given: argparse.Namespace) -> None:
    """Measure with as many threads as were asked for, here and in processes begun here; print and write the rows."""
    for name in THREADS:
        os.environ[name] = str(given.threads)
    torch.set_num_threads(given.threads)
    options = {name: value for name, value in vars(given).items() if name != "json"}
    on_gpu = options.get("device", "cpu") != "cpu" and torch.cuda.is_available()
    device = devices.describe(torch.device("cuda" if on_gpu else "cpu"))
    print(f"{device}, torch {torch.__version__}: {options}", flush=True)
    try:
        rows = list(measured(given))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    print(markdown_table(COLUMNS, [row.cells() for row in rows]))
    if given.json:
        result = {"device": device, "options": options, "rows": [row.model_dump(exclude_defaults=True) for row in rows]}
        given.json.write_text(json.dumps(result, indent=2, default=str) + "\n", encoding="utf-8")
