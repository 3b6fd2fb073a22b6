"""Numbers in texts: ASCII digits, finite, and within bounds."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

from shared.data.lazy import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 2**63 - 1
LONGEST = 40
WHOLE = re.compile(r"-?[0-9]+", re.ASCII)
WITHIN = re.compile(r"[0-9]+", re.ASCII)
DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)


def whole(text: str, least: int = 0, most: int = MOST) -> int:
    """Return the whole number that a text is, blanks aside; ValueError where it is none from least to most."""
    text = text.strip()
    if len(text) > LONGEST or not WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise ValueError(f"no whole number from {least} to {most}")
    return int(text)


def decimal(text: str, least: float, most: float) -> float:
    """Return the number that a text is, blanks aside; ValueError where it is none from least to most."""
    text = text.strip()
    if len(text) > LONGEST or not DECIMAL.fullmatch(text) or not least <= float(text) <= most:
        raise ValueError(f"no number from {least:g} to {most:g}")
    return float(text)


def within(name: str) -> list[int]:
    """Return the whole numbers in a name, by which names are in the order of their numbers."""
    return [int(digits) for digits in WITHIN.findall(name)]


def are_wholes(text: str, count: int) -> bool:
    """Whether a text is so many whole numbers from 0, with blanks in between."""
    fields = text.split()
    try:
        return len([whole(field) for field in fields]) == count
    except ValueError:
        return False


def table(content: bytes, kind: type[Any], columns: int, delimiter: str | None = None) -> NDArray[Any]:
    """Return lines of as many numbers each, [N, columns]; blank lines are left out, and white space apart them.

    Floats may be nan. Raises ValueError where a line has something else, or there is none.
    """
    text = content.removeprefix(b"\xef\xbb\xbf")
    if not text.isascii() or b"\0" in text or (b"+" in text and np.issubdtype(kind, np.integer)):
        raise ValueError("it has other characters than those of numbers")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            numbers = np.loadtxt(io.BytesIO(text), kind, comments=None, delimiter=delimiter, ndmin=2)
    except UserWarning:
        raise ValueError("it is empty") from None
    if numbers.shape[1] != columns:
        raise ValueError(f"there are {numbers.shape[1]} numbers in a line, not {columns}")
    return numbers
