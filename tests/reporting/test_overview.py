"""The table of all papers: every claim is counted once, and numbers are what is within, measured and printed."""

from __future__ import annotations

from collections.abc import Sequence

from shared.reporting.overview import Entry, overview
from shared.reporting.site import ClaimRow, PaperPage, TargetSection, ValueRow
from shared.reporting.table import table_cells
from shared.verdicts.words import Word


def page(claims: Sequence[ClaimRow], values: Sequence[ValueRow] = ()) -> PaperPage:
    return PaperPage("a", "A", "c", "s", [TargetSection("table1", "Table 1: t", "done", values=values)], claims)


def claims(*words: Word) -> list[ClaimRow]:
    return [ClaimRow(f"C{place}", "So it is.", "Sec. 1", word) for place, word in enumerate(words)]


def value(verdict: Word, measured: str = "1.0") -> ValueRow:
    return ValueRow("a", "", "1", measured, verdict=verdict)


def rows(*entries: Entry) -> list[list[str]]:
    return [table_cells(line) for line in overview(entries).splitlines() if line.startswith("|")]


def test_the_numbers_of_a_row_add_up_to_all_claims_and_the_last_row_to_all_papers():
    faces = claims("not runnable")[0]
    one = claims("matched", "matched", "contradicted", "inconclusive", "not trained", "not run", "not runnable")
    header, _, first, second, both = rows(
        Entry("[One](one/README.md), 2019", page([*one, faces]), "a picture"), Entry("Two", page([]), "none is named")
    )
    assert header == [
        "paper",
        "✓",
        "✗",
        "?",
        "†",
        "○",
        "⊘",
        "printed numbers within tolerance",
        "the figure that shows it best",
    ]
    assert first == ["[One](one/README.md), 2019", "2", "1", "1", "1", "1", "2", "none printed", "a picture"]
    assert sum(map(int, first[1:7])) == len(one) + 1
    assert second[1:7] == ["0"] * 6
    assert both == ["all", *first[1:8], ""]


def test_numbers_within_the_tolerance_are_counted_of_those_measured():
    values = [
        *(value(verdict) for verdict in ("matched", "matched", "worse", "better", "inconclusive")),
        *(value(verdict, "") for verdict in ("not run", "not trained", "quoted", "setting", "matched")),
    ]
    first, second, both = rows(Entry("A", page([], values), ""), Entry("B", page([], values[5:8]), ""))[2:]
    assert first[7] == "2 of 5 measured, 8 printed"
    assert second[7] == "none measured, 2 printed"
    assert both[7] == "2 of 5 measured, 10 printed"


def test_what_the_symbols_mean_is_told_below():
    assert "✓ matched, ✗ contradicted, ? inconclusive, † not trained, ○ not run, ⊘ not runnable." in overview([])
