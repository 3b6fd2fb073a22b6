"""Lists and tables of text that come with a data set, read whole, or refused in one sentence."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

from shared.data.reading.faults import refuse
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from shared.runs.components import Card

MOST_TOLD = 100
ENDS = re.compile("\r\n|\n|\r")
"""What ends a line; U+0085 and U+2028 do not, since they may stand in a name."""


def read_list(path: Path, card: Card) -> bytes:
    """Return the bytes of a file that `card`'s data set needs, or raise UserError where it is missing or unreadable."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{card.title}: there is no file {path}; {card.how_to_get}") from None
    except OSError as error:
        raise UserError(f"{card.title}: {path} cannot be read: {error.strerror}") from None


def read_lines(path: Path, card: Card) -> list[str]:
    """Return the lines of a text in UTF-8, without a byte order mark and blank lines at its end.

    Raises UserError where it is missing or no text, or a line has a NUL.
    """
    try:
        lines = ENDS.split(read_list(path, card).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UserError(f"{card.title}: {path} is no text in UTF-8 ({error.reason}); replace it") from None
    while lines and not lines[-1].strip():
        lines.pop()
    for number, line in enumerate(lines, 1):
        if "\0" in line:
            raise malformed(card, path, number, "text: it has a NUL")
    return lines


def read_rows(path: Path, card: Card) -> list[list[str]]:
    """Return the fields of each line of a table with commas; raises UserError as `read_lines` does, or by its line."""
    rows = csv.reader(read_lines(path, card), strict=True)
    try:
        return list(rows)
    except csv.Error as error:
        raise malformed(card, path, rows.line_num, f"fields with commas in between ({error})") from None


def refuse_lines(card: Card, path: Path, lines: Sequence[int] | NDArray[np.integer], expected: str) -> None:
    """Raise the error that lines of a list are not what was expected; where all faults are asked for, tell each.

    Of more than `MOST_TOLD` the others are counted.
    """
    for line in lines[:MOST_TOLD]:
        refuse(malformed(card, path, int(line), expected))
    if len(lines) > MOST_TOLD:
        refuse(UserError(f"{card.title}: {len(lines) - MOST_TOLD} more lines of {path} are not {expected}"))


def malformed(card: Card, path: Path, line: int, expected: str) -> UserError:
    """Return the error that line number `line`, from 1, of the list `path` is not what was expected."""
    return UserError(f"{card.title}: line {line} of {path} is not {expected}; replace the file")
