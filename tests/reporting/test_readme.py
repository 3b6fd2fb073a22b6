"""The parts of a README that a command writes: what is replaced, what is left, and what is refused."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import pandas as pd
import pytest

from shared.errors import UserError
from shared.reporting.readme import Part, deviations_text, filled, rewrite, target_text
from shared.reporting.table import Table
from shared.runs.registry import Deviation

TEXT = """\
# A paper

<!-- a comment of its own -->
Before.

<!-- written: table table1 -->

old

<!-- end -->

Between.

<!-- written: deviations -->
<!-- end -->
After.
"""


def shown(part: Part) -> str:
    return f"new {part.kind} {' '.join(part.words)}".strip() + "\n"


def test_what_stands_between_markers_is_replaced_and_the_rest_is_left() -> None:
    text, changed = rewrite(TEXT, "README.md", shown)
    assert text == TEXT.replace("\nold\n", "\nnew table table1\n").replace(
        "deviations -->\n", "deviations -->\n\nnew deviations\n\n"
    )
    assert changed == ["README.md:6: table table1", "README.md:14: deviations"]
    assert rewrite(text, "README.md", shown) == (text, [])


def test_a_text_without_markers_stays_as_it_is() -> None:
    assert rewrite("# Title\n", "README.md", shown) == ("# Title\n", [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\n<!-- written: deviations -->\n", "README.md:2: the part does not end"),
        ("<!-- writen: deviations -->\n<!-- end -->\n", "README.md:2: ends a part that has not begun"),
        ("<!-- written: a -->\n<!-- written: b -->\n<!-- end -->\n", "README.md:2: begins a part inside another"),
        ("\n<!-- written: deviations -->\n<!-- end -->\n", "README.md:2: no such thing"),
    ],
)
def test_markers_that_do_not_fit_are_named_with_their_line(text: str, says: str) -> None:
    def refuse(part: Part) -> str:
        raise UserError("no such thing")

    with pytest.raises(UserError) as error:
        rewrite(text, "README.md", refuse)
    assert str(error.value).startswith(says)


def test_deviations_are_a_row_each() -> None:
    deviation = Deviation(
        id="the-rate",
        date=datetime.date(2026, 11, 22),
        targets=("table1",),
        paper="states |p| alone.",
        here="0.1.",
        why="customary.",
    )
    assert deviations_text([deviation]).splitlines() == [
        "|  | the paper | here | why |",
        "| --- | --- | --- | --- |",
        r"| the rate | states \|p\| alone. | 0.1. | customary. |",
    ]


TABLE = Table(
    data=pd.DataFrame(),
    display=pd.DataFrame(
        {"Loss": ["a", "b", "c"], "Error": ["1.0 (1)", "not run", "not run"], "closed": ["2", "2", "3.0 (2)"]}
    ),
    caption="Caption",
    notes=["A note."],
)


def test_a_table_of_the_paper_is_shown_whole() -> None:
    assert target_text(TABLE, ours=False) == TABLE.markdown()


def test_of_a_table_of_ours_the_rows_of_which_nothing_has_run_are_left_out() -> None:
    text = target_text(TABLE, ours=True)
    assert [line for line in text.splitlines() if line.startswith("| ")][2:] == [
        "| a | 1.0 (1) | 2 |",
        "| c | not run | 3.0 (2) |",
    ]
    assert text.startswith("**Caption**\n")
    assert text.endswith("A note.\n\nRows of which nothing has run are left out.\n")


def test_the_last_column_of_a_table_is_filled() -> None:
    def cell(row: Sequence[str]) -> str:
        return "+".join(row)

    body = "\n\n|  | run | measured |\n| --- | --- | --- |\n| a | `x` | 0 |\n| b | `y` |  |\n\n"
    assert filled(body, cell).splitlines()[2:] == ["| a | `x` | a+`x` |", "| b | `y` | b+`y` |"]


@pytest.mark.parametrize("body", ["\n", "| a | b |\n| --- | --- |\n", "| a | b |\n| --- | --- |\n| 1 |\n"])
def test_a_part_to_be_filled_needs_a_table(body: str) -> None:
    with pytest.raises(UserError, match="no table stands here"):
        filled(body, lambda row: row[0])
