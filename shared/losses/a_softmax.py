"""A-softmax loss of Liu et al., SphereFace: Deep Hypersphere Embedding for Face Recognition (CVPR 2017)."""

from __future__ import annotations

from math import cos, pi

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.modified_softmax import ModifiedSoftmaxLoss


def monotonic_cosine(cosine: Tensor, margin: int) -> Tensor:
    """Return psi(theta) = (-1)^k cos(m theta) - 2k, k such that k pi / m <= theta <= (k + 1) pi / m, of cos(theta).

    `margin` is m >= 1. psi falls from 1 at theta = 0 to 1 - 2m at pi, where cos(m theta) alone would rise again from
    pi / m on. cos(m theta) is a Chebyshev polynomial in cos(theta), and k the number of the bounds cos(j pi / m) that
    cos(theta) is below. So there is no arccos, and the derivative is finite everywhere, m^2 at theta = 0 and at pi.
    """
    before, multiple = torch.ones_like(cosine), cosine
    for _ in range(margin - 1):
        before, multiple = multiple, 2 * cosine * multiple - before
    k = torch.zeros_like(cosine)
    for j in range(1, margin):
        k += cosine < cos(j * pi / margin)
    return torch.where(k % 2 == 0, multiple, -multiple) - 2 * k


class ASoftmaxLoss(ModifiedSoftmaxLoss):
    """Modified softmax with an angular margin m = `margin` in 1..4, annealed, averaged over the batch.

    The logit of a sample's own class is ||x|| (lambda cos(theta) + psi(theta)) / (1 + lambda). Its psi is cos(m theta)
    up to theta = pi / m and goes on falling from there (`monotonic_cosine`), as in SphereFace; eq. 4 of Mynepalli et
    al. prints cos(m theta) alone, which is a margin only up to pi / m. With m = 1 it is the modified softmax.

    lambda = max(`floor`, `start` / (1 + `decay` * iteration)), all three >= 0, is how the authors' public training
    joins the margin to the softmax bit by bit. The iteration counts the forward passes in training mode, the first of
    them being 1 as in the authors' layer. It is a buffer: in the state dict, so that a resumed training goes on alike.

    The gradient is exact, through ||x||, psi and the normalised weights. The authors' layer leaves the normalisation of
    the weights out, and scales the gradient of psi by x so that its two coefficients have length 1.
    """

    iteration: Tensor

    def __init__(
        self, dimension: int, classes: int, *, margin: int, start: float = 1000, decay: float = 0.12, floor: float = 5
    ) -> None:
        super().__init__(dimension, classes)
        self.margin = margin
        self.start, self.decay, self.floor = start, decay, floor
        self.register_buffer("iteration", torch.zeros((), dtype=torch.int64))

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        if self.training:
            self.iteration.add_(1)
        logits = self.scores(embedding)
        own = logits.gather(1, labels.unsqueeze(1))
        length = torch.linalg.vector_norm(embedding.to(logits.dtype), dim=1, keepdim=True)
        psi = monotonic_cosine(own / length.clamp_min(1e-12), self.margin)
        annealing = (self.start / (1 + self.decay * self.iteration.to(logits.dtype))).clamp_min(self.floor)
        annealed = (annealing * own + length * psi) / (1 + annealing)
        return {"loss": functional.cross_entropy(logits.scatter(1, labels.unsqueeze(1), annealed), labels)}
