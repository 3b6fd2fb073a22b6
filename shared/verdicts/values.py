"""The printed numbers, each with what the records say of it.

A number is matched if the mean over the seeds lies within max(half a printed unit, Student's 95 % interval by the
standard errors of both, the declared floor) of it, on either side. Where the paper's is not known its number is taken
as that of one run like ours, of which the mean of n seeds lies off by s sqrt(1 + 1/n).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
from scipy import stats

from shared.evaluation.spread import mean, sd
from shared.runs.claims import listed
from shared.runs.reference import Reference, Value
from shared.runs.registry import SMOKE
from shared.verdicts import statistics
from shared.verdicts.claims import ClaimVerdict
from shared.verdicts.measurements import Measurements, Seeds, direction, finite, measure, recorded
from shared.verdicts.power import OFTEN, detectable_difference
from shared.verdicts.untrained import Untrained, Warned, mostly_lost, never_trained, seeds_lost, set_aside, warning
from shared.verdicts.words import NO_EVIDENCE, OFF, UNSCORED, Word, counted, in_print

ROUNDING = 1e-9
MEASURED = frozenset({"matched", "better", "worse", "inconclusive", "not run"})


class ValueVerdict(Value):
    """A printed number and what the records say of it; `difference` is measured minus printed.

    A difference of `detectable` would be found beyond the tolerance in 80 % of repetitions.
    """

    mean: float | None
    sd: float | None
    n: int
    interval: tuple[float, float] | None
    difference: float | None
    tolerance: float | None
    detectable: float | None
    verdict: Word
    reason: str

    @property
    def off(self) -> float | None:
        """The difference in units of the tolerance; of one seed, whose spread is unknown, as if it had none."""
        if self.difference is None:
            return None
        return self.difference / (max(_half_a_unit(self), self.floor) if self.tolerance is None else self.tolerance)

    @property
    def printed(self) -> float | None:
        """The number of the paper."""
        return self.value

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data; the number of the paper is `printed`."""
        hidden = {"value", "repeats", "floor", "not_runnable", "claim"}
        return {**self.model_dump(mode="json", exclude=hidden), "printed": self.printed}


def judge_values(
    reference: Reference,
    table: pd.DataFrame,
    scale: str,
    claims: Iterable[ClaimVerdict],
    unlike: Mapping[str, str] | None = None,
    *,
    untrained: Untrained | None = None,
    warned: Warned | None = None,
) -> list[ValueVerdict]:
    """Return a verdict of every printed number, in the order of the reference.

    `claims` are the verdicts of those that numbers rest on. `unlike` names the runs that were trained unlike the
    paper's, and why. Their numbers are not compared with printed ones; a claim, which compares runs with each other, is
    judged by them all the same. `untrained` and `warned` as for `judge_claims`.

    Raises:
        ValueError: the table holds two records of the same run, seed, benchmark and metric.
        UserError: a number is scored by a metric of which no direction is known.

    """
    measurements, aside = measure(table), untrained or {}
    kept = set_aside(measurements, aside)
    by_id = {verdict.id: verdict for verdict in claims}
    verdicts = [_judge(value, kept, by_id, scale, unlike or {}) for value in reference.values]
    here = {place: reason for place, reason in aside.items() if place[0] not in (unlike or {})}
    return [_of_trained(verdict, measurements, here, warned or {}) for verdict in verdicts]


def _of_trained(
    verdict: ValueVerdict, measurements: Measurements, untrained: Untrained, warned: Warned
) -> ValueVerdict:
    """Return a verdict that says what is to be said of its trainings, if it is one of what was measured."""
    if verdict.claim is not None or verdict.verdict not in MEASURED:
        return verdict
    runs = listed(verdict.run or "")
    if never := never_trained(runs, measurements, untrained):
        return verdict.model_copy(update={"verdict": "not trained", "reason": never})
    reason = verdict.reason
    word = verdict.verdict
    if lost := seeds_lost(runs, untrained):
        reason += f"; not trained: {lost}"
        if word in ("matched", *OFF) and mostly_lost(runs, measurements, untrained):
            word, reason = "inconclusive", f"half of the seeds or more were not trained; {reason}"
    if verdict.n and (said := warning(runs, warned)):
        reason += f"; {said}"
    return verdict.model_copy(update={"verdict": word, "reason": reason})


