"""What was found of a paper, in three sentences written by rule from its numbers and the verdicts on its claims."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from shared.reporting.site import ClaimRow, PaperPage, ValueRow
from shared.reporting.words import SCORED

LEADS = {
    "matched": "Borne out",
    "contradicted": "Contradicted",
    "inconclusive": "Open",
    "not trained": "Not trained",
}
CLOSED = ("contradicted", "matched")


def findings(paper: PaperPage) -> list[str]:
    """Return what the records of a paper say: of its printed numbers, of its claims, and the most telling of these.

    Where nothing is scored, as at a scale that is no evidence, one sentence says what has records.
    """
    values = [value for target in paper.targets for value in target.values if value.verdict in SCORED]
    claims = [claim for claim in paper.claims if claim.verdict in SCORED]
    if not values and not claims:
        ran = sum(bool(target.provenance) for target in paper.targets)
        if not ran:
            return ["None of its tables and figures has a record at this scale."]
        return [f"{ran} of its {len(paper.targets)} tables and figures have records; nothing in them is scored."]
    own = sum(value.verdict not in ("quoted", "setting") for target in paper.targets for value in target.values)
    return [
        sentence
        for sentence in (_of_numbers(values, own), _of_claims(claims, len(paper.claims)), _telling(claims))
        if sentence
    ]


def _of_numbers(values: Sequence[ValueRow], own: int) -> str:
    if not own:
        return "It prints no number that could be measured again."
    if not values:
        return f"None of its {own} printed numbers is measured on the paper's own data."
    said = f"{len(values)} of its {own} printed numbers {_are(len(values))} measured: {_counted(values)}"
    apart = [value for value in values if value.off is not None]
    if not apart:
        return f"{said}."
    farthest = max(apart, key=lambda value: abs(value.off or 0.0))
    return (
        f"{said}; farthest from print is {farthest.name}, "
        f"{farthest.measured}{_unit(farthest)} where {farthest.printed}{_unit(farthest)} is printed."
    )


def _of_claims(claims: Sequence[ClaimRow], all_: int) -> str:
    if not claims:
        return f"None of its {all_} claims can be judged yet." if all_ else ""
    why = ""
    if all(claim.verdict == "inconclusive" for claim in claims):
        seeds = max((len(effect.seeds) for claim in claims for effect in claim.measured), default=0)
        why = f", from {'one seed' if seeds == 1 else f'at most {seeds} seeds'}" if seeds else ""
    have = "has" if len(claims) == 1 else "have"
    return f"{len(claims)} of its {all_} claims {have} records: {_counted(claims)}{why}."


def _telling(claims: Sequence[ClaimRow]) -> str:
    """Quote the claim that is contradicted and that is borne out with the most comparisons; else the nearest to it."""
    told = [max(of, key=_weight) for word in CLOSED if (of := [claim for claim in claims if claim.verdict == word])]
    if not told and claims:
        told = [max(claims, key=_weight)]
    return " ".join(f"{LEADS[claim.verdict]}: “{claim.says.rstrip('.')}”{_in_brackets(claim)}." for claim in told)


def _weight(claim: ClaimRow) -> tuple[float, int]:
    """Return by what a claim is told rather than another: the share of its comparisons that bear the verdict out."""
    shown = claim.measured
    share = sum((effect.mean or 0.0) > 0 for effect in shown) / len(shown) if shown else 0.0
    return (1 - share if claim.verdict == "contradicted" else share), len(shown)


def _in_brackets(claim: ClaimRow) -> str:
    effects = in_short(claim)
    return f" ({effects})" if effects else ""


def in_short(claim: ClaimRow) -> str:
    """Return which way the comparisons of a claim go, and by how many seeds; "" where none has records."""
    shown = claim.measured
    if not shown:
        return ""
    positive = sum((effect.mean or 0.0) > 0 for effect in shown)
    seeds = min(len(effect.seeds) for effect in shown)
    way = "it goes as claimed" if positive else "it goes the other way"
    if len(shown) > 1:
        way = f"{positive} of {len(shown)} comparisons go as claimed"
    return f"{way}, {seeds} {'seed' if seeds == 1 else 'seeds'}"


def _counted(rows: Iterable[ValueRow | ClaimRow]) -> str:
    times = Counter(row.verdict for row in rows)
    if len(times) == 1:
        return f"{'all ' if times.total() > 1 else ''}{next(iter(times))}"
    return ", ".join(f"{count} {word}" for word, count in times.most_common())


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _unit(value: ValueRow) -> str:
    return f" {value.unit}" if value.unit else ""
