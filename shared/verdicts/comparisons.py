"""The kinds of claims that make some comparisons, each of which must come out as claimed."""

from __future__ import annotations

import math
from functools import partial

from shared.evaluation.spread import mean
from shared.runs.claims import LargerGap, Level, Lower, Quantity, Rises, Within
from shared.verdicts.evidence import Evidence
from shared.verdicts.findings import Finding, examined, with_means
from shared.verdicts.judgement import Judgement, all_as_claimed
from shared.verdicts.measurements import Seeds, common_seeds
from shared.verdicts.statistics import equivalence_test, paired_differences, t_test, t_test_against_a_run
from shared.verdicts.words import SATURATED

TESTS = {
    "by seed": ("paired Student t-test", t_test),
    "with a number": ("one-sample Student t-test", t_test),
    "with a printed result": ("Student t-test against the result of one run", t_test_against_a_run),
}
"""The test of a difference, by how its two sides are paired."""


def lower(test: Lower, evidence: Evidence) -> Judgement:
    """Judge whether at every level one quantity is below another (but for a tolerance), or nearer to one.

    Where both reach the ceiling of their measure, or lie at its floor, no number of seeds would tell; what other levels
    contradict is contradicted all the same.
    """
    findings = [_lower(test, evidence, level) for level in test.levels]
    ends = [_saturated(test, evidence, level) for level in test.levels]
    judgement = all_as_claimed(findings)
    clear = [found for found, end in zip(findings, ends, strict=True) if not end]
    if len(clear) == len(ends):
        return judgement
    if clear and (against := all_as_claimed(clear)).verdict == "contradicted":
        return against._replace(findings=judgement.findings)
    reason = f"{SATURATED}{', '.join(filter(None, ends))}, where their measure tells nothing; {judgement.reason}"
    return Judgement("inconclusive", reason, judgement.findings, needed=())


def _saturated(test: Lower, evidence: Evidence, level: Level) -> str:
    """Say which end of their measure the means of both quantities reach, over the seeds of both; "" for neither."""
    less, than, _ = evidence.pair(test.less, test.than, level)
    if not (seeds := less.keys() & than.keys()):
        return ""
    means = [mean([side[seed] for seed in seeds]) for side in (less, than)]
    both = f"{_name(test.less, level)} and {_name(test.than, level)}"
    if test.ceiling is not None and min(means) >= test.ceiling:
        return f"{both} both reach {test.ceiling:g}"
    return f"{both} are both at most {test.floor:g}" if test.floor is not None and max(means) <= test.floor else ""


def _lower(test: Lower, evidence: Evidence, level: Level) -> Finding:
    less, than, pairing = evidence.pair(test.less, test.than, level)
    sides = less, than
    comparative = "below"
    if test.tolerance:
        comparative = f"less than {test.tolerance:g} above"
    if test.distance_from_one:
        less, than, comparative = _distances_from_one(less), _distances_from_one(than), "nearer to one than"
    name, by = TESTS[pairing]
    what = f"{_name(test.less, level)} {comparative} {_name(test.than, level)}"
    found = examined(what, [gap + test.tolerance for gap in paired_differences(than, less)], name, by)
    return with_means(found, *sides)


def within(test: Within, evidence: Evidence) -> Judgement:
    """Judge whether two quantities differ by less than a tolerance at every level.

    A difference that is not significant does not show that two quantities are equal; the claim that they are is tested
    against its tolerance on either side.
    """
    return all_as_claimed([_within(test, evidence, level) for level in test.levels])


def _within(test: Within, evidence: Evidence, level: Level) -> Finding:
    one, other, pairing = evidence.pair(test.one, test.other, level)
    name = f"two one-sided {'paired ' if pairing == 'by seed' else ''}Student t-tests"
    names = f"{_name(test.one, level)} within {test.tolerance:g} of {_name(test.other, level)}"
    what = f"{names} (the effect is what is left of that)"
    by = partial(equivalence_test, tolerance=test.tolerance)
    return with_means(examined(what, paired_differences(one, other), name, by), one, other)


def larger_gap(test: LargerGap, evidence: Evidence) -> Judgement:
    """Judge whether the gap between two quantities is larger at some levels than at the base."""
    return all_as_claimed([_larger_gap(test, evidence, level) for level in test.at])


def _larger_gap(test: LargerGap, evidence: Evidence, level: Level) -> Finding:
    pairs = [evidence.pair(test.of, test.over, place) for place in (level, test.base)]
    gaps = [{seed: of[seed] - over[seed] for seed in of.keys() & over.keys()} for of, over, _ in pairs]
    what = f"gap {_name(test.of, level)} - {_name(test.over, level)} larger than at {test.base}"
    # Two printed results are as far off as two runs of ours, of which each seed's effect is made.
    _, _, pairing = pairs[0]
    return examined(what, paired_differences(*gaps), *TESTS[pairing])


def rises(test: Rises, evidence: Evidence) -> Judgement:
    """Judge whether a metric of each kind of run rises along the levels, by the slope over their ranks."""
    return all_as_claimed([_rises(test, evidence, runs) for runs in test.runs])


def _rises(test: Rises, evidence: Evidence, runs: str) -> Finding:
    levels = evidence.levels(runs, test.metric, test.levels)
    ranks = [rank - (len(levels) - 1) / 2 for rank in range(len(levels))]
    scale = math.fsum(rank**2 for rank in ranks)
    slopes = [
        math.fsum(rank * seeds[seed] for rank, seeds in zip(ranks, levels.values(), strict=True)) / scale
        for seed in common_seeds(levels)
    ]
    return examined(f"{test.metric} of {runs} rises a level", slopes, "Student t-test on the slopes of the seeds")


def _name(quantity: Quantity, level: Level) -> str:
    if quantity.runs is None:
        return f"the paper's {quantity.column}" if quantity.column is not None else f"{quantity.constant:g}"
    return " ".join(quantity.at(level))


def _distances_from_one(seeds: Seeds) -> Seeds:
    """Return |ln x|, in which a half and two are equally far from one."""
    return {seed: abs(math.log(ratio)) for seed, ratio in seeds.items() if ratio > 0}
