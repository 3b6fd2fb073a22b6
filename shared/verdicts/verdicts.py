"""Judge a paper's printed numbers and claims by the records: pure functions of a reference and a table.

The table has one row per run, seed, benchmark and metric, and its value, in columns of these names.

What a list of runs measures, such as the folds of a cross-validation, is the mean over them, of every seed that all
of them have.

A number is matched if the mean over the seeds lies within max(half a printed unit, two joint standard errors,
the declared floor) of it, on either side. A claim is matched if each comparison that it makes comes out as
claimed with p < 0.05 (an intersection-union test: all must, so none need be corrected for the others), and
contradicted if one comes out the other way with p < 0.05 after Holm's correction (any one would do). A difference
that is not significant does not show that two quantities are equal: a claim that they are states a tolerance, and is
tested against it on either side (two one-sided tests).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

from shared.errors import UserError
from shared.evaluation.spread import mean, sd
from shared.runs.reference import (
    BestWithin,
    Claim,
    LargerGap,
    Level,
    Lower,
    OneFails,
    Plateau,
    Quantity,
    Reference,
    Rises,
    Value,
    Within,
    listed_runs,
)
from shared.verdicts import statistics
from shared.verdicts.statistics import Comparison

DIRECTIONS = {
    "accuracy": 1,
    "error": -1,
    "mean_angle": -1,
    **{f"rank{rank}": 1 for rank in (1, 5, 10)},
    "rank1_regular": 1,
    "rank1_ur": 1,
    "rank1_base": 1,
    "coverage": 1,
    **{f"tar@1e-{power}": 1 for power in range(1, 7)},
}
"""Of each metric that is scored or of which a best is asked for, whether more is better (1) or worse (-1)."""

SIGNIFICANCE = 0.05
ROUNDING = 1e-9
NO_EVIDENCE = "smoke"
NOT_RUN = "no seed has everything that it compares"
SMOKE = "smoke scale: its numbers are no evidence"

Seeds = dict[int, float]
Measurements = dict[tuple[str, str], Seeds]

Word = Literal[
    "matched",
    "better",
    "worse",
    "contradicted",
    "inconclusive",
    "not run",
    "not runnable",
    "no evidence",
    "quoted",
    "setting",
]

UNSCORED: dict[str, tuple[Word, str]] = {
    "quoted": ("quoted", "quoted by the authors from elsewhere, never scored"),
    "setting": ("setting", "a setting of the protocol or the data, not a result"),
}


class ValueVerdict(Value):
    """A printed number and what the records say of it; `difference` is measured minus printed."""

    mean: float | None
    sd: float | None
    n: int
    interval: tuple[float, float] | None
    difference: float | None
    tolerance: float | None
    verdict: Word
    reason: str

    @property
    def printed(self) -> float | None:
        """The number of the paper."""
        return self.value

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data; the number of the paper is `printed`."""
        hidden = {"value", "repeats", "floor", "not_runnable", "claim"}
        return {**self.model_dump(mode="json", exclude=hidden), "printed": self.printed}


@dataclass(frozen=True)
class Finding:
    """One comparison that a claim rests on; a positive effect is in the sense of the claim."""

    what: str
    n: int
    effect: float | None
    interval: tuple[float, float] | None
    p: float | None
    p_adjusted: float | None
    test: str


class ClaimVerdict(Claim):
    """A claim and what the records say of it, and the names of the runs that it takes."""

    runs: tuple[str, ...]
    findings: tuple[Finding, ...]
    verdict: Word
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, with the kind of its test."""
        kind = self.test.kind if self.test else None
        return {**self.model_dump(mode="json", exclude={"test", "untestable"}), "kind": kind}


def verdicts(
    reference: Reference, table: pd.DataFrame, scale: str, elsewhere: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the verdicts of every printed number and every claim as plain data, ready for JSON.

    `elsewhere` names the runs that were trained on other data than the paper's, and on which. Their numbers are not
    compared with printed ones; a claim, which compares runs with each other, is judged by them all the same.

    Raises:
        ValueError: the table holds two records of the same run, seed, benchmark and metric.
        UserError: a printed number has a metric that `DIRECTIONS` does not list, or a claim compares with a
            column that has no number beside the run.

    """
    return {
        "scale": scale,
        "values": [verdict.as_dict() for verdict in judge_values(reference, table, scale, elsewhere)],
        "claims": [verdict.as_dict() for verdict in judge_claims(reference, table, scale)],
    }


