"""What was found of a paper, in at most five sentences written by rule from its numbers and the verdicts on its claims.

The README of the paper, that of the suite and the report tell it by the same rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from shared.reporting.site import ClaimRow, Ground, PaperPage, TargetSection, on_titles
from shared.reporting.units import in_unit
from shared.reporting.words import SCORED
from shared.verdicts.words import Word, counted, in_a_row

UNTESTABLE = "for want of data that anyone can have or of anything to measure"
STANDINGS: dict[Word, tuple[str, str]] = {
    "matched": ("is borne out", "are borne out"),
    "contradicted": ("is contradicted", "are contradicted"),
    "inconclusive": ("is open", "are open"),
    "not trained": ("rests on a run that is not trained", "rest on runs that are not trained"),
    "not run": ("waits to be run", "wait to be run"),
    "not runnable": (f"cannot be tested here, {UNTESTABLE}", f"cannot be tested here, {UNTESTABLE}"),
}
"""The verdicts on claims, and how one and several are told to stand there."""
_PLACES = {
    frozenset({True}): "",
    frozenset({True, False}): ", in part in place of its own data",
    frozenset({False}): " in place of its own data",
}
"""How it is told of data that they are the paper's, that they also stand for others, or that they stand for them."""
TELLING = {
    "contradicted": "Contradicted is",
    "matched": "borne out most clearly is",
    "inconclusive": "The nearest to a verdict is",
    "not trained": "Nothing can be read yet of",
}


def findings(paper: PaperPage) -> list[str]:
    """Return what the records of a paper say: of which data, of its claims, of its numbers, and what is left to run.

    Where nothing is scored, as at a scale that is no evidence, it is said what has records.
    """
    printed, ours = ([target for target in paper.targets if target.ours is is_ours] for is_ours in (False, True))
    targets = f"{len(printed)} tables and figures"
    added = f" and {_with_records(ours)} of {len(ours)} of ours" if ours else ""
    records = f"There are records for {_with_records(printed)} of its {targets}{added}, in whole or in part"
    records += _on(paper.grounds)
    if not _with_records(paper.targets):
        sentences = [f"There is no record yet for any of its {targets}.", _of_claims(paper.claims)]
    elif paper.measured_numbers or any(claim.verdict in SCORED for claim in paper.claims):
        sentences = [f"{records}.", _of_claims(paper.claims), _telling(paper.claims), _of_numbers(paper)]
    else:
        sentences = [f"{records}; no claim and no printed number is judged by them.", _of_claims(paper.claims)]
    return [sentence for sentence in (*sentences, paper.outlook) if sentence]


def _with_records(targets: Sequence[TargetSection]) -> int:
    return sum(bool(target.provenance) for target in targets)


def _on(grounds: Sequence[Ground]) -> str:
    """Return of which data and at which scales records are: ", at full scale on MNIST"."""
    owned: dict[tuple[str, str], set[bool]] = {}
    for ground in grounds:
        owned.setdefault((ground.scale, ground.data), set()).add(ground.own)
    places = {
        scale: {
            place: [data for (at, data), own in owned.items() if at == scale and own == whose]
            for whose, place in _PLACES.items()
        }
        for scale, _ in owned
    }
    return "".join(
        f", at {scale} scale {in_a_row(f'{on_titles(data)}{place}' for place, data in told.items() if data)}"
        for scale, told in places.items()
    )


def _of_claims(claims: Sequence[ClaimRow]) -> str:
    """Count the claims by where they stand, "" at a scale that is no evidence."""
    if not claims or any(claim.verdict == "no evidence" for claim in claims):
        return ""
    times = Counter(claim.verdict for claim in claims)
    told = [f"{times[word]} {forms[times[word] > 1]}" for word, forms in STANDINGS.items() if times[word]]
    if seeds := _most_seeds([claim for claim in claims if claim.verdict == "inconclusive"]):
        told = [f"{one} ({seeds})" if one.endswith(" open") else one for one in told]
    if len(told) == 1 and len(claims) > 1:
        return f"All of its {len(claims)} claims {told[0].partition(' ')[2]}."
    return f"Of its {len(claims)} claims, {in_a_row(told)}." if len(claims) > 1 else f"Its one claim {told[0][2:]}."


