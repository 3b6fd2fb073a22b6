"""For each target of a scale: done, ready to run, or what is missing; with the time and room that the rest takes."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from math import isnan
from pathlib import Path
from typing import Any, NamedTuple

from shared.commands.scope import Scope
from shared.commands.terminal import BOLD, GREEN, RED, YELLOW, coloured, table, width
from shared.records.records import Record, find_records
from shared.records.results import SUFFIXES
from shared.records.target_records import found, record_paths
from shared.rehearsal.costs import GPU, THREAD, Device
from shared.rehearsal.left import Training, lacking, once, trained
from shared.reporting.left_out import left_out
from shared.runs.catalogue import at_hand, data_sets, evaluations
from shared.runs.components import DataSet
from shared.runs.config import Run
from shared.runs.registry import Paper

RECORD_MEGABYTES = 0.01
FEATURES_MEGABYTES = 0.3
DONE, DRAW, NOTHING, READY, FETCH, NEEDS = "done", "to draw", "no records", "ready", "fetches", "needs data"
COLOURS = {DONE: GREEN, DRAW: GREEN, NOTHING: YELLOW, READY: YELLOW, FETCH: YELLOW, NEEDS: RED}
TITLES = ("target", "state", "left", "device hours", "longest job", "GPUs", "MB", "remarks")
RIGHT = (2, 3, 4, 5, 6)
WIDE = 120
"""In characters; on a terminal that is narrower, what the remarks would have no room beside is left out."""
LEFT_OUT = (4, 5, 6)


class DamagedRecordWarning(UserWarning):
    """A published record is damaged, and the time of its run is not known."""


class Known(NamedTuple):
    """Of a paper, by the hash of its configuration a published record of a run, and the trainings that are there."""

    measured: dict[str, Record]
    trained: set[Training]


@dataclass(frozen=True)
class Row:
    """How far a target is: its state, how many of its `trainings` are `left`, and what those take.

    `device_hours` of all, where runs configured alike are trained once, and hours of the `longest_job`, which trains
    the seeds of a run, are None where a run is not known to take any; `gpus` is the most that a job asks for. `data`
    are the data sets to be fetched or to be had; `without` those of benchmarks that cannot be had; `remarks` sentences.
    Of published records nothing is left.
    """

    target: str
    state: str
    trainings: int
    left: int
    device_hours: float | None
    longest_job: float | None
    gpus: int
    megabytes: float
    data: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def cells(self) -> tuple[str, ...]:
        """Return the row as texts, in the order of `TITLES`."""
        waits = {NEEDS: "needs", FETCH: "fetches or makes"}.get(self.state)
        said = [f"{waits} {', '.join(self.data)}" if waits else ""]
        said += [f"without the benchmarks on {', '.join(self.without)}" if self.without else "", *self.remarks]
        counted = f"{self.left}/{self.trainings}" if self.trainings else ""
        takes = (_hours(self.device_hours), _hours(self.longest_job), str(self.gpus), f"{self.megabytes:.1f}")
        return (self.target, self.state, counted, *(takes if self.left else [""] * 4), "; ".join(filter(None, said)))


def _hours(hours: float | None) -> str:
    return "not known" if hours is None else f"{hours:.1f}" if hours < 100 else f"{hours:.0f}"


def rows(scope: Scope, gpu: Device = GPU) -> Iterator[Row]:
    """Yield how far targets are; warns of damaged records."""
    scale, results = scope.scale, scope.results
    for paper in scope.papers:
        published = found(paper, "published", find_records(results.paper("published", paper.key)), results)
        for problem in published.damaged.values() if scale != "published" else ():
            warnings.warn(problem, DamagedRecordWarning, stacklevel=2)
        measured = {record.config_hash: record for record in published.current.values()}
        own = found(paper, scale, find_records(results.paper(scale, paper.key)), results)
        known = Known(measured, trained(own.current.values(), results))
        for name in paper.targets if scope.target is None else [scope.target]:
            yield _row(paper, name, scope, known, gpu)


def _row(paper: Paper, name: str, scope: Scope, known: Known, gpu: Device) -> Row:
    scale, results, root = scope.scale, scope.results, scope.root
    suffixes = SUFFIXES[paper.target(name).kind]
    drawn = all(results.target(scale, paper.key, name, suffix).exists() for suffix in suffixes)
    paths = record_paths(paper, name, scale, results)
    there = found(paper, scale, paths, results)
    remarks = (*left_out([path for path in paths if path in there.other], there, results), *there.damaged.values())
    label = f"{paper.key}/{name}"
    if scale == "published":
        kept = len(there.current)
        state = DONE if drawn else DRAW if kept else NOTHING
        said = (f"{kept} records kept", *remarks) if kept else remarks
        return Row(label, state, 0, 0, 0.0, 0.0, 0, 0.0, remarks=said)
    runs = paper.target_runs(name, scale)
    recorded = {(record.run, record.seed) for record in there.current.values()}
    left = lacking(runs, recorded, known.measured, gpu)
    if not left:
        return Row(label, DONE if drawn else DRAW, len(paths), 0, 0.0, 0.0, 0, 0.0, remarks=remarks)
    wanting = sorted({_called(run.config.data) for run in runs if not at_hand(run.config.data, root)})
    fetching = sorted({run.config.data.name for run in runs if not run.config.data.is_there(root)})
    jobs = once(left, known.trained)
    is_known = not any(isnan(one.hours) for one in jobs)
    return Row(
        target=label,
        state=NEEDS if wanting else FETCH if fetching else READY,
        trainings=len(paths),
        left=sum(len(one.seeds) for one in jobs),
        device_hours=sum(one.hours * max(1, one.run.config.training.gpus) for one in jobs) if is_known else None,
        longest_job=max(one.hours for one in jobs) if is_known else None,
        gpus=max(one.run.config.training.gpus for one in jobs),
        megabytes=sum(len(one.seeds) * _megabytes(one.run) for one in jobs),
        data=tuple(wanting or fetching),
        without=tuple(sorted({name for run in runs for name in _tested_elsewhere(run, root)})),
        remarks=remarks,
    )


def _megabytes(run: Run) -> float:
    return RECORD_MEGABYTES + FEATURES_MEGABYTES * len(run.config.keep_features)


def _tested_elsewhere(run: Run, root: Path) -> list[str]:
    """Return the names of the data sets that a run's benchmarks embed and that are not to be had."""
    data = [evaluation.images for evaluation in evaluations(run, run.config.benchmarks).values()]
    return [_called(entry) for entry in data if entry is not None and not at_hand(entry, root)]


