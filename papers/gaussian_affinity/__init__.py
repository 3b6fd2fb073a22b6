"""Gaussian Affinity for Max-margin Class Imbalanced Learning (Hayat et al., 2019).

The softmax layer is replaced by prototypes in Euclidean space: an embedding belongs to the class of its nearest
prototype, a hinge asks for a margin between the Gaussian similarities, and a regulariser makes the prototypes
equidistant. Meant for training sets in which some classes are rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from shared.runs.components import Benchmark, Loss
from shared.runs.fields import Count, Fraction, NonNegative, Positive, Split


class Affinity(Loss):
    """Options of the affinity loss.

    `sigma`: spread of the similarity in eq. 3, for the l1 distance too; the inverse similarity has none.
    `margin`: lambda of eq. 6.
    `prototypes`: m of eq. 9, for each class.
    `diversity`: weight of R in eq. 10, which prints none, that is 1.
    `distance`, `similarity`: the choices of table 4.
    `initial_scale`: root mean square norm of a prototype at the start; without one it is chosen so that the margin can
    be reached.
    """

    implementation: ClassVar[str] = "papers.gaussian_affinity.affinity:AffinityLoss"
    judged_by: ClassVar[str] = "hinge"
    name: Literal["affinity"] = "affinity"
    sigma: Positive
    margin: Annotated[float, Field(gt=0, lt=1)]
    prototypes: Count = 1
    diversity: NonNegative = 1.0
    distance: Literal["squared_l2", "l1"] = "squared_l2"
    similarity: Literal["gaussian", "inverse"] = "gaussian"
    initial_scale: Positive | None = None

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return the hinge of one embedding for all images: lambda (C - 1) where their similarities are all equal.

        Of uneven shares it is lower where the similarity to the k most frequent classes, of a share P together, is
        higher by lambda than to the others: lambda (P (k - 1) + (1 - P) (C - 1 + k)), for the best of k.
        """
        falling, classes = sorted(shares, reverse=True), len(shares)
        together = [sum(falling[:k]) for k in range(1, classes + 1)]
        hinges = (p * (k - 1) + (1 - p) * (classes - 1 + k) for k, p in enumerate(together, start=1))
        return self.margin * min(hinges)


class RecallBySize(Benchmark):
    """Recall of the classes of which there are few test images, and of the others; figure 4's claim in numbers."""

    implementation: ClassVar[str] = "papers.gaussian_affinity.recall:RecallBySize"
    metrics: ClassVar[tuple[str, ...]] = ("rare", "frequent")


class NoisyLabels(Benchmark):
    """What becomes of training images with a wrong label: how they are classified, and to which prototypes they go."""

    implementation: ClassVar[str] = "papers.gaussian_affinity.noisy_labels:NoisyLabels"
    metrics: ClassVar[tuple[str, ...]] = ("as_given", "as_true", "other_prototypes")
    name: Literal["noisy-labels"] = "noisy-labels"
    splits: tuple[Split, ...] = ("train",)


class CoSen(Loss):
    """Options of the loss of CoSen CNN (Khan et al., 2017), which tables 1 and 2 compare with.

    `period`: forward passes between two updates of the costs; the description has an epoch of them.
    `rate`: the share of the way to their target that the costs go in an update; multiplied by `decay` whenever the
    error has risen.
    `separability_...`, `confusion_...`: mu and sigma of the two bells in the target.
    `kept`: embeddings of each class that its separability is measured on.
    `bias`: that of the linear layer.
    """

    implementation: ClassVar[str] = "papers.gaussian_affinity.cosen:CoSenLoss"
    name: Literal["cosen"] = "cosen"
    period: Count
    rate: Fraction = 0.1
    decay: Fraction = 0.01
    separability_centre: float = 1.0
    separability_spread: Positive = 1.0
    confusion_centre: float = 1.0
    confusion_spread: Positive = 1.0
    kept: Annotated[int, Field(ge=2)] = 50
    bias: bool = True

    def rehearsed(self) -> Self:
        """Return the same with an update of the costs every second step."""
        return self.model_copy(update={"period": 2})


BENCHMARKS = (RecallBySize(name="dermofit-recall"), RecallBySize(name="emnist-recall"))
