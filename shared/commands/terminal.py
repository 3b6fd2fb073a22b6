"""Tables as a terminal shows them: aligned, cut to its width, coloured; as plain lines where there is none."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence

GREEN, YELLOW, RED, BOLD = "32", "33", "31", "1"
NARROWEST = 40
_APART = "  "


def width() -> int | None:
    """Return how many characters a line of standard output has room for; None where it is no terminal."""
    return max(NARROWEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def table(rows: Iterable[Sequence[str]], width: int | None, *, right: Sequence[int] = ()) -> Iterator[str]:
    """Yield rows of as many cells as lines, each column as wide as its widest cell, those of `right` to the right.

    The last column takes what is left of `width`; a line that is longer is cut.
    """
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(wide) if place in right else cell.ljust(wide)
            for place, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ]
        yield _cut(_APART.join(cells).rstrip(), width)


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else f"{line[: width - 1].rstrip()}…"


def coloured(line: str, colour: str) -> str:
    """Return a line in a colour where standard output is a terminal and `NO_COLOR` is not set."""
    return f"\033[{colour}m{line}\033[0m" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else line
