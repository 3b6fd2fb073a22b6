"""The rehearsal of a run: built at its real size, trained for some steps, evaluated, where nothing is computed.

All is done by what trains and evaluates for real. Given to it are black images, of the shape, the number and the
classes that a few steps ask for, and a configuration that is cut short. Benchmarks are given the stand-ins of their
data.
"""

from __future__ import annotations

import io
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from shared import ROOT
from shared.data.drawn import Drawn, Part
from shared.data.image_source import ArraySource
from shared.data.kinds import RENDERED
from shared.evaluation.trained import Trained
from shared.rehearsal.fake_device import CPU, GPU, FakeDevice
from shared.rehearsal.rehearsed import Memory, Rehearsed
from shared.runs.catalogue import Evaluation
from shared.runs.catalogue import evaluations as of_run
from shared.runs.components import Component, DataSet, named
from shared.training.loop import EVALUATION_BATCH, Position
from shared.training.setup import Setup
from shared.training.termination import Stopped

if TYPE_CHECKING:
    from shared.data.image_source import Bytes, Indices, Shape
    from shared.runs.config import Run
    from shared.runs.fields import Split

MIB = 2**20
MANY, CLASSES = 60, 50
"""So many images make a class regular to any scheme that tells, and so many classes have images."""
LARGEST_YAW = 60


@dataclass
class Watched:
    """What a rehearsal saw: what is wrong, a sentence each, and what was found where training came to its end."""

    found: Rehearsed | None = None
    problems: list[str] = field(default_factory=list)


class _Black:
    """Black images that nobody has to keep."""

    def __init__(self, count: int, shape: Shape) -> None:
        self.count, self.shape = count, shape

    def __len__(self) -> int:
        return self.count

    def read(self, indices: Indices) -> Bytes:
        channels, height, width = self.shape
        return np.zeros((len(indices), height, width, channels)[: 3 if channels == 1 else 4], np.uint8)


class _NoCheckpoints:
    """Checkpoints that are kept nowhere; what goes into one is put together all the same."""

    newest = folder = Path("nowhere")

    def load(self) -> None:
        return None

    def save(self, state: dict[str, Any]) -> None:
        pass


def rehearse(run: Run, evaluations: Sequence[Mapping[str, Evaluation]], root: Path) -> Watched:
    """Rehearse a run, trained on GPUs or the processor as it asks, and measured by each of some benchmarks.

    A run in bfloat16 is rehearsed twice: as in fp32 on a GPU, for what lies on the wrong device; and on the processor,
    which alone of the devices that compute nothing lets torch choose the types, for its memory. One in TF32 has the
    tensors of fp32.
    """
    on_gpu = run.config.training.gpus > 0
    mixed = on_gpu and run.config.training.precision == "bf16"
    watched = Watched()
    if on_gpu:
        single = {"precision": "fp32"} if mixed else {}
        _rehearse(_short(run, **single), evaluations, root, FakeDevice(GPU), watched)
    if mixed or not on_gpu:
        _rehearse(_short(run), evaluations if not mixed else (), root, FakeDevice(CPU), watched)
    watched.problems = list(dict.fromkeys(watched.problems))
    return watched


def first_steps(run: Run, device: torch.device) -> Position:
    """Train a run for some steps on a real device, on black images, and return where it stopped."""
    short = _short(run)
    return Setup(short, 0, drawn(short), device).fit(_NoCheckpoints())  # type: ignore[arg-type] # as in `_rehearse`


def _short(run: Run, **training: Any) -> Run:
    """Return a run with as few steps as go through all that it does."""
    config = run.config
    scheme, steps = config.scheme.rehearsed()
    asked = {"steps": steps, "epochs": None, "workers": 0, "checkpoint_steps": 10**9, "compile": False, **training}
    update = {"scheme": scheme, "loss": config.loss.rehearsed(), "training": config.training.model_copy(update=asked)}
    return replace(run, config=config.model_copy(update=update))


def _rehearse(
    run: Run, evaluations: Sequence[Mapping[str, Evaluation]], root: Path, device: FakeDevice, watched: Watched
) -> None:
    # What modules make when they are imported is real, and stays so.
    for part in (*dict(run.config).values(), *(entry.benchmark for asked in evaluations for entry in asked.values())):
        _import(part)
    with _told(watched), redirect_stderr(io.StringIO()), device.running():
        setup = Setup(run, 0, drawn(run), device.device)
        training = _Training(setup, device)
        with training.watched():
            entries = of_run(run, run.config.along_training)
            along = {name: _standing_in(entry) for name, entry in entries.items()}
            measure = Trained(setup, root, along).row if along else None
            position = setup.fit(_NoCheckpoints(), measure=measure)  # type: ignore[arg-type] # has what is asked
        watched.found = training.found(position.step)
        for asked in evaluations:
            for name, evaluation in asked.items():
                with _told(watched, f"benchmark {name}: "):
                    trained = Trained(setup, root, {name: _standing_in(evaluation)})
                    trained.measure([name], position.curve, alone=True)
    if device.device == GPU:
        watched.problems += [f"{name} has no deterministic form on a GPU" for name in sorted(device.refused)]


def _import(part: Any) -> None:
    """Import the code of a component and of those within it."""
    if isinstance(part, Component):
        for _, inner in part:
            _import(inner)
        if not isinstance(part, DataSet):
            named(part.implementation)


@contextmanager
def _told(watched: Watched, of: str = "") -> Iterator[None]:
    """Note what is raised meanwhile, with the last line of the suite that it went through, instead of raising it."""
    try:
        yield
    except Stopped:
        raise
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _of_the_suite(frame.filename)]
        where = f"{Path(frames[-1].filename).relative_to(ROOT)}:{frames[-1].lineno}: " if frames else ""
        sentence = " ".join(str(error).split()) or type(error).__name__
        watched.problems.append(f"{of}{where}{sentence}")


