"""Evaluate a trained run again."""

from __future__ import annotations

import sys
from pathlib import Path

from shared.commands.again import places
from shared.data.drawn import draw
from shared.errors import UserError, suggestion
from shared.evaluation.trained import Trained
from shared.records.checkpoint_folders import checkpoints_of_record
from shared.records.fingerprint import evaluation_code
from shared.records.kept import write_arrays
from shared.records.one_seed import OneSeed
from shared.records.provenance import weights_hash
from shared.records.records import Apart, write_json
from shared.records.results import Results
from shared.runs.catalogue import benchmarks, evaluations, unfit
from shared.runs.config import Run
from shared.runs.registry import TRAINED_SCALES, paper
from shared.training import device as devices
from shared.training.setup import Setup


def evaluate(run: Run, seed: int, benchmark: str, results: Results, root: Path) -> dict[str, float]:
    """Evaluate a trained seed of a run on one benchmark, from its last checkpoint, and write the metrics.

    The weights are those that the record tells of, whatever code trained them. Of a training that did not stay finite
    nothing is measured.

    Raises:
        UserError: the run is not trained to its end, or the benchmark is of other data or measures nothing of it, or
            its data cannot be had.

    """
    if wrong := unfit(run.config, benchmark, benchmarks(run.paper)):
        raise UserError(f"{run.name}: {'; '.join(wrong)}")
    if benchmark not in (known := fitting(run)):
        data = run.config.data.name
        raise UserError(
            f"{run.name} is trained on {data}, and '{benchmark}' measures no run of {run.paper} on it; "
            f"{suggestion(benchmark, known)}"
        )
    one = OneSeed(run, seed, results)
    record = one.record()
    if record and record.not_finite:
        print(f"{run.name} seed {seed}: {record.not_finite}; nothing is measured of it", file=sys.stderr)  # noqa: T201
        _write(run, seed, benchmark, results, weights=record.provenance.weights_sha256, metrics={})
        return {}
    checkpoints = checkpoints_of_record(run, seed, results)
    saved = checkpoints.load()
    with checkpoints.read_as_written():
        ended = saved is not None and saved["position"]["ended"]
    if saved is None or not ended:
        train = (
            f"python -m shared train {run.paper} {run.name} --scale {run.scale} --seed {seed}{places(results, root)}"
        )
        if record:
            raise UserError(
                f"{run.name}, seed {seed}, has its record, but no weights are to be read in {checkpoints.folder}; "
                f"to train them again remove {one.path}, then run {train}"
            )
        raise UserError(
            f"{run.name}, seed {seed}, is not trained at scale '{run.scale}' with its present configuration; first run "
            f"{train}"
        )
    device, _hold = devices.prepare(run.config.training, name=run.name, gpus=min(1, run.config.training.gpus))
    setup = Setup(run, seed, draw(run.config.data, seed, root), device)
    trained = Trained(setup, root, evaluations(run, [benchmark]))
    for missing in trained.skipped.values():
        raise UserError(missing)
    with checkpoints.read_as_written():
        setup.scheme.restore(saved["position"]["best_state"] or saved["scheme"])
        curve = saved["position"]["curve"]
    measured, kept = trained.measure([benchmark], curve, alone=True)
    metrics = measured[benchmark]
    if not metrics:
        raise UserError(f"{benchmark} measures nothing of {run.name}; {suggestion(benchmark, known - {benchmark})}")
    write_arrays(results.seed(run.scale, run.paper, run.name, seed), kept)
    _write(run, seed, benchmark, results, weights=weights_hash(setup.scheme.state()), metrics=metrics)
    return metrics


def _write(run: Run, seed: int, benchmark: str, results: Results, *, weights: str, metrics: dict[str, float]) -> None:
    measured_apart = Apart(
        benchmark=benchmark,
        code=evaluation_code(run, benchmark),
        config_hash=run.hash,
        seed=seed,
        weights_sha256=weights,
        metrics=metrics,
    )
    path = results.benchmark(run.scale, run.paper, run.name, seed, benchmark)
    write_json(path, measured_apart.model_dump(mode="json"))


def fitting(run: Run) -> set[str]:
    """Return the benchmarks by which the paper measures runs that train on the same data set, at whichever scale."""
    alike = [
        other.config
        for scale in TRAINED_SCALES
        for other in paper(run.paper).runs(scale).values()
        if other.config.data.name == run.config.data.name
    ]
    return {name for config in alike for name in (*config.benchmarks, *config.along_training)}
