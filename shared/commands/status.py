"""For each target of a scale: done, ready to run, or what is missing; with the time and room that the rest takes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path

from shared.records.records import Record, find_records
from shared.records.results import SUFFIXES, Results
from shared.records.target_records import found, record_paths
from shared.reporting.left_out import left_out
from shared.runs.catalogue import data_sets, evaluations
from shared.runs.components import DataSet
from shared.runs.config import Run
from shared.runs.registry import Paper, papers

RECORD_MEGABYTES = 0.01
FEATURES_MEGABYTES = 0.3


def lines(scale: str, results: Results, root: Path) -> Iterator[str]:
    """Yield the lines that `status` prints for a scale."""
    for paper in papers().values():
        published = found(paper, "published", find_records(results.paper("published", paper.key)), results)
        for problem in published.damaged.values() if scale != "published" else ():
            warnings.warn(problem, DamagedRecordWarning, stacklevel=2)
        measured = {record.config_hash: record for record in published.current.values()}
        for name in paper.targets:
            yield f"{paper.key}/{name}: {_target(paper, name, scale, results=results, root=root, measured=measured)}"
        if scale != "published":
            yield from _data_sets(paper, scale, root)


class DamagedRecordWarning(UserWarning):
    """A published record is damaged, and the time of its run is not known."""


def _target(paper: Paper, name: str, scale: str, *, results: Results, root: Path, measured: dict[str, Record]) -> str:
    suffixes = SUFFIXES[paper.target(name).kind]
    drawn = all(results.target(scale, paper.key, name, suffix).exists() for suffix in suffixes)
    paths = record_paths(paper, name, scale, results)
    there = found(paper, scale, paths, results)
    remarks = [*left_out([path for path in paths if path in there.other], there, results), *there.damaged.values()]
    told = "".join(f"; {remark}" for remark in remarks)
    if scale == "published":
        kept = f"{len(there.current)} records kept"
        state = "no records kept" if not paths else f"done, {kept}" if drawn else f"ready to draw, {kept}"
        return state + told
    left = [
        (run, seed)
        for run in paper.target_runs(name, scale)
        for seed in range(run.seeds)
        if results.record(scale, paper.key, run.name, seed) not in there.current
    ]
    if not left:
        return "done" if drawn else "trained, ready to draw"
    runs = paper.target_runs(name, scale)
    lacking = sorted({_called(run.config.data) for run in runs if not _at_hand(run.config.data, root)})
    cost = _cost(paper, [run for run, _ in left], measured)
    fetching = sorted({run.config.data.name for run in runs if not run.config.data.is_there(root)})
    untested = sorted({name for run in runs for name in _tested_elsewhere(run, root)})
    without = f"; without the benchmarks on {', '.join(untested)} (below)" if untested else ""
    if lacking:
        return f"needs data set {', '.join(lacking)} (below); then {len(left)} trainings, {cost}{without}{told}"
    first = f"fetches or makes data set {', '.join(fetching)} (below), then " if fetching else ""
    return f"ready to run: {first}{len(left)} of {len(paths)} trainings left, {cost}{without}{told}"


def _cost(paper: Paper, left: list[Run], measured: dict[str, Record]) -> str:
    """Return the time of the trainings by published records of the very same runs, else by the stated speed."""
    seconds, unknown = 0.0, 0
    for run in left:
        if run.hash in measured:
            seconds += measured[run.hash].provenance.wall_seconds
        elif run.scale != "smoke" and run.config.backbone.name in paper.images_per_second:
            training = run.config.training
            steps = training.length(math.ceil(_training_images(run.config.data) / training.batch_size))
            seconds += steps * training.batch_size / paper.images_per_second[run.config.backbone.name]
        else:
            unknown += 1
    megabytes = sum(RECORD_MEGABYTES + FEATURES_MEGABYTES * len(run.config.keep_features) for run in left)
    hours = f"about {seconds / 3600:.1f} device hours" if unknown < len(left) else "device hours not known"
    return f"{hours}, {megabytes:.1f} MB"


def _training_images(data: DataSet) -> float:
    """Return about how many images are trained on: all that there are, of the classes chosen."""
    return data.training_images * data.trained_classes / data.classes


def _at_hand(data: DataSet, root: Path) -> bool:
    return data.obtainable or data.is_there(root)


def _tested_elsewhere(run: Run, root: Path) -> list[str]:
    """Return the names of the data sets that a run's benchmarks embed and that are not to be had."""
    data = [evaluation.images for evaluation in evaluations(run, run.config.benchmarks).values()]
    return [_called(entry) for entry in data if entry is not None and not _at_hand(entry, root)]


def _called(data: DataSet) -> str:
    """Return a data set's name, and whether it is still offered."""
    return data.name if data.whose.available else f"{data.name} (no longer offered)"


def _data_sets(paper: Paper, scale: str, root: Path) -> Iterator[str]:
    """Say of each data set that a paper's runs need whose it is, and where it is or how to get it."""
    for name, data in data_sets(paper.runs(scale).values()).items():
        folder, card = root / data.place, data.whose
        where = f"in {folder}" if data.is_there(root) else f"not in {folder}: {card.how_to_get}"
        yield f"data set {name} ({card.title}; {card.owner}; {card.licence}): {where}"
