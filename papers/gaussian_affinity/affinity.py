"""Affinity loss: Gaussian similarity to class prototypes, max-margin hinge and diversity regulariser."""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Literal

import torch
from torch import Tensor, nn


def squared_l2(a: Tensor, b: Tensor) -> Tensor:
    """Squared Euclidean distances (n, k), never negative, between the rows of a (n, d) and of b (k, d).

    The quadratic expansion of eq. 4: one matrix product, no tensor of size n x k x d, not lowered by
    autocast. It would cancel far from the origin, so both sides are first taken relative to the mean of b,
    which no distance notices. Where rounding still makes it negative it becomes 0, with gradient 0 in place
    of a vanishing 2 (a - b).
    """
    with torch.autocast(a.device.type, enabled=False):
        origin = b.detach().mean(0)
        a, b = a - origin, b - origin
        expansion = torch.addmm(b.square().sum(1), a, b.T, alpha=-2) + a.square().sum(1, keepdim=True)
        return expansion.clamp_min(0)


def max_margin(similarity: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Hinge L_mm of eq. 6: summed over the wrong classes and averaged over the batch.

    The similarities are (B, C), the labels (B,), int64 in 0..C-1. The paper does not state the reduction
    over the batch.
    """
    own = similarity.gather(1, labels.unsqueeze(1))
    # The sum runs over j = y too; that term is exactly the margin, and cheaper to take away than to mask.
    return ((similarity - own + margin).relu().sum(1) - margin).mean()


def diversity(prototypes: Tensor) -> Tensor:
    """R of eqs. 7 and 8: variance of the squared distances of all pairs of n prototypes (n, d); 0 if n = 1.

    Eq. 8 is printed for one prototype a class; with m of them its C becomes n = m C. Time and memory are
    quadratic in n.
    """
    pairs = max(1, len(prototypes) * (len(prototypes) - 1) // 2)
    distance = squared_l2(prototypes, prototypes)
    mean = distance.tril(-1).sum() / pairs
    return (distance - mean).tril(-1).square().sum() / pairs


class AffinityLoss(nn.Module):
    """L = L_mm + diversity * R, eq. 10, over m = `prototypes` prototypes of length `dimension` (d) a class.

    `sigma` > 0 divides the distance in the Gaussian similarity and is without effect on the inverse one,
    `margin` is lambda of eq. 6 in (0, 1), `diversity` >= 0 the weight of R, 1 in the paper. The distance is
    ||f - w||^2 or, in table 4, sum |f - w|; R uses the former always.

    Prototypes start normally distributed with variance `initial_scale`^2 / d in each coordinate. Whatever d
    is, their mean squared norm is then initial_scale^2, and the mean squared distance of two of them twice
    that. Without an `initial_scale` their mean distance is the one at which the similarity of two of them has
    fallen to 1 - margin, so that the hinge can come to zero and no similarity has vanished.

    Distances, similarities and losses are float32 at least, also under autocast.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        sigma: float,
        margin: float,
        prototypes: int = 1,
        diversity: float = 1.0,
        distance: Literal["squared_l2", "l1"] = "squared_l2",
        similarity: Literal["gaussian", "inverse"] = "gaussian",
        initial_scale: float | None = None,
    ) -> None:
        super().__init__()
        self.sigma = sigma
        self.margin = margin
        self.diversity = diversity
        self.distance = distance
        self.similarity = similarity
        self.prototypes = nn.Parameter(torch.empty(classes, prototypes, dimension))
        scale = self._reachable_scale(dimension) if initial_scale is None else initial_scale
        nn.init.normal_(self.prototypes, std=scale / sqrt(dimension))

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalars "loss", "hinge" (L_mm) and "diversity" (R, not weighted).

        Embeddings are (B, d), labels (B,), int64 in 0..C-1.
        """
        hinge = max_margin(self._similarity(self._distance(embedding)), labels, self.margin)
        spread = diversity(self._wide(self.prototypes).flatten(0, 1))
        return {"loss": hinge + self.diversity * spread, "hinge": hinge, "diversity": spread}

    def scores(self, embedding: Tensor) -> Tensor:
        """Negative distances (B, C) of embeddings (B, d) to the nearest prototype of each class.

        They order the classes as the similarities do, and still do so where those underflow.
        """
        return -self._distance(embedding)

    def class_vectors(self) -> Tensor:
        """Prototypes, (C, m, d), detached."""
        return self.prototypes.detach()

    def _distance(self, embedding: Tensor) -> Tensor:
        """Distances (B, C) to the nearest prototype of each class, the one that is most similar in eq. 9."""
        features, prototypes = self._wide(embedding), self._wide(self.prototypes).flatten(0, 1)
        l1 = self.distance == "l1"
        distance = torch.cdist(features, prototypes, p=1) if l1 else squared_l2(features, prototypes)
        return distance.view(-1, *self.prototypes.shape[:2]).min(2).values

    def _similarity(self, distance: Tensor) -> Tensor:
        """Eq. 3, or the inverse distance of table 4; in [0, 1]."""
        if self.similarity == "inverse":
            return 1 / (1 + distance)
        return torch.exp(-distance / self.sigma)

    def _reachable_scale(self, dimension: int) -> float:
        """Root mean square norm at which the mean distance of two prototypes has similarity 1 - margin."""
        inverse = self.similarity == "inverse"
        distance = self.margin / (1 - self.margin) if inverse else -self.sigma * log(1 - self.margin)
        # Two prototypes are 2 scale^2 apart in squared l2, and sqrt(d) scale 2 / sqrt(pi) in l1.
        return sqrt(distance / 2) if self.distance == "squared_l2" else distance * sqrt(pi / dimension) / 2

    @staticmethod
    def _wide(tensor: Tensor) -> Tensor:
        return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
