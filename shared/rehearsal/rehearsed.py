"""What rehearsals found of the runs, kept in one file, which is read without torch.

Of runs that take about the same, the file has the one whose step holds most memory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from shared import ROOT
from shared.data.files import write_atomically
from shared.data.reading.regular import contents
from shared.data.reading.texts import from_json
from shared.errors import UserError
from shared.runs.config import Run
from shared.runs.fields import Count, NonNegative, Positive, Strict

FILE = ROOT / "results" / "published" / "rehearsed.json"


class Memory(Strict):
    """The memory of a step on its device, MiB: the most at any moment, `peak`, and what has a large part in it.

    `activations` are what the forward pass leaves for the backward pass; of these `embedding` is what the network
    leaves of the images, which several devices share, each with its part of a batch.
    """

    weights: NonNegative
    gradients: NonNegative
    optimizer: NonNegative
    activations: NonNegative
    embedding: NonNegative
    peak: NonNegative

    def on(self, devices: int = 1) -> float:
        """Return the most on each of so many devices, MiB; each has all weights, and the loss of the whole batch."""
        return self.peak - self.embedding * (1 - 1 / devices)


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
    scheme, steps = config.scheme.rehearsed()
    parts = (config.backbone, config.loss.rehearsed(), scheme, config.optimizer, config.training)
    names = ("backbone", "loss", "scheme", "optimizer", "training")
    settings = {name: _whole_numbers(part.model_dump(mode="json")) for name, part in zip(names, parts, strict=True)}
    for name in ("epochs", "steps", "milestones", "patience", "threads", "workers", "checkpoint_steps"):
        settings["training"].pop(name, None)
    settings |= {"images": list(data.image_shape), "kept": data.kept_in_memory, "classes": data.trained_classes}
    settings["steps"] = steps
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


def burden(run: Run) -> str:
    """Return what runs share that take about the same: network, scheme, optimizer, images of a step, and classes.

    A loss is a small part of the operations of a step.
    """
    config = run.config
    scheme, _ = config.scheme.rehearsed()
    training = config.training
    settings = {
        "backbone": config.backbone.model_dump(mode="json"),
        "scheme": _whole_numbers(scheme.model_dump(mode="json")),
        "optimizer": config.optimizer.name,
        "step": [training.batch_size, training.precision, training.gpus > 0, *config.data.image_shape],
        "classes": config.data.trained_classes,
    }
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
    """Return what rehearsals found, by the `burden` of runs; nothing where there is no file.

    Raises:
        UserError: the file is damaged.

    """
    if not path.exists():
        return {}
    try:
        return _FOUND.validate_python(from_json(contents(path)))
    except (OSError, ValueError):
        raise UserError(
            f"{path}: it is not what rehearsals found; restore it, or remove it and give rehearse --write again."
        ) from None


def rehearsed(run: Run) -> Rehearsed | None:
    """Return what the rehearsal of a run, or of one that takes about the same, found; None where there was none."""
    return known().get(burden(run))


def write(found: Mapping[str, Rehearsed], path: Path = FILE) -> None:
    """Write what rehearsals found, an entry a line, in an order that stays where one is added."""
    entries = sorted((entry.of, key, entry.model_dump(mode="json")) for key, entry in found.items())
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(entry)}" for _, key, entry in entries)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, f"{{\n{lines}\n}}\n".encode())
