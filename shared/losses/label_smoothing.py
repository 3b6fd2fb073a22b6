"""Label smoothing (Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from shared.losses.softmax import SoftmaxLoss


class LabelSmoothingLoss(SoftmaxLoss):
    """Cross-entropy with the targets (1 - epsilon) delta_{k, y} + epsilon / C, their section 7; the mean over the batch.

    `smoothing` in [0, 1) is epsilon, 0.1 in the paper; the own class has its epsilon / C too.
    """

    def __init__(self, dimension: int, classes: int, *, smoothing: float, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.smoothing = smoothing

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        logits = self.scores(embedding)
        return {"loss": functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)}
