"""Cross-entropy over the fixed vertices of a regular polytope, and over a learnable classifier in its place."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from papers.regular_polytope import polytope as geometry
from shared.errors import UserError
from shared.losses.angular_margin import Continuation, additive_angular_margin
from shared.losses.directions import directions


class PolytopeLoss(nn.Module):
    """Eq. 6, 8 or 9, for embeddings of length `dimension` (d) and `classes` (K) classes, averaged over the batch.

    With `scale` (kappa > 0) the logits are kappa cos(theta_j), where theta_j is the angle between an embedding and the
    weight of class j; `margin` in 0..1 is m as a share of the polytope's phi, and makes that of the own class
    kappa psi(theta) (see `additive_angular_margin`, which continues cos(theta + m) past pi). Without `scale` the
    logits are w_j f, with weights of unit length and embeddings as they are. No logit has a bias.

    The vertices are a buffer: in the state dict, unknown to any optimizer, not counted as parameters. With `learnable`
    they are trained from a uniform distribution as that of a linear layer, and normalised where they are used.

    Raises:
        UserError: the embeddings have another length than the polytope for so many classes.

    """

    weight: Tensor

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        polytope: Literal["simplex", "orthoplex", "cube"],
        learnable: bool = False,
        scale: float | None = None,
        margin: float = 0.0,
        continuation: Continuation = "linear",
    ) -> None:
        super().__init__()
        needed = geometry.dimension(polytope, classes)
        if dimension != needed:
            raise UserError(
                f"a {polytope} of {classes} classes has {needed} dimensions, but embeddings have {dimension}; "
                f"set backbone.embedding to {needed}"
            )
        self.scale = scale
        self.continuation = continuation
        self.margin = margin * geometry.angle(polytope, dimension)
        if learnable:
            bound = 1 / sqrt(dimension)
            self.weight = nn.Parameter(torch.empty(classes, dimension).uniform_(-bound, bound))
        else:
            vertices = torch.from_numpy(geometry.vertices(polytope, classes))
            self.register_buffer("weight", vertices.to(torch.get_default_dtype()))

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..K-1."""
        logits = self.scores(embedding)
        if self.margin:
            logits = additive_angular_margin(logits, labels, self.margin, self.continuation)
        if self.scale is not None:
            logits = self.scale * logits
        return {"loss": functional.cross_entropy(logits, labels)}

    def scores(self, embedding: Tensor) -> Tensor:
        """Cosines (B, K) of embeddings (B, d) with the weights; without a scale, inner products."""
        with torch.autocast(embedding.device.type, enabled=False):
            wide = embedding.to(torch.promote_types(embedding.dtype, torch.float32))
            if self.scale is not None:
                wide = directions(wide)
            return wide @ functional.normalize(self.weight, dim=1).T

    def class_vectors(self) -> Tensor:
        """Return the weights, of unit length, (K, 1, d), detached."""
        return functional.normalize(self.weight.detach(), dim=1).unsqueeze(1)
