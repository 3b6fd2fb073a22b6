"""What rehearsals found of the runs, kept in one file, which is read without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared import ROOT
from shared.runs.config import Run
from shared.runs.fields import Count, NonNegative, Positive, Strict

FILE = ROOT / "results" / "published" / "rehearsed.json"


class Memory(Strict):
    """The most memory that a step holds on its device, MiB, by what holds it at that moment.

    `embedding` is what the network's forward pass leaves for the backward pass, and grows with the images of the batch;
    `others` are the loss, gradients of activations and what is needed in passing.
    """

    weights: NonNegative
    gradients: NonNegative
    optimizer: NonNegative
    embedding: NonNegative
    others: NonNegative

    def on(self, devices: int = 1) -> float:
        """Return the most on each of so many devices, MiB.

        They share the images that are embedded; each has the weights, their state and the loss of the whole batch.
        """
        return self.weights + self.gradients + self.optimizer + self.embedding / devices + self.others


class Rehearsed(Strict):
    """What a rehearsal found: parameters, operations in floating point an image, and memory; `of` says of what."""

    of: str
    parameters: Count
    training_flops: Positive
    embedding_flops: Positive
    memory: Memory


_FOUND = TypeAdapter(dict[str, Rehearsed])


def likeness(run: Run) -> str:
    """Return what runs share that differ in nothing by which their rehearsal could.

    That is every setting of what is trained, but of a number with a fraction, such as a learning rate or a margin, only
    whether it is there and other than 0; and of the data only the shape of the images and the number of classes.
    """
    config, data = run.config, run.config.data
    parts = {name: getattr(config, name) for name in ("backbone", "loss", "scheme", "optimizer", "training")}
    settings = {name: _whole_numbers(part.model_dump(mode="json")) for name, part in parts.items()}
    for name in ("epochs", "steps", "milestones", "patience", "threads", "workers", "checkpoint_steps"):
        settings["training"].pop(name, None)
    settings |= {"images": list(data.image_shape), "kept": data.kept_in_memory, "classes": data.trained_classes}
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def _whole_numbers(value: Any) -> Any:
    """Return settings with their numbers, but for those with a fraction only whether they are other than 0."""
    if isinstance(value, dict):
        return {key: _whole_numbers(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(part) for part in value]
    return bool(value) if isinstance(value, float) else value


@cache
def known(path: Path = FILE) -> dict[str, Rehearsed]:
    """Return what rehearsals found, by the `likeness` of runs; nothing where there is no file."""
    return _FOUND.validate_json(path.read_bytes()) if path.exists() else {}


def rehearsed(run: Run) -> Rehearsed | None:
    """Return what the rehearsal of a run, or of one like it, found; None where there was none."""
    return known().get(likeness(run))


def write(found: Mapping[str, Rehearsed], path: Path = FILE) -> None:
    """Write what rehearsals found, an entry a line, in an order that stays where one is added."""
    entries = sorted((entry.of, key, entry.model_dump(mode="json")) for key, entry in found.items())
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(entry)}" for _, key, entry in entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
