"""Options of the losses that several papers use."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from shared.losses.knowing_nothing import Answer, cross_entropy, entropy
from shared.runs.components import Component, Loss
from shared.runs.fields import Count, Fraction, NonNegative, Positive


class Softmax(Loss):
    """Cross-entropy of a linear layer, the usual baseline; `bias`: whether that layer has one."""

    implementation: ClassVar[str] = "shared.losses.softmax:SoftmaxLoss"
    name: Literal["softmax"] = "softmax"
    bias: bool = True

    knowing_nothing: ClassVar[Answer] = entropy


class Center(Loss):
    """Softmax joined with the center loss of Wen et al. (ECCV 2016).

    `weight` is their lambda, `alpha` the learning rate of the centres, `bias` that of the linear layer.
    """

    implementation: ClassVar[str] = "shared.losses.center:CenterLoss"
    judged_by: ClassVar[str] = "cross_entropy"
    name: Literal["center"] = "center"
    weight: NonNegative
    alpha: Fraction
    bias: bool = True

    knowing_nothing: ClassVar[Answer] = entropy


class ModifiedSoftmax(Loss):
    """Softmax with class weights of length 1 and without bias (SphereFace, Liu et al., CVPR 2017)."""

    implementation: ClassVar[str] = "shared.losses.modified_softmax:ModifiedSoftmaxLoss"
    name: Literal["modified-softmax"] = "modified-softmax"

    knowing_nothing: ClassVar[Answer] = entropy


class ASoftmax(Loss):
    """A-softmax of SphereFace (Liu et al., CVPR 2017): modified softmax with an angular margin.

    `margin` is its m. The margin joins in with a share of 1 / (1 + lambda), where lambda is
    max(`floor`, `start` / (1 + `decay` * iteration)); the defaults are those of the authors' published training.
    """

    implementation: ClassVar[str] = "shared.losses.a_softmax:ASoftmaxLoss"
    name: Literal["a-softmax"] = "a-softmax"
    margin: Literal[1, 2, 3, 4]
    start: NonNegative = 1000.0
    decay: NonNegative = 0.12
    floor: NonNegative = 5.0

    knowing_nothing: ClassVar[Answer] = entropy


class NormFace(Loss):
    """Softmax of s cos(theta) (Wang et al., ACM Multimedia 2017); `scale` is s."""

    implementation: ClassVar[str] = "shared.losses.norm_face:NormFaceLoss"
    name: Literal["normface"] = "normface"
    scale: Positive

    knowing_nothing: ClassVar[Answer] = entropy


class CosFace(Loss):
    """CosFace (Wang et al., CVPR 2018): s (cos(theta) - m) for the own class; `scale` is s and `margin` m."""

    implementation: ClassVar[str] = "shared.losses.cos_face:CosFaceLoss"
    name: Literal["cosface"] = "cosface"
    scale: Positive
    margin: NonNegative

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return the cross-entropy of the shares with s m off the own logit."""
        return cross_entropy(shares, self.scale * self.margin)


class ArcFace(Loss):
    """ArcFace (Deng et al., CVPR 2019): s cos(theta + m) for the own class; `scale` is s and `margin` m, in radians.

    `continuation`: what becomes of cos(theta + m) where theta is large (see `shared.losses.angular_margin`); the
    default is that of the authors' own code, `easy` its easy margin.
    `gradient`: whether it goes through the margin or takes it for a constant, as some public code does.
    """

    implementation: ClassVar[str] = "shared.losses.arc_face:ArcFaceLoss"
    name: Literal["arcface"] = "arcface"
    scale: Positive
    margin: Annotated[float, Field(ge=0, le=pi)]
    continuation: Literal["smooth", "at-pi", "linear", "easy", "clamped", "none"] = "linear"
    gradient: Literal["exact", "detached"] = "exact"

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return the cross-entropy of the shares with the margin at 90 degrees, where no image is near any class."""
        from shared.losses.angular_margin import at_right_angles  # noqa: PLC0415 - imports torch

        return cross_entropy(shares, -self.scale * at_right_angles(self.margin, self.continuation))


class NormalisedSoftmax(Loss):
    """Softmax of embeddings brought to the length `scale`; `bias`: whether its linear layer has one."""

    implementation: ClassVar[str] = "shared.losses.normalised_softmax:NormalisedSoftmaxLoss"
    name: Literal["normalised-softmax"] = "normalised-softmax"
    scale: Positive = 1.0
    bias: bool = True

    knowing_nothing: ClassVar[Answer] = entropy


class Term(Component):
    """Options of what a joint loss adds to a classification loss; builds `module(dimension, classes)`.

    `weight` is its lambda.
    """

    weight: NonNegative


class CenterTerm(Term):
    """Distance to class centres (Wen et al., ECCV 2016); `alpha` is the learning rate of the centres.

    `normalised`: whether the embeddings are brought to length 1 before.
    """

    implementation: ClassVar[str] = "shared.losses.center:Centres"
    name: Literal["center"] = "center"
    alpha: Fraction
    normalised: bool = False


class ContrastiveTerm(Term):
    """Contrastive loss (Hadsell et al., CVPR 2006) on random pairs of a batch; `margin` is m, a Euclidean distance."""

    implementation: ClassVar[str] = "shared.losses.pairs:Contrastive"
    name: Literal["contrastive"] = "contrastive"
    margin: NonNegative


class TripletTerm(Term):
    """Triplet loss (FaceNet, CVPR 2015) on random triplets of a batch; `margin` is m, a squared Euclidean distance."""

    implementation: ClassVar[str] = "shared.losses.pairs:Triplet"
    name: Literal["triplet"] = "triplet"
    margin: NonNegative


class DiscrepancyTerm(Term):
    """Discrepancy loss of DiscFace (Kim et al., ACCV 2020).

    `bases` is the number of learned displacement vectors, `clip` the greatest length they are used with.
    """

    implementation: ClassVar[str] = "shared.losses.discrepancy:Discrepancy"
    name: Literal["discrepancy"] = "discrepancy"
    bases: Count = 1
    clip: Positive = 0.05


class Joint(Loss):
    """A softmax-type loss without bias, `base`, and a further term, `term`, times its weight."""

    implementation: ClassVar[str] = "shared.losses.joint:JointLoss"
    judged_by: ClassVar[str] = "classification"
    name: Literal["joint"] = "joint"
    base: Annotated[Softmax | ModifiedSoftmax | ASoftmax | NormFace | CosFace | ArcFace, Field(discriminator="name")]
    term: Annotated[CenterTerm | ContrastiveTerm | TripletTerm | DiscrepancyTerm, Field(discriminator="name")]

    @field_validator("base")
    @classmethod
    def _has_no_bias(cls, base: Loss) -> Loss:
        if getattr(base, "bias", False):
            raise ValueError("the base of a joint loss has no bias: give it 'bias: false'")
        return base

    def knowing_nothing(self, shares: Sequence[float]) -> float | None:
        """Return that of the base."""
        return self.base.knowing_nothing(shares)
