"""What a step with the affinity loss takes, against one with softmax: time, and memory (claim GA-C22).

A step is what training does with one batch: network and loss, and the gradients of both, as runs of the Gaussian
affinity paper are configured. On faces it is the loss alone, on embeddings drawn for it, since the network takes
minutes; the ratio of whole steps is nearer to one. Losses that are compared share network, batch and classes. They take
turns, each beside softmax in its own repetition; the peak memory of each, above what network, weights and images take,
is that of a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn

from benchmarks.memory import rise
from shared.runs.config import Run
from shared.runs.registry import paper
from shared.training.device import keep_freed_memory

RUNS = {
    "digits": ("table1/odd-10/softmax", "figure8/1", "figure8/5", "figure8/20"),
    "VGGFace2, loss alone": ("table3/softmax", "table3/affinity"),
}


def step_of(run: Run, *, alone: bool) -> Callable[[], None]:
    """Return a function that does one step of a run, or of its loss alone, on images or embeddings drawn for it."""
    torch.manual_seed(0)
    backbone, classes = run.config.backbone, run.config.data.trained_classes
    loss = run.config.loss.build(backbone.embedding, classes)
    network: nn.Module = nn.Identity()
    drawn = torch.randn(run.config.training.batch_size, backbone.embedding, requires_grad=True)
    if not alone:
        network = backbone.build(1, 28, 28).to(memory_format=torch.channels_last)
        drawn = torch.randn(run.config.training.batch_size, 1, 28, 28).to(memory_format=torch.channels_last)
    labels = torch.randint(classes, (len(drawn),))

    def step() -> None:
        torch.autograd.backward(loss(network(drawn), labels)["loss"])
        network.zero_grad()
        loss.zero_grad()
        drawn.grad = None

    return step


def seconds(step: Callable[[], None], steps: int) -> float:
    """Return how long one of some steps takes."""
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - began) / steps


def main(arguments: Sequence[str]) -> None:
    """Measure all losses in turn and print them, or the peak memory (MiB) of one in this process."""
    parser = argparse.ArgumentParser(description="time and memory of the affinity loss against softmax")
    parser.add_argument("--scale", default="full")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10, help="steps of one measurement on digits (10); of faces one")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    runs = paper("gaussian_affinity").runs(given.scale)
    alone = {name: "alone" in row for row, names in RUNS.items() for name in names}
    if given.peak_of:
        step = step_of(runs[given.peak_of], alone=alone[given.peak_of])
        print(rise(lambda: (step(), step())))
        return
    command = [sys.executable, __file__, *arguments, "--peak-of"]
    peaks = {name: float(subprocess.check_output([*command, name], text=True)) for name in alone}
    keep_freed_memory()
    print("| | run | ms a step | times softmax (least to most) | peak MiB |\n|---|---|---|---|---|")
    for row, (softmax, *others) in RUNS.items():
        taking = {name: step_of(runs[name], alone=alone[name]) for name in (softmax, *others)}
        steps = 1 if alone[softmax] else given.steps
        rounds = [{name: seconds(step, steps) for name, step in taking.items()} for _ in range(given.repetitions + 1)]
        for name in taking:
            ratios = sorted(one[name] / one[softmax] for one in rounds[1:])
            taken = 1000 * median(one[name] for one in rounds[1:])
            spread = f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            print(f"| {row} | `{name}` | {taken:.1f} | {spread} | {peaks[name]:.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
