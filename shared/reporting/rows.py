"""Verdicts and tables as the rows that the report shows, all as formatted text."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence

from shared.reporting.claim_words import in_words
from shared.reporting.site import NUMBER, SILENT, Cell, ClaimRow, Effect, Ground, Mark, TableView, ValueRow
from shared.reporting.units import effect_unit
from shared.verdicts.claims import ClaimVerdict
from shared.verdicts.findings import Finding
from shared.verdicts.values import ValueVerdict
from shared.verdicts.words import in_print

SPACE = "\N{NO-BREAK SPACE}"


def table_view(header: Sequence[str], rows: Sequence[Sequence[str]]) -> TableView:
    """Mark the columns that their header says are quoted, printed or measured.

    A printed or quoted column and the measured one of the same name are one, whose cells hold both numbers.
    """
    columns = list(_columns(header))
    cells = [
        [Cell(_unbroken(row[place]), mark, _beside(row, others)) for _, place, mark, others in columns] for row in rows
    ]
    return TableView([name for name, *_ in columns], cells)


def _columns(header: Sequence[str]) -> Iterator[tuple[str, int, Mark, dict[str, int]]]:
    """Yield each column that is shown: its name, place and mark, and the places of those that are shown beside it."""
    places = {name: place for place, name in enumerate(header)}
    for place, name in enumerate(header):
        bare, _, mark = name.rpartition(" (")
        if mark in ("printed)", "quoted)") and f"{bare} (measured)" in places:
            continue
        others = {}
        if mark == "measured)":
            others = {word: places[other] for word in ("printed", "quoted") if (other := f"{bare} ({word})") in places}
        yield (bare if others else name), place, _mark(name), others


def _beside(row: Sequence[str], others: Mapping[str, int]) -> str:
    return ", ".join(f"{word} {row[place]}" for word, place in others.items() if row[place] not in SILENT)


def _unbroken(text: str) -> str:
    """Return a number with its spread and seeds as one word, which no line breaks."""
    joined = text.replace(" ± ", f"{SPACE}±{SPACE}").replace(" (", f"{SPACE}(")
    return joined if NUMBER.fullmatch(text) else text


def _mark(column: str) -> Mark:
    lowered = column.lower()
    words: tuple[Mark, ...] = ("quoted", "printed", "measured")
    return next((word for word in words if word in lowered), "")


def value_row(value: ValueVerdict, id_: str = "") -> ValueRow:
    """Return a printed number beside the measured one, which has one decimal more."""
    number, finer = f".{value.decimals}f", f".{value.decimals + 1}f"
    spread = "" if value.spread is None else f" ± {in_print(value.spread, number)}"
    printed = f"{in_print(value.printed, number)}{spread}" if value.printed is not None else (value.text or "–")
    return ValueRow(
        row=value.row,
        column=value.column,
        printed=printed,
        measured="" if value.mean is None else in_print(value.mean, finer),
        difference="" if value.difference is None else in_print(value.difference, f"+{finer}"),
        interval="" if value.interval is None else " to ".join(in_print(end, finer) for end in value.interval),
        seeds=str(value.n) if value.n else "",
        unit=value.unit,
        verdict=value.verdict,
        reason=value.reason,
        where=value.where,
        run=value.run or "",
        id=id_,
        off=value.off,
        certain=value.tolerance is not None,
        detectable="" if value.detectable is None else f"{value.detectable:.2g}",
        tried=value.tried or "",
    )


def claim_row(
    claim: ClaimVerdict,
    targets: Container[str],
    commands: Sequence[str] = (),
    *,
    grounds: Sequence[Ground] = (),
) -> ClaimRow:
    """Return a claim with those of its targets that there are, and the `commands` that make its runs."""
    return ClaimRow(
        id=claim.id,
        says=claim.says,
        where=claim.where,
        verdict=claim.verdict,
        reason=claim.reason.replace(f"; {claim.power}", "") if claim.power else claim.reason,
        targets=[target for target in claim.targets if target in targets],
        erratum=claim.erratum or "",
        test=in_words(claim),
        note=claim.note or "",
        power=claim.power,
        detectable=claim.detectable,
        seeds_needed=claim.seeds_needed,
        effects=[effect(found) for found in claim.findings],
        unit=effect_unit(claim),
        runs=claim.runs,
        commands=commands,
        grounds=grounds,
    )


def effect(found: Finding) -> Effect:
    """Return a comparison as the report draws it."""
    return Effect(
        what=found.what,
        mean=found.effect,
        interval=found.interval,
        seeds=found.seeds,
        printed=found.printed,
        detectable=found.detectable,
        tolerance=found.tolerance,
        means=found.means,
    )
