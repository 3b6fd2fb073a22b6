"""Which effect the seeds could have shown: the power of a comparison, given the spread that was measured.

An effect is within reach of some seeds if they would show it in 80 % of repetitions.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from scipy import optimize, stats

from shared.verdicts.findings import SIGNIFICANCE, Finding

POWER = 0.8
OFTEN = f"{100 * POWER:.0f} %"
MOST_SEEDS = 10_000
Number = TypeVar("Number", int, float)
QUANTILES = (np.arange(500) + 0.5) / 500


@dataclass(frozen=True)
class Power:
    """What the seeds of a claim could have shown, by the hardest of the comparisons that it needs.

    `detectable` is the smallest effect within reach, None where the spread is unknown. `within_reach` is whether all
    printed effects are, together, as if each came out by itself; None where nothing is printed. `seeds_needed` is how
    many seeds the printed effects would take for that, or the observed ones where none are printed; None where they do
    not go as claimed.
    """

    detectable: float | None = None
    within_reach: bool | None = None
    seeds_needed: int | None = None


def with_power(found: Finding, printed: float | None) -> Finding:
    """Return a finding with the effect in print and what its seeds could have shown."""
    if not _has_spread(found):
        return replace(found, printed=printed)
    found = replace(found, printed=printed)
    return replace(found, detectable=_detectable(found), seeds_needed=_seeds_needed(found))


def chance(found: Finding, effect: float, n: int) -> float:
    """Return how often `n` seeds that vary like those of a finding show an effect of this size."""
    error = (found.sd or 0.0) * math.sqrt(1 / n + found.against_a_run)
    if found.tolerance is None:
        critical = stats.t.isf(SIGNIFICANCE / 2 / found.candidates, n - 1)
        return float(stats.nct.sf(critical, n - 1, effect / error))
    centre = (found.tolerance - effect) / error
    room = found.tolerance / error - stats.t.isf(SIGNIFICANCE / 2, n - 1) * _spreads(n)
    return float(np.mean(np.clip(stats.norm.cdf(room - centre) - stats.norm.cdf(-room - centre), 0, None)))


def together(deciding: Sequence[Finding]) -> Power:
    """Return what the seeds could have shown of comparisons that must all come out as claimed."""
    varying = [found for found in deciding if _has_spread(found)]
    if not varying or any(found.n < 2 for found in deciding):
        return Power()
    often = POWER ** (1 / len(varying))
    within = [None if found.printed is None else _shows(found, found.printed, often) for found in varying]
    hopeless = any((_target(found) or 0.0) <= 0 for found in deciding)
    return Power(
        detectable=_largest([found.detectable for found in varying]),
        within_reach=None if None in within else all(within),
        seeds_needed=None if hopeless else _largest([_seeds_needed(found, often) for found in varying]),
    )


def gained(deciding: Sequence[Finding], n: int) -> float:
    """Return how much likelier `n` seeds show all of some comparisons than those that are there.

    Where a spread is unknown it is taken that they would show it as often as is asked for, and that nothing has.
    """
    if not deciding or not all(_has_spread(found) for found in deciding):
        return POWER

    def shown(seeds: Sequence[int]) -> float:
        effects = [_target(found) or 0.0 for found in deciding]
        return min(chance(*one) for one in zip(deciding, effects, seeds, strict=True))

    return max(0.0, shown([n] * len(deciding)) - shown([found.n for found in deciding]))


def sentence(power: Power, deciding: Sequence[Finding], *, inconclusive: bool) -> str:
    """Return what a reason says of what the seeds could have shown, "" where their spread is unknown."""
    varying = [found for found in deciding if _has_spread(found)]
    if not varying or any(found.n < 2 for found in deciding):
        return ""
    n = min(found.n for found in varying)
    several = len(deciding) > 1
    text = f"; {n} seeds of this spread would not even show that equal ones are equal"
    if power.detectable is not None:
        hardest = ", where it is hardest," if several else ""
        text = f"; {n} seeds of this spread show an effect of {power.detectable:.3g}{hardest} in {OFTEN} of repetitions"
    if power.within_reach is not None:
        text += f", what is printed is {'' if power.within_reach else 'not '}within reach"
    if inconclusive and power.seeds_needed is not None and power.seeds_needed <= n:
        text += " and was not found" if power.within_reach else ""
    elif inconclusive and power.seeds_needed is not None:
        which = "observed" if power.within_reach is None else "printed"
        text += f"; about {power.seeds_needed} would show the {which} effect{'s' if several else ''}"
    return text


def detectable_difference(sd: float, n: int, floor: float, theirs: float | None) -> float | None:
    """Return which difference from a printed number is found beyond its tolerance in 80 % of repetitions.

    `theirs` is the standard error of the printed number, None where it is taken as that of one run of ours.
    """
    if n < 2 or sd <= 0:
        return None
    spreads, error = sd * _spreads(n), sd / math.sqrt(n)
    joint = np.hypot(spreads / math.sqrt(n), spreads if theirs is None else theirs)
    tolerance = np.maximum(floor, stats.t.isf(SIGNIFICANCE / 2, n - 1) * joint)

    def found(difference: float) -> float:
        beyond = stats.norm.sf((tolerance - difference) / error) + stats.norm.cdf((-tolerance - difference) / error)
        return float(np.mean(beyond))

    return _least(found, error)


def _shows(found: Finding, effect: float, often: float) -> bool:
    return found.detectable is not None and effect > 0 and chance(found, effect, found.n) >= often


def _detectable(found: Finding) -> float | None:
    def shown(effect: float) -> float:
        return chance(found, effect, found.n)

    if found.tolerance is None:
        return _least(shown, (found.sd or 0.0) / math.sqrt(found.n))
    return None if shown(found.tolerance) < POWER else _least(shown, found.tolerance)


def _seeds_needed(found: Finding, often: float = POWER) -> int | None:
    effect = _target(found)
    if effect is None or effect <= 0:
        return None
    counts = range(2, MOST_SEEDS + 1)
    place = bisect_left(counts, often, key=lambda n: chance(found, effect, n))
    return counts[place] if place < len(counts) else None


def _least(shown: Callable[[float], float], start: float) -> float:
    """Return the least effect that is shown in 80 % of repetitions."""
    high = start
    while shown(high) < POWER:
        high *= 2
    return float(optimize.brentq(lambda effect: shown(effect) - POWER, 0.0, high))


def _spreads(n: int) -> np.ndarray:
    """Return the standard deviations that `n` seeds may happen to have, as shares of the true one."""
    quantiles: np.ndarray = stats.chi.ppf(QUANTILES, n - 1) / math.sqrt(n - 1)
    return quantiles


def _has_spread(found: Finding) -> bool:
    return found.n > 1 and found.sd is not None and found.interval is not None


def _target(found: Finding) -> float | None:
    """Return the effect that is looked for: the printed one, or the observed one where none is printed."""
    return found.effect if found.printed is None else found.printed


def _largest(numbers: Sequence[Number | None]) -> Number | None:
    """Return the largest number, or None where one is unknown."""
    known = [number for number in numbers if number is not None]
    return max(known) if len(known) == len(numbers) else None
