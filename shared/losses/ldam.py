"""LDAM (Cao et al., Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss, NeurIPS 2019)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.effective_number import effective_weights
from shared.losses.informed import Informed
from shared.losses.norm_face import NormFaceLoss


class LdamLoss(NormFaceLoss, Informed):
    """Cross-entropy of s (cos(theta) - Delta_y) for the own class and s cos(theta_j) for the others.

    Delta_j = K / n_j^(1/4) for n_j training images (their section 3.2), with K such that the greatest is `margin`, which is their
    max_m, 0.5. s is `scale`, which the paper does not print: 30 in the authors' code. Embeddings and weights are of
    length 1 and there is no bias, as there.

    Deferred re-weighting: once the share `deferred` of the training is done, samples have the weights of their classes
    (`effective_weights` of `beta`; theirs are 0.8, epoch 160 of 200, and 0.9999), and the loss is divided by the sum of
    the batch's weights, as the authors' code has it by torch's weighted cross-entropy. With `deferred` 1 it never
    comes, with 0 at once.
    """

    def __init__(
        self, dimension: int, classes: int, *, scale: float, margin: float, deferred: float, beta: float
    ) -> None:
        super().__init__(dimension, classes, scale=scale)
        self.await_information(classes)
        self.margin, self.deferred, self.beta = margin, deferred, beta

    def margins(self) -> Tensor:
        """Return Delta_j of each class (C,), at most `margin`; a class without images has that of the rarest."""
        n = self.counts
        fewest = torch.where(n > 0, n, torch.inf).amin()
        return self.margin * (fewest / n.clamp_min(fewest)) ** 0.25

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalars "loss" and "cross_entropy" (with margins, without weights).

        Embeddings are (B, d), labels (B,), int64 in 0..C-1.
        """
        logits = self.scores(embedding)
        margins = (self.scale * self.margins()[labels]).to(logits.dtype).unsqueeze(1)
        lowered = logits.scatter_add(1, labels.unsqueeze(1), -margins)
        each = functional.cross_entropy(lowered, labels, reduction="none")
        balanced = effective_weights(self.counts, self.beta)[labels]
        weights = torch.where(self.progress >= self.deferred, balanced, torch.ones_like(balanced))
        return {"loss": (weights * each).sum() / weights.sum(), "cross_entropy": each.mean()}
