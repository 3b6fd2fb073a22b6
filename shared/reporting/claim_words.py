"""The test of a claim in words: what is compared with what, by which test, and what must come out."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from shared.runs.claims import BestWithin, Claim, LargerGap, Level, Lower, OneFails, Plateau, Quantity, Rises, Within
from shared.verdicts.words import in_a_row

PAIRED = "Student's t-test over the differences of paired seeds, with p < 0.05"
ONE_SAMPLE = "Student's one-sample t-test over the seeds, with p < 0.05"
AGAINST_A_RUN = (
    "Student's t-test of the seeds against the result of one run, which varies as one seed does, with p < 0.05"
)


def in_words(claim: Claim) -> str:
    """Return how a claim is tested, "" where nothing tests it; `*` stands for each level in turn."""
    match claim.test:
        case Lower(less=less, than=than, levels=levels, tolerance=tolerance) as test:
            what = f"{_named(less)} is below {_named(than)}"
            if test.distance_from_one:
                what = f"{_named(less)} is nearer to one, as a ratio, than {_named(than)}"
            beyond = f", or above it by less than {tolerance:g}" if tolerance else ""
            said, by = f"{what}{beyond}{_at(levels)}", f"{_compared(less, than)}{_each(levels)}"
        case Within(one=one, other=other, levels=levels, tolerance=tolerance):
            said = f"{_named(one)} and {_named(other)} differ by less than {tolerance:g}{_at(levels)}"
            by = f"two one-sided t-tests over paired seeds, with p < 0.05{_each(levels)}"
        case LargerGap(of=of, over=over, at=levels, base=base):
            said = f"{_named(of)} less {_named(over)} is larger{_at(levels)} than where it is {base}"
            by = f"{PAIRED}{_each(levels)}"
        case Rises(runs=runs, metric=metric, levels=levels):
            said = f"{metric} of {in_a_row(runs)} rises from {levels[0]} to {levels[-1]}"
            by = f"Student's t-test over the slopes of the seeds, with p < 0.05{_each(runs)}"
        case BestWithin(runs=name, metric=metric, levels=levels, best=best):
            said = f"the best {metric} of {name} is at {in_a_row(best, 'or')}, of {in_a_row(levels)}"
            by = f"{PAIRED}, corrected for how many may decide: one of those claimed must beat every other level"
        case Plateau(runs=name, metric=metric, begins=begins, tolerance=tolerance):
            said = f"{metric} of {name} is worse before {begins} and varies by less than {tolerance:g} from there on"
            by = "t-tests over paired seeds, two one-sided ones where levels are to be equal, with p < 0.05 each"
        case OneFails(runs=name, metric=metric, levels=levels, among=among, below=below):
            said = f"{metric} of {name} is below {below:g} at {in_a_row(among, 'or')} alone, of {in_a_row(levels)}"
            by = "every seed must show it"
        case None:
            return ""
    return f"{said[0].upper() if said.startswith('the ') else said[0]}{said[1:]}: {by}."


def _named(quantity: Quantity) -> str:
    if quantity.runs is not None:
        return f"{quantity.metric} of {quantity.runs}"
    return f"{quantity.constant:g}" if quantity.constant is not None else f"what the paper prints as {quantity.column}"


def _compared(less: Quantity, than: Quantity) -> str:
    """Return by which test one quantity is compared with another, as how they are paired has it."""
    others = [side for side in (less, than) if side.runs is None]
    if not others:
        return PAIRED
    return AGAINST_A_RUN if others[0].number is None else ONE_SAMPLE


def _at(levels: Iterable[Level]) -> str:
    named = [level for level in levels if level != ""]
    return f" where * is {in_a_row(named)}" if named else ""


def _each(of: Collection[Level]) -> str:
    return " each" if len(of) > 1 else ""
