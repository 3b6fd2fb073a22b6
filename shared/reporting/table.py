"""A table: its data, and how it is read and printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from shared.data.files import write_atomically
from shared.evaluation.spread import mean, sd
from shared.verdicts.words import in_print

if TYPE_CHECKING:
    import pandas as pd

NO_EVIDENCE = "Smoke scale: these numbers show that the code runs and are no evidence."
_TEX = {
    **{character: rf"\{character}" for character in "&%#_${}"},
    **{character: f"${character}$" for character in "<>|"},
    "\\": r"\textbackslash{}",
    "^": r"\^{}",
    "~": r"\~{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "–": "--",
    "−": "$-$",
    "°": r"$^\circ$",
    "·": r"$\cdot$",
    "≈": r"$\approx$",
    "…": r"\dots{}",
    "₁": "$_1$",
    "₂": "$_2$",
    "α": r"$\alpha$",
    "λ": r"$\lambda$",
    "σ": r"$\sigma$",
    "√": r"$\surd$",
    "²": "$^2$",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "“": "``",
    "”": "''",
    "’": "'",
    "\N{NO-BREAK SPACE}": "~",
}
"""What stands in LaTeX for characters that mean something else there, or that its usual fonts do not have."""


@dataclass(frozen=True)
class Table:
    """A table as `data` (tidy, numbers as numbers) and as `display` (a frame of texts, as it is read)."""

    data: pd.DataFrame
    display: pd.DataFrame
    caption: str
    notes: list[str] = field(default_factory=list)

    def write(self, stem: Path, *, no_evidence: bool) -> list[Path]:
        """Write `<stem>.csv` (data), `.md` and `.tex` (display) and return their paths."""
        stem.parent.mkdir(parents=True, exist_ok=True)
        shown = replace(self, notes=[NO_EVIDENCE, *self.notes]) if no_evidence else self
        files = {"csv": self.data.to_csv(index=False), "md": shown.markdown(), "tex": shown.latex()}
        return [_write(stem.with_suffix(f".{suffix}"), text) for suffix, text in files.items()]

    def markdown(self) -> str:
        """Return the caption, the display and the notes in Markdown."""
        body = markdown_table(list(map(str, self.display.columns)), self.display.astype(str).to_numpy().tolist())
        return "\n\n".join([f"**{self.caption}**", body, *self.notes]) + "\n"

    def latex(self) -> str:
        """Return the caption, the display and the notes as a table of LaTeX."""
        columns = "l" * 1 + "r" * (len(self.display.columns) - 1)
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{_tex(self.caption)}}}"]
        lines += [rf"\begin{{tabular}}{{{columns}}}", r"\hline"]
        lines += [" & ".join(_tex(str(column)) for column in self.display.columns) + r" \\", r"\hline"]
        for row in self.display.astype(str).to_numpy().tolist():
            lines.append(" & ".join(_tex(cell) for cell in row) + r" \\")
        lines += [r"\hline", r"\end{tabular}"]
        lines += [rf"\par\smallskip\footnotesize {_tex(note)}" for note in self.notes]
        return "\n".join([*lines, r"\end{table}"]) + "\n"


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts in Markdown, without a line break at its end."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def measured(values: Sequence[float], decimals: int = 2, *, digits: int | None = None, mark: str = "") -> str:
    """Return "mean ± standard deviation (seeds)" as a table shows it, with so many decimals or significant digits.

    `mark` stands after the number (see `shared.reporting.health_marks`). Seeds without a finite number are told apart.
    """
    seeds = [value for value in values if isfinite(value)]
    lost = len(values) - len(seeds)
    if not seeds:
        return f"not finite{mark} ({lost})" if lost else "not run"
    spread = sd(seeds)
    form = f".{decimals}f" if digits is None else f".{digits}g"
    shown = "" if spread is None else f" ± {spread:{form}}"
    return f"{in_print(mean(seeds), form)}{shown}{mark} ({len(seeds)}{f'; {lost} not finite' if lost else ''})"


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in text)


def _write(path: Path, text: str) -> Path:
    write_atomically(path, text.encode())
    return path


def read_display(markdown: Path) -> tuple[str, list[str], list[list[str]], list[str]]:
    """Read a table's `.md` again: its caption, header, rows and notes."""
    caption, body, *notes = markdown.read_text(encoding="utf-8").strip().split("\n\n")
    cells = [table_cells(line) for line in body.splitlines()]
    return caption.strip("*"), cells[0], cells[2:], notes


def table_cells(line: str) -> list[str]:
    """Return the cells of one line of a table in Markdown."""
    marked = line.strip().strip("|").replace(r"\|", "\0")
    return [cell.strip().replace("\0", "|") for cell in marked.split("|")]
