"""Lists and tables of text that come with a data set, read whole, or refused in one sentence."""

from __future__ import annotations

import csv
import json
import re
from typing import TYPE_CHECKING, Any

from shared.data.reading import regular
from shared.data.reading.faults import refuse
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from shared.runs.components import Card

ENDS = re.compile("\r\n|\n|\r")
"""What ends a line; U+0085 and U+2028 do not, since they may stand in a name."""


def read_list(path: Path, card: Card) -> bytes:
    """Return the bytes of a file that `card`'s data set needs, or raise UserError where it is missing or unreadable."""
    try:
        return regular.contents(path)
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
    """Return the fields of each line of a table with commas, at least one; raises UserError as `read_lines`."""
    rows = csv.reader(read_lines(path, card), strict=True)
    try:
        return [row or [""] for row in rows]
    except csv.Error as error:
        raise malformed(card, path, rows.line_num, f"fields with commas in between ({error})") from None


def read_json(path: Path, card: Card) -> Any:
    """Return what a JSON file holds.

    Raises UserError where it is missing, or no JSON as `from_json` reads it.
    """
    try:
        return from_json(read_list(path, card))
    except ValueError as error:
        raise UserError(f"{card.title}: {path} is no JSON ({error}); replace it") from None


def from_json(content: bytes) -> Any:
    """Return what a text of JSON in UTF-8 holds; ValueError where it is none, or has a key twice in an object."""
    try:
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=_each_once)
    except UnicodeDecodeError as error:
        raise ValueError(f"it is no text in UTF-8: {error.reason}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ValueError("an object has a key twice")
    return content


def refuse_lines(card: Card, path: Path, lines: Sequence[int] | NDArray[np.integer], expected: str) -> None:
    """Raise the error that lines of a list are not what was expected; where all faults are asked for, tell each."""
    for line in lines:
        refuse(malformed(card, path, int(line), expected))


def malformed(card: Card, path: Path, line: int, expected: str) -> UserError:
    """Return the error that line number `line`, from 1, of the list `path` is not what was expected."""
    return UserError(f"{card.title}: line {line} of {path} is not {expected}; replace the file")