def judge_values(
    reference: Reference, table: pd.DataFrame, scale: str, elsewhere: Mapping[str, str] | None = None
) -> list[ValueVerdict]:
    """Return a verdict of every printed number, in the order of the reference; `elsewhere` as for `verdicts`."""
    measurements = measure(table)
    claims = {verdict.id: verdict for verdict in judge_claims(reference, table, scale)}
    return [_judge_value(value, measurements, claims, scale, elsewhere or {}) for value in reference.values]


def judge_claims(reference: Reference, table: pd.DataFrame, scale: str) -> list[ClaimVerdict]:
    """Return a verdict of every claim, in the order of the reference."""
    judge = _Judge(reference, measure(table))
    return [judge.claim(claim, scale) for claim in reference.claims]


def measure(table: pd.DataFrame) -> Measurements:
    """Return the value of each seed by run and "benchmark/metric"."""
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


def _recorded(measurements: Measurements, run: str, metric: str) -> Seeds:
    """Return every seed of a run, finite or not; of several listed runs their mean, for the seeds that all have."""
    runs = {name: measurements.get((name, metric), {}) for name in listed_runs(run)}
    return {seed: mean([seeds[seed] for seeds in runs.values()]) for seed in _common(runs)}


def _finite(seeds: Seeds) -> Seeds:
    return {seed: value for seed, value in seeds.items() if math.isfinite(value)}


def _direction(metric: str) -> int:
    name = metric.rpartition("/")[2]
    if name not in DIRECTIONS:
        raise UserError(f"no direction is known for the metric '{metric}'; add it to DIRECTIONS in {__name__}")
    return DIRECTIONS[name]


def _judge_value(
    value: Value,
    measurements: Measurements,
    claims: dict[str, ClaimVerdict],
    scale: str,
    elsewhere: Mapping[str, str],
) -> ValueVerdict:
    other_data = sorted({elsewhere[run] for run in listed_runs(value.run or "") if run in elsewhere})
    recorded = {} if other_data else _recorded(measurements, value.run or "", value.metric or "")
    sample = list(_finite(recorded).values())
    measured = mean(sample) if sample else None
    difference = None if measured is None or value.value is None else measured - value.value
    tolerance, rule = _tolerance(value, sample)
    verdict: Word
    if value.source in UNSCORED:
        verdict, reason = UNSCORED[value.source]
    elif value.claim is not None:
        verdict, reason = claims[value.claim].verdict, f"as claim {value.claim}: {claims[value.claim].reason}"
    elif value.not_runnable is not None:
        verdict, reason = "not runnable", value.not_runnable
    elif other_data:
        verdict, reason = "not run", f"trained on other data than the paper's ({', '.join(other_data)})"
    elif difference is None:
        verdict, reason = _unmeasured(value, recorded)
    elif scale == NO_EVIDENCE:
        verdict, reason = "no evidence", SMOKE
    else:
        verdict, reason = _score(value, difference, tolerance)
        seeds = f"{len(sample)} {_seeds_word(len(sample))}"
        if lost := len(recorded) - len(sample):
            seeds += f", {lost} more gave no finite number"
        reason = f"{reason}; {seeds}{f'; tolerance: {rule}' if rule else ''}"
    return ValueVerdict(
        **dict(value),
        mean=measured,
        sd=sd(sample),
        n=len(sample),
        interval=statistics.t_interval(sample),
        difference=difference,
        tolerance=tolerance,
        verdict=verdict,
        reason=reason,
    )


def _tolerance(value: Value, sample: Sequence[float]) -> tuple[float | None, str]:
    """Return how far our mean may lie from the printed number (None of one seed), and what decided it."""
    spread = sd(sample)
    if spread is None or value.value is None:
        return None, ""
    if value.spread is None:
        theirs, assumed = spread, "the paper's taken as one run with our standard deviation"
    else:
        theirs, assumed = value.spread / math.sqrt(value.repeats or 1), "the paper's from its printed spread"
    joint = math.hypot(statistics.standard_error(sample) or 0.0, theirs)
    rules = [
        (0.5 * 10.0**-value.decimals, "half a printed unit"),
        (2 * joint, f"two joint standard errors, {assumed}"),
        (value.floor, "the declared floor"),
    ]
    return max(rules, key=lambda rule: rule[0])


