"""Many methods over many experiments, without fooling oneself.

Three things mislead in such a table. Conditions of one experiment (six rates of wrong labels) share images, network
and seeds, so that they are not six independent witnesses: here they are averaged first, and each *family* of conditions
counts once. The seeds say how sure one is of one family, the families how far it carries beyond them: an interval over
families holds both, since what the seeds leave open is part of how the families differ. And of k methods there are
k (k - 1) / 2 pairs, of which some differ by luck: here each is compared with one reference that was named beforehand,
and its p is corrected by Holm for the k - 1 comparisons.

That is why there is no critical-difference diagram of Nemenyi's. It compares all pairs, so that few differ; whether two
differ depends on which others are listed (Benavoli, Corani and Mangili, 2016); it takes each data set for independent
and each mean for exact; and its bars invite to read "not shown to differ" as equal. What is added here to ranks, which
lose how much methods differ, are the differences themselves.

The test is an exact sign-flip test of the ranks' differences over the families: no unit, no distribution. With f
families p cannot be below 2^(1-f), so that fewer than six can show nothing at 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from shared.evaluation.spread import mean
from shared.verdicts.measurements import Seeds
from shared.verdicts.statistics import holm, paired_differences, t_interval

MOST_FLIPPED = 16
"""Of so many families all signs are tried, of more as many drawn at random."""
Scores = Mapping[str, Mapping[str, Mapping[str, Seeds]]]
"""By family, condition, method and seed: a measure of which more is better; no seed where all were set aside."""


@dataclass(frozen=True)
class Standing:
    """Where a method stands among all, and beside the reference.

    `rank` is its mean rank, 1 for the best, over the `ranked` families, among the methods that are there `everywhere`;
    where nothing can be read from any of its seeds it is the last. `difference` is its mean difference to the reference
    over the `compared` families that have both, to its credit where it is positive, in the measures' own unit.
    Intervals are Student's, of 95 %, over the families. `p` is that of the ranks beside the reference, `p_adjusted` by
    Holm. `aside` are its seeds from which nothing could be read, since they were not trained, in all experiments: they
    have no part in the differences.
    """

    method: str
    rank: float | None
    rank_interval: tuple[float, float] | None
    ranked: int
    difference: float | None
    interval: tuple[float, float] | None
    compared: int
    aside: int = 0
    p: float | None = None
    p_adjusted: float | None = None


def standings(scores: Scores, reference: str, aside: Mapping[str, int] = MappingProxyType({})) -> list[Standing]:
    """Return where each method stands, the best mean rank first, those that cannot be ranked last.

    `aside` is how many of its seeds were set aside.
    """
    measured = (name for family in scores.values() for level in family.values() for name in level)
    methods = list(dict.fromkeys([*measured, *(name for name, seeds in aside.items() if seeds)]))
    ranked = everywhere(scores, methods, reference)
    ranks = family_ranks(scores, ranked)
    found = [
        replace(_standing(method, reference, ranked, scores, ranks), aside=aside.get(method, 0)) for method in methods
    ]
    tested = iter(holm([standing.p for standing in found if standing.p is not None]))
    found = [replace(standing, p_adjusted=None if standing.p is None else next(tested)) for standing in found]
    return sorted(found, key=lambda standing: (standing.rank is None, standing.rank or 0.0))


def everywhere(scores: Scores, methods: Sequence[str], reference: str) -> list[str]:
    """Return the methods that are ranked: the reference, and those tried wherever the one is that is in most places.

    So one that was tried in a few experiments alone takes no experiment from the others.
    """
    levels = [level for family in scores.values() for level in family.values() if level.get(reference)]
    places = {method: {place for place, level in enumerate(levels) if method in level} for method in methods}
    most = max((places[method] for method in methods if method != reference), key=len, default=set())
    return [method for method in methods if most and places[method] >= most]


def family_ranks(scores: Scores, methods: Sequence[str]) -> NDArray[np.float64]:
    """Return the mean rank [families, methods] over the conditions of a family in which all of these were tried.

    Those of which nothing was measured share the last ranks.
    """
    rows = []
    for family in scores.values():
        ranks = [
            stats.rankdata([-mean(list(level[method].values())) if level[method] else math.inf for method in methods])
            for level in family.values()
            if all(method in level for method in methods)
        ]
        if ranks:
            rows.append(np.mean(ranks, axis=0))
    return np.array(rows).reshape(len(rows), len(methods))


def family_differences(scores: Scores, method: str, reference: str) -> dict[str, float]:
    """Return the mean difference of a method to the reference by family, over seeds and conditions that have both."""
    differences = {}
    for name, family in scores.items():
        levels = [paired_differences(level.get(method, {}), level.get(reference, {})) for level in family.values()]
        if any(levels):
            differences[name] = mean([mean(level) for level in levels if level])
    return differences


def _standing(
    method: str, reference: str, ranked: Sequence[str], scores: Scores, ranks: NDArray[np.float64]
) -> Standing:
    own = ranks[:, ranked.index(method)].tolist() if method in ranked else []
    differences = list(family_differences(scores, method, reference).values()) if method != reference else []
    beside = ranks[:, ranked.index(reference)] if reference in ranked else np.empty(0)
    tested = method != reference and len(own) > 1 and len(beside) > 1
    return Standing(
        method=method,
        rank=mean(own) if own else None,
        rank_interval=_within(t_interval(own) if own else None, 1, len(ranked)),
        ranked=len(own),
        difference=mean(differences) if differences else None,
        interval=t_interval(differences) if differences else None,
        compared=len(differences),
        p=sign_flip(beside - own) if tested else None,
    )


def _within(interval: tuple[float, float] | None, low: float, high: float) -> tuple[float, float] | None:
    return None if interval is None else (max(low, interval[0]), min(high, interval[1]))


def sign_flip(effects: Sequence[float] | NDArray[np.float64]) -> float:
    """Return how often flipped signs make a mean as far from zero as that of the effects: an exact two-sided p.

    Of more than sixteen effects 2^16 choices of signs are drawn, always the same, to which that observed is added.
    """
    values = np.asarray(effects, dtype=np.float64)
    observed = abs(values.sum()) - 1e-12
    if len(values) <= MOST_FLIPPED:
        signs = 1 - 2 * ((np.arange(2 ** len(values))[:, None] >> np.arange(len(values))) & 1)
        return float(np.mean(np.abs(signs @ values) >= observed))
    signs = np.random.default_rng(0).choice([-1, 1], size=(2**MOST_FLIPPED, len(values)))
    return float((1 + np.sum(np.abs(signs @ values) >= observed)) / (1 + 2**MOST_FLIPPED))
