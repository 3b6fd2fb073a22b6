"""The one training loop: epochs of batches, the learning curve, checkpoints, early stopping."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from shared.errors import UserError
from shared.runs.config import Training
from shared.training import parallel
from shared.training.batches import Images
from shared.training.checkpoint import Checkpoints
from shared.training.progress import Progress
from shared.training.termination import Stopped, terminable

CHECK_STEPS = 20
EVALUATION_BATCH = 128


class TrainingScheme(Protocol):
    """What the loop asks of a scheme; one that may end before the last step of a training says so by `ended`.

    A scheme's `loss` that has a method `inform(counts, progress)` is told before each step how many training images
    each class has, [C], and which share of the training is done.
    """

    def batches(  # noqa: D102
        self, images: Images, batch_size: int, seed: int, epoch: int, start: int
    ) -> Iterator[tuple[Tensor, ...]]: ...
    def step(self, *batch: Tensor) -> dict[str, Tensor]: ...  # noqa: D102
    def embed(self, batches: Iterator[Tensor]) -> Tensor: ...  # noqa: D102
    def predict(self, embeddings: Tensor) -> Tensor: ...  # noqa: D102
    def set_learning_rate(self, factor: float) -> None: ...  # noqa: D102
    def state(self) -> dict[str, Any]: ...  # noqa: D102
    def restore(self, state: dict[str, Any]) -> None: ...  # noqa: D102


@dataclass
class Position:
    """How far a training has come, with all it needs to go on as if it had never stopped."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    ended: bool = False
    totals: dict[str, Tensor] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    curve: list[dict[str, float]] = field(default_factory=list)
    best_error: float = math.inf
    best_epoch: int = 0
    best_state: dict[str, Any] | None = None


def learning_rate_factor(training: Training, progress: float) -> float:
    """Return the factor on the learning rate when a share `progress` (0..1) of the steps is done."""
    return training.decay ** sum(progress >= milestone for milestone in training.milestones)


def embed(method: Callable[[Iterator[Tensor]], Tensor], images: Images) -> Tensor:
    """Return what a scheme's method embeds all images to, `[N, d]`, in their order."""
    return method(batch for batch, _ in images.in_order(EVALUATION_BATCH))


def error(scheme: TrainingScheme, images: Images) -> float:
    """Return the percentage of images whose predicted class is not their label."""
    wrong = scheme.predict(embed(scheme.embed, images)) != images.labels
    return 100 * float(wrong.double().mean())


def fit(
    scheme: TrainingScheme,
    images: Images,
    training: Training,
    seed: int,
    checkpoints: Checkpoints,
    *,
    held_out: Images | None = None,
    measure: Callable[[], dict[str, float]] | None = None,
    label: str = "training",
) -> Position:
    """Train to the end, from the newest checkpoint if there is one, and leave the scheme with the final weights.

    With `training.patience` the final weights are those of the epoch with the least error on `held_out`. What `measure`
    returns at the end of each epoch goes into the curve. Of several processes each calls this alike; the first one
    measures and writes the checkpoints.

    Raises:
        UserError: the loss is no longer finite; the last good checkpoint stays. Or the checkpoint is another run's.
        Stopped: SIGTERM came; a checkpoint is saved.

    """
    position = _take_up(scheme, checkpoints)
    batches = math.ceil(len(images) / training.batch_size)
    total = training.length(batches)
    began = time.monotonic() - position.seconds
    inform = _informing(scheme, images)

    def save(generators: dict[str, Any] | None = None) -> None:
        _require_finite(position, label, checkpoints.newest)
        position.seconds = time.monotonic() - began
        generators = _generators() if generators is None else generators
        if parallel.rank() == 0:
            checkpoints.save({"scheme": scheme.state(), "position": _plain(position), "generators": generators})

    with Progress(label, total, position.step, training.batch_size) as progress, terminable() as termination:
        anyone = parallel.Anyone(CHECK_STEPS)
        while not position.ended:
            left = scheme.batches(images, training.batch_size, seed, position.epoch, position.batch)
            # None, where it was stopped after the last step of all.
            for batch in () if _ended(scheme, position, total) else left:
                scheme.set_learning_rate(learning_rate_factor(training, position.step / total))
                inform(position.step / total)
                for name, term in scheme.step(*batch).items():
                    previous = position.totals.get(name)
                    addend = term.double() * len(batch[1])
                    position.totals[name] = addend if previous is None else previous + addend
                    position.counts[name] = position.counts.get(name, 0) + len(batch[1])
                position.batch += 1
                position.step += 1
                checking = position.step % CHECK_STEPS == 0
                if checking:
                    _require_finite(position, label, checkpoints.newest)
                mean = float(position.totals["loss"]) / position.counts["loss"] if checking else None
                progress.step(position.step, position.epoch + 1, mean)
                if anyone.asked(termination.came, position.totals["loss"].device):
                    save()
                    raise Stopped
                if _ended(scheme, position, total):
                    break
                if position.step % training.checkpoint_steps == 0 and position.batch < batches:
                    save()
            before = _generators()
            try:
                with termination.at_once():
                    row = _row(scheme, position, held_out=held_out, measure=measure)
            except Stopped:
                save(before)
                raise
            _end_epoch(scheme, position, total, training, row)
            save()
    if position.best_state is not None:
        scheme.restore(position.best_state)
    return position


