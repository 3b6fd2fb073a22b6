"""Class-balanced weights by the effective number of samples (Cui et al., Class-Balanced Loss, CVPR 2019)."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.informed import Informed
from shared.losses.softmax import SoftmaxLoss


def effective_weights(counts: Tensor, beta: float) -> Tensor:
    """Return weights (C,) in proportion to 1 / E_n = (1 - beta) / (1 - beta^n), by their proposition 1, with the mean 1.

    `counts` are the numbers n of training images (C,), and beta is in [0, 1]. With 0 all weights are alike; with 1 they
    are in proportion to 1 / n, the limit. The mean is over the classes that have images; a class without any has the
    weight of one with a single image.
    """
    n = counts.clamp_min(1)
    if beta == 0:
        return torch.ones_like(n)
    weights = 1 / n if beta == 1 else (1 - beta) / -torch.expm1(n * math.log(beta))
    present = counts > 0
    return weights * present.sum() / torch.where(present, weights, 0).sum()


class ClassBalancedLoss(SoftmaxLoss, Informed):
    """Softmax loss in which each sample has the weight of its class (`effective_weights`, `beta` in [0, 1]): section 4.

    It is the mean over the batch of weight times cross-entropy, as in the authors' code; it is not divided by the sum
    of the batch's weights, as torch's weighted cross-entropy is. Their other losses are the sum of C sigmoid
    cross-entropies, one a class, and the focal loss of those. `beta` 0.9999 is the one of four that they use most.
    """

    def __init__(self, dimension: int, classes: int, *, beta: float, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.await_information(classes)
        self.beta = beta

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalars "loss" and "cross_entropy" (not weighted).

        Embeddings are (B, d), labels (B,), int64 in 0..C-1.
        """
        each = functional.cross_entropy(self.scores(embedding), labels, reduction="none")
        weights = effective_weights(self.counts, self.beta)[labels]
        return {"loss": (weights * each).mean(), "cross_entropy": each.mean()}
