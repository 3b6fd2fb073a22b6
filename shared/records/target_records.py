"""Which records a paper's targets are made of, and which of those that are there can be drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import ValidationError

from shared.errors import UserError
from shared.records.records import Record, Records, find_records, read_record
from shared.records.results import Results
from shared.runs.catalogue import run_model
from shared.runs.config import Run, config_hash
from shared.runs.registry import TRAINED_SCALES, Paper


def record_paths(paper: Paper, target: str, scale: str, results: Results) -> list[Path]:
    """Return the records that a target is made of; at scale `published`, those of them that are kept."""
    if scale == "published":
        folder = results.paper(scale, paper.key)
        patterns = paper.target(target).runs
        return [
            path
            for path in find_records(folder)
            if any(fnmatchcase(path.parent.parent.relative_to(folder / "runs").as_posix(), run) for run in patterns)
        ]
    return [
        results.record(scale, paper.key, run.name, seed)
        for run in paper.target_runs(target, scale)
        for seed in range(run.seeds)
    ]


@dataclass(frozen=True)
class Found:
    """The records at some paths, as far as there are any: those of today's runs, those of others, and the damaged.

    `other` tells of each why it is not that of the run and seed whose place it has, as `runs.yaml` gives the run;
    `damaged` has the sentence that names the file.
    """

    current: dict[Path, Record] = field(default_factory=dict)
    other: dict[Path, str] = field(default_factory=dict)
    damaged: dict[Path, str] = field(default_factory=dict)

    def require_whole(self) -> None:
        """Raise UserError for the first that is damaged."""
        for problem in self.damaged.values():
            raise UserError(problem)

    def records(self, paper: Paper) -> Records:
        """Return the records of today's runs as targets see them."""
        return Records(((record, path.parent) for path, record in self.current.items()), paper.reference)


def found(paper: Paper, scale: str, paths: Iterable[Path], results: Results) -> Found:
    """Read the records at those of `paths`, places of a scale, where there is one."""
    sorted_out = Found()
    for path in paths:
        if not path.exists():
            continue
        try:
            record = read_record(path)
        except UserError as error:
            sorted_out.damaged[path] = str(error)
            continue
        if reason := _other(record, path, paper, scale, results):
            sorted_out.other[path] = reason
        elif problem := _contradiction(record, paper.run(record.run, record.scale)):
            sorted_out.damaged[path] = f"{path}: no valid record: {problem}; remove the file and train the run again."
        else:
            sorted_out.current[path] = record
    return sorted_out


def _other(record: Record, path: Path, paper: Paper, scale: str, results: Results) -> str:
    """Return why a record is not that of the run and seed whose place it has, "" where it is."""
    if path != results.record(scale, paper.key, record.run, record.seed) or record.paper != paper.key:
        return "of another run or seed"
    if record.scale != scale and (scale != "published" or record.scale not in TRAINED_SCALES):
        return "of another scale"
    run = paper.runs(record.scale).get(record.run)
    if run is None:
        return "of a run that runs.yaml does not have"
    return "" if run.hash == record.config_hash else "of another configuration than runs.yaml has"


def _contradiction(record: Record, run: Run) -> str:
    """Return what a record of a run says otherwise than a training of it would have, "" where that is nothing."""
    if record.axes != run.axes:
        return "axes: they are not those of the run"
    # A run's own configuration has its hash, which is quicker to see than the hash of any other.
    if record.config != run.config.plain() and _hash(record, run) != record.config_hash:
        return "config: it is not the one that config_hash is of"
    return "" if record.metrics or record.not_finite else "metrics: there are none, not even those of the training"


def _hash(record: Record, run: Run) -> str:
    """Return the hash of a record's configuration, "" where it is none of the run's paper."""
    try:
        return config_hash(run_model(run.paper).model_validate(record.config).identity())
    except ValidationError:
        return ""
