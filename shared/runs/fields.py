"""What settings are made of: models that refuse unknown keys, and numbers in their ranges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.errors import suggestion

Fraction = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, lt=1 << 63)]
MOST_SEEDS = 1000
"""Seeds of a run are gone through one by one, also to say what is left of them."""
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
    """A model that refuses unknown keys and truth values for numbers, and cannot be changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _know_every_key(cls, data: Any) -> Any:
        for key in data if isinstance(data, dict) else ():
            if key not in cls.model_fields:
                raise _wrong_key(key, f"unknown key; {suggestion(str(key), cls.model_fields)}")
            if key in _numbers(cls) and any(isinstance(part, bool) for part in _parts(data[key])):
                raise _wrong_key(key, "true or false stands where a number is meant; write the number")
        return data


def _wrong_key(key: Any, problem: str) -> PydanticCustomError:
    return PydanticCustomError("wrong_key", "{key}: {problem}", {"key": key, "problem": problem})


@cache
def _numbers(model: type[BaseModel]) -> frozenset[str]:
    """Return the fields of a model that hold numbers and no truth values."""
    kinds = {name: set(_kinds(field.annotation)) for name, field in model.model_fields.items()}
    return frozenset(name for name, found in kinds.items() if found & {int, float} and not found & {bool, Any})


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield what an annotation is made of, of unions and tuples alone."""
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple):
        for part in get_args(annotation):
            yield from _kinds(part)
    else:
        yield annotation


def _parts(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list | tuple) else (value,)
