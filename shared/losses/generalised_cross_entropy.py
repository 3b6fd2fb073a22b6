"""Generalised cross-entropy for training with noisy labels (Zhang and Sabuncu, NeurIPS 2018)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.softmax import SoftmaxLoss


class GeneralisedCrossEntropyLoss(SoftmaxLoss):
    """L_q = (1 - p^q) / q, their eq. 6, of the own class's probability p; the mean over the batch.

    `power` is q in (0, 1]: cross-entropy in the limit of 0, and with 1 half of the mean absolute error, which bears
    noise better and learns more slowly; 0.7 in the paper. Its gradient is p^q times that of the cross-entropy, so that
    labels that the network disbelieves count less. p^q is taken from log p: as a power of p, its derivative would be
    infinite where p underflows, as in public code. The truncated loss of their section 3.3 is not part of it.
    """

    def __init__(self, dimension: int, classes: int, *, power: float, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.power = power

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        each = functional.cross_entropy(self.scores(embedding), labels, reduction="none")
        return {"loss": (-torch.expm1(-self.power * each) / self.power).mean()}