def _most_seeds(claims: Sequence[ClaimRow]) -> str:
    seeds = max((len(effect.seeds) for claim in claims for effect in claim.measured), default=0)
    return "" if not seeds else "one seed" if seeds == 1 else f"at most {seeds} seeds"


def _telling(claims: Sequence[ClaimRow]) -> str:
    """Quote the claim that is contradicted and that is borne out with the most evidence; else the nearest to it."""
    told = most_telling(claims, 1, ("contradicted",)) + most_telling(claims, 1, ("matched",))
    told = told or most_telling(claims, 1, ("inconclusive",)) or most_telling(claims, 1, ("not trained",))
    quoted = [f"{TELLING[claim.verdict]} “{claim.says.rstrip('.')}”{_in_brackets(claim)}" for claim in told]
    text = "; ".join(quoted)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def most_telling(claims: Sequence[ClaimRow], most: int, verdicts: Sequence[str]) -> list[ClaimRow]:
    """Return at most so many of the claims of certain verdicts, those first that rest on the most evidence."""
    of = [claim for claim in claims if claim.verdict in verdicts]
    return sorted(of, key=_weight, reverse=True)[:most]


def _weight(claim: ClaimRow) -> tuple[bool, float, int, int]:
    """Return by what a claim is told rather than another: that it tells which of two is greater, not that they differ.

    After that counts the share of its comparisons that bear the verdict out, how many it has, and the seeds.
    """
    shown = claim.measured
    share = sum((effect.mean or 0.0) > 0 for effect in shown) / len(shown) if shown else 0.0
    seeds = min((len(effect.seeds) for effect in shown), default=0)
    ordered = all(effect.tolerance is None for effect in shown)
    return ordered, (1 - share if claim.verdict == "contradicted" else share), len(shown), seeds


def _in_brackets(claim: ClaimRow) -> str:
    effects = in_short(claim)
    return f" ({effects})" if effects else ""


def in_short(claim: ClaimRow) -> str:
    """Return which way the comparisons of a claim go, of how many seeds, on which data; "" where none has records.

    Of a claim that two quantities are equal, it is how far they are apart.
    """
    shown = claim.measured
    if not shown:
        return ""
    if claim.held:
        return ", ".join(filter(None, [claim.held, claim.stands_on]))
    positive = sum((effect.mean or 0.0) > 0 for effect in shown)
    seeds = min(len(effect.seeds) for effect in shown)
    way = "it goes as claimed" if positive else "it goes the other way"
    if len(shown) > 1:
        way = f"{positive} of {len(shown)} comparisons go as claimed"
    elif shown[0].tolerance is not None and shown[0].mean is not None:
        apart = in_unit(f"{shown[0].tolerance - shown[0].mean:.3g}", claim.unit)
        way = f"the difference is {apart}, where {shown[0].tolerance:g} would be none"
    return ", ".join(filter(None, [way, counted(seeds, "seed"), claim.stands_on]))


def _of_numbers(paper: PaperPage) -> str:
    own, measured = paper.own_numbers, paper.measured_numbers
    if not own:
        return "The paper prints no number that could be measured again."
    untrained = sum(value.verdict == "not trained" for value in own)
    if not measured and untrained:
        rest = STANDINGS["not trained"][untrained > 1]
        return f"Of its {len(own)} printed numbers, {untrained} {rest}, and none is measured."
    if not measured:
        return f"None of its {len(own)} printed numbers is measured at the paper's size on its own data."
    times = Counter(
        "within the tolerance" if value.verdict == "matched" else "off" if value.is_off else "by one seed alone"
        for value in measured
    )
    how = in_a_row([f"{count} {word}" for word, count in times.most_common()])
    if len(times) == 1:
        how = f"{'all ' if len(measured) > 1 else ''}{next(iter(times))}"
    farthest = max(measured, key=lambda value: (value.is_off, abs(value.off or 0.0)))
    here, there = (in_unit(number, farthest.unit) for number in (farthest.measured, farthest.printed))
    return (
        f"Of its {len(own)} printed numbers, {len(measured)} {'is' if len(measured) == 1 else 'are'} measured, {how}; "
        f"{'it' if len(measured) == 1 else 'farthest from print'} is {farthest.name}, {here} where {there} is printed."
    )
