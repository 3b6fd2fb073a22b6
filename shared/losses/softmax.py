"""Softmax loss: a linear layer and its cross-entropy."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from torch.nn import functional


class SoftmaxLoss(nn.Module):
    """Cross-entropy of W f + b, averaged over the batch; the last fully connected layer is part of the loss.

    Built for embeddings of length `dimension` (d) and `classes` (C) classes; `bias` says whether there is a
    b.
    """

    def __init__(self, dimension: int, classes: int, *, bias: bool = True) -> None:
        super().__init__()
        self.linear = nn.Linear(dimension, classes, bias=bias)

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        return {"loss": functional.cross_entropy(self.scores(embedding), labels)}

    def scores(self, embedding: Tensor) -> Tensor:
        """Logits (B, C) of embeddings (B, d)."""
        return cast("Tensor", self.linear(embedding))

    def weights_of(self, labels: Tensor) -> Tensor:
        """Return the weights of the classes of labels (B,), not normalised, (B, d); a gradient flows back to them."""
        return self.linear.weight[labels]

    def class_vectors(self) -> Tensor:
        """Rows of the weight matrix, (C, 1, d), detached."""
        return self.linear.weight.detach().unsqueeze(1)
