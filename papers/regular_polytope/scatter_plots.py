"""Scatter-plot matrices: each coordinate of the embeddings against each other, and below the diagonal who is where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure as Drawing
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from papers.regular_polytope.characters import said_of_data
from shared.records.records import Records
from shared.reporting import plane
from shared.reporting.figure import PAGE_WIDTH, PAIR_WIDTH, Figure, least_type
from shared.reporting.health_marks import mark
from shared.verdicts.words import in_print

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

POINTS = 2_000
SWATCH = 0.12
"""The height in inches of the strip that tells the colours of the classes."""
HEADING = 0.5
"""The height in inches of what stands above a matrix."""
NAME = 0.023
"""The size of the names of classes, in sides of a matrix: 5.5 points and more on a page."""
OUTWARD = 0.25
"""In halves of a block of names: how far it stands from the median, away from the origin."""
NEAR = 0.12
"""In sides of a panel, from the origin: so near, a panel does not tell a class apart, and does not name it."""
VERTEX, WEIGHT = "vertex", "learned weight"
MARKS = {
    VERTEX: "circles: the vertices, at the mean length of the embeddings",
    WEIGHT: "lines: the directions of the learned weights, as long as the longest embeddings, below which they lie",
}
"""What is drawn beside the images, in words."""
UNIT_VERTICES = "circles: the vertices, whose coordinates are all {:.2f} or -{:.2f}"
SCATTER = (
    "In each panel the column's coordinate runs across and the row's up, both over the range told above the matrix. "
    "Above the diagonal are {points:,} {images} images drawn at random, or all if they are fewer; of their coordinates "
    "the outermost 0.5% may lie outside. Below it, where the same panels would be mirrored, each class's name stands a "
    "little outward of the median of its images, those of classes at one place side by side; a name is missing where "
    "that is close to the origin, unless it would stand in no panel, or where others stand. Seed {seed}."
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
    caption: str,
    widths: Sequence[float] | None = None,
) -> Figure:
    """Draw rows of scatter-plot matrices above a strip that tells the colours of the classes, one character each.

    Rows and columns of which nothing has been run are left out, if others are there; the caption says which matrices
    were not run, what is drawn beside the images, and how the ranges of the matrices compare.
    """
    shown = records.first_seeds()
    frames = {
        matrix: _points(records, matrix, shown[matrix.run].seed, classes)
        for row in rows
        for matrix in row
        if matrix.run in shown
    }
    kept = [row for row in rows if any(matrix in frames for matrix in row)] or rows
    columns = [column for column, of_column in enumerate(zip(*kept, strict=True)) if frames.keys() & set(of_column)]
    columns = columns or list(range(len(rows[0])))
    shares = [(widths or [1] * len(rows[0]))[column] for column in columns]
    width = PAGE_WIDTH if len(columns) > 1 else PAIR_WIDTH
    heights = [width * max(shares) / sum(shares) + HEADING] * len(kept)
    picture = Drawing(figsize=(width, sum(heights) + SWATCH), layout="constrained")
    grid = picture.add_gridspec(len(kept) + 1, len(columns), width_ratios=shares, height_ratios=[*heights, SWATCH])
    palette = _palette(len(classes))
    ranges = {matrix: _range(frame, normalised=matrix.normalised) for matrix, frame in frames.items()}
    for row, matrices in enumerate(kept):
        for place, column in enumerate(columns):
            matrix = matrices[column]
            axes = picture.add_subplot(grid[row, place])
            title = f"{matrix.title}{mark(records, [matrix.run])}"
            if matrix in frames:
                low, high = ranges[matrix]
                title += f"\nfrom {in_print(low, '.3g')} to {in_print(high, '.3g')}"
                _draw(axes, frames[matrix], dict(zip(classes, palette, strict=True)), ranges[matrix])
            else:
                plane.not_run(axes)
            axes.set_title(title, fontsize=least_type(picture))
    _name_colours(picture.add_subplot(grid[-1, :]), palette, classes)
    missing = [matrix.title for row in rows for matrix in row if matrix not in frames]
    splits = dict.fromkeys({"train": "training", "test": "test"}[matrix.split] for row in rows for matrix in row)
    seeds = {shown[matrix.run].seed for matrix in frames}
    return Figure(
        picture,
        data=pd.concat(list(frames.values())) if frames else pd.DataFrame(columns=["run"]),
        caption=" ".join(
            [
                caption,
                *_said_of_marks(frames),
                *_said_of_ranges(ranges),
                *([f"Not run: {'; '.join(missing)}."] if missing else []),
            ]
        ),
        notes=[
            SCATTER.format(
                points=POINTS, images=" and as many ".join(splits), seed=", ".join(map(str, sorted(seeds))) or "none"
            ),
            *said_of_data(records),
        ],
    )


def _said_of_marks(frames: Mapping[Matrix, pd.DataFrame]) -> list[str]:
    """Return a sentence on what is drawn beside the images, and on nothing else."""
    said: dict[str, None] = {}
    for matrix, frame in frames.items():
        what = frame["what"].iloc[-1]
        if matrix.normalised:
            coordinate = float(frame[_coordinates(frame)].iloc[-1].abs().max())
            said[UNIT_VERTICES.format(coordinate, coordinate)] = None
        else:
            said[MARKS[what]] = None
    words = "; ".join(said)
    return [f"{words[0].upper()}{words[1:]}."] if words else []


def _said_of_ranges(ranges: Mapping[Matrix, tuple[float, float]]) -> list[str]:
    """Return a sentence that warns of matrices with other ranges, if there are."""
    extents = {high - low for low, high in ranges.values()}
    if len(extents) < 2:
        return []
    ratio = max(extents) / min(extents)
    return [f"Each matrix has a range of its own, told above it: the widest is {ratio:.1f} times the narrowest."]


def _name_colours(axes: Axes, palette: NDArray[np.float64], classes: str) -> None:
    """Draw a strip of the colours, each above its class."""
    axes.imshow([palette], aspect="auto")
    picture = axes.get_figure(root=True)
    assert picture is not None
    room = 0.9 * 72 * picture.get_figwidth() / len(classes)
    axes.set_xticks(range(len(classes)), list(classes), fontsize=min(least_type(picture), room))
    axes.tick_params(length=0)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _palette(classes: int) -> NDArray[np.float64]:
    """Return colours [classes, 3]: safe for colour-blind readers where there are few, else hues of equal steps."""
    if classes <= len(plane.PALETTE):
        return to_rgba_array(plane.PALETTE[:classes])[:, :3]
    import seaborn as sns  # noqa: PLC0415 - takes a second

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
    frame.insert(0, "what", ["image"] * len(shown) + [WEIGHT if learnable else VERTEX] * len(vectors))
    frame.insert(0, "split", matrix.split)
    frame.insert(0, "seed", seed)
    frame.insert(0, "run", matrix.run)
    return frame


def _draw(
    axes: Axes, frame: pd.DataFrame, colours: dict[str, NDArray[np.float64]], limits: tuple[float, float]
) -> None:
    """Draw a scatter-plot matrix into one axes, panel (i, j) in the unit square around (j, i).

    All panels have the same limits. Vertices are circles; learned weights are lines from the origin to them, below the
    images. Figure 4 has 244 panels, and an axes for each would take long to lay out.
    """
    image, columns = frame["what"] == "image", _coordinates(frame)
    points, vectors = frame[image][columns].to_numpy(), frame[~image][columns].to_numpy()
    low, high = limits
    d = len(columns)
    up, across = np.triu_indices(d, 1)

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
    if (frame["what"] == WEIGHT).any():
        ends = np.stack([placed(np.zeros_like(vectors)), (x, y), np.full((2, *x.shape), np.nan)])
        x, y = ends.transpose(1, 2, 3, 0).reshape(2, -1)
        axes.plot(x, y, color="black", linewidth=0.4, zorder=0.9)
    else:
        axes.plot(
            x.ravel(), y.ravel(), "o", color="black", fillstyle="none", markersize=1.4 + 5 / d, markeredgewidth=0.5
        )
    medians = frame[image].groupby("class")[columns].median()
    shares, origin = (medians.to_numpy() - low) / (high - low) - 0.5, -low / (high - low) - 0.5
    axes.add_patch(PathPatch(_outlines(list(medians.index), shares, origin), facecolor="black", linewidth=0))
    picture = axes.get_figure(root=True)
    assert picture is not None
    size = least_type(picture)
    for index, name in enumerate(columns):
        axes.text(index, index, f"$f_{{{name[1:]}}}$", ha="center", va="center", backgroundcolor="white", fontsize=size)
    axes.set(xlim=(-0.5, d - 0.5), ylim=(d - 0.5, -0.5), aspect="equal")
    axes.set_xticks(range(d), [])
    axes.set_yticks(range(d), [])
    edges = np.arange(d + 1) - 0.5
    axes.set_xticks(edges, minor=True)
    axes.set_yticks(edges, minor=True)
    axes.grid(which="minor", color="#9a9a9a", linewidth=0.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set(visible=True, color="#9a9a9a", linewidth=0.5)


def _outlines(names: Sequence[str], shares: NDArray[np.float64], origin: float) -> Path:
    """Return the outlines of the names of classes below the diagonal, where `named` says, as one path."""
    size = shares.shape[1] * NAME
    glyphs = [TextPath((0, 0), name, 1, FontProperties(weight="bold")) for name in names]
    placed = [_placed(glyphs[index], size, x, y) for index, x, y in named(shares, origin, size)]
    return Path.make_compound_path(*placed)


def named(shares: NDArray[np.float64], origin: float, size: float) -> list[tuple[int, float, float]]:
    """Return the index of each class that is named in a panel below the diagonal, and where on the matrix's axes.

    `shares` [classes, d] are the places, and `origin` that of the origin, from -0.5 to 0.5 of a panel's range; names
    are `size` high. Those of classes at one place stand in a block; one that would cover a block of more, or as many
    farther out, is left out. A class that would be named nowhere is, where there is room, in the panel in which it lies
    farthest out.
    """
    found: list[tuple[int, float, float]] = []
    panels = [(row, column) for row in range(shares.shape[1]) for column in range(row)]
    lengths = {(row, column): np.hypot(*(shares[:, [column, row]] - origin).T) for row, column in panels}
    taken: dict[tuple[int, int], list[NDArray[np.float64]]] = {panel: [] for panel in panels}

    def block(members: Sequence[int], panel: tuple[int, int]) -> list[tuple[int, float, float]]:
        row, column = panel
        places = _block(shares[members][:, panel[::-1]], origin, size, taken[panel])
        return [(int(member), column + x, row - y) for member, (x, y) in zip(members, places, strict=False)]

    for panel in panels:
        told = [index for index in np.argsort(-lengths[panel], kind="stable") if lengths[panel][index] > NEAR]
        crowds = _crowds(shares[told][:, panel[::-1]], size)
        for crowd in sorted(crowds, key=len, reverse=True):
            found += block(sorted(told[index] for index in crowd), panel)
    for index in sorted(set(range(len(shares))) - {index for index, _, _ in found}):
        outward = sorted(panels, key=lambda panel: -lengths[panel][index])
        found += next(filter(None, (block([index], panel) for panel in outward)), [])
    return found


def _block(
    medians: NDArray[np.float64], origin: float, size: float, taken: list[NDArray[np.float64]]
) -> list[NDArray[np.float64]]:
    """Return where names of classes at one place [n, 2] of a panel stand, and add their block to those that are taken.

    Nothing where it would cover one of these.
    """
    step = size * np.array([0.8, 1.0])
    wide = ceil(sqrt(len(medians)))
    half = step * (wide, ceil(len(medians) / wide)) / 2
    median = medians.mean(axis=0)
    outward = (median - origin) / max(float(np.abs(median - origin).max()), 1e-12)
    middle = np.clip(median + OUTWARD * half * outward, half - 0.49, 0.49 - half)
    if any((np.abs(middle - other) < half + reach).all() for other, reach in taken):
        return []
    taken.append(np.array([middle, half]))
    first = middle - half * (1, -1)
    return [first + step * (place % wide + 0.5, -(place // wide) - 0.5) for place in range(len(medians))]


def _placed(glyph: TextPath, size: float, x: float, y: float) -> Path:
    """Return the outline of a name, scaled and with its middle at a place on axes whose y runs down."""
    box = glyph.get_extents()
    centred = Affine2D().translate(-(box.x0 + box.x1) / 2, -(box.y0 + box.y1) / 2)
    return centred.scale(size, -size).translate(x, y).transform_path(glyph)


def _crowds(places: NDArray[np.float64], near: float) -> list[list[int]]:
    """Return the indices of places [n, 2] in groups, of which all lie nearer to the first than `near` in x and y."""
    groups: list[list[int]] = []
    for index, place in enumerate(places):
        group = next((group for group in groups if np.abs(place - places[group[0]]).max() < near), None)
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    return groups


def _coordinates(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if name.startswith("f") and name[1:].isdigit()]


def _range(frame: pd.DataFrame, *, normalised: bool) -> tuple[float, float]:
    """Return what holds the origin, all class vectors, and all coordinates but the outermost 0.25% on either side.

    Of normalised embeddings it is what their coordinates can be, so that matrices of them can be compared.
    """
    if normalised:
        return -1.0, 1.0
    image, columns = frame["what"] == "image", _coordinates(frame)
    vectors = frame[~image][columns].to_numpy()
    inner = np.quantile(frame[image][columns].to_numpy(), [0.0025, 0.9975])
    low, high = min(0.0, inner[0], vectors.min()), max(0.0, inner[1], vectors.max())
    margin = 0.07 * (high - low)
    return low - margin, high + margin
