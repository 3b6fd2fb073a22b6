"""The one training loop: epochs of batches, the learning curve, checkpoints, early stopping."""

from __future__ import annotations

import copy
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
from torch import Tensor

from shared.config import Training
from shared.errors import UserError
from shared.training.batches import ImageTensor
from shared.training.checkpoint import Checkpoints
from shared.training.progress import Progress

CHECK_STEPS = 20
EVALUATION_BATCH = 128


class TrainingScheme(Protocol):
    """What the loop asks of a scheme."""

    def batches(  # noqa: D102
        self, images: ImageTensor, batch_size: int, seed: int, epoch: int, start: int
    ) -> Iterator[tuple[Tensor, ...]]: ...
    def step(self, *batch: Tensor) -> dict[str, Tensor]: ...  # noqa: D102
    def embed(self, batches: Iterator[Tensor]) -> Tensor: ...  # noqa: D102
    def predict(self, embeddings: Tensor) -> Tensor: ...  # noqa: D102
    def set_learning_rate(self, factor: float) -> None: ...  # noqa: D102
    def state(self) -> dict[str, Any]: ...  # noqa: D102
    def restore(self, state: dict[str, Any]) -> None: ...  # noqa: D102


class Stopped(Exception):  # noqa: N818 - not an error
    """Training was asked to stop (SIGTERM) and has saved a checkpoint."""


@dataclass
class Position:
    """How far a training has come, with all it needs to go on as if it had never stopped."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    samples: int = 0
    seconds: float = 0.0
    ended: bool = False
    totals: dict[str, Tensor] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)
    best_error: float = math.inf
    best_epoch: int = 0
    best_state: dict[str, Any] | None = None


def learning_rate_factor(training: Training, progress: float) -> float:
    """Return the factor on the learning rate when a share `progress` (0..1) of the steps is done."""
    return training.decay ** sum(progress >= milestone for milestone in training.milestones)


def embed(scheme: TrainingScheme, images: ImageTensor) -> Tensor:
    """Return the embeddings `[N, d]` of all images in their order."""
    return scheme.embed(batch for batch, _ in images.in_order(EVALUATION_BATCH))


def error(scheme: TrainingScheme, images: ImageTensor) -> float:
    """Return the percentage of images whose predicted class is not their label."""
    wrong = scheme.predict(embed(scheme, images)) != images.labels
    return 100 * float(wrong.double().mean())


def fit(
    scheme: TrainingScheme,
    images: ImageTensor,
    training: Training,
    seed: int,
    checkpoints: Checkpoints,
    *,
    held_out: ImageTensor | None = None,
    label: str = "training",
) -> Position:
    """Train to the end, from the newest checkpoint if there is one, and leave the scheme with the final weights.

    With `training.patience` the final weights are those of the epoch with the least error on `held_out`.

    Raises:
        UserError: the loss is no longer finite; the last good checkpoint stays. Or the checkpoint is another run's.
        Stopped: SIGTERM came; a checkpoint is saved.

    """
    position = _take_up(scheme, checkpoints)
    batches = math.ceil(len(images) / training.batch_size)
    total = batches * training.epochs
    began = time.monotonic() - position.seconds

    def save() -> None:
        _require_finite(position, label, checkpoints.newest)
        position.seconds = time.monotonic() - began
        checkpoints.save({"scheme": scheme.state(), "position": _plain(position), "generators": _generators()})

    with Progress(label, total, position.step, training.batch_size) as progress, _terminated() as asked:
        while not position.ended:
            for batch in scheme.batches(images, training.batch_size, seed, position.epoch, position.batch):
                scheme.set_learning_rate(learning_rate_factor(training, position.step / total))
                for name, term in scheme.step(*batch).items():
                    previous = position.totals.get(name)
                    addend = term.double() * len(batch[0])
                    position.totals[name] = addend if previous is None else previous + addend
                position.samples += len(batch[0])
                position.batch += 1
                position.step += 1
                checking = position.step % CHECK_STEPS == 0
                if checking:
                    _require_finite(position, label, checkpoints.newest)
                mean = float(position.totals["loss"]) / position.samples if checking else None
                progress.step(position.step, position.epoch + 1, mean)
                if asked.is_set():
                    save()
                    raise Stopped
                if position.step % training.checkpoint_steps == 0 and position.batch < batches:
                    save()
            _end_epoch(scheme, position, training, held_out)
            save()
    if position.best_state is not None:
        scheme.restore(position.best_state)
    return position


def _end_epoch(
    scheme: TrainingScheme,
    position: Position,
    training: Training,
    held_out: ImageTensor | None,
) -> None:
    """Add the epoch to the curve, judge it on held-out data, and move the position to the next."""
    row = {"epoch": float(position.epoch + 1), "step": float(position.step)}
    row |= {name: float(total) / position.samples for name, total in position.totals.items()}
    position.epoch += 1
    position.batch = 0
    position.ended = position.epoch == training.epochs
    if held_out is not None:
        row["held_out_error"] = error(scheme, held_out)
        if row["held_out_error"] < position.best_error:
            position.best_error, position.best_epoch = row["held_out_error"], position.epoch
            if training.patience is not None:
                position.best_state = copy.deepcopy(scheme.state())
        elif training.patience is not None:
            position.ended |= position.epoch - position.best_epoch >= training.patience
    position.curve.append(row)
    if all(math.isfinite(value) for value in row.values()):
        position.totals, position.samples = {}, 0


def _require_finite(position: Position, label: str, newest: Path) -> None:
    for name, total in position.totals.items():
        if not math.isfinite(float(total)):
            kept = f"the last good checkpoint is {newest}" if newest.exists() else "no checkpoint was written yet"
            raise UserError(
                f"{label}: the {name} is no longer finite (epoch {position.epoch + 1}, by step {position.step}); "
                f"lower the learning rate or the weight of that term; {kept}."
            )


def _plain(position: Position) -> dict[str, Any]:
    plain = asdict(position)
    plain["best_state"] = position.best_state
    return plain


def _generators() -> dict[str, Any]:
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": devices}


def _take_up(scheme: TrainingScheme, checkpoints: Checkpoints) -> Position:
    saved = checkpoints.load()
    if saved is None:
        return Position()
    scheme.restore(saved["scheme"])
    torch.set_rng_state(saved["generators"]["cpu"])
    if saved["generators"]["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(saved["generators"]["cuda"])
    return Position(**saved["position"])


@contextmanager
def _terminated() -> Iterator[threading.Event]:
    """Yield an event that SIGTERM sets instead of ending the process at once."""
    asked = threading.Event()

    def ask(_number: int, _frame: FrameType | None) -> None:
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)
