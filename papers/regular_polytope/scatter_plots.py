"""Scatter-plot matrices: each coordinate of the embeddings against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Drawing

from papers.regular_polytope.characters import said_of_data
from shared.records.records import Records
from shared.reporting import plane
from shared.reporting.figure import Figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

POINTS = 2_000
SWATCH = 0.12
"""The height in inches of the strip that tells the colours of the classes."""
SCATTER = (
    f"In each panel the column's coordinate runs across and the row's up, for {POINTS:,} {{images}} images drawn at "
    "random, or all if they are fewer; of their coordinates the outermost 0.5% may lie outside. Seed {seed}."
)


@dataclass(frozen=True)
class Matrix:
    """A scatter-plot matrix: which embeddings it shows, and its title."""

    run: str
    title: str
    split: Literal["train", "test"] = "test"
    normalised: bool = False


def scatter_plots(
    records: Records,
    rows: Sequence[Sequence[Matrix]],
    *,
    classes: str,
    size: tuple[float, float],
    caption: str,
    widths: Sequence[float] | None = None,
) -> Figure:
    """Draw rows of scatter-plot matrices above a strip that tells the colours of the classes, one character each.

    A row of which nothing has been run is left out, if another is there.
    """
    shown = records.first_seeds()
    row_height = (size[1] - SWATCH) / len(rows)
    rows = [row for row in rows if any(matrix.run in shown for matrix in row)] or rows
    picture = Drawing(figsize=(size[0], SWATCH + row_height * len(rows)), layout="constrained")
    grid = picture.add_gridspec(
        len(rows) + 1,
        len(rows[0]),
        width_ratios=widths,
        height_ratios=[*[row_height] * len(rows), SWATCH],
    )
    palette = _palette(len(classes))
    drawn, seeds = [], set()
    for row, matrices in enumerate(rows):
        for column, matrix in enumerate(matrices):
            axes = picture.add_subplot(grid[row, column])
            axes.set_title(matrix.title, fontsize=8)
            if matrix.run not in shown:
                plane.not_run(axes)
                continue
            seeds.add(shown[matrix.run].seed)
            drawn.append(_points(records, matrix, shown[matrix.run].seed, classes))
            _draw(axes, drawn[-1], dict(zip(classes, palette, strict=True)))
    _name_colours(picture.add_subplot(grid[-1, :]), palette, classes)
    splits = dict.fromkeys({"train": "training", "test": "test"}[matrix.split] for row in rows for matrix in row)
    listed = ", ".join(map(str, sorted(seeds))) or "none"
    return Figure(
        picture,
        data=pd.concat(drawn) if drawn else pd.DataFrame(columns=["run"]),
        caption=caption,
        notes=[SCATTER.format(images=" and as many ".join(splits), seed=listed), *said_of_data(records)],
    )


def _name_colours(axes: Axes, palette: NDArray[np.float64], classes: str) -> None:
    """Draw a strip of the colours, each above its class."""
    axes.imshow([palette], aspect="auto")
    axes.set_xticks(range(len(classes)), list(classes), fontsize=7)
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _palette(classes: int) -> NDArray[np.float64]:
    """Return colours [classes, 3]: safe for colour-blind readers where there are few, else hues of equal steps."""
    import seaborn as sns  # noqa: PLC0415 - costs the tables' jobs a second

    if classes <= 10:
        return np.array(sns.color_palette("colorblind", classes))
    by_lightness = [sns.husl_palette(classes, s=0.95, l=lightness) for lightness in (0.45, 0.62, 0.78)]
    return np.array([by_lightness[number % 3][number] for number in range(classes)])


def _points(records: Records, matrix: Matrix, seed: int, classes: str) -> pd.DataFrame:
    """Return some embeddings and all class vectors, a row each: run, seed, split, what it is, class and coordinates.

    The class vectors, of unit length, are stretched: vertices to the mean length of the embeddings, learned weights to
    that of the longest but 1%, so that their lines show beyond the images.
    """
    arrays = records.features[matrix.run, seed].load(matrix.split)
    chosen = np.random.default_rng(0).permutation(len(arrays["labels"]))[:POINTS]
    embeddings = arrays["embeddings"].astype(np.float64)
    lengths = np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
    learnable = matrix.run.endswith("learnable")
    stretch = 1.0 if matrix.normalised else np.quantile(lengths, 0.99) if learnable else lengths.mean()
    vectors = stretch * arrays["class_vectors"].astype(np.float64)[:, 0]
    shown = (embeddings / lengths if matrix.normalised else embeddings)[chosen]
    coordinates = np.vstack([shown, vectors])
    labels = [*arrays["labels"].astype(int)[chosen], *range(len(vectors))]
    frame = pd.DataFrame(coordinates.round(4), columns=[f"f{index + 1}" for index in range(coordinates.shape[1])])
    frame.insert(0, "class", [classes[label] for label in labels])
    frame.insert(0, "what", ["image"] * len(shown) + ["learned weight" if learnable else "vertex"] * len(vectors))
    frame.insert(0, "split", matrix.split)
    frame.insert(0, "seed", seed)
    frame.insert(0, "run", matrix.run)
    return frame


def _draw(axes: Axes, frame: pd.DataFrame, colours: dict[str, NDArray[np.float64]]) -> None:
    """Draw a scatter-plot matrix into one axes, panel (i, j) in the unit square around (j, i).

    All panels have the same range, from the least to the greatest coordinate of any (see `_range`). Vertices are
    circles; learned weights are lines from the origin to them, below the images. Figure 4 has 244 panels, and an axes
    for each would take long to lay out.
    """
    columns = [name for name in frame.columns if name.startswith("f") and name[1:].isdigit()]
    image = frame["what"] == "image"
    points, vectors = frame[image][columns].to_numpy(), frame[~image][columns].to_numpy()
    low, high = _range(points, vectors)
    d = len(columns)
    across, up = np.nonzero(~np.eye(d, dtype=bool))

    def placed(coordinates: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        inside = np.where((low <= coordinates) & (coordinates <= high), coordinates, np.nan)
        shares = (inside - low) / (high - low) - 0.5
        return shares[:, across] + across, up - shares[:, up]

    x, y = placed(points)
    shades = np.stack([colours[name] for name in frame[image]["class"]])
    axes.scatter(
        x.ravel(), y.ravel(), s=0.7, c=np.repeat(shades, len(across), axis=0), alpha=0.6, linewidths=0, rasterized=True
    )
    x, y = placed(vectors)
    if (frame["what"] == "learned weight").any():
        x0, y0 = placed(np.zeros_like(vectors))
        axes.plot(
            np.stack([x0.ravel(), x.ravel()]),
            np.stack([y0.ravel(), y.ravel()]),
            color="black",
            linewidth=0.4,
            zorder=0.9,
        )
    else:
        axes.plot(
            x.ravel(), y.ravel(), "o", color="black", fillstyle="none", markersize=1.4 + 5 / d, markeredgewidth=0.5
        )
    for index, name in enumerate(columns):
        axes.text(index, index, f"$f_{{{name[1:]}}}$", ha="center", va="center", backgroundcolor="white")
    axes.set(xlim=(-0.5, d - 0.5), ylim=(d - 0.5, -0.5), aspect="equal")
    axes.set_xlabel(f"each panel from {low:.3g} to {high:.3g}", fontsize=7)
    axes.set_xticks(range(d), [])
    axes.set_yticks(range(d), [])
    edges = np.arange(d + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="#9a9a9a", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set(visible=True, color="#9a9a9a", linewidth=0.5)


def _range(points: NDArray[np.float64], vectors: NDArray[np.float64]) -> tuple[float, float]:
    """Return what holds the origin, all class vectors, and all coordinates but the outermost 0.25% on either side."""
    inner = np.quantile(points, [0.0025, 0.9975])
    low, high = min(0.0, inner[0], vectors.min()), max(0.0, inner[1], vectors.max())
    margin = 0.07 * (high - low)
    return low - margin, high + margin