def _unmeasured(value: Value, recorded: Seeds) -> tuple[Word, str]:
    if recorded:
        return "inconclusive", f"none of the {len(recorded)} seeds of {value.run} gave a finite number"
    every = "every one of " if len(listed_runs(value.run or "")) > 1 else ""
    return "not run", f"no record of {value.metric} of {every}{value.run}"


def _score(value: Value, difference: float, tolerance: float | None) -> tuple[Word, str]:
    if tolerance is None:
        return "inconclusive", f"one seed: its spread is unknown; {difference:+.3g} from the printed number"
    if abs(difference) <= tolerance + ROUNDING:
        return "matched", f"{difference:+.3g} from the printed number, within {tolerance:.3g}"
    word: Word = "better" if difference * _direction(value.metric or "") > 0 else "worse"
    return word, f"{difference:+.3g} from the printed number, beyond {tolerance:.3g}"


class _Judge:
    """Judges claims by one set of measurements, and notes which runs each of them rests on."""

    def __init__(self, reference: Reference, measurements: Measurements) -> None:
        self._cells = {(value.target, value.row, value.column): value.value for value in reference.values}
        self._places = {value.run: (value.target, value.row) for value in reference.values if value.run is not None}
        self._measurements = measurements
        self._asked: list[tuple[str, str]] = []

    def claim(self, claim: Claim, scale: str) -> ClaimVerdict:
        """Return the verdict of one claim."""
        self._asked = []
        findings: list[Finding] = []
        verdict: Word
        match claim.test:
            case None:
                verdict, reason = "not runnable", claim.untestable or ""
            case OneFails():
                verdict, reason, findings = self._one_fails(claim.test)
            case BestWithin():
                verdict, reason, findings = self._best_within(claim.test)
            case Plateau():
                verdict, reason, findings = self._plateau(claim.test)
            case _:
                findings = _adjust(self._findings(claim.test))
                verdict, reason = _all_as_claimed(findings)
        if claim.test and (missing := self._missing()):
            reason = f"{reason}; no record of {missing}"
        if scale == NO_EVIDENCE and verdict not in ("not run", "not runnable"):
            verdict, reason = "no evidence", SMOKE
        runs = tuple(dict.fromkeys(run for run, _ in self._asked))
        found = {"runs": runs, "findings": tuple(findings), "verdict": verdict, "reason": reason}
        return ClaimVerdict(**dict(claim), **found)

    def _seeds(self, run: str, metric: str) -> Seeds:
        """Return every seed of a run, finite or not, or the mean over the runs that it lists."""
        self._asked += [(name, metric) for name in listed_runs(run)]
        return _recorded(self._measurements, run, metric)

    def _levels(self, runs: str, metric: str, levels: Sequence[Level]) -> dict[Level, Seeds]:
        """Return the finite measurements of every level."""
        quantity = Quantity(runs=runs, metric=metric)
        return {level: _finite(self._seeds(*quantity.at(level))) for level in levels}

    def _pair(self, first: Quantity, second: Quantity, level: Level) -> tuple[Seeds, Seeds, bool]:
        """Return the two quantities at a level by seed, and whether one of them is a constant."""
        one = _finite(self._seeds(*first.at(level))) if first.runs else {}
        two = _finite(self._seeds(*second.at(level))) if second.runs else {}
        if not first.runs:
            return dict.fromkeys(two, self._constant(first, second.at(level)[0])), two, True
        if not second.runs:
            return one, dict.fromkeys(one, self._constant(second, first.at(level)[0])), True
        return one, two, False

    def _constant(self, side: Quantity, run: str) -> float:
        """Return the number a side gives, or what its column prints beside the paper's number for a run."""
        number = side.number
        if side.column is not None:
            number = self._cells.get((*self._places.get(run, ("", "")), side.column))
        if number is None:
            raise UserError(f"a claim compares {run} with column '{side.column}', which has no number beside it")
        return number

    def _missing(self) -> str:
        """Return the first few of the quantities asked for that have no record."""
        names = [f"{metric} of {run}" for run, metric in self._asked if (run, metric) not in self._measurements]
        unique = list(dict.fromkeys(names))
        return ", ".join(unique[:3]) + (f" and {len(unique) - 3} more" if len(unique) > 3 else "")

    def _findings(self, test: Lower | Within | LargerGap | Rises) -> list[Finding]:
        match test:
            case Lower():
                return [self._lower(test, level) for level in test.levels]
            case Within():
                return [self._within(test, level) for level in test.levels]
            case LargerGap():
                return [self._larger_gap(test, level) for level in test.at]
            case Rises():
                return [self._rises(test, runs) for runs in test.runs]

    def _lower(self, test: Lower, level: Level) -> Finding:
        less, than, constant = self._pair(test.less, test.than, level)
        if test.distance_from_one:
            less, than = _distances_from_one(less), _distances_from_one(than)
        name = "one-sample Student t-test" if constant else "paired Student t-test"
        what = f"{_name(test.less, level)} below {_name(test.than, level)}"
        if test.distance_from_one:
            what = f"{_name(test.less, level)} nearer to one than {_name(test.than, level)}"
        return _tested(what, statistics.paired_differences(than, less), name)

    def _within(self, test: Within, level: Level) -> Finding:
        one, other, constant = self._pair(test.one, test.other, level)
        name = "two one-sided Student t-tests" if constant else "two one-sided paired Student t-tests"
        names = f"{_name(test.one, level)} within {test.tolerance:g} of {_name(test.other, level)}"
        what = f"{names} (the effect is what is left of that)"
        return _equivalent(what, statistics.paired_differences(one, other), test.tolerance, name)

    def _larger_gap(self, test: LargerGap, level: Level) -> Finding:
        gaps = []
        for place in (level, test.base):
            of, over, _ = self._pair(test.of, test.over, place)
            gaps.append({seed: of[seed] - over[seed] for seed in of.keys() & over.keys()})
        what = f"gap {_name(test.of, level)} - {_name(test.over, level)} larger than at {test.base}"
        return _tested(what, statistics.paired_differences(*gaps), "paired Student t-test")

    def _rises(self, test: Rises, runs: str) -> Finding:
        levels = self._levels(runs, test.metric, test.levels)
        ranks = [rank - (len(levels) - 1) / 2 for rank in range(len(levels))]
        scale = math.fsum(rank**2 for rank in ranks)
        slopes = [
            math.fsum(rank * seeds[seed] for rank, seeds in zip(ranks, levels.values(), strict=True)) / scale
            for seed in _common(levels)
        ]
        what = f"{test.metric} of {runs} rises a level"
        return _tested(what, slopes, "Student t-test on the slopes of the seeds")

    def _best_within(self, test: BestWithin) -> tuple[Word, str, list[Finding]]:
        direction = _direction(test.metric)
        levels = self._levels(test.runs, test.metric, test.levels)
        outside = [level for level in levels if level not in test.best]
        pairs = [(inner, outer) for inner in test.best for outer in outside]
        findings = _adjust([_better(levels, direction, inner, outer) for inner, outer in pairs])
        by_pair = dict(zip(pairs, findings, strict=True))
        if stop := _cannot_judge(findings):
            return *stop, findings
        means = {level: mean(list(seeds.values())) for level, seeds in levels.items() if seeds}
        best = max(means, key=lambda level: direction * means[level])
        seen = f"{best} has the best mean ({means[best]:.4g}); {_summary(findings)}"
        if any(all(_sense(by_pair[inner, outer]) > 0 for outer in outside) for inner in test.best):
            return "matched", f"a level of those claimed beats every other: {seen}", findings
        if any(all(_sense(by_pair[inner, outer]) < 0 for inner in test.best) for outer in outside):
            return "contradicted", f"another level beats all of those claimed: {seen}", findings
        return "inconclusive", f"the seeds do not tell the levels apart: {seen}", findings

    def _plateau(self, test: Plateau) -> tuple[Word, str, list[Finding]]:
        direction = _direction(test.metric)
        levels = self._levels(test.runs, test.metric, test.levels)
        start = test.levels.index(test.begins)
        before, plateau = test.levels[:start], test.levels[start:]
        shared = _common({level: levels[level] for level in plateau})
        flat = {seed: mean([levels[level][seed] for level in plateau]) for seed in shared}
        worse = [
            _tested(
                f"{level} worse than the mean from {test.begins} on",
                [direction * gain for gain in statistics.paired_differences(flat, levels[level])],
                "paired Student t-test",
            )
            for level in before
        ]
        even = [
            _better(levels, direction, first, second)
            for index, first in enumerate(plateau)
            for second in plateau[index + 1 :]
        ]
        findings = _adjust([*worse, *even])
        worse, even = findings[: len(worse)], findings[len(worse) :]
        if stop := _cannot_judge(findings):
            return *stop, findings
        widest = max(abs(finding.effect or 0.0) for finding in even)
        seen = f"{_summary(worse)}; levels from {test.begins} on differ by at most {widest:.3g} on average"
        if any(_sense(finding) < 0 for finding in worse):
            return "contradicted", f"a level before {test.begins} is better: {seen}", findings
        if any(_sense(finding) for finding in even):
            return "contradicted", f"from {test.begins} on they differ beyond seed noise: {seen}", findings
        if all(_sense(finding) > 0 for finding in worse):
            return "matched", f"worse before {test.begins}, then even within seed noise: {seen}", findings
        return "inconclusive", f"the levels before {test.begins} are not all clearly worse: {seen}", findings

    def _one_fails(self, test: OneFails) -> tuple[Word, str, list[Finding]]:
        quantity = Quantity(runs=test.runs, metric=test.metric)
        levels = {level: self._seeds(*quantity.at(level)) for level in test.levels}
        seeds = _common(levels)
        n = len(seeds)
        if n == 0:
            return "not run", NOT_RUN, []
        failing = [[level for level in levels if not levels[level][seed] >= test.below] for seed in seeds]
        held = sum(len(failed) == 1 and failed[0] in test.among for failed in failing)
        chance = len(test.among) / 2 ** len(test.levels)
        result = statistics.binomial_test(held, n, chance, "exact binomial test against failing by coin toss")
        finding = _finding(f"only {' or '.join(map(str, test.among))} below {test.below:g}, share of seeds", result)
        counts = ", ".join(f"{level} in {sum(level in failed for failed in failing)}" for level in levels)
        seen = (
            f"below {test.below:g} in {n} {_seeds_word(n)}: {counts}; as claimed in {held}, "
            f"interval of the share {_interval(finding.interval)}, p = {result.p:.2g} ({result.test})"
        )
        if n == 1:
            return "inconclusive", f"one seed: {seen}", [finding]
        word: Word = "matched" if held == n else "contradicted" if held == 0 else "inconclusive"
        return word, seen, [finding]


