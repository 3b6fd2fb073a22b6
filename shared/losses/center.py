"""Center loss of Wen et al., A Discriminative Feature Learning Approach for Deep Face Recognition (2016)."""

from __future__ import annotations

import torch
from torch import Tensor

from shared.losses.directions import directions
from shared.losses.softmax import SoftmaxLoss
from shared.losses.term import AddedTerm


def center_distance(embedding: Tensor, labels: Tensor, centres: Tensor, alpha: float | None) -> Tensor:
    """Return half the batch mean of ||x_i - c_{y_i}||^2, then move the centres by `alpha`, in place, unless it is None.

    Embeddings are (B, d), labels (B,), centres (C, d) without gradient.

    Their eq. 2 prints the sum over the batch. The division by its size is that of their Caffe layer; it keeps the
    meaning of a weight beside a cross-entropy that is a mean too. The centres move by their eq. 4, with the learning
    rate `alpha` in [0, 1]: c_j <- c_j + alpha sum_{y_i = j} (x_i - c_j) / (1 + n_j) with n_j samples of class j.
    """
    deviation = embedding - centres[labels]
    if alpha is not None:
        ones = torch.ones_like(labels, dtype=centres.dtype)
        counts = torch.ones_like(centres[:, 0]).index_add_(0, labels, ones)
        step = deviation.detach().to(centres.dtype) / counts[labels].unsqueeze(1)
        centres.index_add_(0, labels, step, alpha=alpha)
    return deviation.square().sum(1).mean() / 2


class Centres(AddedTerm):
    """The distance to class centres as a term of a joint loss (see `center_distance`).

    With `normalised` the embeddings are brought to length 1 before. DiscFace, which joins the term with ArcFace, does
    not say which (section 5.1); Wen et al. leave them as they are.

    The centres start at zero. They are a buffer: in the state dict, without gradient, unknown to any optimizer. They
    move in training mode only, after the loss has used them.
    """

    centres: Tensor

    def __init__(self, dimension: int, classes: int, *, weight: float, alpha: float, normalised: bool = False) -> None:
        super().__init__(weight)
        self.alpha = alpha
        self.normalised = normalised
        self.register_buffer("centres", torch.zeros(classes, dimension))

    def forward(self, embedding: Tensor, labels: Tensor, _weights: Tensor | None = None) -> Tensor:
        """Return the distance to the centres, before they move."""
        wide = embedding.to(torch.promote_types(embedding.dtype, torch.float32))
        followed = directions(wide) if self.normalised else wide
        return center_distance(followed, labels, self.centres, self.alpha if self.training else None)


class CenterLoss(SoftmaxLoss):
    """Softmax loss plus `weight` (their lambda, >= 0) times the distance to the centres (see `center_distance`).

    The centres start at zero. They are a buffer: in the state dict, without gradient, unknown to any optimizer. They
    move in training mode only, with the learning rate `alpha`, after the loss has used them.
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
        center = center_distance(embedding, labels, self.centres, self.alpha if self.training else None)
        return {
            "loss": cross_entropy + self.weight * center,
            "cross_entropy": cross_entropy,
            "center": center,
        }

    def class_vectors(self) -> Tensor:
        """Return a copy of the centres, (C, 1, d)."""
        return self.centres.unsqueeze(1).clone()
