"""The claims, each with what the records say of it.

A kind of claim is a schema in `shared.runs.claims` and a function here in `JUDGES` that judges it by the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd

from shared.runs.claims import BestWithin, Claim, LargerGap, Lower, OneFails, Plateau, Rises, Within
from shared.runs.reference import Reference
from shared.runs.registry import SMOKE
from shared.verdicts import comparisons, levels
from shared.verdicts.evidence import Evidence
from shared.verdicts.findings import Finding
from shared.verdicts.judgement import Judgement
from shared.verdicts.measurements import Measurements, measure
from shared.verdicts.power import Power, sentence, together, with_power
from shared.verdicts.printed import in_print
from shared.verdicts.untrained import (
    Untrained,
    Warned,
    failed,
    mostly_lost,
    never_trained,
    seeds_lost,
    set_aside,
    warning,
)
from shared.verdicts.words import NO_EVIDENCE, Word, in_a_row, trained_on

JUDGES: dict[type, Callable[[Any, Evidence], Judgement]] = {
    Lower: comparisons.lower,
    Within: comparisons.within,
    LargerGap: comparisons.larger_gap,
    Rises: comparisons.rises,
    BestWithin: levels.best_within,
    Plateau: levels.plateau,
    OneFails: levels.one_fails,
}
JUDGED = frozenset[Word]({"matched", "contradicted", "inconclusive"})


class ClaimVerdict(Claim):
    """A claim and what the records say of it, and the names of the runs that it takes.

    `power` is what the reason says of what the seeds could have shown, `detectable`, `within_reach` and `seeds_needed`
    are those of its `Power`.
    """

    runs: tuple[str, ...]
    findings: tuple[Finding, ...]
    verdict: Word
    reason: str
    power: str
    detectable: float | None
    within_reach: bool | None
    seeds_needed: int | None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, with the kind of its test."""
        kind = self.test.kind if self.test else None
        return {**self.model_dump(mode="json", exclude={"test", "untestable"}), "kind": kind}


def judge_claims(
    reference: Reference,
    table: pd.DataFrame,
    scale: str,
    elsewhere: Mapping[str, str] | None = None,
    *,
    untrained: Untrained | None = None,
    warned: Warned | None = None,
) -> list[ClaimVerdict]:
    """Return a verdict of every claim, in the order of the reference.

    `elsewhere` names the runs that were trained on other data than the paper's, and on which, by which a claim
    `on_its_data` is not judged. `untrained` names the seeds of runs that never got anywhere: they are set aside, but
    where a claim is that one of several runs fails, and a run that has no others is not the best of several. What
    `warned` says of seeds that can be read, a claim that rests on them says too.

    Raises:
        ValueError: the table holds two records of the same run, seed, benchmark and metric.
        UserError: a claim compares with a column that has no number beside the run, or asks for the best of a metric
            of which no direction is known.

    """
    measurements = measure(table)
    aside, other = untrained or {}, elsewhere or {}
    verdicts = [_judge(claim, reference, measurements, aside, scale, elsewhere=other) for claim in reference.claims]
    return [_with_warning(verdict, warned or {}) for verdict in verdicts]


def _with_warning(verdict: ClaimVerdict, warned: Warned) -> ClaimVerdict:
    """Return a verdict whose reason says what is to be said of the runs that it was judged by."""
    if verdict.verdict not in JUDGED or not (said := warning(verdict.runs, warned)):
        return verdict
    return verdict.model_copy(update={"reason": f"{verdict.reason}; {said}"})


def _judge(
    claim: Claim,
    reference: Reference,
    measurements: Measurements,
    untrained: Untrained,
    scale: str,
    *,
    elsewhere: Mapping[str, str],
) -> ClaimVerdict:
    aside = {} if isinstance(claim.test, OneFails) else untrained
    evidence = Evidence(reference, set_aside(measurements, aside), failed(measurements, aside))
    power, could_show = Power(), ""
    if claim.test is None:
        verdict, reason, findings, _ = Judgement("not runnable", claim.untestable or "", ())
    else:
        verdict, reason, findings, needed = JUDGES[type(claim.test)](claim.test, evidence)
        printed, _ = judged_in_print(claim, reference, evidence.failed)
        findings = [with_power(found, other.effect) for found, other in zip(findings, printed.findings, strict=True)]
        deciding = findings if needed is None else [findings[place] for place in needed]
        power = together(deciding)
        could_show = sentence(power, deciding, inconclusive=verdict == "inconclusive")
        reason += could_show
        if missing := evidence.missing():
            reason = f"{reason}; no record of {missing}"
        if never := never_trained(evidence.runs, measurements, aside):
            verdict, reason = "not trained", never
        elif lost := seeds_lost(evidence.runs, aside):
            reason = f"{reason}; not trained: {lost}"
            if verdict in JUDGED and (few := mostly_lost(evidence.runs, measurements, aside)):
                verdict = "inconclusive"
                reason = f"half of the seeds or more were not trained, of {in_a_row(few)}; {reason}"
    if claim.on_its_data and (other := sorted({elsewhere[run] for run in evidence.runs if run in elsewhere})):
        verdict, reason = "not run", trained_on(other)
    if scale == SMOKE and verdict not in ("not run", "not runnable"):
        verdict, reason = "no evidence", NO_EVIDENCE
    if lost := evidence.not_finite():
        reason = f"{reason}; no finite number: {lost}"
    return ClaimVerdict(
        **dict(claim),
        runs=evidence.runs,
        findings=tuple(findings),
        verdict=verdict,
        reason=reason,
        power=could_show.removeprefix("; "),
        **vars(power),
    )


def judged_in_print(claim: Claim, reference: Reference, failed: Collection[str] = ()) -> tuple[Judgement, Evidence]:
    """Judge a claim that has a test by the paper's own numbers, and return by what it was judged.

    Where a number is not printed, the evidence lacks it, and its comparison has no effect. The comparisons are those of
    the records of which all seeds of the runs `failed` are set aside.
    """
    evidence = Evidence(reference, in_print(reference.values, claim.targets), failed)
    return JUDGES[type(claim.test)](claim.test, evidence), evidence