def _better(levels: dict[Level, Seeds], direction: int, first: Level, second: Level) -> Finding:
    gains = [direction * gain for gain in statistics.paired_differences(levels[first], levels[second])]
    return _tested(f"{first} better than {second}", gains, "paired Student t-test")


def _name(quantity: Quantity, level: Level) -> str:
    if quantity.runs is None:
        return f"the paper's {quantity.column}" if quantity.column is not None else f"{quantity.number:g}"
    return " ".join(quantity.at(level))


def _distances_from_one(seeds: Seeds) -> Seeds:
    """Return |ln x|, in which a half and two are equally far from one."""
    return {seed: abs(math.log(ratio)) for seed, ratio in seeds.items() if ratio > 0}


def _common(levels: Mapping[Any, Seeds]) -> list[int]:
    """Return the seeds that every level has."""
    return sorted(set.intersection(*(set(seeds) for seeds in levels.values())))


def _tested(what: str, effects: Sequence[float], name: str) -> Finding:
    if not effects:
        return Finding(what, 0, None, None, None, None, name)
    return _finding(what, statistics.t_test(effects, name))


def _equivalent(what: str, differences: Sequence[float], tolerance: float, name: str) -> Finding:
    """Return by how much the mean difference stays within the tolerance, a negative effect where it does not.

    p is that of the nearer edge of the tolerance: one-sided within it (the greater of the two), two-sided beyond.
    """
    if not differences:
        return Finding(what, 0, None, None, None, None, name)
    room = [[tolerance + sign * difference for difference in differences] for sign in (1, -1)]
    nearer = min((statistics.t_test(edge, name) for edge in room), key=lambda result: result.effect)
    if nearer.p is None or nearer.effect <= 0:
        return _finding(what, nearer)
    return _finding(what, replace(nearer, p=nearer.p / 2))


