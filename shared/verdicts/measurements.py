"""What was measured, by run, metric and seed.

What a list of runs or metrics measures, such as the folds of a cross-validation, is the mean over them, of every seed
that all of them have.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import Any

import pandas as pd

from shared.errors import UserError
from shared.evaluation.spread import mean
from shared.runs.claims import listed
from shared.runs.metrics import DIRECTIONS

Seeds = dict[int, float]
Measurements = dict[tuple[str, str], Seeds]
"""The value of each seed by run and "benchmark/metric"."""


def measure(table: pd.DataFrame) -> Measurements:
    """Return the measurements in a table of columns `run`, `seed`, `benchmark`, `metric` and `value`.

    Raises:
        ValueError: two rows are of the same run, seed, benchmark and metric.

    """
    measurements: Measurements = {}
    if table.empty:
        return measurements
    for run, seed, benchmark, metric, value in zip(
        table["run"], table["seed"], table["benchmark"], table["metric"], table["value"], strict=True
    ):
        seeds = measurements.setdefault((str(run), f"{benchmark}/{metric}"), {})
        if int(seed) in seeds:
            raise ValueError(f"run {run}, seed {seed} has two records of {benchmark}/{metric}")
        seeds[int(seed)] = float(value)
    return measurements


def recorded(measurements: Measurements, run: str, metric: str) -> Seeds:
    """Return every seed of a run, finite or not; of several that are listed their mean, for the seeds that all have."""
    several = {place: measurements.get(place, {}) for place in product(listed(run), listed(metric))}
    return {seed: mean([seeds[seed] for seeds in several.values()]) for seed in common_seeds(several)}


def finite(seeds: Seeds) -> Seeds:
    """Return the seeds whose value is finite."""
    return {seed: value for seed, value in seeds.items() if math.isfinite(value)}


def direction(metric: str) -> int:
    """Return whether more of a metric is better (1) or worse (-1); raises UserError where that is not known."""
    name = metric.rpartition("/")[2]
    if name not in DIRECTIONS:
        raise UserError(
            f"no direction is known for the metric '{metric}'; add it to DIRECTIONS in shared/runs/metrics.py"
        )
    return DIRECTIONS[name]


def common_seeds(levels: Mapping[Any, Seeds]) -> list[int]:
    """Return the seeds that every level has."""
    return sorted(set.intersection(*(set(seeds) for seeds in levels.values())))
