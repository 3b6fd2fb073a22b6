"""Eliminating Intra-class Variance in Classification Neural Networks with Adversarial Losses (Mynepalli et al.).

An adversary looks at the embeddings and tries to tell one anchor image of each class from the other images of the
class; the classifier is trained not to let it, so that the embeddings of a class come to lie where its anchor lies.
Meant for rejecting what belongs to no class that was trained on.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.runs.components import Benchmark, Scheme
from shared.runs.fields import Count, NonNegative, Positive, Split


class Adversarial(Scheme):
    """Options of the adversarial training scheme.

    `weight`: lambda of eq. 8.
    `hidden`: widths of the adversary's hidden layers.
    `adversary_learning_rate`: of the adversary, whose optimizer is otherwise that of the run.
    `normalised`: whether the adversary sees embeddings divided by their length.
    `anchors`: `fixed` for two consecutive updates, so that the adversary learns from the anchors on which the
    classifier was just updated (section 4); or `independent`, those of identities that are drawn anew for the
    adversary, which section 4 warns of. Each identity has one anchor in the whole training either way (figure 6).
    """

    implementation: ClassVar[str] = "papers.adversarial_variance.scheme:AdversarialScheme"
    name: Literal["adversarial"] = "adversarial"
    weight: NonNegative
    hidden: tuple[Count, ...] = (64, 64)
    adversary_learning_rate: Positive = 0.001
    normalised: bool = True
    anchors: Literal["fixed", "independent"] = "fixed"

    @property
    def added_terms(self) -> dict[str, float]:
        """The adversarial loss of the classifier."""
        return {"adversarial": self.weight}


class Variance(Benchmark):
    """Variance of each class's embeddings along their principal components."""

    implementation: ClassVar[str] = "papers.adversarial_variance.variance:PrincipalVariance"
    metrics: ClassVar[tuple[str, ...]] = (
        *("first_variance", "second_variance", "second_share", "first_to_radius", "spread"),
        "second_variance_class*",
    )
    name: Literal["variance"] = "variance"


class Compactness(Benchmark):
    """The gap in angle between the nearest classes, and the variance within classes against that between them."""

    implementation: ClassVar[str] = "papers.adversarial_variance.compactness:Compactness"
    metrics: ClassVar[tuple[str, ...]] = ("gap", "relative_variance")
    name: Literal["compactness"] = "compactness"


class OpenSet(Benchmark):
    """How well test images of unseen classes are told from those of the classes trained on, by direction."""

    implementation: ClassVar[str] = "papers.adversarial_variance.open_set:OpenSetRejection"
    metrics: ClassVar[tuple[str, ...]] = ("auroc", "fpr_at_95_tpr")
    name: Literal["open-set"] = "open-set"
    splits: tuple[Split, ...] = ("train", "test", "unseen")
