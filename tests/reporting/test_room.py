"""What room tables and pictures are given on a page, and what of a table is seen at a glance."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from shared.reporting.room import HALF, WHOLE, Glance, glance, image_size, needs_the_card, width
from shared.reporting.site import Cell, TableView, TargetSection

SPREAD = "12.34\u00a0±\u00a00.56\u00a0(5)"


def table(columns: int, text: str = SPREAD) -> TableView:
    return TableView(["Run", *["Accuracy"] * columns], [["softmax", *[text] * columns]])


def target(table: TableView | None = None, image: Path | None = None) -> TargetSection:
    return TargetSection(key="a", title="A", state="done", table=table, image=image)


def test_a_table_is_as_wide_as_its_numbers_and_the_words_of_its_texts():
    assert width(table(2)) < HALF < width(table(4)) < WHOLE < width(table(9))
    assert width(table(2, "many short words " * 9)) < HALF < width(table(2, "averylongword" * 3))


def test_a_table_that_is_too_wide_for_a_half_needs_the_card():
    assert not needs_the_card(target(table(2)))
    assert needs_the_card(target(table(4)))
    assert not needs_the_card(target())


@pytest.mark.parametrize(
    ("size", "needs"), [((1440, 580), False), ((1440, 870), True), ((960, 1980), False), ((400, 300), False)]
)
def test_a_picture_of_several_rows_of_panels_needs_the_card(tmp_path, size, needs):
    Image.new("1", size).save(tmp_path / "figure.png")
    assert needs_the_card(target(image=tmp_path / "figure.png")) is needs


def test_a_picture_that_is_no_png_is_refused(tmp_path):
    path = tmp_path / "figure1.png"
    path.write_bytes(b"GIF89a" + bytes(30))
    with pytest.raises(OSError, match="cannot identify"):
        image_size(path)


def test_at_a_glance_a_table_shows_numbers_beside_the_names_of_its_rows():
    names, number = ["10K0K", "sfmx", "m-L2", "rank 1"], Cell("91.56", "measured")
    seen = glance(
        TableView(["Set", "Base", "Method", "Metric", "One", "Other", "p"], [[*names, number, number, "0.1"]])
    )
    assert seen == Glance(["Set", "Base", "One", "Other"], [["10K0K", "sfmx", "91.56", "91.56"]])


def test_at_a_glance_a_table_without_measured_columns_shows_its_columns_of_numbers():
    rows = [["a", "x", "1", "2", "3"]] * 9
    assert glance(TableView(["A", "B", "C", "D", "E"], rows)) == Glance(
        ["A", "B", "C", "D"], [["a", "x", "1", "2"]] * 6
    )
    assert glance(TableView(["A", "B"], [["a", "x"]])) == Glance(["A", "B"], [["a", "x"]])


def test_at_a_glance_the_names_that_tell_rows_apart_are_kept():
    rows: list[list[str | Cell]] = [
        ["10K0K", "sfmx", method, "rank 1", Cell(str(place), "measured")] for place, method in enumerate("abc")
    ]
    seen = glance(TableView(["Set", "Base", "Method", "Metric", "One"], rows))
    assert seen.header == ["Set", "Base", "Method", "One"]
    two = [[*row[:4], row[4], row[4], row[4]] for row in rows]
    assert glance(TableView(["Set", "Base", "Method", "Metric", *"xyz"], two)).header == ["Set", "Method", "x", "y"]
