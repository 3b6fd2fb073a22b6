"""Training speed of LeNet++ on a CPU: how the convolutions are computed, and what becomes of freed memory.

The network is that of the regular polytope paper's figure 4, with a sum of squares for a loss. The modes are

    plain            nn.Conv2d, the allocator of the C library as it is
    fourier          the Fourier convolution, the allocator as it is
    plain, kept      nn.Conv2d, freed blocks kept for the next step
    fourier, kept    both: what the suite's full runs on CPUs do

Whether freed blocks are kept is a setting of a whole process, so each measurement is a process of its own. They take
turns, and each is compared with the plain one of its own repetition.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch

from shared.backbones import LeNetPlusPlus
from shared.training.device import keep_freed_memory

SIDE = 28
EMBEDDING = 9
MODES = {
    "plain": ("direct", False),
    "fourier": ("fourier", False),
    "plain, kept": ("direct", True),
    "fourier, kept": ("fourier", True),
}


def images_per_second(mode: str, batch: int, threads: int, steps: int) -> float:
    """Train some steps in this process and return the images a second of the fastest."""
    convolution, kept = MODES[mode]
    torch.set_num_threads(threads)
    if kept:
        keep_freed_memory()
    torch.manual_seed(0)
    network = LeNetPlusPlus(embedding=EMBEDDING, convolution=convolution).build(1, SIDE, SIDE)
    network = network.to(memory_format=torch.channels_last)
    images = torch.randn(batch, 1, SIDE, SIDE).to(memory_format=torch.channels_last)
    fastest = float("inf")
    for _ in range(steps):
        began = time.perf_counter()
        torch.autograd.backward(network(images).square().mean())
        fastest = min(fastest, time.perf_counter() - began)
    return batch / fastest


def measured(arguments: Sequence[str], mode: str) -> float:
    """Return the images a second of one mode, in a process of its own."""
    command = [sys.executable, __file__, *arguments, "--mode", mode]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main(arguments: Sequence[str]) -> None:
    """Measure all modes in turn and print them, or one of them in this process."""
    parser = argparse.ArgumentParser(description="training speed of LeNet++ on a CPU")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4, help="steps of one measurement, of which the fastest counts")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--mode", choices=MODES, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.mode:
        print(images_per_second(given.mode, given.batch, given.threads, given.steps))
        return
    rates = [{mode: measured(arguments, mode) for mode in MODES} for _ in range(given.repetitions)]
    print(f"LeNet++, batch {given.batch}, threads {given.threads}: images/s, and times the plain way (least to most)")
    for mode in MODES:
        ratios = sorted(rate[mode] / rate["plain"] for rate in rates)
        speed = median(rate[mode] for rate in rates)
        print(f"{mode:14} {speed:6.0f}  {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main(sys.argv[1:])
