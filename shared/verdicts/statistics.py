"""Statistics over seeds: how large an effect is, how sure one may be of it, and which test says so."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scipy import stats

from shared.evaluation.spread import mean, sd

SAME = 1e-12


@dataclass(frozen=True)
class Comparison:
    """An effect over `n` seeds with its 95 % interval, its two-sided p value and the seeds' standard deviation.

    They are None where n is too small for them; the interval also where the seeds do not vary. `tolerance` is that of a
    test of equivalence. With `against_a_run` the effect is that beside the number of one run, which varies as one seed.
    """

    n: int
    effect: float
    interval: tuple[float, float] | None
    p: float | None
    test: str
    sd: float | None = None
    tolerance: float | None = None
    against_a_run: bool = False


def standard_error(values: Sequence[float]) -> float | None:
    """Return the standard error of the mean, or None of fewer than two values."""
    spread = sd(values)
    return None if spread is None else spread / math.sqrt(len(values))


def t_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Return Student's interval of the mean, or None of fewer than two values."""
    error = standard_error(values)
    if error is None:
        return None
    centre, half = mean(values), float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * error
    return centre - half, centre + half


def t_test(effects: Sequence[float], name: str = "one-sample Student t-test") -> Comparison:
    """Test whether the mean of one effect a seed is zero.

    Where all effects are equal, a t-test would be certain of whatever the rounding of the metric produced;
    the exact sign test, which needs no variance, takes its place.
    """
    centre, spread = mean(effects), sd(effects)
    n, size = len(effects), max(abs(effect) for effect in effects)
    if spread is None:
        return Comparison(n, centre, None, None, name)
    if spread <= SAME * max(1.0, size):
        p = 1.0 if size <= SAME else 2.0 ** (1 - n)
        return Comparison(n, centre, None, p, f"exact sign test (all {n} effects equal)")
    p = 2 * float(stats.t.sf(abs(centre) / (spread / math.sqrt(n)), n - 1))
    return Comparison(n, centre, t_interval(effects), p, name, spread)


def t_test_against_a_run(effects: Sequence[float], name: str) -> Comparison:
    """Test whether a number of one run, from which the effects are taken, may be of runs like the seeds'.

    Of its own spread nothing is known: it is taken to vary as one seed does, by which the mean of n seeds differs from
    it with a standard error of s sqrt(1 + 1/n).
    """
    result = replace(t_test(effects, name), against_a_run=True)
    if result.interval is None or result.sd is None:
        return result
    error = result.sd * math.sqrt(1 + 1 / result.n)
    half = float(stats.t.ppf(0.975, result.n - 1)) * error
    p = 2 * float(stats.t.sf(abs(result.effect) / error, result.n - 1))
    return replace(result, p=p, interval=(result.effect - half, result.effect + half))


def equivalence_test(differences: Sequence[float], name: str, *, tolerance: float) -> Comparison:
    """Test by two one-sided tests whether a mean difference stays within the tolerance.

    The effect is by how much it does, negative where it does not. p is that of the nearer edge of the tolerance, twice
    the greater of the two, so that below 0.05 the 95 % interval of the difference lies within the tolerance, or beyond
    it, as the name of the test then says. Of differences that are all equal, which have no interval, it is that of one
    side.
    """
    room = [[tolerance + sign * difference for difference in differences] for sign in (1, -1)]
    nearer = min((t_test(edge, name) for edge in room), key=lambda result: result.effect)
    nearer = replace(nearer, tolerance=tolerance)
    if nearer.p is None:
        return nearer
    if nearer.effect <= 0:
        return replace(nearer, test=f"{nearer.test}, of a difference beyond the tolerance")
    return replace(nearer, p=nearer.p / 2) if nearer.interval is None else nearer


def paired_differences(first: Mapping[int, float], second: Mapping[int, float]) -> list[float]:
    """Return first - second for every seed that both have, in the order of the seeds."""
    return [first[seed] - second[seed] for seed in sorted(first.keys() & second.keys())]


def binomial_test(successes: int, n: int, chance: float, name: str = "exact binomial test") -> Comparison:
    """Test whether successes in `n` trials are more than `chance` brings; the effect is how many more, in percent."""
    result = stats.binomtest(successes, n, chance, alternative="greater")
    interval = stats.binomtest(successes, n, chance).proportion_ci(method="exact")
    share, low, high = (100 * float(share - chance) for share in (successes / n, interval.low, interval.high))
    return Comparison(n, share, (low, high), float(result.pvalue), name)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values adjusted by Holm's step-down method, in the order given."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
