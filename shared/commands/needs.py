"""What a training job needs: processors, memory and minutes, which a cluster's scheduler is told beforehand."""

from __future__ import annotations

import math
from functools import cache

from shared.records.records import Record, find_records
from shared.records.results import Results
from shared.records.target_records import found
from shared.rehearsal.costs import hours, memory_mib, seed_hours
from shared.runs.config import Run
from shared.runs.registry import SMOKE, paper

START_MINUTES = 10
"""What a job may take beside training: to start on a cluster, to read its data, to be measured on the benchmarks."""
LONG_MINUTES = 10
SMOKE_MINUTES, SMOKE_MEGABYTES = 10, 2000
SPARE_TIME, SPARE_MEMORY = 2.0, 1.5
"""A job may take so many times what is known or estimated."""


def in_memory(run: Run) -> bool:
    """Whether the images of a run are held in memory: none are decoded ahead."""
    return run.config.training.workers == 0


def processes(run: Run) -> int:
    """Return how many processes train together: one a GPU."""
    return max(1, run.config.training.gpus)


def processors(run: Run) -> int:
    """Return how many processors a run keeps busy: the threads that compute, and those that decode images ahead."""
    training = run.config.training
    return processes(run) * (training.threads + training.workers)


def takes_long(run: Run) -> bool:
    """Whether a seed of a run takes so long that it is a job of its own: more than `LONG_MINUTES`, or not known."""
    if run.scale == SMOKE:
        return False
    estimated = hours(run)
    return estimated is None or 60 * estimated > LONG_MINUTES


def minutes(run: Run) -> float | None:
    """Return how long a seed may take; None where no published record, measured speed or rehearsal tells."""
    if run.scale == SMOKE:
        return SMOKE_MINUTES
    records = _published(run.paper).get(run.hash, [])
    slowest = max(records, key=lambda record: record.provenance.wall_seconds, default=None)
    taken = seed_hours(run, {} if slowest is None else {run.hash: slowest})
    return None if taken is None else SPARE_TIME * 60 * taken


def megabytes(run: Run) -> int:
    """Return how much memory a run may take, all its processes together."""
    if run.scale == SMOKE:
        return SMOKE_MEGABYTES
    if records := _published(run.paper).get(run.hash):
        return math.ceil(SPARE_MEMORY * max(record.provenance.peak_memory_mib for record in records))
    return memory_mib(run)


@cache
def _published(key: str) -> dict[str, list[Record]]:
    """Return the whole published records of a paper, those of all seeds by the hash of their configuration."""
    results = Results()
    records = found(paper(key), "published", find_records(results.paper("published", key)), results)
    of_hash: dict[str, list[Record]] = {}
    for record in records.current.values():
        of_hash.setdefault(record.config_hash, []).append(record)
    return of_hash
