"""The parts of a README that a command writes, each between two markers on lines of their own.

A part begins with `<!-- written: KIND WORDS -->` and ends with `<!-- end -->`; what stands between them is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from shared.errors import UserError
from shared.reporting.table import Table, markdown_table, table_cells
from shared.runs.registry import Deviation

_MARKER = re.compile(r"^<!-- (written:|end\b)(.*)-->$", re.MULTILINE)
_OF_SEEDS = re.compile(r"\(\d+\)$")


@dataclass(frozen=True)
class Part:
    """What a marker asks for, a kind of part and the words after it, and what stands there now."""

    kind: str
    words: tuple[str, ...]
    body: str


def rewrite(text: str, name: str, content: Callable[[Part], str]) -> tuple[str, list[str]]:
    """Return a README's text with `content` in each of its parts, and which parts that changes, by `name:line: kind`.

    Raises:
        UserError: a part does not begin or end, or `content` refuses it; names the line.

    """
    written, changed = "", []
    copied = 0
    begun: re.Match[str] | None = None
    for marker in _MARKER.finditer(text):
        if (marker[1] == "end") is (begun is None):
            trouble = "ends a part that has not begun" if begun is None else "begins a part inside another"
            raise UserError(f"{name}:{_line(text, marker)}: {trouble}; correct the markers.")
        if begun is None:
            begun = marker
            continue
        place = f"{name}:{_line(text, begun)}"
        kind, *words = begun[2].split() or [""]
        part = Part(kind, tuple(words), text[begun.end() : marker.start()])
        try:
            body = f"\n\n{content(part).strip()}\n\n"
        except UserError as error:
            raise UserError(f"{place}: {error}") from None
        if body != part.body:
            changed.append(f"{place}: {' '.join((part.kind, *part.words))}")
        written += text[copied : begun.end()] + body
        copied, begun = marker.start(), None
    if begun is not None:
        raise UserError(f"{name}:{_line(text, begun)}: the part does not end; add <!-- end --> below it.")
    return written + text[copied:], changed


def _line(text: str, marker: re.Match[str]) -> int:
    return text.count("\n", 0, marker.start()) + 1


def deviations_text(deviations: Iterable[Deviation]) -> str:
    """Return the deviations from a paper as a table."""
    rows = [(entry.id.replace("-", " "), entry.paper, entry.here, entry.why) for entry in deviations]
    return markdown_table(["", "the paper", "here", "why"], rows)


def target_text(table: Table, *, ours: bool) -> str:
    """Return a table with its caption and notes; of one that is `ours`, without the rows of which nothing has run."""
    if not ours:
        return table.markdown()
    nothing = [_has_not_run(row) for row in table.display.astype(str).to_numpy().tolist()]
    left_out = ["Rows of which nothing has run are left out."] if any(nothing) else []
    shown = table.display[[not row for row in nothing]]
    return replace(table, display=shown, notes=[*table.notes, *left_out]).markdown()


def _has_not_run(row: Sequence[str]) -> bool:
    return "not run" in row and not any(_OF_SEEDS.search(cell) for cell in row)


def filled(body: str, cell: Callable[[Sequence[str]], str]) -> str:
    """Return the table that stands in a part with its last column filled; `cell` has the other cells of a row.

    Raises:
        UserError: there is no table, or `cell` refuses a row.

    """
    lines = [table_cells(line) for line in body.splitlines() if line.startswith("|")]
    if len(lines) < 3 or len({len(line) for line in lines}) > 1:
        raise UserError("no table stands here; write one, with a row for each number and its last cell empty.")
    header, _, *rows = lines
    return markdown_table(header, [[*row[:-1], cell(row[:-1])] for row in rows])
