"""Discrepancy loss of Kim et al., DiscFace: Minimum Discrepancy Learning for Deep Face Recognition (ACCV 2020)."""

from __future__ import annotations

from math import sqrt
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from shared.losses.directions import directions
from shared.losses.term import AddedTerm


class Discrepancy(AddedTerm):
    """Mean over the batch of ||epsilon(x, y) - xi||, eq. 3, where epsilon = x / ||x|| - w_y / ||w_y||, eq. 2.

    The norm is not squared. xi is the displacement basis, one learned vector for all classes. Eq. 3 leaves its length
    free; Algorithm 1, followed here, cuts it off at `clip`: xi = b / ||b|| min(||b||, clip) for the parameter b. Above
    the clip the gradient turns b and leaves its length alone. The gradient reaches embeddings, class weights and basis;
    that of a norm which is 0 is taken to be 0.

    The paper does not say how b starts. Here it does as the class weights do, uniformly within +-1 / sqrt(d) in each
    coordinate: its length is some 0.58, so that xi starts in a random direction with the length of the clip. With that
    length fixed the start matters little, which is the paper's reason for the clip.

    With `bases` > 1, as in the text on figure 4 (d), the nearest xi counts for each sample, and that one alone learns
    from it; the paper does not say how they are assigned.

    Displacements are float32 at least, also under autocast.
    """

    def __init__(self, dimension: int, _classes: int, *, weight: float, bases: int = 1, clip: float = 0.05) -> None:
        super().__init__(weight)
        self.clip = clip
        bound = 1 / sqrt(dimension)
        self.displacement = nn.Parameter(torch.empty(bases, dimension).uniform_(-bound, bound))

    def forward(self, embedding: Tensor, _labels: Tensor, weights: Tensor) -> Tensor:
        """Return the mean distance of the displacements to the basis."""
        displacement = directions(embedding) - functional.normalize(weights, dim=1)
        distance = torch.linalg.vector_norm(displacement.unsqueeze(1) - self.basis(), dim=2)
        return cast("Tensor", distance.min(1).values.mean())

    def told(self) -> dict[str, Tensor]:
        """Return "basis_norm", the mean length of the basis as it is used."""
        return {"basis_norm": torch.linalg.vector_norm(self.basis().detach(), dim=1).mean()}

    def basis(self) -> Tensor:
        """Return the basis as it is used, its length cut off, (bases, d)."""
        length: Tensor = torch.linalg.vector_norm(self.displacement, dim=1, keepdim=True)
        return functional.normalize(self.displacement, dim=1) * length.clamp(max=self.clip)
