"""Options of the losses that several papers use."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from shared.losses.knowing_nothing import Answer, at_right_angles, cross_entropy, entropy
from shared.runs.components import Component, Loss
from shared.runs.fields import Count, Fraction, NonNegative, Positive, Share


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
        return cross_entropy(shares, -self.scale * at_right_angles(self.margin, self.continuation))


class NormalisedSoftmax(Loss):
    """Softmax of embeddings brought to the length `scale`; `bias`: whether its linear layer has one."""

    implementation: ClassVar[str] = "shared.losses.normalised_softmax:NormalisedSoftmaxLoss"
    name: Literal["normalised-softmax"] = "normalised-softmax"
    scale: Positive = 1.0
    bias: bool = True

    knowing_nothing: ClassVar[Answer] = entropy


class AdaFace(Loss):
    """AdaFace (Kim et al., CVPR 2022): a margin that follows the length of an embedding, as its image's quality.

    `scale` is s, `margin` m and `concentration` h; `momentum` is the share of a new batch in the running mean and
    deviation of the lengths. The defaults but for the scale are those of the authors.
    """

    implementation: ClassVar[str] = "shared.losses.ada_face:AdaFaceLoss"
    name: Literal["adaface"] = "adaface"
    scale: Positive
    margin: NonNegative = 0.4
    concentration: NonNegative = 0.333
    momentum: Fraction = 0.01

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return the cross-entropy of the shares with s m off the own logit, the margin at mean length."""
        return cross_entropy(shares, self.scale * self.margin)


class SupCon(Loss):
    """Supervised contrastive loss (Khosla et al., NeurIPS 2020) with a linear probe; `temperature` is tau.

    It asks for a scheme with `pairs`. `bias`: whether the probe has one.
    """

    implementation: ClassVar[str] = "shared.losses.sup_con:SupConLoss"
    judged_by: ClassVar[str] = "cross_entropy"
    name: Literal["supcon"] = "supcon"
    temperature: Positive = 0.1
    bias: bool = True

    knowing_nothing: ClassVar[Answer] = entropy


class ClassBalanced(Loss):
    """Softmax with weights of classes by their effective number of images (Cui et al., CVPR 2019).

    `beta` in 0..1: from weights that are alike to those in proportion to one over the number of images.
    """

    implementation: ClassVar[str] = "shared.losses.effective_number:ClassBalancedLoss"
    judged_by: ClassVar[str] = "cross_entropy"
    name: Literal["class-balanced"] = "class-balanced"
    beta: Fraction = 0.9999
    bias: bool = True

    knowing_nothing: ClassVar[Answer] = entropy


class Focal(Loss):
    """Focal loss (Lin et al., ICCV 2017) of the softmax; `gamma` is the power of 1 - p."""

    implementation: ClassVar[str] = "shared.losses.focal:FocalLoss"
    name: Literal["focal"] = "focal"
    gamma: NonNegative = 2.0
    bias: bool = True

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return the focal loss of the shares as probabilities; with even shares there are no better ones."""
        return -sum(share * log(share) * float((1 - share) ** self.gamma) for share in shares if share)


class Ldam(Loss):
    """LDAM, a margin by the number of images, with deferred re-weighting (Cao et al., NeurIPS 2019).

    `scale` is s, and `margin` that of the class with the fewest images, a cosine. Once the share `deferred` of the
    training is done, samples have the weights of their classes, by `beta` as of the class-balanced loss.
    """

    implementation: ClassVar[str] = "shared.losses.ldam:LdamLoss"
    judged_by: ClassVar[str] = "cross_entropy"
    name: Literal["ldam"] = "ldam"
    scale: Positive = 30.0
    margin: NonNegative = 0.5
    deferred: Share = 0.8
    beta: Fraction = 0.9999

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return the cross-entropy of the shares with each class's margin off its own logit."""
        fewest = min(share for share in shares if share)
        drops = [self.scale * self.margin * (fewest / share) ** 0.25 if share else 0.0 for share in shares]
        return cross_entropy(shares, drops)


class BalancedSoftmax(Loss):
    """Balanced softmax (Ren et al., NeurIPS 2020): in training each logit is raised by log of the class's images."""

    implementation: ClassVar[str] = "shared.losses.logit_adjustment:BalancedSoftmaxLoss"
    name: Literal["balanced-softmax"] = "balanced-softmax"
    bias: bool = True

    knowing_nothing: ClassVar[Answer] = entropy


class LogitAdjusted(Loss):
    """Logit adjustment (Menon et al., ICLR 2021), in the `loss`, or `post-hoc` in the scores; `temperature` is tau."""

    implementation: ClassVar[str] = "shared.losses.logit_adjustment:LogitAdjustedLoss"
    name: Literal["logit-adjusted"] = "logit-adjusted"
    temperature: NonNegative = 1.0
    place: Literal["loss", "post-hoc"] = "loss"
    bias: bool = True

    knowing_nothing: ClassVar[Answer] = entropy


class LabelSmoothing(Loss):
    """Softmax with smoothed labels (Szegedy et al., CVPR 2016); `smoothing` is epsilon, shared by all classes."""

    implementation: ClassVar[str] = "shared.losses.label_smoothing:LabelSmoothingLoss"
    name: Literal["label-smoothing"] = "label-smoothing"
    smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.1
    bias: bool = True

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return the entropy of the smoothed shares."""
        uniform = self.smoothing / len(shares)
        return cross_entropy([(1 - self.smoothing) * share + uniform for share in shares])


class GeneralisedCrossEntropy(Loss):
    """Generalised cross-entropy for noisy labels (Zhang and Sabuncu, NeurIPS 2018); `power` is q."""

    implementation: ClassVar[str] = "shared.losses.generalised_cross_entropy:GeneralisedCrossEntropyLoss"
    name: Literal["generalised-cross-entropy"] = "generalised-cross-entropy"
    power: Annotated[float, Field(gt=0, le=1)] = 0.7
    bias: bool = True

    def knowing_nothing(self, shares: Sequence[float]) -> float:
        """Return it of the best probabilities, in proportion to the shares to the power of 1 / (1 - q)."""
        most = max(shares)
        if self.power == 1:
            return 1 - most
        raised = [(share / most) ** (1 / (1 - self.power)) for share in shares]
        best = [float((part / sum(raised)) ** self.power) for part in raised]
        kept = sum(share * part for share, part in zip(shares, best, strict=True))
        return (1 - kept) / self.power


class TauNormalised(Loss):
    """Softmax whose class weights are divided by their length to the power tau in the scores (Kang et al., ICLR 2020).

    `power` is tau. The same paper's classifier that is trained anew is the scheme `decoupled`.
    """

    implementation: ClassVar[str] = "shared.losses.tau_normalised:TauNormalisedLoss"
    name: Literal["tau-normalised"] = "tau-normalised"
    power: Fraction = 1.0
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