def _judge(
    value: Value,
    measurements: Measurements,
    claims: Mapping[str, ClaimVerdict],
    scale: str,
    unlike: Mapping[str, str],
) -> ValueVerdict:
    incomparable = "; ".join(sorted({unlike[run] for run in listed(value.run or "") if run in unlike}))
    seeds = {} if incomparable else recorded(measurements, value.run or "", value.metric or "")
    sample = [measured - value.minus for measured in finite(seeds).values()]
    measured = mean(sample) if sample else None
    difference = None if measured is None or value.value is None else measured - value.value
    tolerance, rule = _tolerance(value, sample)
    detectable = None if value.value is None else _detectable(value, sample)
    if unscored := _unscored(value, claims, incomparable):
        verdict, reason = unscored
    elif not seeds or value.value is None:
        verdict, reason = _unmeasured(value)
    elif scale == SMOKE:
        lost = len(sample) < len(seeds)
        verdict, reason = "no evidence", f"{NO_EVIDENCE}; {_counted(seeds, sample)}" if lost else NO_EVIDENCE
    elif difference is None:
        verdict, reason = "inconclusive", f"none of the {len(seeds)} seeds of {value.run} gave a finite number"
    else:
        verdict, reason = _score(value, difference, tolerance)
        reason = f"{reason}; {_counted(seeds, sample)}{f'; tolerance: {rule}' if rule else ''}"
        if detectable is not None:
            reason += f"; a difference of {detectable:.3g} is found in {OFTEN} of repetitions"
    return ValueVerdict(
        **dict(value),
        mean=measured,
        sd=sd(sample),
        n=len(sample),
        interval=statistics.t_interval(sample),
        difference=difference,
        tolerance=tolerance,
        detectable=detectable,
        verdict=verdict,
        reason=reason,
    )


def _unscored(value: Value, claims: Mapping[str, ClaimVerdict], incomparable: str) -> tuple[Word, str] | None:
    """Return the verdict on a number that is not compared with a measured one, or None of one that is."""
    if value.source in UNSCORED:
        return UNSCORED[value.source]
    if value.claim is not None:
        return claims[value.claim].verdict, f"as claim {value.claim}: {claims[value.claim].reason}"
    if value.not_runnable is not None:
        return "not runnable", value.not_runnable
    if incomparable:
        return "not run", incomparable
    return None


def _tolerance(value: Value, sample: Sequence[float]) -> tuple[float | None, str]:
    """Return how far our mean may lie from the printed number (None of one seed), and what decided it."""
    spread = sd(sample)
    if spread is None or value.value is None:
        return None, ""
    theirs, assumed = _their_error(value), "the paper's from its printed spread"
    if theirs is None:
        theirs, assumed = spread, "the paper's taken as one run with our standard deviation"
    joint = math.hypot(statistics.standard_error(sample) or 0.0, theirs)
    rules = [
        (_half_a_unit(value), "half a printed unit"),
        (float(stats.t.isf(0.025, len(sample) - 1)) * joint, f"Student's interval of the joint error, {assumed}"),
        (value.floor, "the declared floor"),
    ]
    return max(rules, key=lambda rule: rule[0])


def _detectable(value: Value, sample: Sequence[float]) -> float | None:
    floor = max(_half_a_unit(value), value.floor)
    return detectable_difference(sd(sample) or 0.0, len(sample), floor, _their_error(value))


def _half_a_unit(value: Value) -> float:
    return 0.5 * 10.0**-value.decimals


def _their_error(value: Value) -> float | None:
    """Return the standard error of the printed number, or None where its spread is not printed."""
    return None if value.spread is None else value.spread / math.sqrt(value.repeats or 1)


def _unmeasured(value: Value) -> tuple[Word, str]:
    every = "every one of " if len(listed(value.run or "")) > 1 else ""
    return "not run", f"no record of {value.metric} of {every}{value.run}"


def _score(value: Value, difference: float, tolerance: float | None) -> tuple[Word, str]:
    off = f"{in_print(difference, '+.3g')} from the printed number"
    if tolerance is None:
        return "inconclusive", f"one seed: its spread is unknown; {off}"
    if abs(difference) <= tolerance + ROUNDING:
        return "matched", f"{off}, within {tolerance:.3g}"
    word: Word = "better" if difference * direction(value.metric or "") > 0 else "worse"
    return word, f"{off}, beyond {tolerance:.3g}"


def _counted(seeds: Seeds, sample: Sequence[float]) -> str:
    """Say how many seeds gave a finite number, and how many did not."""
    lost = len(seeds) - len(sample)
    return f"{counted(len(sample), 'seed')}{f', {lost} more gave no finite number' if lost else ''}"
