"""What was found of a paper as one small table: the claims and the printed numbers that the records say most of.

Under it stands, of each number that what is measured lies off, what was tried to explain it.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.reporting.findings import most_telling
from shared.reporting.site import ClaimRow, Effect, PaperPage, ValueRow
from shared.reporting.table import markdown_table
from shared.reporting.units import in_unit
from shared.reporting.words import SCORED, WORDS
from shared.verdicts.findings import interval_text
from shared.verdicts.words import SATURATED, counted, in_print

MOST_DECIDED = 6
MOST_OPEN = 3
MOST_NUMBERS = 6
HEADER = ("", "the paper", "measured here", "seeds", "least effect that they show")
ONE_SEED = "none: one seed tells no spread"
EXPLAINED = (
    "An effect is positive in the sense of the claim, and where that allows a tolerance it is what is left of it; in "
    "brackets is its 95 % interval over the seeds. So many seeds, of this spread, show the least effect in 80 % of "
    "repetitions."
)


def found_table(paper: PaperPage) -> str:
    """Return the table in Markdown with what is to be said under it, "" where no claim and no number has a verdict."""
    claims, numbers = _claims(paper), _numbers(paper)
    if not claims and not numbers:
        return ""
    rows = [*map(_claim_cells, claims), *map(_number_cells, numbers)]
    left = (
        sum(claim.verdict in SCORED for claim in paper.claims) - len(claims),
        len(paper.measured_numbers) - len(numbers),
    )
    return "\n\n".join(filter(None, [markdown_table(HEADER, rows), _more(*left), EXPLAINED, *tried(paper)]))


def claims_table(claims: Sequence[ClaimRow]) -> str:
    """Return the table in Markdown of what is measured of some claims that have a verdict, with what is to be said."""
    return f"{markdown_table(HEADER, [_claim_cells(claim) for claim in claims])}\n\n{EXPLAINED}"


def _claims(paper: PaperPage) -> list[ClaimRow]:
    """Return the claims that are decided and have the most evidence, or where there are few, the nearest to it."""
    decided = [
        claim for word in ("contradicted", "matched") for claim in most_telling(paper.claims, MOST_DECIDED // 2, [word])
    ]
    if len(decided) >= MOST_OPEN:
        return decided
    open_ = most_telling(paper.claims, MOST_OPEN - len(decided), ["inconclusive"])
    return [*decided, *open_] or most_telling(paper.claims, MOST_OPEN, ["not trained"])


def _numbers(paper: PaperPage) -> list[ValueRow]:
    """Return the measured numbers, those that lie off first, and of these those that lie farthest off."""
    return sorted(paper.measured_numbers, key=lambda value: (not value.is_off, -abs(value.off or 0)))[:MOST_NUMBERS]


def _claim_cells(claim: ClaimRow) -> list[str]:
    seeds = [len(effect.seeds) for effect in claim.measured]
    many = "" if not seeds else f"{min(seeds)}" if min(seeds) == max(seeds) else f"{min(seeds)} to {max(seeds)}"
    says = f"{claim.says} ({claim.id})" + (f" Here {claim.stands_on}." if claim.stands_on else "")
    return [_word(claim.verdict), says, _effects(claim), many, _would_show(claim)]


def _effects(claim: ClaimRow) -> str:
    shown = claim.measured
    if claim.held:
        return claim.held
    if len(shown) == 1:
        return in_unit(_signed(shown[0].mean), claim.unit) + _interval(shown[0])
    means = [effect.mean for effect in shown if effect.mean is not None]
    if not means:
        return ""
    low, high = _signed(min(means)), _signed(max(means))
    spread = low if low == high else f"{low} to {high}"
    return f"{sum(mean > 0 for mean in means)} of {len(means)} as claimed, {in_unit(spread, claim.unit)}"


def _interval(effect: Effect) -> str:
    return "" if effect.interval is None else f" {interval_text(effect.interval)}"


def _signed(value: float | None) -> str:
    return "" if value is None else in_print(value, "+.3g")


def _would_show(claim: ClaimRow) -> str:
    """Return in a few words what the seeds could have shown, or why they show nothing."""
    if claim.verdict == "not trained" or claim.reason.startswith(SATURATED):
        return f"none: {claim.reason.partition('; ')[0]}"
    if claim.detectable is None:
        return ONE_SEED if any(len(effect.seeds) == 1 for effect in claim.measured) else ""
    needed = ""
    if claim.verdict == "inconclusive" and claim.seeds_needed is not None:
        is_printed = all(effect.printed is not None for effect in claim.measured)
        which = "printed" if is_printed else "observed"
        needed = f"; {claim.seeds_needed} would show what is {which}"
        if claim.seeds_needed <= min(len(effect.seeds) for effect in claim.measured):
            needed = "; what is printed was not found" if is_printed else ""
    return in_unit(f"{claim.detectable:.2g}", claim.unit) + needed


def _number_cells(value: ValueRow) -> list[str]:
    interval = f" [{value.interval.replace(' to ', ', ')}]" if value.interval else ""
    shows = in_unit(value.detectable, value.unit) if value.detectable else ONE_SEED if value.seeds == "1" else ""
    printed = f"{value.name}: {in_unit(value.printed, value.unit)}{f' ({value.where})' if value.where else ''}"
    return [_word(value.verdict), printed, in_unit(value.measured, value.unit) + interval, value.seeds, shows]


def _word(word: str) -> str:
    return f"{WORDS[word].symbol} {word}"


def _more(claims: int, numbers: int) -> str:
    left = [counted(count, f"more {what}") for count, what in ((claims, "claim"), (numbers, "number")) if count]
    return f"The report has {' and '.join(left)} with a verdict." if left else ""


def tried(paper: PaperPage) -> list[str]:
    """Return a sentence or more for each explanation that was tried of numbers off the printed ones, with these."""
    by_text: dict[str, list[str]] = {}
    for target in paper.targets:
        for value in target.values:
            if value.is_off:
                by_text.setdefault(value.explanation, []).append(f"{target.name}, {value.name}")
    return [f"Off the printed number: {'; '.join(names)}. {text}" for text, names in by_text.items()]
