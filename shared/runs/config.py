"""What a run is: the typed configuration that a paper's `runs.yaml` resolves to."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from shared.runs.components import Backbone, DataSet, Loss, Optimizer, Scheme
from shared.runs.fields import Count, Fraction, Share, Split, Strict


class Training(Strict):
    """How long, in which steps and with which arithmetic a run is trained.

    It ends after `epochs` passes over the images or, where it is given, after `steps` updates. The learning rate is
    multiplied by `decay` after each of `milestones`, given as shares of the whole run. With `patience`, training ends
    when the error on held-out data has not improved for that many epochs, and the weights of the best epoch are kept.
    `flip` mirrors each training image left-right with probability 1/2. `translate` moves each by up to so many pixels
    along both axes, in front of black; for images held in memory. `threads` is fixed by the run, since the bits
    of a sum depend on it; `workers` decode images ahead of training where they are not held in memory.

    At `precision` fp32 numbers are added, multiplied and convolved as IEEE 754 has it, on GPUs as on processors. tf32
    is the same but for products and convolutions, whose factors a GPU rounds to 10 bits of fraction (NVIDIA's
    TensorFloat-32). bf16 is torch's autocast to bfloat16, and what that leaves in single precision is as in fp32.

    With `gpus` of two or more, `torchrun` starts as many processes, which share each batch of `batch_size` between
    them (see `shared.training.parallel`).
    """

    epochs: Count | None = None
    steps: Count | None = Field(None, exclude_if=lambda steps: steps is None)
    batch_size: Count
    milestones: tuple[Share, ...] = ()
    decay: Fraction = 0.1
    patience: Count | None = None
    precision: Literal["fp32", "tf32", "bf16"] = "fp32"
    channels_last: bool = True
    compile: bool = False
    flip: bool = Field(False, exclude_if=lambda flip: not flip)
    translate: int = Field(0, ge=0, exclude_if=lambda pixels: pixels == 0)
    threads: Count = 1
    workers: int = Field(0, ge=0, exclude_if=lambda workers: workers == 0)
    gpus: Annotated[int, Field(ge=0)] = 1
    checkpoint_steps: Count = 200

    @model_validator(mode="after")
    def _ends_once(self) -> Training:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        return self

    @model_validator(mode="after")
    def _on_what_computes_so(self) -> Training:
        if self.precision == "tf32" and not self.gpus:
            raise ValueError("precision tf32 is for GPUs: give gpus of 1 or more, or precision fp32")
        return self

    def length(self, batches: int) -> int:
        """Return the number of updates of the whole run, with so many batches in an epoch."""
        return self.steps if self.steps is not None else batches * (self.epochs or 0)


class RunConfig(Strict):
    """Everything that decides the outcome of a run, but its seed.

    `keep_features` names the splits whose embeddings are kept beside the record, for the figures that draw them.
    `along_training` names benchmarks that are measured at the end of each epoch too, into the learning curve.
    `protocols` sets options of the protocols of benchmarks, by the benchmark's name and the option's.
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

    protocols: dict[str, dict[str, Any]] = Field(default_factory=dict, exclude_if=lambda options: not options)

    def plain(self) -> dict[str, Any]:
        """Return the configuration as JSON-able data, with every default filled in."""
        return self.model_dump(mode="json")

    def identity(self) -> dict[str, Any]:
        """Return what decides the trained weights and the learning curve: not what is measured and kept afterwards."""
        afterwards = {"benchmarks", "keep_features", "protocols"}
        settings = {name: value for name, value in self.plain().items() if name not in afterwards}
        settings["data"] = self.data.identity()
        if along := {name: options for name, options in self.protocols.items() if name in self.along_training}:
            settings["protocols"] = along
        return settings


def config_hash(identity: dict[str, Any]) -> str:
    """Return twelve hexadecimal digits that two runs share if and only if they train the same weights."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:12]


class Tried(Strict):
    """One choice of settings of a search, by their dotted paths, and the error on held-out images, in percent."""

    settings: dict[str, Any]
    error: float


class Searched(Strict):
    """A search of settings on held-out training images: all that was tried, and how long that took, in seconds."""

    tried: tuple[Tried, ...]
    seconds: float

    @property
    def chosen(self) -> dict[str, Any]:
        """The settings of the least error, the first of equals."""
        return min(self.tried, key=lambda tried: tried.error).settings


@dataclass(frozen=True)
class Run:
    """One training configuration of a paper at one scale; `axes` tells which level of each axis it is.

    That of a loss of one's own has the file that describes it, `trial`, and what its settings were searched among.
    `only` are the seeds that the workflow trains, where that is not all of them.
    """

    paper: str
    name: str
    scale: str
    axes: dict[str, str]
    seeds: int
    config: RunConfig
    trial: str = ""
    searched: Searched | None = None
    only: tuple[int, ...] = ()

    @property
    def asked_seeds(self) -> tuple[int, ...]:
        """The seeds that the workflow trains."""
        return self.only or tuple(range(self.seeds))

    @cached_property
    def hash(self) -> str:
        """The hash of what decides the trained weights, which names the folder of the checkpoints."""
        return config_hash(self.config.identity())
