"""Options of the losses that several papers use."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.config import Fraction, Loss, NonNegative


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
