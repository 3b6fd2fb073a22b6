"""Tau-normalisation of a trained classifier (Kang et al., Decoupling Representation and Classifier, ICLR 2020)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor
from torch.nn import functional

from shared.losses.softmax import SoftmaxLoss


class TauNormalisedLoss(SoftmaxLoss):
    """The softmax loss; its scores are w_j f / ||w_j||^tau, without the bias, in which rare classes come forward.

    `power` is tau in [0, 1] (their section 4); the paper chooses it on held-out images. Nothing is trained anew: it is a rule of
    prediction. With 0 the scores are those of softmax without its bias, with 1 only the direction of a class counts.
    Their other way, a classifier that is trained anew, is a scheme: `shared.training.decoupled`.
    """

    exempt: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"scores": "the lengths of the class weights, which the loss is trained with, are taken out of the scores"}
    )

    def __init__(self, dimension: int, classes: int, *, power: float, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.power = power

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        return {"loss": functional.cross_entropy(super().scores(embedding), labels)}

    def scores(self, embedding: Tensor) -> Tensor:
        """Normalised logits (B, C) of embeddings (B, d)."""
        return functional.linear(embedding, self._normalised())

    def class_vectors(self) -> Tensor:
        """Return the weights as the scores use them, (C, 1, d), detached."""
        return self._normalised().detach().unsqueeze(1)

    def _normalised(self) -> Tensor:
        weight = self.linear.weight
        return weight / weight.norm(dim=1, keepdim=True).clamp_min(1e-12) ** self.power