def _informing(scheme: TrainingScheme, images: Images) -> Callable[[float], None]:
    """Return what tells the scheme's loss, where it asks, how far the training is, with the sizes of the classes."""
    loss: Any = getattr(scheme, "loss", None)
    if not hasattr(loss, "inform"):
        return lambda _progress: None
    counts = images.labels.bincount(minlength=len(loss.class_vectors()))
    return lambda progress: loss.inform(counts, progress)


def _ended(scheme: TrainingScheme, position: Position, total: int) -> bool:
    return position.step == total or bool(getattr(scheme, "ended", False))


def _row(
    scheme: TrainingScheme,
    position: Position,
    *,
    held_out: Images | None,
    measure: Callable[[], dict[str, float]] | None,
) -> dict[str, float]:
    """Return an epoch's row of the curve, which the first process measures while the others wait."""
    row = {"epoch": float(position.epoch + 1), "step": float(position.step)}
    row |= {name: float(total) / position.counts[name] for name, total in position.totals.items()}
    if parallel.rank() == 0:
        if held_out is not None:
            row["held_out_error"] = error(scheme, held_out)
        if measure is not None:
            row |= {name: float(number) for name, number in measure().items()}
    parallel.meet()
    return parallel.agreed(row)


def _end_epoch(
    scheme: TrainingScheme, position: Position, total: int, training: Training, row: dict[str, float]
) -> None:
    """Add an epoch's row to the curve, judge it by the error on held-out data, and move the position to the next."""
    position.epoch += 1
    position.batch = 0
    position.ended = _ended(scheme, position, total)
    if "held_out_error" in row:
        if row["held_out_error"] < position.best_error:
            position.best_error, position.best_epoch = row["held_out_error"], position.epoch
            if training.patience is not None:
                position.best_state = copy.deepcopy(scheme.state())
        elif training.patience is not None:
            position.ended |= position.epoch - position.best_epoch >= training.patience
    position.curve.append(row)
    if all(math.isfinite(float(total)) for total in position.totals.values()):
        position.totals, position.counts = {}, {}


def _require_finite(position: Position, label: str, newest: Path) -> None:
    # At the end of an epoch the position is the beginning of the next.
    epoch = position.epoch + (position.batch > 0)
    for name, total in position.totals.items():
        if not math.isfinite(float(total)):
            kept = f"the last good checkpoint is {newest}" if newest.exists() else "no checkpoint was written yet"
            raise UserError(
                f"{label}: the {name} is no longer finite (epoch {epoch}, by step {position.step}); "
                f"lower the learning rate or the weight of that term; {kept}."
            )


def _plain(position: Position) -> dict[str, Any]:
    plain = asdict(position)
    plain["best_state"] = position.best_state
    return plain


def _generators() -> dict[str, Any]:
    """Return the state of the random generators: the processor's, and of each process that of its device."""
    used: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    device = torch.cuda.get_rng_state() if used else None  # else asking would begin a context on some run's GPU
    return {"cpu": torch.get_rng_state(), "cuda": parallel.from_all(device)}


def _take_up(scheme: TrainingScheme, checkpoints: Checkpoints) -> Position:
    saved = checkpoints.load()
    if saved is None:
        return Position()
    with checkpoints.read_as_written():
        scheme.restore(saved["scheme"])
        torch.set_rng_state(saved["generators"]["cpu"])
        devices = saved["generators"]["cuda"]
        if torch.cuda.is_available() and len(devices) > parallel.rank() and devices[parallel.rank()] is not None:
            torch.cuda.set_rng_state(devices[parallel.rank()])
        return _position(saved["position"])


def _position(saved: dict[str, Any]) -> Position:
    """Return a position as it was saved, also before terms were counted each by itself."""
    known = dict(saved)
    if "samples" in known:
        known["counts"] = dict.fromkeys(known["totals"], known.pop("samples"))
    return Position(**known)
