"""Train seeds of a run into their records."""

from __future__ import annotations

import datetime
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

from shared.commands.checkpoint_folders import trained_on
from shared.evaluation.trained import Trained
from shared.records.fingerprint import training_code
from shared.records.kept import write_arrays, write_curve, write_features
from shared.records.provenance import commit, provenance
from shared.records.records import DataUsed, Record, write_json
from shared.records.results import Results
from shared.runs.config import Run
from shared.training import device as devices
from shared.training import parallel
from shared.training.checkpoint import Checkpoints, Made
from shared.training.loop import Position, Stopped, fit
from shared.training.setup import Setup


class MissingBenchmarkWarning(UserWarning):
    """The data of a benchmark are not to be had, and it is not measured."""


def train_seeds(run: Run, seeds: Sequence[int], results: Results, root: Path) -> None:
    """Train seeds one after the other; stopped by SIGTERM, end the process with status 143."""
    for seed in seeds:
        try:
            train(run, seed, results, root)
        except Stopped:
            print(f"{run.name} seed {seed}: stopped; the same command goes on from here", file=sys.stderr)  # noqa: T201
            sys.exit(143)
    parallel.apart()


def train(run: Run, seed: int, results: Results, root: Path) -> None:
    """Train one seed of a run, or take it up where it stopped, and write its record, its curve and what it keeps.

    Started by `torchrun`, the processes train together, and the first of them writes.

    Raises:
        UserError: the data set cannot be had, the loss is no longer finite, the checkpoint is another run's, or
            another of the processes died.

    Where another process trains the same weights (a run of another name configured alike, or one left over from a
    killed workflow), this one waits and takes up what it left.

    """
    began = time.monotonic()
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    made = Made(training_code(run), commit())
    checkpoints = Checkpoints(trained_on(run, seed, results, made.code), run.config.identity(), seed, made)
    with checkpoints.only_writer(f"{run.name} (seed {seed})"):
        device, _hold = devices.prepare(run.config.training)
        with parallel.together(device):
            setup = Setup(run, seed, root, device)
            trained = Trained(setup, root, (*run.config.benchmarks, *run.config.along_training))
            position = _fit(setup, trained, checkpoints)
        if parallel.rank() == 0:
            _write(trained, position, checkpoints.made, results, (started, began))


def _fit(setup: Setup, trained: Trained, checkpoints: Checkpoints) -> Position:
    run = setup.run
    along = run.config.along_training

    def measure() -> dict[str, float]:
        return {
            f"{benchmark}/{metric}": value
            for benchmark, metrics in trained.measure(along)[0].items()
            for metric, value in metrics.items()
        }

    return fit(
        setup.scheme,
        setup.images["train"],
        run.config.training,
        setup.seed,
        checkpoints,
        held_out=setup.images["held-out"] if len(setup.images["held-out"]) else None,
        measure=measure if along else None,
        label=f"{run.paper} {run.name} seed {setup.seed}",
    )


def _write(trained: Trained, position: Position, made: Made, results: Results, since: tuple[str, float]) -> None:
    """Measure, and write what is kept and then the record; `since` is when this began, as a time and on the clock."""
    setup, run = trained.setup, trained.run
    skipped = {name: reason for name, reason in trained.skipped.items() if name in run.config.benchmarks}
    for reason in skipped.values():
        warnings.warn(f"{run.name}: not measured: {reason}", MissingBenchmarkWarning, stacklevel=2)
    metrics, kept = trained.measure(run.config.benchmarks)
    last = {name: value for name, value in position.curve[-1].items() if name not in {"epoch", "step"}}
    test = setup.images["test"].labels.bincount(minlength=setup.classes)
    started, began = since
    record = Record(
        paper=run.paper,
        run=run.name,
        scale=run.scale,
        seed=setup.seed,
        axes=run.axes,
        config=run.config.plain(),
        config_hash=run.hash,
        metrics={"training": last, **metrics},
        data=DataUsed(
            name=run.config.data.name,
            checksums=setup.checksums,
            counts=setup.drawn.counts | {"test": test.tolist()},
        ),
        skipped=skipped,
        provenance=provenance(setup, position, made, metrics, started=started, seconds=time.monotonic() - began),
    )
    folder = results.seed(run.scale, run.paper, run.name, setup.seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_curve(folder, position.curve)
    for split in run.config.keep_features:
        write_features(folder, split, trained.output(split))
    write_arrays(folder, kept)
    write_json(results.record(run.scale, run.paper, run.name, setup.seed), record.model_dump(mode="json"))
