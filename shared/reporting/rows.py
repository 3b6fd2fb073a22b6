"""Verdicts and tables as the rows that the report shows, all as formatted text."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence

from shared.reporting.site import Cell, ClaimRow, Mark, TableView, ValueRow
from shared.verdicts.claims import ClaimVerdict
from shared.verdicts.values import ValueVerdict

MINUS = "\N{MINUS SIGN}"


def table_view(header: Sequence[str], rows: Sequence[Sequence[str]]) -> TableView:
    """Mark the columns that their header says are quoted, printed or measured."""
    marks: list[Mark] = [_mark(column) for column in header]
    cells = [[Cell(text, mark) for text, mark in zip(row, marks, strict=True)] for row in rows]
    return TableView(header, cells)


def _mark(column: str) -> Mark:
    lowered = column.lower()
    words: tuple[Mark, ...] = ("quoted", "printed", "measured")
    return next((word for word in words if word in lowered), "")


def value_row(value: ValueVerdict) -> ValueRow:
    """Return a printed number beside the measured one, which has one decimal more."""
    number, finer = _number(f".{value.decimals}f"), _number(f".{value.decimals + 1}f")
    signed = _number(f"+.{value.decimals + 1}f")
    spread = "" if value.spread is None else f" ± {number(value.spread)}"
    printed = f"{number(value.printed)}{spread}" if value.printed is not None else (value.text or "–")
    return ValueRow(
        row=value.row,
        column=value.column,
        printed=printed,
        measured="" if value.mean is None else finer(value.mean),
        difference="" if value.difference is None else signed(value.difference),
        interval="" if value.interval is None else f"{finer(value.interval[0])} to {finer(value.interval[1])}",
        seeds=str(value.n) if value.n else "",
        unit=value.unit,
        verdict=value.verdict,
        reason=value.reason,
        where=value.where,
        run=value.run or "",
    )


def _number(form: str) -> Callable[[float], str]:
    return lambda value: format(value, form).replace("-", MINUS)


def claim_row(claim: ClaimVerdict, targets: Container[str]) -> ClaimRow:
    """Return a claim with those of its targets that there are."""
    return ClaimRow(
        id=claim.id,
        says=claim.says,
        where=claim.where,
        verdict=claim.verdict,
        reason=claim.reason,
        targets=[target for target in claim.targets if target in targets],
        erratum=claim.erratum or "",
    )
