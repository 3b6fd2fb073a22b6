"""What a training job needs: processors, memory and minutes, which a cluster's scheduler is told beforehand."""

from __future__ import annotations

import math
from functools import cache

from shared.records.records import Record, find_records
from shared.records.results import Results
from shared.records.target_records import found
from shared.runs.config import Run
from shared.runs.registry import SMOKE, paper

START_MINUTES = 10
"""What a job may take beside training: to start on a cluster, to read its data, to be measured on the benchmarks."""
SMOKE_MINUTES, SMOKE_MEGABYTES = 10, 2000
SPARE_TIME, SPARE_MEMORY = 2.0, 1.5
"""A job may take so many times what is known or estimated."""
IN_MEMORY_MEGABYTES, STREAMED_MEGABYTES = 4000, 16_000
"""Of each process, where no record tells: with images held in memory, which are small here, and with others."""


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


def minutes(run: Run) -> float | None:
    """Return how long a seed may take; None where neither a published record nor a measured speed tells.

    A speed is that of one thread of a processor, so that a GPU takes less.
    """
    if run.scale == SMOKE:
        return SMOKE_MINUTES
    if run.hash in _published(run.paper):
        seconds = _published(run.paper)[run.hash].provenance.wall_seconds
    elif speed := paper(run.paper).images_per_second.get(run.config.backbone.name):
        data, training = run.config.data, run.config.training
        images = data.training_images * data.trained_classes / data.classes
        seconds = training.length(math.ceil(images / training.batch_size)) * training.batch_size / speed
    else:
        return None
    return SPARE_TIME * seconds / 60


def megabytes(run: Run) -> int:
    """Return how much memory a run may take, all its processes together."""
    if run.scale == SMOKE:
        return SMOKE_MEGABYTES
    if run.hash in _published(run.paper):
        return math.ceil(SPARE_MEMORY * _published(run.paper)[run.hash].provenance.peak_memory_mib)
    return processes(run) * (IN_MEMORY_MEGABYTES if in_memory(run) else STREAMED_MEGABYTES)


@cache
def _published(key: str) -> dict[str, Record]:
    """Return the whole published records of a paper by the hash of their configuration."""
    results = Results()
    records = found(paper(key), "published", find_records(results.paper("published", key)), results)
    return {record.config_hash: record for record in records.current.values()}