def _finding(what: str, result: Comparison) -> Finding:
    return Finding(what, result.n, result.effect, result.interval, result.p, result.p, result.test)


def _adjust(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with p values adjusted for how many were tested."""
    tested = [finding.p for finding in findings if finding.p is not None]
    adjusted = iter(statistics.holm(tested))
    return [replace(one, p_adjusted=None if one.p is None else next(adjusted)) for one in findings]


def _sense(finding: Finding) -> int:
    """Return 1 where the effect is significantly as claimed, -1 where it is so the other way, otherwise 0."""
    if finding.effect is None or finding.p_adjusted is None or finding.p_adjusted >= SIGNIFICANCE:
        return 0
    return 1 if finding.effect > 0 else -1


def _as_claimed(finding: Finding) -> bool:
    """Whether the effect is as claimed, by its own p value: a claim that needs all of its comparisons needs no more."""
    return finding.effect is not None and finding.effect > 0 and finding.p is not None and finding.p < SIGNIFICANCE


def _cannot_judge(findings: Sequence[Finding]) -> tuple[Word, str] | None:
    """Return why comparisons that must all be there allow no verdict, or None."""
    missing = sum(finding.n == 0 for finding in findings)
    if missing == len(findings):
        return "not run", NOT_RUN
    if missing:
        return "inconclusive", f"{missing} of {len(findings)} comparisons were not run; {_summary(findings)}"
    if min(finding.n for finding in findings) == 1:
        return "inconclusive", f"one seed: its spread is unknown; {_summary(findings)}"
    return None


def _all_as_claimed(findings: Sequence[Finding]) -> tuple[Word, str]:
    if any(_sense(finding) < 0 for finding in findings):
        return "contradicted", _summary(findings)
    if stop := _cannot_judge(findings):
        return stop
    if all(_as_claimed(finding) for finding in findings):
        return "matched", _summary(findings)
    return "inconclusive", f"not every comparison is beyond seed noise: {_summary(findings)}"


def _summary(findings: Sequence[Finding]) -> str:
    """Return the effects, intervals, seeds and p values of some findings in one clause."""
    ran = [finding for finding in findings if finding.effect is not None]
    effects = [finding.effect for finding in ran if finding.effect is not None]
    if not effects:
        return "nothing was run"
    low, high = min(finding.n for finding in ran), max(finding.n for finding in ran)
    seeds = f"{low} {_seeds_word(low)}" if low == high else f"{low} to {high} seeds"
    adjusted = [finding.p_adjusted for finding in ran if finding.p_adjusted is not None]
    tests = " and ".join(dict.fromkeys(finding.test for finding in ran if finding.p is not None))
    if len(ran) == 1:
        certainty = f" {_interval(ran[0].interval)}, p = {adjusted[0]:.2g} ({tests})" if adjusted else ""
        return f"effect {effects[0]:+.3g}{certainty}, {seeds}: {ran[0].what}"
    positive = sum(effect > 0 for effect in effects)
    certain = sum(_as_claimed(finding) for finding in ran)
    certainty = ""
    if adjusted:
        span = f"{min(adjusted):.2g} to {max(adjusted):.2g}"
        certainty = f", {certain} with p < {SIGNIFICANCE} ({tests}, p after Holm's correction {span})"
    return (
        f"{positive} of {len(ran)} comparisons go as claimed{certainty}, "
        f"effects {min(effects):+.3g} to {max(effects):+.3g}, {seeds}"
    )


def _seeds_word(n: int) -> str:
    return "seed" if n == 1 else "seeds"


def _interval(interval: tuple[float, float] | None) -> str:
    return "with no interval" if interval is None else f"[{interval[0]:.3g}, {interval[1]:.3g}]"
