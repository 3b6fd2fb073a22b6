"""The test of a claim in words: what is compared with what, by which test, and what must come out."""

from __future__ import annotations

from collections.abc import Iterable

from shared.runs.claims import BestWithin, Claim, LargerGap, Level, Lower, OneFails, Plateau, Quantity, Rises, Within

PAIRED = "Student's t-test over the differences of paired seeds"
ALL = "with p < 0.05"


def in_words(claim: Claim) -> str:
    """Return how a claim is tested, "" where nothing tests it; `*` stands for each level in turn."""
    match claim.test:
        case Lower() as test:
            beyond = f", or above it by less than {test.tolerance:g}" if test.tolerance else ""
            what = f"{_named(test.less)} is below {_named(test.than)}{beyond}"
            if test.distance_from_one:
                what = f"{_named(test.less)} is nearer to one, as a ratio, than {_named(test.than)}"
            return f"{what}{_at(test.levels)}: {PAIRED}, {ALL}{_each(test.levels)}."
        case Within() as test:
            what = f"{_named(test.one)} and {_named(test.other)} differ by less than {test.tolerance:g}"
            return f"{what}{_at(test.levels)}: two one-sided tests over paired seeds, {ALL}{_each(test.levels)}."
        case LargerGap() as test:
            what = f"{_named(test.of)} less {_named(test.over)} is larger than where * is {test.base}"
            return f"{what}{_at(test.at)}: {PAIRED}, {ALL}{_each(test.at)}."
        case Rises() as test:
            what = f"{test.metric} of {_listed(test.runs)} rises from {test.levels[0]} to {test.levels[-1]}"
            return f"{what}: Student's t-test over the slopes of the seeds, {ALL}{_each(test.runs)}."
        case BestWithin() as test:
            what = f"Of {_listed(test.levels)}, the best {test.metric} of {test.runs} is at {_listed(test.best, 'or')}"
            return f"{what}: {PAIRED}; one of those claimed must beat every other level {ALL}, corrected for their number."
        case Plateau() as test:
            what = f"{test.metric} of {test.runs} is worse before {test.begins} and within {test.tolerance:g} from there on"
            return f"{what}: t-tests over paired seeds, one-sided twice where levels are to be equal, {ALL} each."
        case OneFails() as test:
            what = f"In every seed {test.metric} of {test.runs} is below {test.below:g} at {_listed(test.among, 'or')} alone"
            return f"{what}, of {_listed(test.levels)}: every seed must show it."
    return ""


def _named(quantity: Quantity) -> str:
    if quantity.runs is None:
        return f"{quantity.number:g}" if quantity.number is not None else f"what the paper prints as {quantity.column}"
    return f"{quantity.metric} of {quantity.runs}"


def _at(levels: Iterable[Level]) -> str:
    named = [str(level) for level in levels if level != ""]
    return f" where * is {_listed(named)}" if named else ""


def _each(levels: Iterable[Level]) -> str:
    return " each" if len(list(levels)) > 1 else ""


def _listed(names: Iterable[Level], last: str = "and") -> str:
    *first, final = map(str, names)
    return f"{', '.join(first)} {last} {final}" if first else final
