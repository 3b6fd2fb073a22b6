"""The exchangeable parts of a run: data sets, networks, losses, schemes, optimizers and benchmarks.

A component's options are a small class, typed and validated here without importing torch; its code is imported when it
is built.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import Field

from shared.runs.fields import Count, Positive, Split, Strict


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

    @property
    def code(self) -> tuple[str, ...]:
        """What makes this component, each as "module:attribute"."""
        return (self.implementation,)

    @property
    def options(self) -> dict[str, Any]:
        """The options of the implementation, by name."""
        return {field: getattr(self, field) for field in type(self).model_fields if field != "name"}

    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Import the implementation and call it with `args`, `kwargs` and this component's options by keyword."""
        return named(self.implementation)(*args, **self.options, **kwargs)


class Backbone(Component):
    """Options of a network from images to embeddings of a length; builds `module(channels, height, width)`.

    One that is `signed` takes pixels from -1 to 1 also of a small set in memory, whose pixels are otherwise normalised.
    """

    signed: ClassVar[bool] = False
    embedding: Count


class Loss(Component):
    """Options of a loss with its class vectors; builds `module(dimension, classes)`.

    `judged_by` names the term, of those that it tells along training, by which one sees whether it tells classes apart.
    """

    judged_by: ClassVar[str] = "loss"

    def knowing_nothing(self, shares: Sequence[float], /) -> float | None:  # noqa: ARG002 - of losses that have one
        """Return that term for one who gives every image the same answer and knows only how frequent classes are.

        `shares` are those of the classes, which sum to 1; of even shares it is the term where all classes look alike.
        None where there is no such number.
        """
        return None

    def rehearsed(self) -> Self:
        """Return the same, but that two steps are enough for all that it does from time to time."""
        return self


class Scheme(Component):
    """Options of a training scheme, which turns one batch into one update; builds `scheme(config, images, device)`."""

    def rehearsed(self) -> tuple[Self, int]:
        """Return the same with stages as short as can be, and how many steps go through each of them twice or more.

        As large a share of those steps is in each stage as of a whole training.
        """
        return self, 2

    @property
    def added_terms(self) -> dict[str, float]:
        """The terms that it adds to the "loss" of the run's loss, with their weights."""
        return {}


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
    checksums: dict[str, str] = Field(default_factory=dict)


class DataSet(Component):
    """Options of a data set, with the code that loads it in the class itself.

    Its `card` says whose it is and how to get it; `folder` is where it lies below the data root, and `fetched` tells
    that it is downloaded or made where it is missing. `whose`, `place` and `obtainable` are these for a data set with
    its options, which may choose a stand-in.

    What `read` reads is a folder, of which `sign` is a pattern of what lies in it and in that of no set of another
    form, or the one file called `file`; either may be elsewhere than below a data root.

    `image_shape` is that of its images, (channels, height, width), those of aligned faces unless it says otherwise.
    Images of a set `kept_in_memory` are all read at once, others when they are asked for.
    """

    kept_in_memory: ClassVar[bool] = False
    card: ClassVar[Card]
    classes: ClassVar[int]
    training_images: ClassVar[int]
    folder: ClassVar[str]
    fetched: ClassVar[bool]
    sign: ClassVar[str] = ""
    file: ClassVar[str] = ""

    @property
    def code(self) -> tuple[str, ...]:
        """What makes the images beside this class itself."""
        return ()

    def identity(self) -> dict[str, Any]:
        """Return the options as JSON-able data, alike where they give the same images to train on."""
        return self.model_dump(mode="json")

    @property
    def trained_classes(self) -> int:
        """The number of classes that are trained on."""
        return self.classes

    def of_seed(self, seed: int) -> Self:  # noqa: ARG002 - of sets that are drawn anew for each
        """Return the data set with the options that hold for a seed: those that leave a choice to it, chosen."""
        return self

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape (channels, height, width) of the images with these options."""
        return 3, 112, 112

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

    @classmethod
    def found_at(cls, path: Path) -> Path | None:
        """Return the file or folder that is to be read where a user says that the set is, None where it is not."""
        if cls.file and path.is_file() and path.name == cls.file:
            return path
        if cls.file and (path / cls.file).is_file():
            return path / cls.file
        return path if cls.sign and any(path.glob(cls.sign)) else None

    def load(self, root: Path) -> Any:
        """Read the data, fetched or made first if need be; raises UserError where they cannot be had."""
        return self.read(self.at(root))

    def at(self, root: Path) -> Path:
        """Return the file or folder below the data root that is read, fetched or made first if need be."""
        raise NotImplementedError

    def read(self, place: Path) -> Any:
        """Read the data in a file or folder; raises UserError where they are missing or damaged."""
        raise NotImplementedError

    def is_there(self, root: Path) -> bool:
        """Whether there is something where the data set should lie below the data root."""
        raise NotImplementedError


class Benchmark(Component):
    """Options of a named evaluation of a trained run: a protocol, and the images that it looks at.

    Those are the images of `splits` of the run's own data, in the order in which the protocol takes their outputs, or
    the data set that `on` names; a protocol that is `inside` looks at the trained scheme itself, with the images that
    it was trained on, and one that is `of_curve` at the rows of the learning curve, one an epoch. `embedding` is the
    scheme's method that embeds. What a subclass adds are options of its protocol, which a run can set.

    `metrics` are patterns of the names of what it measures, of which some may be left out, as where there are too few
    images. A protocol that `keeps` returns, beside its metrics, arrays that figures are drawn from. `needs` are further
    methods of the scheme that it calls. One that is `unbiased` takes the products with the class vectors for the
    logits. One that is `alone` is too costly for the training job, and becomes a job of its own.
    """

    metrics: ClassVar[tuple[str, ...]] = ("*",)
    splits: tuple[Split, ...] = ("test",)
    on: str | None = None
    embedding: str = "embed"
    inside: ClassVar[bool] = False
    of_curve: ClassVar[bool] = False
    keeps: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ()
    unbiased: ClassVar[bool] = False
    alone: ClassVar[bool] = False

    @property
    def options(self) -> dict[str, Any]:
        """The options of the protocol, by name."""
        return {field: getattr(self, field) for field in type(self).model_fields if field not in Benchmark.model_fields}

    def configured(self, options: Mapping[str, Any]) -> Self:
        """Return this benchmark with other options of its protocol; raises ValidationError where one cannot be so."""
        return self.model_validate(self.model_dump() | dict(options))
