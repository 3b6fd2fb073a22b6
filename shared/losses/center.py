"""Center loss of Wen et al., A Discriminative Feature Learning Approach for Deep Face Recognition (2016)."""

from __future__ import annotations

import torch
from torch import Tensor

from shared.losses.softmax import SoftmaxLoss


class CenterLoss(SoftmaxLoss):
    """Softmax loss plus `weight` (their lambda, >= 0) times half the batch mean of ||x_i - c_{y_i}||^2.

    Their eq. 2 prints the sum over the batch. The division by its size is that of their Caffe layer; it
    keeps the meaning of `weight` beside a cross-entropy that is a mean too.

    The centres start at zero. They are a buffer: in the state dict, without gradient, unknown to any
    optimizer. Each forward pass in training mode moves them by their eq. 4 with the learning rate `alpha`
    in [0, 1], after the loss has used them; in evaluation mode they stay.
    """

    centres: Tensor

    def __init__(self, dimension: int, classes: int, *, weight: float, alpha: float, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.weight = weight
        self.alpha = alpha
        self.register_buffer("centres", torch.zeros(classes, dimension))

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalars "loss", "cross_entropy" and "center" (not weighted).

        Embeddings are (B, d), labels (B,), int64 in 0..C-1.
        """
        cross_entropy = super().forward(embedding, labels)["loss"]
        deviation = embedding - self.centres[labels]
        center = deviation.square().sum(1).mean() / 2
        if self.training:
            self._move_centres(deviation.detach(), labels)
        return {
            "loss": cross_entropy + self.weight * center,
            "cross_entropy": cross_entropy,
            "center": center,
        }

    def class_vectors(self) -> Tensor:
        """Return a copy of the centres, (C, 1, d)."""
        return self.centres.unsqueeze(1).clone()

    def _move_centres(self, deviation: Tensor, labels: Tensor) -> None:
        """c_j <- c_j + alpha sum_{y_i = j} (x_i - c_j) / (1 + n_j) with n_j samples of class j in a batch."""
        ones = torch.ones_like(labels, dtype=self.centres.dtype)
        counts = torch.ones_like(self.centres[:, 0]).index_add_(0, labels, ones)
        step = deviation.to(self.centres.dtype) / counts[labels].unsqueeze(1)
        self.centres.index_add_(0, labels, step, alpha=self.alpha)
