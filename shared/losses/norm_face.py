"""NormFace: cross-entropy of scaled cosines (Wang et al., NormFace: L2 Hypersphere Embedding, 2017)."""

from __future__ import annotations

from torch import Tensor

from shared.losses.cosine_cross_entropy import cosine_cross_entropy
from shared.losses.directions import directions
from shared.losses.modified_softmax import ModifiedSoftmaxLoss


class NormFaceLoss(ModifiedSoftmaxLoss):
    """Cross-entropy of s cos(theta_j), averaged over the batch; s is `scale` > 0.

    For embeddings of length `dimension` (d) and `classes` (C) classes. Embeddings and class weights are both normalised
    to length 1 where they are used, and there is no bias. The scale is fixed; Wang et al. learn it too. The losses with
    a margin derive from this one and override `margined`. The weights start as those of the softmax loss.

    Logits are float32 at least, also under autocast.
    """

    def __init__(self, dimension: int, classes: int, *, scale: float) -> None:
        super().__init__(dimension, classes)
        self.scale = scale

    def margined(self, cosine: Tensor) -> Tensor:
        """Return what stands in the place of cos(theta) of the own class, elementwise."""
        return cosine

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        return {
            "loss": cosine_cross_entropy(
                self._scaled(embedding),
                self.linear.weight,
                labels,
                lambda logit: self.scale * self.margined(logit / self.scale),
            )
        }

    def scores(self, embedding: Tensor) -> Tensor:
        """Logits s cos(theta_j), (B, C), of embeddings (B, d), without any margin."""
        return super().scores(self._scaled(embedding))

    def _scaled(self, embedding: Tensor) -> Tensor:
        return self.scale * directions(embedding)