def _called(data: DataSet) -> str:
    """Return a data set's name, and whether it is still offered."""
    return data.name if data.whose.available else f"{data.name} (no longer offered)"


def data_advice(scope: Scope) -> Iterator[str]:
    """Say of each data set that is needed whose it is, and where, or how to get it."""
    for name, data in data_sets(run for paper in scope.papers for run in scope.runs(paper)).items():
        folder, card = scope.root / data.place, data.whose
        where = f"in {folder}" if data.is_there(scope.root) else f"not in {folder}: {card.how_to_get}"
        yield f"data set {name} ({card.title}; {card.owner}; {card.licence}): {where}"


def lines(scope: Scope, gpu: Device = GPU) -> Iterator[str]:
    """Yield the lines that `status` prints: one a target, what all takes, and of one paper how to get its data sets."""
    found_rows = list(rows(scope, gpu))
    room = width()
    shown = [place for place in range(len(TITLES)) if room is None or room >= WIDE or place not in LEFT_OUT]
    cells = [[row[place] for place in shown] for row in (TITLES, *(row.cells() for row in found_rows))]
    titles, *body = table(cells, room, right=[shown.index(place) for place in RIGHT if place in shown])
    yield coloured(titles, BOLD)
    for row, line in zip(found_rows, body, strict=True):
        yield coloured(line, COLOURS[row.state])
    if scope.scale == "published":
        return
    yield f"Hours by published records of the very run, else by measured speeds, else by operations at {assumed(gpu)}."
    if scope.paper is not None:
        yield from data_advice(scope)
    elif any(row.data or row.without for row in found_rows):
        yield "What a data set is and how to get it is told with --paper."


def assumed(gpu: Device) -> str:
    """Return in words what speed devices are taken to have."""
    return (
        f"{gpu.share:.0%} of the peak of {gpu.name} ({gpu.fp32:g} TFLOP/s, {gpu.tf32:g} in TF32, "
        f"{gpu.bf16:g} in bfloat16) or of {THREAD.name} ({THREAD.fp32:g})"
    )


def as_json(scope: Scope, gpu: Device = GPU) -> str:
    """Return what `status` tells, for programs."""
    told: dict[str, Any] = {
        "scale": scope.scale,
        "gpu": gpu.model_dump(),
        "targets": [asdict(row) for row in rows(scope, gpu)],
    }
    if scope.scale != "published":
        told["data_sets"] = list(data_advice(scope))
    return json.dumps(told, indent=1)
