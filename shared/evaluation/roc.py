"""Rates of acceptance where no more than a given share of impostors is accepted.

Rates are powers of ten, 10^-k, named by k. Nothing is interpolated. Among the thresholds whose false acceptance rate is
at most 10^-k the one that accepts most is taken. Of n impostors a = floor(n / 10^k) may be accepted, so a pair is
accepted if its score is above that of the impostor in place a + 1. Impostors that tie with it are rejected, and so are
genuine pairs that do. Where n < 10^k no impostor may be accepted: that cannot be measured, and is left out.

Public scripts differ in this: some interpolate the curve linearly, some take the point whose false acceptance rate is
nearest to the one asked for, though it be above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Scores = NDArray[np.floating]


def acceptable(impostors: int, power: int) -> int:
    """Return how many of the impostors may be accepted at a false acceptance rate of at most 10^-power."""
    return int(impostors // 10**power)


def rates_at(name: str, genuine: Scores, impostor: Scores, powers: Sequence[int]) -> dict[str, float]:
    """Return `name@1e-k` for each of the powers k: the percentage of `genuine` accepted at a rate of at most 10^-k.

    Higher scores are more alike. Powers for which there are too few impostors, and all where nothing is genuine, are
    left out.
    """
    measured = {power: acceptable(len(impostor), power) for power in powers if len(genuine)}
    places = {power: len(impostor) - 1 - accepted for power, accepted in measured.items() if accepted}
    if not places:
        return {}
    ordered = np.partition(impostor, list(places.values()))
    return {f"{name}@1e-{power}": share_above(genuine, ordered[place]) for power, place in places.items()}


def equal_error(genuine: Scores, impostor: Scores) -> float:
    """Return the equal error rate in percent: where as large a share of impostors is accepted as of genuine rejected.

    Pairs at or above the threshold are accepted. Each score is tried; where none makes the two shares equal, it is the
    mean of the two where they are nearest. Neither is to be empty.
    """
    thresholds = np.unique(np.concatenate([genuine, impostor]))
    rejected = np.searchsorted(np.sort(genuine), thresholds) / len(genuine)
    accepted = 1 - np.searchsorted(np.sort(impostor), thresholds) / len(impostor)
    nearest = np.argmin(np.abs(rejected - accepted))
    return 50 * float(rejected[nearest] + accepted[nearest])


def share_above(genuine: Scores, threshold: float) -> float:
    """Return the percentage of the scores that are above a threshold."""
    return 100 * float(np.mean(genuine > threshold))
