"""Time and memory of the margin losses at the size of a face training set, against a plain linear layer.

One step is the loss of one batch of embeddings and its gradients, of the embeddings and of the class weights. The
modes, all in float32, are

    plain    nn.Linear without bias, cross_entropy
    cosface  shared.losses.CosFace
    arcface  shared.losses.ArcFace
    public   ArcFace the usual way: normalised copies, a margin on all B x C cosines, a one-hot matrix to choose by

They take turns in one process, in which the C library's allocator keeps freed blocks, as in training; each is compared
with the plain step of its own repetition. The peak memory of each is that of a process of its own, above what inputs
and class weights take, with the allocator as it is, so that only what is in use counts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import cos, pi, sin
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.measuring import Row, at_least, in_turn, main, parser, peak_of, row, seconds
from shared.losses import ArcFace, CosFace, Softmax
from shared.training.device import keep_freed_memory

SCALE, COSINE_MARGIN, ANGULAR_MARGIN = 64.0, 0.35, 0.5
MODES = ("plain", "cosface", "arcface", "public")


class PublicArcFace(nn.Module):
    """ArcFace as public code writes it out, with its continuation beyond pi - m."""

    def __init__(self, dimension: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.Linear(dimension, classes, bias=False).weight.detach())

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss"."""
        m = ANGULAR_MARGIN
        cosine = functional.linear(functional.normalize(embedding), functional.normalize(self.weight))
        sine = (1 - cosine.square()).clamp(1e-12, 1).sqrt()
        turned = cosine * cos(m) - sine * sin(m)
        turned = torch.where(cosine > cos(pi - m), turned, cosine - m * sin(m))
        chosen = torch.zeros_like(cosine).scatter_(1, labels.unsqueeze(1), 1)
        logits = SCALE * (chosen * turned + (1 - chosen) * cosine)
        return {"loss": functional.cross_entropy(logits, labels)}


def step_of(mode: str, batch: int, classes: int, dimension: int, device: torch.device) -> Callable[[], None]:
    """Return a function that does one step of a mode, on embeddings and class weights drawn for it."""
    torch.manual_seed(0)
    heads: dict[str, Callable[[], nn.Module]] = {
        "plain": lambda: Softmax(bias=False).build(dimension, classes),
        "cosface": lambda: CosFace(scale=SCALE, margin=COSINE_MARGIN).build(dimension, classes),
        "arcface": lambda: ArcFace(scale=SCALE, margin=ANGULAR_MARGIN).build(dimension, classes),
        "public": lambda: PublicArcFace(dimension, classes),
    }
    head = heads[mode]().to(device)
    embedding = torch.randn(batch, dimension, device=device, requires_grad=True)
    labels = torch.randint(classes, (batch,), device=device)

    def step() -> None:
        torch.autograd.backward(head(embedding, labels)["loss"])
        embedding.grad = None
        head.zero_grad()

    return step


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Measure all modes in turn, after the peak memory of each."""
    device = torch.device(given.device)
    sizes = (given.batch, given.classes, given.dimension)
    peaks = {mode: peak_of(step_of, mode, *sizes, device=device) for mode in MODES}
    keep_freed_memory()
    parts = {mode: partial(seconds, step_of(mode, *sizes, device), 1, device) for mode in MODES}
    taken = in_turn(parts, given.repetitions)
    matrix = 4 * given.batch * given.classes / 2**20
    for mode, one in taken.items():
        more = (peaks[mode] - peaks["plain"]) / matrix
        note = f"{more:+.2f} tensors of batch x classes ({matrix:.1f} MiB) to plain"
        yield row(mode, one, taken["plain"], peak_mib=peaks[mode], note=note)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    options = parser(__doc__, threads=2, repetitions=7)
    options.add_argument("--batch", type=at_least(1), default=512)
    options.add_argument("--classes", type=at_least(2), default=85_000)
    options.add_argument("--dimension", type=at_least(1), default=512)
    options.add_argument("--device", default="cpu")
    return options.parse_args(arguments)


if __name__ == "__main__":
    main(measured, parsed())
