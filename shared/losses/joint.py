"""A classification loss joined with a further term: DiscFace, ArcFace with center, contrastive or triplet loss."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from shared.losses import Term
from shared.losses.contract import exempt
from shared.losses.softmax import SoftmaxLoss
from shared.losses.term import AddedTerm
from shared.runs.components import Loss


class JointLoss(nn.Module):
    """L = L_base + lambda L_term (DiscFace, Kim et al., 2020, eq. 4), for any of the softmax-type losses as `base`.

    The base is drawn before the term, so that runs of one seed that differ in their term start alike. Scores and class
    vectors are those of the base.
    """

    def __init__(self, dimension: int, classes: int, *, base: Loss, term: Term) -> None:
        super().__init__()
        self.base: SoftmaxLoss = base.build(dimension, classes)
        self.term: AddedTerm = term.build(dimension, classes)
        self.name = term.name

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalars "loss", "classification" (the base), the unweighted term by its name, and what it tells.

        Embeddings are (B, d), labels (B,), int64 in 0..C-1.
        """
        classification = self.base(embedding, labels)["loss"]
        term = self.term(embedding, labels, self.base.weights_of(labels))
        return {
            "loss": classification + self.term.weight * term,
            "classification": classification,
            self.name: term,
            **self.term.told(),
        }

    @property
    def exempt(self) -> Mapping[str, str]:
        """What base or term do not keep of the contract of losses on purpose, with the reasons."""
        return {**exempt(self.base), **exempt(self.term)}

    def scores(self, embedding: Tensor) -> Tensor:
        """Logits (B, C) of embeddings (B, d)."""
        return self.base.scores(embedding)

    def class_vectors(self) -> Tensor:
        """Return the class vectors of the base, (C, 1, d), detached."""
        return self.base.class_vectors()
