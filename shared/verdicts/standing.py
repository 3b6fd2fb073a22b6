"""Many methods over many experiments, without fooling oneself.

Three things mislead in such a table. Experiments on one data set, measured by one benchmark (six rates of wrong labels,
or two papers' verification of the same drawings), share images and seeds, so that they are not so many independent
witnesses: here they are averaged first, and each *family* of them counts once. The seeds say how sure one is of one
family, the families how far it carries beyond them: an interval over families holds both, since what the seeds leave
open is part of how the families differ. And of k methods there are k (k - 1) / 2 pairs, of which some differ by luck:
here each is compared with one reference that was named beforehand, and its p is corrected by Holm for the k - 1
comparisons.

That is why there is no critical-difference diagram of Nemenyi's. It compares all pairs, so that few differ; whether two
differ depends on which others are listed (Benavoli, Corani and Mangili, 2016); it takes each data set for independent
and each mean for exact; and its bars invite to read "not shown to differ" as equal. What is added here to ranks, which
lose how much methods differ, are the differences themselves.

The test is an exact sign-flip test over the families, of the share of seeds in which a method is ahead of the reference
less that in which it is behind: no unit, no distribution, and nothing of any other method. With f families p cannot be
below 2^(1-f), nor, corrected, the least of k below k times that.

Seeds are paired throughout: a seed from which nothing can be read is the last of its seed and behind in it, whoever
else had luck with that start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from shared.evaluation.spread import mean
from shared.verdicts.measurements import Seeds, common_seeds, finite
from shared.verdicts.statistics import holm, paired_differences, t_interval

MOST_FLIPPED = 16
"""Of so many families all signs are tried, of more as many drawn at random."""
Scores = Mapping[str, Mapping[str, Mapping[str, Seeds]]]
"""By family, condition, method and seed: a measure of which more is better, NaN of a seed that was set aside."""


@dataclass(frozen=True)
class Standing:
    """Where a method stands among all, and beside the reference.

    `rank` is its mean rank, 1 for the best, over the `ranked` families, among the methods of the table without gaps.
    `difference` is its mean difference to the reference over the `compared` families that have both, to its credit
    where it is positive, in the measures' own unit. Intervals are Student's, of 95 %, over the families, of each by
    itself. `p` is that of how often it is ahead of the reference, `p_adjusted` by Holm. `aside` are its seeds from
    which nothing could be read, since they were not trained, in all experiments: they are last in the ranks, and have
    no part in the differences.
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
    """Return the methods that are ranked: those of the greatest table of methods and families without a gap.

    So one that was tried in a few families alone takes none of them from the others, and a family in which few were
    tried yet takes none of the others from the table. The reference is always one of them.
    """
    families = [[level for level in family.values() if level.get(reference)] for family in scores.values()]
    tried = [frozenset(method for level in levels for method in level) for levels in families if levels]
    shared: set[frozenset[str]] = set()
    for one in tried:
        shared |= {one, *(one & other for other in shared)}

    def size(columns: frozenset[str]) -> tuple[int, int, list[str]]:
        return len(columns) * sum(one >= columns for one in tried), len(columns), sorted(columns)

    ranked = max((columns for columns in shared if len(columns) > 1), key=size, default=frozenset())
    return [method for method in methods if method in ranked]


def family_ranks(scores: Scores, methods: Sequence[str]) -> NDArray[np.float64]:
    """Return the mean rank [families, methods] over the conditions of a family in which all of these were tried.

    A condition's is the mean over the seeds that all of them have, in each of which those set aside share the last.
    """
    rows = []
    for family in scores.values() if methods else ():
        levels = [[level[method] for method in methods] for level in family.values() if level.keys() >= set(methods)]
        ranks = [np.mean(by_seed, axis=0) for level in levels if (by_seed := list(_ranks(level)))]
        if ranks:
            rows.append(np.mean(ranks, axis=0))
    return np.array(rows).reshape(len(rows), len(methods))


def _ranks(level: Sequence[Seeds]) -> Iterator[NDArray[np.float64]]:
    """Yield the ranks of methods, 1 for the best, in each seed that all have."""
    for seed in common_seeds(dict(enumerate(level))):
        values = [seeds[seed] for seeds in level]
        yield stats.rankdata([math.inf if math.isnan(value) else -value for value in values])


def family_lead(scores: Scores, method: str, reference: str) -> dict[str, float]:
    """Return, by family, in which share of seeds a method is ahead of the reference, less that in which it is behind.

    From -1 to 1, the mean over the conditions of the family that have a seed of both.
    """
    return _by_family(
        scores,
        method,
        reference,
        lambda own, other: [_ahead(own[seed], other[seed]) for seed in own.keys() & other.keys()],
    )


def family_differences(scores: Scores, method: str, reference: str) -> dict[str, float]:
    """Return the mean difference of a method to the reference by family, over seeds and conditions that have both."""
    return _by_family(scores, method, reference, lambda own, other: paired_differences(finite(own), finite(other)))


def _by_family(
    scores: Scores, method: str, reference: str, compare: Callable[[Seeds, Seeds], list[float]]
) -> dict[str, float]:
    """Return the mean of what is compared, over the conditions of each family that have seeds of both, by seed."""
    found = {}
    for name, family in scores.items():
        levels = [compare(level.get(method, {}), level.get(reference, {})) for level in family.values()]
        if any(levels):
            found[name] = mean([mean(level) for level in levels if level])
    return found


def _ahead(own: float, other: float) -> float:
    if math.isnan(own) or math.isnan(other):
        return float(math.isnan(other)) - float(math.isnan(own))
    return float(np.sign(own - other))


def _standing(
    method: str, reference: str, ranked: Sequence[str], scores: Scores, ranks: NDArray[np.float64]
) -> Standing:
    own = ranks[:, ranked.index(method)].tolist() if method in ranked else []
    differences = list(family_differences(scores, method, reference).values()) if method != reference else []
    leads = list(family_lead(scores, method, reference).values()) if method != reference else []
    return Standing(
        method=method,
        rank=mean(own) if own else None,
        rank_interval=_within(t_interval(own) if own else None, 1, len(ranked)),
        ranked=len(own),
        difference=mean(differences) if differences else None,
        interval=t_interval(differences) if differences else None,
        compared=len(differences),
        p=sign_flip(leads) if len(own) > 1 and len(leads) > 1 else None,
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
