"""The printed numbers as if they had been measured, with almost no noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shared.runs.claims import listed
from shared.runs.reference import Value
from shared.verdicts.measurements import Measurements

SEEDS = 5
SPREAD = 1e-4
"""Of the made-up seeds, in the last printed digit: too small to hide any difference in print."""


def in_print(values: Sequence[Value], targets: Sequence[str]) -> Measurements:
    """Return the printed numbers as measurements; of one that is printed twice, the one in the first of the targets.

    The mean over the made-up seeds is the printed number.
    """
    noise = np.random.default_rng(0)
    places = {target: place for place, target in enumerate(targets)}
    measurements: Measurements = {}
    for value in sorted(values, key=lambda value: places.get(value.target, len(places))):
        if value.value is None or value.run is None or value.metric is None or value.minus:
            continue
        for run in listed(value.run):
            offsets = noise.standard_normal(SEEDS)
            offsets -= offsets.mean()
            seeds = value.value + offsets * SPREAD * 10.0**-value.decimals
            measurements.setdefault((run, value.metric), dict(enumerate(map(float, seeds))))
    return measurements
