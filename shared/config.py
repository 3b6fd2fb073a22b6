"""What a run is: the typed configuration that `runs.yaml` resolves to, free of torch.

A run is assembled from named components (a data set, a backbone, a loss, a training scheme, benchmarks). A
component's options are a small class here-typed and validated; its code is imported only when it is built.
"""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, field_validator, model_validator

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Digits = tuple[Annotated[int, Field(ge=0)], ...]


class Strict(BaseModel):
    """A model that refuses unknown keys and cannot be changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Component(Strict):
    """The options of one exchangeable part of a run.

    A subclass names itself by a `name: Literal["..."]` field, its code by `implementation` ("module:attribute"), and
    lists its options as fields with types and ranges.
    """

    implementation: ClassVar[str]
    name: str

    def build(self, *args: Any, **kwargs: Any) -> Any:
        """Import the implementation and call it with `args`, `kwargs` and this component's options as keywords."""
        module, _, attribute = self.implementation.partition(":")
        options = {field: getattr(self, field) for field in type(self).model_fields if field != "name"}
        return getattr(import_module(module), attribute)(*args, **options, **kwargs)


class Backbone(Component):
    """Options of a network from images to embeddings; builds `module(channels, size, embedding=...)`."""


class Loss(Component):
    """Options of a loss with its class vectors; builds `module(dimension, classes)`."""


class Scheme(Component):
    """Options of a training scheme: how one batch becomes one update."""


class Benchmark(Component):
    """Options of a named evaluation of a trained run.

    `alone` marks one that is too costly to run inside the training job: it becomes a job of its own.
    """

    alone: ClassVar[bool] = False


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
    """Options of a data set: where its files come from is its `card`; it builds `ImageSplits` from a data root."""

    card: ClassVar[Card]
    classes: ClassVar[int]
