"""Write what one seed of one run leaves behind."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import TYPE_CHECKING

from shared.errors import UserError
from shared.evaluation.health import measure_health
from shared.records.kept import write_arrays, write_curve, write_features
from shared.records.provenance import provenance
from shared.records.records import DataUsed, Provenance, Record, TrainedOn, read_record, write_json
from shared.runs.registry import SMOKE, paper
from shared.training.loop import Position

if TYPE_CHECKING:
    from pathlib import Path

    from shared.evaluation.trained import Trained
    from shared.records.checkpoint_folders import NamedByDevice
    from shared.records.results import Results
    from shared.runs.config import Run
    from shared.training.setup import Setup


class MissingBenchmarkWarning(UserWarning):
    """The data of a benchmark are not to be had, and it is not measured."""


def write_record(
    trained: Trained,
    position: Position,
    checkpoints: NamedByDevice,
    results: Results,
    *,
    started: str,
    seconds: float,
    anew: bool = True,
) -> None:
    """Measure a run trained to its end, and write its curve, what it keeps, and then its record.

    `checkpoints` tell code and devices that trained, `started` a time, `seconds` how long ago it was. Where nothing was
    trained `anew`, since all was done, the record that is there of these weights goes on to say who trained them. A
    benchmark whose data are not to be had is left out, with a `MissingBenchmarkWarning`.

    Raises:
        UserError: the run has no images of a split that it is measured on or keeps the features of.

    """
    setup, run = trained.setup, trained.run
    skipped = {name: reason for name, reason in trained.skipped.items() if name in run.config.benchmarks}
    for reason in skipped.values():
        warnings.warn(f"{run.name}: not measured: {reason}", MissingBenchmarkWarning, stacklevel=2)
    metrics, kept = trained.measure(run.config.benchmarks, position.curve)
    last = {name: value for name, value in position.curve[-1].items() if name not in {"epoch", "step"}}
    path = results.record(run.scale, run.paper, run.name, setup.seed)
    now = provenance(setup, position, checkpoints, metrics, started=started, seconds=seconds)
    record = _record(setup, now if anew else _as_before(path, now)).model_copy(
        update={
            "metrics": {"training": last, **metrics},
            "skipped": skipped,
            "health": TrainedOn.model_validate({**measure_health(setup), "optimum": _optimum(run)}),
        }
    )
    folder = results.seed(run.scale, run.paper, run.name, setup.seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_curve(folder, position.curve)
    for split in run.config.keep_features:
        write_features(folder, split, trained.output(split))
    write_arrays(folder, kept)
    write_json(path, record.model_dump(mode="json"))


def write_not_finite(
    setup: Setup, what: str, checkpoints: NamedByDevice, results: Results, *, started: str, seconds: float
) -> None:
    """Write the record of a training that did not stay finite: `what` of it is a number no longer, and since when.

    Its epochs and steps are those of the last checkpoint that is finite.
    """
    run, saved = setup.run, checkpoints.load()
    reached = saved["position"] if saved else {}
    position = Position(**{name: reached[name] for name in ("epoch", "step", "seconds") if name in reached})
    made = provenance(setup, position, checkpoints, (), started=started, seconds=seconds)
    record = _record(setup, made).model_copy(update={"not_finite": what})
    write_json(results.record(run.scale, run.paper, run.name, setup.seed), record.model_dump(mode="json"))


def _record(setup: Setup, made: Provenance) -> Record:
    """Return the record of a training, of which nothing is measured yet."""
    run = setup.run
    return Record(
        paper=run.paper,
        run=run.name,
        scale=run.scale,
        seed=setup.seed,
        axes=run.axes,
        config=run.config.plain(),
        config_hash=run.hash,
        metrics={},
        data=DataUsed(name=run.config.data.name, checksums=setup.drawn.checksums, counts=setup.drawn.counts),
        searched=run.searched,
        provenance=made,
    )


def _as_before(path: Path, now: Provenance) -> Provenance:
    """Return who trained by the record that is there, if it is one of the same weights, else by the present one."""
    with suppress(UserError):
        before = read_record(path).provenance
        if before.weights_sha256 == now.weights_sha256:
            return before.model_copy(update={"evaluation": now.evaluation})
    return now


def _optimum(run: Run) -> float | None:
    """Return the loss at its optimum, which takes seconds to a minute; None where there is none, or no evidence."""
    if run.scale == SMOKE or paper(run.paper).no_optimum(run.name):
        return None
    from shared.evaluation.optimum import least_judged  # noqa: PLC0415 - its optimizer's import takes half a second

    return least_judged(run.config.loss, run.config.backbone.embedding, run.config.data.trained_classes)
