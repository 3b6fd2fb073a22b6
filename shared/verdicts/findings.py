"""The comparisons that a claim rests on, each with what a test says of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.evaluation.spread import mean
from shared.verdicts.statistics import Comparison, holm, t_test
from shared.verdicts.words import in_print

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Finding:
    """One comparison that a claim rests on; a positive effect is in the sense of the claim.

    `sd`, `tolerance` and `against_a_run` are those of the `Comparison`, `seeds` the effects of the single seeds;
    `candidates` is of how many such any one may decide. `printed` is the effect by the paper's own numbers,
    `detectable` the smallest that these seeds show in 80 % of repetitions, and `seeds_needed` how many would show the
    printed effect so often, or the observed one where none is printed. `means` are those of the two sides that are
    compared, over the seeds that both have, where there are two.
    """

    what: str
    n: int
    effect: float | None
    interval: tuple[float, float] | None
    p: float | None
    p_adjusted: float | None
    test: str
    sd: float | None = None
    tolerance: float | None = None
    against_a_run: bool = False
    candidates: int = 1
    printed: float | None = None
    detectable: float | None = None
    seeds_needed: int | None = None
    seeds: tuple[float, ...] = ()
    means: tuple[float, float] | None = None


def finding(what: str, result: Comparison) -> Finding:
    """Return the result of a test as what a claim rests on, its p value not yet adjusted."""
    return Finding(what, p_adjusted=result.p, **vars(result))


def examined(
    what: str,
    effects: Sequence[float],
    name: str,
    by: Callable[[Sequence[float], str], Comparison] = t_test,
) -> Finding:
    """Test one effect a seed, by Student's t-test unless told otherwise; of no seed, nothing is found."""
    if not effects:
        return Finding(what, 0, None, None, None, None, name)
    result = by(effects, name)
    return replace(finding(what, result), seeds=tuple(_of_seeds(effects, result.tolerance)))


def with_means(found: Finding, first: Mapping[int, float], second: Mapping[int, float]) -> Finding:
    """Return a finding with the means of its two sides, by seed, over the seeds that both have."""
    seeds = sorted(first.keys() & second.keys())
    if not seeds:
        return found
    return replace(found, means=(mean([first[seed] for seed in seeds]), mean([second[seed] for seed in seeds])))


def _of_seeds(effects: Sequence[float], tolerance: float | None) -> list[float]:
    """Return the effect of each seed; of a test of equality, what is left of the tolerance on the side of the mean."""
    if tolerance is None:
        return list(effects)
    side = -1 if sum(effects) > 0 else 1
    return [tolerance + side * effect for effect in effects]


def adjusted(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with p values adjusted for how many were tested."""
    by_holm = iter(holm([found.p for found in findings if found.p is not None]))
    return [replace(found, p_adjusted=None if found.p is None else next(by_holm)) for found in findings]


def corrected(found: Finding, *, for_better: int, for_worse: int) -> Finding:
    """Return a finding with its p value corrected for how many such may decide for the claim, or against it."""
    if found.effect is None or found.p is None:
        return found
    p = min(1.0, found.p * (for_better if found.effect > 0 else for_worse))
    return replace(found, p_adjusted=p, candidates=for_better)


def sense(found: Finding) -> int:
    """Return 1 where the effect is significantly as claimed, -1 where it is so the other way, otherwise 0."""
    if found.effect is None or found.p_adjusted is None or found.p_adjusted >= SIGNIFICANCE:
        return 0
    return 1 if found.effect > 0 else -1


def as_claimed(found: Finding) -> bool:
    """Whether the effect is as claimed, by its own p value: a claim that needs all of its comparisons needs no more."""
    return found.effect is not None and found.effect > 0 and found.p is not None and found.p < SIGNIFICANCE


def interval_text(interval: tuple[float, float] | None, form: str = ".3g") -> str:
    """Return an interval as a sentence or a cell shows it, its ends in a form."""
    return "with no interval" if interval is None else f"[{', '.join(in_print(end, form) for end in interval)}]"


def p_text(p: float | None) -> str:
    """Return a p value as a cell shows it, a dash where there is none."""
    return "–" if p is None else "< 0.001" if p < 0.0005 else f"{p:.3f}"
