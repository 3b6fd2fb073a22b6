"""AdaFace (Kim et al., AdaFace: Quality Adaptive Margin for Face Recognition, CVPR 2022)."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.norm_face import NormFaceLoss

SHORTEST, LONGEST, NEAR = 1e-3, 100.0, 1e-3
"""What lengths and angles are cut off at, as in the authors' code."""


class AdaFaceLoss(NormFaceLoss):
    """Cross-entropy with s (cos(theta + g_angle) - g_add) for the own class, and s cos(theta_j) for the others.

    g_angle = -m z and g_add = m z + m (their section 3.3), where z = h (||x|| - mu) / sigma, cut off at -1 and 1, says
    how long an embedding is for one of its batch, which stands for the quality of the image. So with z = -1 the margin
    is that of ArcFace, with z = 0 that of CosFace; with z = 1 the angle is lessened by m and 2m is taken from its cosine.
    s is `scale`, m `margin` and h `concentration`, 64, 0.4 and 0.333 in the paper.

    mu and sigma are running means of the batches' mean and standard deviation, with `momentum` of 0.01 for the new
    batch, as in the authors' training (the paper says 0.99 for the old). They start at 20 and 100, as there, are
    buffers, and move before they are used, here in training mode alone. A batch of one has no deviation and moves the
    mean only; that code makes all that follows NaN. No gradient flows through z, so that none lengthens embeddings.

    As there, lengths are cut off at 0.001 and 100, theta at an arc whose cosine is 0.999, and theta + g_angle at 0.001
    from 0 and pi; that cuts off the other classes' cosines too. Class weights start as those of the softmax loss.
    """

    exempt: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"gradient": "the length of an embedding is a constant for the gradient, as in the paper"}
    )

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        scale: float,
        margin: float,
        concentration: float,
        momentum: float,
    ) -> None:
        super().__init__(dimension, classes, scale=scale)
        self.margin, self.concentration, self.momentum = margin, concentration, momentum
        self.register_buffer("mean", torch.tensor(20.0))
        self.register_buffer("deviation", torch.tensor(100.0))

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        index = labels.unsqueeze(1)
        logits = self.scores(embedding)
        z = self._quality(embedding).unsqueeze(1)
        cosine = (logits.gather(1, index) / self.scale).clamp(-1 + NEAR, 1 - NEAR)
        turned = (cosine.acos() - self.margin * z).clamp(NEAR, pi - NEAR).cos()
        own = self.scale * (turned - self.margin * (1 + z))
        return {"loss": functional.cross_entropy(logits.scatter(1, index, own), labels)}

    @torch.no_grad()
    def _quality(self, embedding: Tensor) -> Tensor:
        """Return z of embeddings (B, d), after the running means have moved."""
        wide = embedding.to(torch.promote_types(embedding.dtype, self.mean.dtype))
        length = torch.linalg.vector_norm(wide, dim=1).clamp(SHORTEST, LONGEST)
        if self.training:
            self.mean.lerp_(length.mean(), self.momentum)
            if len(length) > 1:
                self.deviation.lerp_(length.std(), self.momentum)
        return (self.concentration * (length - self.mean) / (self.deviation + NEAR)).clamp(-1, 1)
