"""Options of the losses that several papers use."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.config import Fraction, Loss, NonNegative, Positive


class Softmax(Loss):
    """Cross-entropy of a linear layer, the usual baseline; `bias`: whether that layer has one."""

    implementation: ClassVar[str] = "shared.losses.softmax:SoftmaxLoss"
    name: Literal["softmax"] = "softmax"
    bias: bool = True


class Center(Loss):
    """Softmax joined with the center loss of Wen et al. (ECCV 2016).

    `weight` is their lambda, `alpha` the learning rate of the centres, `bias` that of the linear layer.
    """

    implementation: ClassVar[str] = "shared.losses.center:CenterLoss"
    name: Literal["center"] = "center"
    weight: NonNegative
    alpha: Fraction
    bias: bool = True


class ModifiedSoftmax(Loss):
    """Softmax with class weights of length 1 and without bias (SphereFace, Liu et al., CVPR 2017)."""

    implementation: ClassVar[str] = "shared.losses.modified_softmax:ModifiedSoftmaxLoss"
    name: Literal["modified-softmax"] = "modified-softmax"


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


class NormalisedSoftmax(Loss):
    """Softmax of embeddings brought to the length `scale`; `bias`: whether its linear layer has one."""

    implementation: ClassVar[str] = "shared.losses.normalised_softmax:NormalisedSoftmaxLoss"
    name: Literal["normalised-softmax"] = "normalised-softmax"
    scale: Positive = 1.0
    bias: bool = True


class MetricL2(Loss):
    """Softmax joined with the metric L2 regulariser of Yin et al. (CVPR 2019), the squared length of the logits.

    `weight` is their alpha_reg, `bias` that of the linear layer.
    """

    implementation: ClassVar[str] = "shared.losses.metric_l2:MetricL2Loss"
    name: Literal["metric-l2"] = "metric-l2"
    weight: NonNegative
    bias: bool = False
