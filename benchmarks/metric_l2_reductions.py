"""Train a small classifier with m-L2 averaged over the classes and summed, of more and of fewer classes a dimension.

Feature transfer (Yin et al., CVPR 2019) prints m-L2, eq. 3, as a squared norm of the logits. This trains what remains
of its networks, a filter to a few dimensions and a classifier, on classes that are made up, with as many classes a
dimension as the paper's smallest set (10,000 / 320) and its largest (60,000 / 320).
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor, nn

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


def trained(classes: int, objective: MetricL2, seed: int) -> tuple[float, float, float, float]:
    """Return cross-entropy, accuracy of the classifier and of the nearest center by cosine (%), and the own logit.

    All are of points that were not trained on.
    """
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
        return float(nn.functional.cross_entropy(logits, labels)), classified, found, own


def main() -> None:
    """Print a table of both numbers of classes and all objectives."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--classes", type=int, nargs="+", default=[250, 1500])
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    print(
        "| N, d | objective | cross-entropy (ln N) | accuracy of FC, % | nearest center, % | logit of the own class |"
    )
    print("|---|---|---|---|---|---|")
    for classes in given.classes:
        for name, objective in OBJECTIVES.items():
            entropy, classified, nearest, own = trained(classes, objective, given.seed)
            print(
                f"| {classes}, {DIMENSION} | {name} | {entropy:.2f} ({math.log(classes):.2f}) | {classified:.1f} "
                f"| {nearest:.1f} | {own:.3g} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
