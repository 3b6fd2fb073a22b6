"""Contrastive and triplet loss on pairs drawn at random within the batch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor

from shared.losses.directions import directions
from shared.losses.term import AddedTerm


AT_RANDOM: Mapping[str, str] = MappingProxyType({"order": "pairs are drawn at random by their places in the batch"})


def random_pairs(labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return for each of the samples (B,) one of its class, one of another class, and whether there are both.

    The first two are indices (B,), each drawn uniformly and for itself from the candidates in the batch, never the
    sample itself; where there is no candidate they mean nothing. Kim et al. (DiscFace, section 5.3) say no more than
    that anchor, positive and negative are randomly sampled.

    The draws are those of torch's global generator of the CPU, whatever the device of the labels, so that they go on
    alike after a checkpoint and on every device.
    """
    same = labels.unsqueeze(1) == labels
    other = ~same
    same.fill_diagonal_(False)
    # One draw serves both: no candidate of the one kind is one of the other.
    keys = torch.rand(len(labels), len(labels)).to(labels.device)
    positive = keys.masked_fill(other, -1).fill_diagonal_(-1).argmax(1)
    negative = keys.masked_fill(~other, -1).argmax(1)
    return positive, negative, same.any(1) & other.any(1)


def _mean_over(anchors: Tensor, values: Tensor) -> Tensor:
    """Mean of the values (B,) of the samples that are anchors; where there is none, 0, still with a graph."""
    return torch.where(anchors, values, 0).sum() / anchors.sum().clamp_min(1)


class Contrastive(AddedTerm):
    """Mean over the pairs of D^2 / 2 for two of one class, and max(0, m - D)^2 / 2 for two of different classes.

    The loss of Hadsell et al. (CVPR 2006) as Sun et al. (NIPS 2014) have it for faces, which DiscFace cites. D is the
    Euclidean distance of the embeddings brought to length 1, as the evaluation compares them, so at most 2; m is
    `margin`. DiscFace states neither. Each sample that can be an anchor gives one pair of either kind (see
    `random_pairs`).
    """

    exempt: ClassVar[Mapping[str, str]] = AT_RANDOM

    def __init__(self, _dimension: int, _classes: int, *, weight: float, margin: float) -> None:
        super().__init__(weight)
        self.margin = margin

    def forward(self, embedding: Tensor, labels: Tensor, _weights: Tensor | None = None) -> Tensor:
        """Return the mean over the pairs drawn, 0 where there is none."""
        turned = directions(embedding)
        positive, negative, anchors = random_pairs(labels)
        near = (turned - turned[positive]).square().sum(1)
        far = torch.linalg.vector_norm(turned - turned[negative], dim=1)
        return _mean_over(anchors, (near + (self.margin - far).relu().square()) / 4)


class Triplet(AddedTerm):
    """Mean over the triplets of max(0, D_p^2 - D_n^2 + m) (Schroff et al., FaceNet, CVPR 2015).

    Their eq. 3 prints the sum. D_p and D_n are the Euclidean distances of an anchor to its positive and its negative,
    of embeddings brought to length 1 as there; m is `margin`. Each sample that can be an anchor gives one triplet (see
    `random_pairs`).
    """

    exempt: ClassVar[Mapping[str, str]] = AT_RANDOM

    def __init__(self, _dimension: int, _classes: int, *, weight: float, margin: float) -> None:
        super().__init__(weight)
        self.margin = margin

    def forward(self, embedding: Tensor, labels: Tensor, _weights: Tensor | None = None) -> Tensor:
        """Return the mean over the triplets drawn, 0 where there is none."""
        turned = directions(embedding)
        positive, negative, anchors = random_pairs(labels)
        near = (turned - turned[positive]).square().sum(1)
        far = (turned - turned[negative]).square().sum(1)
        return _mean_over(anchors, (near - far + self.margin).relu())
