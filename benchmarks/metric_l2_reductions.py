"""Train a small classifier with m-L2 averaged over the classes and summed, of more and of fewer classes a dimension.

Feature transfer (Yin et al., CVPR 2019) prints m-L2, eq. 3, as a squared norm of the logits. This trains what remains
of its networks, a filter to a few dimensions and a classifier, on classes that are made up, with as many classes a
dimension as the paper's smallest set (10,000 / 320) and its largest (60,000 / 320).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor, nn

from benchmarks.measuring import Row, at_least, main, parser, row
from papers.feature_transfer import MetricL2

DIMENSION, INPUTS, HIDDEN = 8, 32, 128
UPDATES, BATCH, RATE, WEIGHT = 2500, 64, 0.001, 0.25
TESTED, NOISE = 20, 0.35
OBJECTIVES = {
    "softmax": MetricL2(weight=0),
    "+ sum over classes": MetricL2(weight=WEIGHT, reduction="sum"),
    "+ mean over classes": MetricL2(weight=WEIGHT),
}


def samples(means: Tensor, labels: Tensor, stream: torch.Generator) -> Tensor:
    """Return points about the means [N, d] of some classes [B], normal in every direction, [B, d]."""
    return means[labels] + NOISE * torch.randn(len(labels), means.shape[1], generator=stream)


def trained(classes: int, objective: MetricL2, seed: int) -> str:
    """Train, and return what that comes to: of points not trained on, the nearest center being that by cosine."""
    torch.manual_seed(seed)
    stream = torch.Generator().manual_seed(seed)
    means = torch.randn(classes, INPUTS, generator=stream)
    network = nn.Sequential(nn.Linear(INPUTS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, DIMENSION))
    loss = objective.build(DIMENSION, classes)
    optimizer = torch.optim.Adam([*network.parameters(), *loss.parameters()], lr=RATE)
    for _ in range(UPDATES):
        labels = torch.randint(classes, (BATCH,), generator=stream)
        optimizer.zero_grad()
        torch.autograd.backward(loss(network(samples(means, labels, stream)), labels)["loss"])
        optimizer.step()
    labels = torch.arange(classes).repeat(TESTED)
    with torch.no_grad():
        features = network(samples(means, labels, stream))
        logits = loss.scores(features)
        centers = network(samples(means, labels, stream)).view(TESTED, classes, DIMENSION).mean(0)
        nearest = nn.functional.normalize(features) @ nn.functional.normalize(centers).T
        classified, found = (100 * float((of.argmax(1) == labels).double().mean()) for of in (logits, nearest))
        own = float(logits.gather(1, labels[:, None]).mean())
        entropy = float(nn.functional.cross_entropy(logits, labels))
    return (
        f"cross-entropy {entropy:.2f} (ln N = {math.log(classes):.2f}), FC {classified:.1f} %, "
        f"nearest center {found:.1f} %, own logit {own:.3g}"
    )


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Train with all objectives on all numbers of classes; the notes say what came of it."""
    for classes in given.classes:
        taken: list[float] = []
        for name, objective in OBJECTIVES.items():
            began = time.perf_counter()
            note = trained(classes, objective, given.seed)
            taken.append(time.perf_counter() - began)
            yield row(f"N = {classes}, d = {DIMENSION}: {name}", taken[-1:], taken[:1], note=note)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    options = parser(__doc__, threads=1, repetitions=1)
    options.add_argument("--classes", type=at_least(2), nargs="+", default=[250, 1500])
    options.add_argument("--seed", type=int, default=0)
    return options.parse_args(arguments)


if __name__ == "__main__":
    main(measured, parsed())
