"""A table is the same in each of its files."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from shared.reporting.table import NO_EVIDENCE, Table, measured, read_display
from tests.conftest import ROOT


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([], "not run"),
        ([99.0], "99.00 (1)"),
        ([1.0, 2.0, 3.0], "2.00 ± 1.00 (3)"),
        ([-1.0, -2.0, -3.0], "\N{MINUS SIGN}2.00 ± 1.00 (3)"),
        ([1.0, 2.0, 3.0, math.nan], "2.00 ± 1.00 (3; 1 not finite)"),
        ([math.inf, -math.inf], "not finite (2)"),
    ],
)
def test_measured(values, shown):
    assert measured(values) == shown


def test_table_files_hold_the_same_cells(tmp_path):
    table = Table(
        data=pd.DataFrame({"row": ["a"], "value": [1.25]}),
        display=pd.DataFrame({"Row": ["a | b", "50% & σ"], "Value": ["1.2 ± 0.1", "–"]}),
        caption="A caption",
        notes=["A note."],
    )
    csv, markdown, tex = table.write(tmp_path / "table1", no_evidence=True)
    assert pd.read_csv(csv)["value"].tolist() == [1.25]
    caption, header, rows, notes = read_display(markdown)
    assert (caption, header) == ("A caption", ["Row", "Value"])
    assert rows == [["a | b", "1.2 ± 0.1"], ["50% & σ", "–"]]
    assert notes == [NO_EVIDENCE, "A note."]
    text = tex.read_text()
    assert r"50\% \& $\sigma$ & -- \\" in text
    assert r"1.2 $\pm$ 0.1" in text
    assert "no evidence" in text


def table_of(text: str) -> Table:
    return Table(data=pd.DataFrame({"row": [1]}), display=pd.DataFrame({"Row": [text]}), caption="A caption")


@pytest.mark.parametrize("path", sorted(p for s in ("*.py", "*.yaml") for p in (ROOT / "papers").rglob(s)), ids=str)
def test_latex_has_a_form_of_every_character_that_papers_are_told_with(path):
    left = set(path.read_text()) - {"ᵀ"}  # of a docstring
    shown = table_of("".join(sorted(left - set("\n")))).latex()
    assert shown.isascii()


def test_what_means_something_to_latex_is_printed_as_it_is():
    text = table_of(r"2^(1-f) < 50% & a_b {x} $5 #1 ~ c\d | λ = 1 ≤ 2").latex()
    assert r"2\^{}(1-f) $<$ 50\% \& a\_b \{x\} \$5 \#1 \~{} c\textbackslash{}d $|$ $\lambda$ = 1 $\leq$ 2" in text
