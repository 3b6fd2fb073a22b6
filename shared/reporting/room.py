"""What room the tables and pictures of targets need on a page, and what of a table is shown at a glance."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from shared.reporting.site import TableView, TargetSection

MANY = 6
"""A table of more columns is set in small print."""
NORMAL, SMALL = (0.62, 1.5), (0.55, 0.8)
"""In rem, what a character of a table and the space between two columns take, by the widest of common fonts."""
TEXT = 14
"""In characters, where the texts of a table are broken; its words and numbers are not."""
HALF, WHOLE = 40.0, 68.5
"""In rem, what there is beside the claims, and in the whole card of a target."""
PANELS = (1250, 700)
"""In pixels: a picture of more in both has several rows of panels, too small to be read in half a card."""
MOST_NAMES, MOST_COLUMNS, MOST_ROWS = 2, 4, 6


def is_many(table: TableView) -> bool:
    """Whether a table has so many columns that it is set in small print."""
    return len(table.header) > MANY


def width(table: TableView) -> float:
    """Reckon how wide a table is, in rem, if its texts are broken where they still read well."""
    character, gap = SMALL if is_many(table) else NORMAL
    columns = zip(table.header, *([cell.text for cell in row] for row in table.cells), strict=True)
    return sum(gap + character * max(map(_longest, column)) for column in columns)


def _longest(text: str) -> int:
    return max(map(len, textwrap.wrap(text, TEXT, break_long_words=False)), default=0)


def needs_the_card(target: TargetSection) -> bool:
    """Whether a target's table or picture needs the whole card, so that its claims stand below and not beside it."""
    if target.image is not None:
        return all(has > most for has, most in zip(image_size(target.image), PANELS, strict=True))
    return target.table is not None and width(target.table.brief) > HALF


class Glance(NamedTuple):
    """A few columns and rows of a table, as texts."""

    header: list[str]
    rows: list[list[str]]


def glance(table: TableView) -> Glance:
    """Return what a small picture of a table shows: of each of its first rows two names at most, and numbers.

    Names that are the same in all of these rows come last, as they tell no row from another.
    """
    table = table.brief if table.brief.rows else table
    numbers = _numbers(table)
    shown = table.cells[:MOST_ROWS]
    names = [place for place in range(len(table.header)) if place not in numbers]
    names.sort(key=lambda place: len({row[place].text for row in shown}) == 1)
    few = names[: max(MOST_NAMES, MOST_COLUMNS - len(numbers))]
    kept = sorted(few + numbers[: MOST_COLUMNS - len(few)])
    rows = [[row[place].text for place in kept] for row in shown]
    return Glance([table.header[place] for place in kept], rows)


def _numbers(table: TableView) -> list[int]:
    """Return the places of the measured columns, of a table without any those of all numbers."""
    places = range(len(table.header))
    measured = [place for place in places if any(row[place].mark == "measured" for row in table.cells)]
    return measured or [place for place in places if table.is_numeric(place)]


def image_size(path: Path) -> tuple[int, int]:
    """Width and height of a PNG in pixels, from its header (OSError if it is no PNG)."""
    with Image.open(path, formats=["PNG"]) as picture:
        return picture.size
