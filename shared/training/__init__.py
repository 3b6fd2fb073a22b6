"""Options of the training schemes and optimizers, and the loop that all papers train with."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from shared.runs.components import Optimizer, Scheme
from shared.runs.fields import Fraction, NonNegative, Positive


class Classification(Scheme):
    """One backbone and one loss, updated together on each batch; `pairs`: batches of pairs of images of one class."""

    implementation: ClassVar[str] = "shared.training.classification:ClassificationScheme"
    name: Literal["classification"] = "classification"
    pairs: bool = Field(False, exclude_if=lambda pairs: not pairs)


class Sgd(Optimizer):
    """Stochastic gradient descent with momentum."""

    implementation: ClassVar[str] = "shared.training.optimizers:Sgd"
    name: Literal["sgd"] = "sgd"
    learning_rate: Positive = 0.01
    momentum: Fraction = 0.9
    weight_decay: NonNegative = 0.0


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015); the defaults are those of its authors."""

    implementation: ClassVar[str] = "shared.training.optimizers:Adam"
    name: Literal["adam"] = "adam"
    learning_rate: Positive = 0.001
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: Positive = 1e-8
