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
LONG_MINUTES = 10
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


def takes_long(run: Run) -> bool:
    """Whether a seed of a run takes so long that it is a job of its own: more than `LONG_MINUTES`, or not known."""
    if run.scale == SMOKE:
        return False
    seconds = _seconds_by_speed(run)
    return seconds is None or seconds > 60 * LONG_MINUTES


def minutes(run: Run) -> float | None:
    """Return how long a seed may take; None where neither a published record nor a measured speed tells."""
    if run.scale == SMOKE:
        return SMOKE_MINUTES
    record = _published(run.paper).get(run.hash)
    seconds = record.provenance.wall_seconds if record else _seconds_by_speed(run)
    return None if seconds is None else SPARE_TIME * seconds / 60


def _seconds_by_speed(run: Run) -> float | None:
    """Return how long a seed trains by the speed of its network on one thread of a processor; a GPU takes less."""
    speed = paper(run.paper).images_per_second.get(run.config.backbone.name)
    if speed is None:
        return None
    data, training = run.config.data, run.config.training
    images = data.training_images * data.trained_classes / data.classes
    return training.length(math.ceil(images / training.batch_size)) * training.batch_size / speed


def megabytes(run: Run) -> int:
    """Return how much memory a run may take, all its processes together."""
    if run.scale == SMOKE:
        return SMOKE_MEGABYTES
    if record := _published(run.paper).get(run.hash):
        return math.ceil(SPARE_MEMORY * record.provenance.peak_memory_mib)
    return processes(run) * (IN_MEMORY_MEGABYTES if in_memory(run) else STREAMED_MEGABYTES)


@cache
def _published(key: str) -> dict[str, Record]:
    """Return the whole published records of a paper by the hash of their configuration."""
    results = Results()
    records = found(paper(key), "published", find_records(results.paper("published", key)), results)
    return {record.config_hash: record for record in records.current.values()}
