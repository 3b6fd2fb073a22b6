"""Options of the training schemes and optimizers, and the loop that all papers train with."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.runs.components import Optimizer, Scheme
from shared.runs.fields import Fraction, NonNegative, Positive


class Classification(Scheme):
    """One backbone and one loss, updated together on each batch; `pairs`: batches of pairs of images of one class."""

    implementation: ClassVar[str] = "shared.training.classification:ClassificationScheme"
    name: Literal["classification"] = "classification"
    pairs: bool = Field(False, exclude_if=lambda pairs: not pairs)


class Decoupled(Scheme):
    """The usual training, and in its last part a classifier trained anew on balanced batches (Kang et al., ICLR 2020).

    `retraining`: the share of all steps in which the backbone is fixed. `learning_rate`: from which it falls to 0 then,
    that of the optimizer where none is given. `pairs`: batches of pairs of images of one class before.
    """

    implementation: ClassVar[str] = "shared.training.decoupled:DecoupledScheme"
    name: Literal["decoupled"] = "decoupled"
    retraining: Annotated[float, Field(gt=0, lt=1)] = 0.1
    learning_rate: Positive | None = None
    pairs: bool = False


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
