"""Training speed of LeNet++ on a CPU: how convolutions and PReLU are computed, and what becomes of freed memory.

The network is that of the regular polytope paper's figure 4, with a sum of squares for a loss. The modes, in turn, are

    plain                      nn.Conv2d, nn.PReLU, the allocator of the C library as it is
    fourier                    the Fourier convolution and the suite's PReLU, the allocator as it is
    plain, kept                nn.Conv2d, freed blocks kept for the next step
    fourier, kept, nn.PReLU    the Fourier convolution, freed blocks kept, PReLU as torch has it
    fourier, kept              all three: what the suite's full runs on CPUs do
    ..., bf16                  under bf16 autocast, where the processor multiplies matrices faster so

Whether freed blocks are kept is a setting of a whole process, so each measurement is a process of its own. The share of
the machine's matrix product rate, in the precision of the mode, counts the arithmetic of nn.Conv2d for every mode; the
Fourier convolution needs less, and its share is nominal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn

from benchmarks.measuring import (
    Gemm,
    Row,
    apart,
    at_least,
    bf16_is_faster,
    gemm_rates,
    main,
    parser,
    row,
    seconds,
    training_operations,
)
from shared.backbones import LeNetPlusPlus
from shared.backbones.lenet_plus_plus import PRELU_SLOPE
from shared.backbones.prelu import PReLU
from shared.training.device import keep_freed_memory

SIDE, EMBEDDING = 28, 9


class Mode(NamedTuple):
    """How the network is computed."""

    convolution: str = "direct"
    kept: bool = False
    plain_prelu: bool = False
    dtype: torch.dtype = torch.float32


MODES = {
    "plain": Mode(),
    "fourier": Mode("fourier"),
    "plain, kept": Mode(kept=True),
    "fourier, kept, nn.PReLU": Mode("fourier", kept=True, plain_prelu=True),
    "fourier, kept": Mode("fourier", kept=True),
}
NARROW = {f"{name}, bf16": MODES[name]._replace(dtype=torch.bfloat16) for name in ("plain, kept", "fourier, kept")}


def network_of(mode: Mode) -> nn.Module:
    """Return the network, in channels-last layout."""
    torch.manual_seed(0)
    network: nn.Module = LeNetPlusPlus(embedding=EMBEDDING, convolution=mode.convolution).build(1, SIDE, SIDE)
    if mode.plain_prelu:
        for name, unit in [*network.named_modules()]:
            if isinstance(unit, PReLU):
                network.set_submodule(name, nn.PReLU(unit.num_parameters, init=PRELU_SLOPE))
    return network.to(memory_format=torch.channels_last)


def images_of(batch: int) -> torch.Tensor:
    """Return random images, in channels-last layout."""
    return torch.randn(batch, 1, SIDE, SIDE).to(memory_format=torch.channels_last)


def measured_mode(mode: Mode, batch: int, steps: int, gemm_size: int) -> tuple[float, float]:
    """Train some steps in this process; return the seconds of the fastest, and those of a matrix product."""
    if mode.kept:
        keep_freed_memory()
    network, images = network_of(mode), images_of(batch)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=mode.dtype == torch.bfloat16):
            embedding = network(images)
        torch.autograd.backward(embedding.float().square().mean())

    fastest = min(seconds(step) for _ in range(steps))
    gemm = Gemm(gemm_size, mode.dtype)
    return fastest, min(gemm(), gemm())


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Measure all modes in turn, each in a process of its own."""
    modes = MODES | (NARROW if bf16_is_faster() else {})
    arguments = given.batch, given.steps, given.gemm
    rounds = [
        {name: apart(measured_mode, mode, *arguments) for name, mode in modes.items()} for _ in range(given.repetitions)
    ]
    operations = given.batch * training_operations(network_of(MODES["plain"]), images_of(2))
    plain = [one["plain"][0] for one in rounds]
    for name in modes:
        taken, products = zip(*(one[name] for one in rounds), strict=True)
        rates = gemm_rates(given.gemm, products)
        note = "share nominal" if "fourier" in name else ""
        yield row(name, taken, plain, count=given.batch, unit="images", operations=operations, rates=rates, note=note)
    if modes == MODES:
        print("bf16 is left out: this processor multiplies matrices no faster in it than in fp32")


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    options = parser(__doc__, threads=1, repetitions=3)
    options.add_argument("--batch", type=at_least(1), default=512)
    options.add_argument("--steps", type=at_least(1), default=4, help="of one measurement; the fastest counts (4)")
    options.add_argument("--gemm", type=at_least(1), default=2048, help="side of the matrices (2048)")
    return options.parse_args(arguments)


if __name__ == "__main__":
    main(measured, parsed())
