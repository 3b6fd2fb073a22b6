"""What several comparisons say of a claim together.

A claim is matched if each comparison that it makes comes out as claimed with p < 0.05 (an intersection-union test: all
must, so none need be corrected for the others), and contradicted if one comes out the other way with p < 0.05 after
Holm's correction (any one would do).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from shared.verdicts.findings import SIGNIFICANCE, Finding, adjusted, as_claimed, interval_text, sense
from shared.verdicts.words import Word, counted, in_print

NOT_RUN = "no seed has everything that it compares"


class Judgement(NamedTuple):
    """The verdict on a claim, the reason in a sentence, and the comparisons that it rests on.

    `needed` are the places of those that must all come out as claimed, None where that is all of them.
    """

    verdict: Word
    reason: str
    findings: Sequence[Finding]
    needed: Sequence[int] | None = None


def all_as_claimed(findings: Sequence[Finding]) -> Judgement:
    """Judge a claim that needs every one of its comparisons, their p values not yet adjusted."""
    findings = adjusted(findings)
    if any(sense(found) < 0 for found in findings):
        return Judgement("contradicted", summary(findings), findings)
    if stop := cannot_judge(findings):
        return stop
    if all(as_claimed(found) for found in findings):
        return Judgement("matched", summary(findings), findings)
    return Judgement("inconclusive", f"not every comparison is beyond seed noise: {summary(findings)}", findings)


def cannot_judge(findings: Sequence[Finding]) -> Judgement | None:
    """Return why comparisons that must all be there allow no verdict, or None."""
    missing = sum(found.n == 0 for found in findings)
    if missing == len(findings):
        return Judgement("not run", NOT_RUN, findings)
    if missing:
        lacking = f"{missing} of {len(findings)} comparisons were not run"
        return Judgement("inconclusive", f"{lacking}; {summary(findings)}", findings)
    if min(found.n for found in findings) == 1:
        return Judgement("inconclusive", f"one seed: its spread is unknown; {summary(findings)}", findings)
    return None


def summary(findings: Sequence[Finding], decides: Callable[[Finding], bool] = as_claimed) -> str:
    """Return the effects, intervals, seeds and p values of some findings in one clause.

    `decides` says whether one of them, by its p value, is as claimed.
    """
    ran = [found for found in findings if found.effect is not None]
    effects = [found.effect for found in ran if found.effect is not None]
    if not effects:
        return "nothing was run"
    low, high = min(found.n for found in ran), max(found.n for found in ran)
    seeds = counted(low, "seed") if low == high else f"{low} to {high} seeds"
    p_values = [found.p_adjusted for found in ran if found.p_adjusted is not None]
    tests = " and ".join(dict.fromkeys(found.test for found in ran if found.p is not None))
    if len(ran) == 1:
        certainty = f" {interval_text(ran[0].interval)}, p = {p_values[0]:.2g} ({tests})" if p_values else ""
        return f"effect {in_print(effects[0], '+.3g')}{certainty}, {seeds}: {ran[0].what}"
    positive = sum(effect > 0 for effect in effects)
    certainty = ""
    if p_values:
        certainty = f", {sum(map(decides, ran))} with p < {SIGNIFICANCE}"
        if positive < len(ran):
            against = sum(sense(found) < 0 for found in ran)
            certainty += f", and {against} against it with corrected p < {SIGNIFICANCE}"
        certainty += f" ({tests})"
    return (
        f"{positive} of {len(ran)} comparisons go as claimed{certainty}, "
        f"effects {in_print(min(effects), '+.3g')} to {in_print(max(effects), '+.3g')}, {seeds}"
    )
