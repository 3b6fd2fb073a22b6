"""The kinds of claims on one metric along several levels: which are best, from where on it is even, which one fails."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from itertools import combinations, product

from shared.evaluation.spread import mean
from shared.runs.claims import BestWithin, Level, OneFails, Plateau, Quantity
from shared.verdicts.evidence import Evidence
from shared.verdicts.findings import (
    SIGNIFICANCE,
    Finding,
    corrected,
    examined,
    finding,
    interval_text,
    sense,
    with_means,
)
from shared.verdicts.judgement import NOT_RUN, Judgement, all_as_claimed, cannot_judge, summary
from shared.verdicts.measurements import Seeds, common_seeds, direction, finite
from shared.verdicts.power import OFTEN, POWER
from shared.verdicts.statistics import binomial_test, equivalence_test, paired_differences
from shared.verdicts.words import Word, counted, in_print

PAIRED = "paired Student t-test"
BINOMIAL = "exact binomial test against failing by coin toss"
EQUIVALENCE = "two one-sided paired Student t-tests"


def best_within(test: BestWithin, evidence: Evidence) -> Judgement:
    """Judge whether the best of all levels is one of some: one of them must beat every other level.

    That one level beats all others needs no correction for their number, as all must be beaten; that any one of several
    may do so needs one for theirs. A level that could not be trained is not the best, and needs no comparison, as long
    as there are others on its side.
    """
    sign = direction(test.metric)
    trained = evidence.trained(test.runs, test.metric, test.levels)
    best = [level for level in test.best if level in trained] or test.best
    outside = [level for level in test.levels if level not in test.best]
    outside = [level for level in outside if level in trained] or outside
    levels = evidence.levels(test.runs, test.metric, [level for level in test.levels if level in {*best, *outside}])
    pairs = list(product(best, outside))
    findings = [
        corrected(_better(levels, sign, inner, outer), for_better=len(best), for_worse=len(outside))
        for inner, outer in pairs
    ]
    if stop := cannot_judge(findings):
        return stop
    senses = {pair: sense(found) for pair, found in zip(pairs, findings, strict=True)}
    means = {level: mean(list(seeds.values())) for level, seeds in levels.items() if seeds}
    first = max(means, key=lambda level: sign * means[level])
    nearest = max(best, key=lambda level: sign * means[level])
    needed = [place for place, (inner, _) in enumerate(pairs) if inner == nearest]
    seen = f"{first} has the best mean ({means[first]:.4g}); {summary(findings, lambda found: sense(found) > 0)}"
    if failed := [str(level) for level in test.levels if level not in levels]:
        seen += f"; not trained, and so not the best: {', '.join(failed)}"
    if any(all(senses[inner, outer] > 0 for outer in outside) for inner in best):
        return Judgement("matched", f"a level of those claimed beats every other: {seen}", findings, needed)
    if any(all(senses[inner, outer] < 0 for inner in best) for outer in outside):
        return Judgement("contradicted", f"another level beats all of those claimed: {seen}", findings, needed)
    return Judgement("inconclusive", f"the seeds do not tell the levels apart: {seen}", findings, needed)


def plateau(test: Plateau, evidence: Evidence) -> Judgement:
    """Judge whether every level before the plateau is worse than its mean, and any two levels on it are the same."""
    sign = direction(test.metric)
    levels = evidence.levels(test.runs, test.metric, test.levels)
    start = test.levels.index(test.begins)
    before, on_it = test.levels[:start], test.levels[start:]
    flat = {
        seed: mean([levels[level][seed] for level in on_it])
        for seed in common_seeds({level: levels[level] for level in on_it})
    }
    worse = [
        examined(
            f"{level} worse than the mean from {test.begins} on",
            [sign * gain for gain in paired_differences(flat, levels[level])],
            PAIRED,
        )
        for level in before
    ]
    even = [
        examined(
            f"{one} within {test.tolerance:g} of {other} (the effect is what is left of that)",
            paired_differences(levels[one], levels[other]),
            EQUIVALENCE,
            partial(equivalence_test, tolerance=test.tolerance),
        )
        for one, other in combinations(on_it, 2)
    ]
    return all_as_claimed([*worse, *even])


def one_fails(test: OneFails, evidence: Evidence) -> Judgement:
    """Judge whether in every seed one level alone fails, and is one of some; a seed without a finite number fails.

    It must be so in more seeds than failing by coin toss would bring: of two levels two seeds do not show it. The
    effect is how much more often that is, in percentage points of the seeds. It is contradicted where that is so in
    fewer seeds than if half of the trainings showed it.
    """
    quantity = Quantity(runs=test.runs, metric=test.metric)
    levels = {level: evidence.seeds(*quantity.at(level)) for level in test.levels}
    seeds = common_seeds(levels)
    n = len(seeds)
    what = f"only {' or '.join(map(str, test.among))} below {test.below:g}, more often than by coin toss"
    if n == 0:
        return Judgement("not run", NOT_RUN, [examined(what, [], BINOMIAL)])
    failing = [[level for level in levels if not levels[level][seed] >= test.below] for seed in seeds]
    holds = [len(failed) == 1 and failed[0] in test.among for failed in failing]
    held = sum(holds)
    chance = len(test.among) / 2 ** len(test.levels)
    result = binomial_test(held, n, chance, BINOMIAL)
    counts = ", ".join(
        f"{level} in {sum(level in failed for failed in failing)} ({_mean_of({seed: values[seed] for seed in seeds})})"
        for level, values in levels.items()
    )
    seen = (
        f"as claimed in {held} of {counted(n, 'seed')}; below {test.below:g}: {counts}; "
        f"{in_print(result.effect, '+.3g')} percentage points {interval_text(result.interval)} more often as claimed "
        f"than by coin toss, p = {result.p:.2g} ({result.test})"
    )
    found = replace(finding(what, result), seeds=tuple(100 * (share - chance) for share in holds))
    if n == 1:
        return Judgement("inconclusive", f"one seed: {seen}", [found])
    needed = math.floor(math.log(SIGNIFICANCE, chance)) + 1
    if n < needed:
        return Judgement("inconclusive", f"{needed} seeds could show it: {seen}", [found])
    rarer = binomial_test(n - held, n, 0.5, BINOMIAL).p or 0.0
    word: Word = "matched" if held == n else "contradicted" if rarer < SIGNIFICANCE else "inconclusive"
    if word == "contradicted":
        seen += f"; in less than half of the trainings, p = {rarer:.2g}"
    seen += f"; {n} seeds show in {OFTEN} of repetitions what is so in {100 * POWER ** (1 / n):.0f} % of trainings"
    return Judgement(word, seen, [found])


def _mean_of(seeds: Seeds) -> str:
    values = list(finite(seeds).values())
    return f"mean {mean(values):.4g}" if values else "no finite number"


def _better(levels: dict[Level, Seeds], sign: int, first: Level, second: Level) -> Finding:
    gains = [sign * gain for gain in paired_differences(levels[first], levels[second])]
    return with_means(examined(f"{first} better than {second}", gains, PAIRED), levels[first], levels[second])
