"""Normalised softmax loss: a linear layer on embeddings of one length, and its cross-entropy."""

from __future__ import annotations

import torch
from torch import Tensor

from shared.losses.directions import directions
from shared.losses.softmax import SoftmaxLoss


class NormalisedSoftmaxLoss(SoftmaxLoss):
    """Cross-entropy of W (s x / ||x||) + b, averaged over the batch; s is `scale` > 0, `bias` whether there is a b.

    Section 5 of Mynepalli et al. normalises the embedding before the softmax layer, whose eq. 6 has weights and biases
    as they are. No scale is stated, that is 1; the weights, growing, take its place, but slowly.

    For embeddings of length `dimension` (d) and `classes` (C) classes. An embedding without length stays zero. Logits
    are float32 at least, also under autocast.
    """

    def __init__(self, dimension: int, classes: int, *, scale: float = 1.0, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.scale = scale

    def scores(self, embedding: Tensor) -> Tensor:
        """Logits (B, C) of embeddings (B, d), of which only the direction counts."""
        with torch.autocast(embedding.device.type, enabled=False):
            return super().scores(self.scale * directions(embedding))