def _of_the_suite(name: str) -> bool:
    """Whether a file is of the suite, and not of what rehearses it."""
    path = Path(name)
    wing = path.relative_to(ROOT).parts[:2] if path.is_relative_to(ROOT) else ()
    return wing[:1] in (("shared",), ("papers",)) and "rehearsal" not in wing


def _standing_in(evaluation: Evaluation) -> Evaluation:
    """Return a benchmark on the stand-in of its data, where it has one."""
    data = evaluation.images
    if data is None or "source" not in type(data).model_fields:
        return evaluation
    return Evaluation(evaluation.benchmark, data.model_copy(update={"source": RENDERED}))


def drawn(run: Run) -> Drawn:
    """Return black images to train a run on, as many as its steps ask for, and two batches of each other split.

    Of the first classes two have many images, the others two each, so that there is one of every kind.
    """
    data, training = run.config.data, run.config.training
    classes = data.trained_classes
    few = np.concatenate([np.repeat(np.arange(min(classes, CLASSES)), 2), np.repeat(1, MANY)])
    labels = np.pad(few, (0, max(training.batch_size * (training.steps or 1) - len(few), MANY)))
    other = np.arange(2 * EVALUATION_BATCH) % classes
    part = partial(_part, data.image_shape, kept=data.kept_in_memory)
    parts: dict[Split, Part] = {
        "train": part(labels),
        "held-out": part(other),
        "test": part(other),
        "unseen": part(other),
        "gallery": part(np.arange(2 * EVALUATION_BATCH) % classes),
    }
    return Drawn(parts, classes, (classes - 1,), {}, {}, data.kept_in_memory)


def _part(shape: Shape, labels: np.ndarray[Any, Any], *, kept: bool) -> Part:
    images = _Black(len(labels), shape)
    places = np.arange(len(labels))
    yaw = None if kept else np.linspace(-LARGEST_YAW, LARGEST_YAW, len(labels), dtype=np.float32)
    return Part(ArraySource(images.read(places)) if kept else images, places, labels, yaw, labels)


class _Training:
    """Watches the steps of a training: their operations, and what they hold."""

    def __init__(self, setup: Setup, device: FakeDevice) -> None:
        self.setup, self.device = setup, device
        self.images = setup.run.config.training.batch_size
        self.begun = self.activations = self.embedding = self.gradients = self.peak = self.flops = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch what is trained meanwhile."""
        scheme, backward = self.setup.scheme, torch.autograd.backward
        before = scheme.backbone.register_forward_pre_hook(self._embeds)
        after = scheme.backbone.register_forward_hook(self._embedded)
        with (
            mock.patch.object(scheme, "step", partial(self._step, scheme.step)),
            mock.patch.object(torch.autograd, "backward", partial(self._backward, backward)),
        ):
            yield
        before.remove()
        after.remove()

    def _step(self, step: Callable[..., dict[str, Tensor]], *batch: Tensor) -> dict[str, Tensor]:
        done, self.begun, self.device.peak = self.device.flops, self.device.live, self.device.live
        terms = step(*batch)
        self.flops += self.device.flops - done
        self.peak = max(self.peak, self.device.peak)
        parameters = self.setup.scheme.optimizer.parameters
        self.gradients = max(self.gradients, sum(size(p.grad) for p in parameters if p.grad is not None))
        return terms

    def _backward(self, backward: Callable[..., None], *args: Any, **kwargs: Any) -> None:
        self.activations = max(self.activations, self.device.live - self.begun)
        backward(*args, **kwargs)

    def _embeds(self, *_: object) -> None:
        self.embeds_from = self.device.live

    def _embedded(self, *_: object) -> None:
        if torch.is_grad_enabled():
            self.embedding = max(self.embedding, self.device.live - self.embeds_from)

    def found(self, steps: int) -> Rehearsed:
        """Return what was seen in so many steps."""
        setup, config = self.setup, self.setup.run.config
        state = list(_tensors(setup.scheme.state()))
        done = self.device.flops
        with torch.inference_mode():
            setup.scheme.embed([setup.images["test"].normalised(torch.arange(EVALUATION_BATCH))])
        channels, height, width = config.data.image_shape
        return Rehearsed(
            of=(
                f"{config.backbone.name}, {config.loss.name}, {config.scheme.name}: {self.images} images of "
                f"{channels} x {height} x {width}, {config.data.trained_classes} classes, {config.training.precision}"
            ),
            parameters=setup.scheme.parameters,
            training_flops=self.flops / (steps * self.images),
            embedding_flops=(self.device.flops - done) / EVALUATION_BATCH,
            memory=Memory(
                weights=round(sum(size(tensor) for name, tensor in state if name != "optimizer") / MIB, 2),
                gradients=round(self.gradients / MIB, 2),
                optimizer=round(sum(size(tensor) for name, tensor in state if name == "optimizer") / MIB, 2),
                activations=round(self.activations / MIB, 2),
                embedding=round(self.embedding / MIB, 2),
                peak=round(self.peak / MIB, 2),
            ),
        )


def size(tensor: Tensor) -> int:
    """Return the bytes of a tensor's numbers."""
    return tensor.numel() * tensor.element_size()


def _tensors(state: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a scheme's state, each with "optimizer" where it is of one, else another name."""
    if isinstance(state, Tensor):
        yield name, state
    elif isinstance(state, Mapping):
        for key, part in state.items():
            yield from _tensors(part, name if name == "optimizer" else str(key))
    elif isinstance(state, list | tuple):
        for part in state:
            yield from _tensors(part, name)
