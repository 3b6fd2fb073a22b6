"""Focal loss of Lin et al., Focal Loss for Dense Object Detection (ICCV 2017)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.softmax import SoftmaxLoss


def focal(cross_entropy: Tensor, gamma: float) -> Tensor:
    """Return (1 - p)^gamma (-log p), elementwise, of cross-entropies -log p >= 0; gamma >= 0.

    1 - p is taken from -log p, without loss of digits, and is kept above 0: below 1, gamma would give it an infinite
    derivative there.
    """
    rest = -torch.expm1(-cross_entropy)
    return rest.clamp_min(torch.finfo(rest.dtype).tiny ** 0.5) ** gamma * cross_entropy


class FocalLoss(SoftmaxLoss):
    """Softmax loss of which each sample has the share (1 - p)^gamma, p the probability of its class (their eq. 4).

    `gamma` >= 0 is their focusing parameter, 2 in most of their experiments; with 0 it is the softmax loss. The mean is
    over the batch. Lin et al. detect objects: their p is a sigmoid, each class by itself, and background is all classes
    together; eq. 5 weights the two by alpha. Of two classes p is the sigmoid of the difference of the logits, and the
    loss theirs without alpha. Of more it is, as here, what is used for classification (e.g. in the code of LDAM, where
    weights of classes, if there are any, are put on log p before p is taken from it).
    """

    def __init__(self, dimension: int, classes: int, *, gamma: float, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.gamma = gamma

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        each = functional.cross_entropy(self.scores(embedding), labels, reduction="none")
        return {"loss": focal(each, self.gamma).mean()}
