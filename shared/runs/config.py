"""What a run is: the typed configuration that a paper's `runs.yaml` resolves to.

A run is put together from named components (a data set, a backbone, a loss, a scheme, an optimizer). A component's
options are a small class, typed and validated here without importing torch; its code is imported when it is built.
"""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.errors import suggestion

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]
Digits = tuple[Annotated[int, Field(ge=0)], ...]
Split = Literal["train", "held-out", "test", "unseen", "gallery"]
"""The images trained on, those held out, the test images, and the test images of classes that are not trained on.

The gallery, where a training set is divided, are the images in which the test images are searched for by class.
"""


def _quotient(value: Any) -> Any:
    """Return "100/360" as the number that it is, and anything else as it comes."""
    above, slash, below = value.partition("/") if isinstance(value, str) else ("", "", "")
    if slash and above.strip().isdigit() and below.strip().isdigit() and int(below):
        return int(above) / int(below)
    return value


Share = Annotated[float, BeforeValidator(_quotient), Field(ge=0, le=1)]
"""A number from 0 to 1, or a text such as "100/360"."""


class Strict(BaseModel):
    """A model that refuses unknown keys, naming the nearest valid one, and cannot be changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                hint = suggestion(str(key), cls.model_fields)
                raise PydanticCustomError("unknown_key", "unknown key '{key}'", {"key": key, "hint": hint})
        return data


def named(path: str) -> Any:
    """Import what a path such as "module:attribute" names."""
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


class Component(Strict):
    """The options of one exchangeable part of a run.

    A subclass names itself by a field `name: Literal["..."]`, names its code by `implementation` ("module:attribute")
    and lists its options as fields with types and ranges.
    """

    implementation: ClassVar[str]
    name: str

    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Import the implementation and call it with `args`, `kwargs` and this component's options by keyword."""
        options = {field: getattr(self, field) for field in type(self).model_fields if field != "name"}
        return named(self.implementation)(*args, **options, **kwargs)


class Backbone(Component):
    """Options of a network from images to embeddings of a length; builds `module(channels, height, width)`."""

    embedding: Count


class Loss(Component):
    """Options of a loss with its class vectors; builds `module(dimension, classes)`."""


class Scheme(Component):
    """Options of a training scheme, which turns one batch into one update; builds `scheme(config, images, device)`."""


class Optimizer(Component):
    """Options of an optimizer; builds `optimizer(parameters)`."""

    learning_rate: Positive


class Card(Strict):
    """Who owns a data set, under which terms, whether it can still be had, and how."""

    title: str
    owner: str
    licence: str
    available: bool
    how_to_get: str
    megabytes: Positive
    checksums: dict[str, str] = {}


class DataSet(Component):
    """Options of a data set.

    Its `card` says whose it is and how to get it; `folder` is where it lies below the data root, and `fetched` tells
    that it is downloaded or made where it is missing. `whose`, `place` and `obtainable` are these for a data set with
    its options, which may choose a stand-in.
    """

    card: ClassVar[Card]
    classes: ClassVar[int]
    training_images: ClassVar[int]
    folder: ClassVar[str]
    fetched: ClassVar[bool]

    @property
    def trained_classes(self) -> int:
        """The number of classes that are trained on."""
        return self.classes

    @property
    def never_tested_on(self) -> tuple[str, ...]:
        """The names of the data sets of benchmarks that show the very people who are trained on."""
        return ()

    @property
    def whose(self) -> Card:
        """Whose the data are, and how to get them."""
        return self.card

    @property
    def place(self) -> str:
        """The folder below the data root."""
        return self.folder

    @property
    def obtainable(self) -> bool:
        """Whether they are downloaded or made where they are missing."""
        return self.fetched

    def load(self, root: Path) -> Any:
        """Read the data, fetched or made first if need be; raises UserError where they cannot be had."""
        return named(self.implementation)(root)

    def is_there(self, root: Path) -> bool:
        """Whether there is something where the data set should lie below the data root."""
        return any((root / self.place).glob("*"))


class Benchmark(Component):
    """Options of a named evaluation of a trained run; builds `benchmark` as `shared.evaluation` describes.

    `splits` says which images of the run's own data it looks at, in the order in which it takes their outputs. One with
    `images` looks at that data set instead; one that is `inside` at the trained scheme itself, with the images that it
    was trained on. `embedding` is the scheme's method that embeds. One that `keeps` returns, beside its metrics, arrays
    that figures are drawn from. `needs` are further methods of the scheme that it calls. One that is `unbiased` takes
    the products with the class vectors for the logits. `alone` marks one too costly for the training job, which becomes
    a job of its own.
    """

    splits: ClassVar[tuple[Split, ...]] = ("test",)
    images: ClassVar[type[DataSet] | None] = None
    inside: ClassVar[bool] = False
    embedding: ClassVar[str] = "embed"
    keeps: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    unbiased: ClassVar[bool] = False
    alone: ClassVar[bool] = False


class Training(Strict):
    """How long, in which steps and with which arithmetic a run is trained.

    It ends after `epochs` passes over the images or, where it is given, after `steps` updates. The learning rate is
    multiplied by `decay` after each of `milestones`, given as shares of the whole run. With `patience`, training ends
    when the error on held-out data has not improved for that many epochs, and the weights of the best epoch are kept.
    `flip` mirrors each training image left-right with probability 1/2. `threads` is fixed by the run, since the bits
    of a sum depend on it; `workers` decode images ahead of training where they are not held in memory.

    With `gpus` of two or more, `torchrun` starts as many processes, which share each batch of `batch_size` between
    them (see `shared.training.parallel`).
    """

    epochs: Count | None = None
    steps: Count | None = Field(None, exclude_if=lambda steps: steps is None)
    batch_size: Count
    milestones: tuple[Share, ...] = ()
    decay: Fraction = 0.1
    patience: Count | None = None
    precision: Literal["fp32", "bf16"] = "fp32"
    channels_last: bool = True
    compile: bool = False
    flip: bool = Field(False, exclude_if=lambda flip: not flip)
    threads: Count = 1
    workers: int = Field(0, ge=0, exclude_if=lambda workers: workers == 0)
    gpus: Annotated[int, Field(ge=0)] = 1
    checkpoint_steps: Count = 200

    @model_validator(mode="after")
    def _ends_once(self) -> Training:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        return self

    def length(self, batches: int) -> int:
        """Return the number of updates of the whole run, with so many batches in an epoch."""
        return self.steps if self.steps is not None else batches * (self.epochs or 0)


class RunConfig(Strict):
    """Everything that decides the outcome of a run, but its seed.

    `keep_features` names the splits whose embeddings are kept beside the record, for the figures that draw them.
    `along_training` names benchmarks that are measured at the end of each epoch too, into the learning curve.
    """

    data: DataSet
    backbone: Backbone
    loss: Loss
    scheme: Scheme
    optimizer: Optimizer
    training: Training
    benchmarks: tuple[str, ...]
    keep_features: tuple[Split, ...] = ()
    along_training: tuple[str, ...] = Field((), exclude_if=lambda names: not names)

    def plain(self) -> dict[str, Any]:
        """Return the configuration as JSON-able data, with every default filled in."""
        return self.model_dump(mode="json")

    def identity(self) -> dict[str, Any]:
        """Return what decides the trained weights: all but what is measured and kept afterwards."""
        return {key: value for key, value in self.plain().items() if key not in {"benchmarks", "keep_features"}}


def config_hash(identity: dict[str, Any]) -> str:
    """Return twelve hexadecimal digits that two runs share if and only if they train the same weights."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]
