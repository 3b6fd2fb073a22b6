"""What the Snakefile asks the registry: which files there are to make, and what each is made from."""

from __future__ import annotations

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared.errors import UserError, suggestion
from shared.records.results import SUFFIXES, Results
from shared.records.target_records import record_paths
from shared.records.trials import Attempt, Library
from shared.runs.catalogue import benchmarks
from shared.runs.config import Run
from shared.runs.registry import SCALES, TRAINED_SCALES, paper, papers

RESULTS = Results()


def training_jobs(trial: Mapping[str, Any] | None = None) -> dict[str, Run]:
    """Return every run at every scale by the folder, below `results`, that its seeds lie in.

    With what the command `try` says of a trial, those of the trial too.
    """
    jobs = {
        f"{scale}/{entry.key}/runs/{run.name}": run
        for entry in papers().values()
        for scale in TRAINED_SCALES
        for run in entry.runs(scale).values()
    }
    if not trial:
        return jobs
    found = Attempt.of(trial["file"], trial["scale"], int(trial["seeds"]), RESULTS)
    library = Library(RESULTS, found.scale)
    for experiment in found.experiments if trial["others"] else ():
        jobs |= {f"{run.scale}/{run.paper}/runs/{run.name}": run for run in library.missing(experiment, found.seeds)}
    own = {f"{run.scale}/trials/{found.trial.name}/{run.paper}/runs/{run.name}": run for run in found.runs()}
    return jobs | own


def configuration(run: Run) -> str:
    """Return the resolved configuration of a run as text, so that its change, and no other, makes it run again."""
    return json.dumps(run.config.plain(), sort_keys=True)


def arguments(run: Run) -> str:
    """Return the command line arguments that name a run, and its seeds where `runs.yaml` does not say how many."""
    chosen = " ".join(map(str, run.asked_seeds))
    seeds = f" --seed {chosen}" if run.only or run.trial else ""
    trial = f" --trial {shlex.quote(run.trial)}" if run.trial else ""
    return f"{run.paper} {run.name} --scale {run.scale}{seeds}{trial}"


def training_rule(seeds: Sequence[int]) -> str:
    """Return the name of the rule that trains some seeds of a run."""
    every = tuple(seeds) == tuple(range(len(seeds)))
    return f"train_{len(seeds)}_seeds" if every else f"train_seeds_{'_'.join(map(str, seeds))}"


def data_sets_named(names: str) -> frozenset[str]:
    """Return the data sets that `names` lists, between commas.

    Raises:
        UserError: one is trained on by no run.

    """
    named = frozenset(filter(None, names.split(",")))
    runs = [run for entry in papers().values() for scale in TRAINED_SCALES for run in entry.runs(scale).values()]
    known = {run.config.data.name for run in runs}
    for name in sorted(named - known):
        raise UserError(f"no run is trained on a data set '{name}'; {suggestion(name, known)}")
    return named


def target_records(scale: str, key: str, target: str, without: Collection[str] = ()) -> list[Path]:
    """Return the records that a target waits for, with what benchmarks evaluated apart add to them.

    Runs that train on one of the data sets `without` are not waited for; the target is drawn from the others.
    """
    entry = paper(key)
    if scale == "published":
        return record_paths(entry, target, scale, RESULTS)
    runs = [run for run in entry.target_runs(target, scale) if run.config.data.name not in without]
    records = [RESULTS.record(scale, key, run.name, seed) for run in runs for seed in range(run.seeds)]
    apart = [
        RESULTS.benchmark(scale, key, run.name, seed, name)
        for run in runs
        for seed in range(run.seeds)
        for name in run.config.benchmarks
        if benchmarks(key)[name].alone
    ]
    return [*records, *apart]


def target_files(scale: str, key: str, without: Collection[str] = ()) -> list[Path]:
    """Return the files of those of a paper's targets at a scale that have records to be drawn from."""
    return [
        RESULTS.target(scale, key, name, suffix)
        for name, target in paper(key).targets.items()
        if target_records(scale, key, name, without)
        for suffix in SUFFIXES[target.kind]
    ]


def report_files(scale: str, without: Collection[str] = ()) -> list[Path]:
    """Return everything that the report of a scale shows."""
    targets = [path for key in papers() for path in target_files(scale, key, without)]
    records = {
        path
        for key, entry in papers().items()
        for name in entry.targets
        for path in target_records(scale, key, name, without)
    }
    return [*targets, *sorted(records)]


__all__ = [
    "RESULTS",
    "SCALES",
    "arguments",
    "configuration",
    "data_sets_named",
    "papers",
    "report_files",
    "target_files",
    "target_records",
    "training_jobs",
    "training_rule",
]
