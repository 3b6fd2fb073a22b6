"""What a step with the affinity loss takes, against one with softmax: time, and memory (claim GA-C22).

A step is what training does with one batch: network and loss, and the gradients of both, as runs of the Gaussian
affinity paper are configured. On faces it is the loss alone, on embeddings drawn for it, since the network takes
minutes; the ratio of whole steps is nearer to one. Losses that are compared share network, batch and classes. The peak
memory of each is that of a process of its own, above what network, weights and images take.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn

from benchmarks.measuring import Row, at_least, in_turn, main, parser, peak_of, row, seconds
from shared.runs.registry import TRAINED_SCALES, paper
from shared.training.device import keep_freed_memory

RUNS = {
    "digits": ("table1/odd-10/softmax", "figure8/1", "figure8/5", "figure8/20"),
    "loss alone, VGGFace2": ("table3/softmax", "table3/affinity"),
}


def step_of(scale: str, name: str, alone: bool) -> Callable[[], None]:
    """Return a function that does one step of a run, or of its loss alone, on images or embeddings drawn for it."""
    torch.manual_seed(0)
    config = paper("gaussian_affinity").run(name, scale).config
    backbone, classes = config.backbone, config.data.trained_classes
    loss = config.loss.build(backbone.embedding, classes)
    network: nn.Module = nn.Identity()
    drawn = torch.randn(config.training.batch_size, backbone.embedding, requires_grad=True)
    if not alone:
        network = backbone.build(1, 28, 28).to(memory_format=torch.channels_last)
        drawn = torch.randn(config.training.batch_size, 1, 28, 28).to(memory_format=torch.channels_last)
    labels = torch.randint(classes, (len(drawn),))

    def step() -> None:
        torch.autograd.backward(loss(network(drawn), labels)["loss"])
        network.zero_grad()
        loss.zero_grad()
        drawn.grad = None

    return step


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Measure the runs of each group in turn; the first of each has softmax."""
    steps = {group: {name: (given.scale, name, group != "digits") for name in names} for group, names in RUNS.items()}
    peaks = {name: peak_of(step_of, *step) for of in steps.values() for name, step in of.items()}
    keep_freed_memory()
    for group, of in steps.items():
        times = given.steps if group == "digits" else 1
        parts = {name: partial(seconds, step_of(*step), times) for name, step in of.items()}
        taken = in_turn(parts, given.repetitions)
        softmax = taken[RUNS[group][0]]
        for name, one in taken.items():
            yield row(f"{group}: {name}", one, softmax, peak_mib=peaks[name])


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    options = parser(__doc__, threads=1, repetitions=5)
    options.add_argument("--scale", choices=TRAINED_SCALES, default="full")
    options.add_argument(
        "--steps", type=at_least(1), default=10, help="of one measurement on digits; of faces one (10)"
    )
    return options.parse_args(arguments)


if __name__ == "__main__":
    main(measured, parsed())
