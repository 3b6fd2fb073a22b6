"""What the Snakefile asks the registry: which files there are to make, and what each is made from."""

from __future__ import annotations

import json
from pathlib import Path

from shared.records.results import SUFFIXES, Results
from shared.records.target_records import record_paths
from shared.runs.catalogue import benchmarks
from shared.runs.config import Run
from shared.runs.registry import SCALES, TRAINED_SCALES, paper, papers

RESULTS = Results()


def training_jobs() -> dict[str, Run]:
    """Return every run at every scale by the folder, below `results`, that its seeds lie in."""
    return {
        f"{scale}/{entry.key}/runs/{run.name}": run
        for entry in papers().values()
        for scale in TRAINED_SCALES
        for run in entry.runs(scale).values()
    }


def configuration(run: Run) -> str:
    """Return the resolved configuration of a run as text, so that its change, and no other, makes it run again."""
    return json.dumps(run.config.plain(), sort_keys=True)


def arguments(run: Run) -> str:
    """Return the command line arguments that name a run."""
    return f"{run.paper} {run.name} --scale {run.scale}"


def target_records(scale: str, key: str, target: str) -> list[Path]:
    """Return the records that a target is drawn from, with what benchmarks evaluated apart add to them."""
    entry = paper(key)
    records = record_paths(entry, target, scale, RESULTS)
    if scale == "published":
        return records
    apart = [
        RESULTS.benchmark(scale, key, run.name, seed, name)
        for run in entry.target_runs(target, scale)
        for seed in range(run.seeds)
        for name in run.config.benchmarks
        if benchmarks(key)[name].alone
    ]
    return [*records, *apart]


def target_files(scale: str, key: str) -> list[Path]:
    """Return the files of a paper's targets at a scale; at `published`, of those with records."""
    return [
        RESULTS.target(scale, key, name, suffix)
        for name, target in paper(key).targets.items()
        if scale in TRAINED_SCALES or record_paths(paper(key), name, scale, RESULTS)
        for suffix in SUFFIXES[target.kind]
    ]


def report_files(scale: str) -> list[Path]:
    """Return everything that the report of a scale shows."""
    targets = [path for key in papers() for path in target_files(scale, key)]
    records = {
        path for key, entry in papers().items() for name in entry.targets for path in target_records(scale, key, name)
    }
    return [*targets, *sorted(records)]


__all__ = [
    "RESULTS",
    "SCALES",
    "arguments",
    "configuration",
    "papers",
    "report_files",
    "target_files",
    "target_records",
    "training_jobs",
]
