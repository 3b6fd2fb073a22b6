"""A figure: the drawing, the data drawn in it, and its caption; and the look that all figures share."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure as Drawing

from shared.data.files import write_atomically
from shared.reporting.table import NO_EVIDENCE
from shared.verdicts.statistics import t_interval
from shared.verdicts.words import in_print

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COLUMN_WIDTH = 3.5
PAIR_WIDTH = 4.4
"""Of figures with two panels in a row: type of 7 points comes to `LEAST_TYPE` where they are as wide as a column."""
PAGE_WIDTH = 7.2
LEAST_TYPE = 5.5
"""In points, what can be read; a page on a small screen shows any figure as wide as a column."""
# Okabe and Ito's palette: told apart with any colour vision, and in grey by the markers that go with it.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

mpl.rcParams.update(
    {
        "font.size": 8,
        "font.family": "sans-serif",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e3e3e3",
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.5,
        "pdf.fonttype": 42,
        "savefig.dpi": 200,
        "svg.hashsalt": "replications",
    }
)


@dataclass(frozen=True)
class Figure:
    """A drawing, the `data` drawn in it (tidy), its caption and notes.

    One that is not `of_training` shows nothing that a training led to, so that what ails trainings does not touch it.
    """

    drawing: Drawing
    data: pd.DataFrame
    caption: str
    notes: list[str] = field(default_factory=list)
    of_training: bool = True

    def write(self, stem: Path, *, no_evidence: bool) -> list[Path]:
        """Write `<stem>.png`, `.pdf` and `.csv` (the data) and return their paths.

        The picture carries caption and notes as its description. Nothing in the files depends on the time.
        """
        stem.parent.mkdir(parents=True, exist_ok=True)
        if no_evidence:
            say_above(self.drawing, "smoke scale: no evidence", color="#8a1c1c")
        png, pdf, csv = (stem.with_suffix(f".{suffix}") for suffix in ("png", "pdf", "csv"))
        notes = [*([NO_EVIDENCE] if no_evidence else []), *self.notes]
        description = "\n".join([self.caption, *notes])
        self._save(png, {"Description": description})
        self._save(pdf, {"Subject": self.caption, "CreationDate": None})
        write_atomically(csv, self.data.to_csv(index=False).encode())
        return [png, pdf, csv]

    def _save(self, path: Path, metadata: dict[str, str | None]) -> None:
        content = io.BytesIO()
        self.drawing.savefig(content, format=path.suffix.removeprefix("."), metadata=metadata)
        write_atomically(path, content.getbuffer())


def drawing(rows: int = 1, columns: int = 1, *, width: float = COLUMN_WIDTH, height: float = 2.4) -> Drawing:
    """Return an empty drawing of a size in inches, with `rows` x `columns` axes laid out without overlaps."""
    empty = Drawing(figsize=(width, height), layout="constrained")
    empty.subplots(rows, columns)
    return empty


def pairs(panels: int, *, height: float) -> Drawing:
    """Return an empty drawing of panels in rows of two, each row of a height in inches; an odd last one in the middle.

    So type of 7 points and more can be read where the figure is as wide as a column.
    """
    rows = -(-panels // 2)
    empty = Drawing(figsize=(PAIR_WIDTH, rows * height), layout="constrained")
    grid = empty.add_gridspec(rows, 4)
    for panel in range(panels):
        left = 1 if panel == panels - 1 and panels % 2 else 2 * (panel % 2)
        empty.add_subplot(grid[panel // 2, left : left + 2])
    return empty


def least_type(picture: Drawing) -> float:
    """Return the size in points of type that comes to `LEAST_TYPE` where a drawing is as wide as a column."""
    return LEAST_TYPE * picture.get_figwidth() / COLUMN_WIDTH


def say_above(picture: Drawing, words: str, color: str = "black") -> None:
    """Say of a whole drawing, in its upper right corner, what is not to be overlooked."""
    picture.suptitle(words, x=0.99, ha="right", fontsize=min(least_type(picture), 8), color=color)


def plain_number(number: float, _: float) -> str:
    """Return the label of a tick as a number written out, where a logarithmic axis would have a power of ten."""
    return in_print(number, "g")


def band(
    axes: Axes,
    positions: Sequence[float],
    values: Sequence[Sequence[float]],
    label: str,
    index: int,
    *,
    marks: Sequence[str] = (),
) -> None:
    """Draw the mean over seeds at each position, and where there are several seeds its 95 % t interval as a band.

    At a single position, where a band would have no width, the interval is a bar. Beside each point stands its mark, if
    any (see `shared.reporting.health_marks`).
    """
    colour, marker = COLOURS[index], MARKERS[index]
    means = [sum(seeds) / len(seeds) for seeds in values]
    axes.plot(positions, means, color=colour, marker=marker, label=label)
    for position, mean, mark in zip(positions, means, marks or [""] * len(means), strict=True):
        axes.annotate(mark, (position, mean), xytext=(3, 2), textcoords="offset points", color=colour, fontsize=7)
    intervals = [t_interval(seeds) or (mean, mean) for seeds, mean in zip(values, means, strict=True)]
    if any(low < high for low, high in intervals):
        lows, highs = zip(*intervals, strict=True)
        if len(positions) == 1:
            axes.vlines(positions, lows, highs, color=colour)
        else:
            axes.fill_between(positions, lows, highs, color=colour, alpha=0.14, linewidth=0)
