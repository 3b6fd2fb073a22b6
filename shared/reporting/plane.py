"""Embeddings in two dimensions, drawn alike for every paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

PALETTE = (
    *("#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc"),
    *("#ca9161", "#fbafe4", "#949494", "#ece133", "#56b4e9"),
)
"""The colours of at most ten classes, seaborn's for colour-blind readers."""
GREY = "#9a9a9a"
NAME_DISTANCE = 9
"""In points, of a class's name from its median."""
MARK = 8
"""In points, the side of a mark, which no name hides."""
MORE = 0.5
"""Of the sides' unit, by which boxes move more than they must, so that a crowd dissolves in tens of rounds."""
T = TypeVar("T")
Places = NDArray[np.float64]
NO_PLACES: Places = np.zeros((0, 2))


def points(arrays: Mapping[str, NDArray[np.generic]], names: Sequence[str]) -> pd.DataFrame:
    """Return kept features of two dimensions as columns `x`, `y` and `class`, the name of each label."""
    frame = pd.DataFrame(arrays["embeddings"], columns=["x", "y"])
    return frame.assign(**{"class": np.asarray(list(names))[arrays["labels"].astype(int)]})


def scatter(
    axes: Axes,
    frame: pd.DataFrame,
    *,
    within: pd.DataFrame | None = None,
    reduced: Sequence[str] = (),
    centres: NDArray[np.generic] | None = None,
) -> None:
    """Draw the points of at most ten classes on axes of one length, with each class's name beside its median.

    The classes of `reduced` are drawn as triangles, and their names have a star; `centres` or prototypes,
    `[classes, m, 2]`, are marked by a + over all else, and lines join those of a class to its median. The axes hold the
    origin, the centres and the points of `within`, by default those drawn.
    """
    names = sorted(frame["class"].unique())
    colours = dict(zip(names, PALETTE, strict=False))
    is_reduced = frame["class"].isin(reduced)
    for marker, part in (("o", frame[~is_reduced]), ("^", frame[is_reduced])):
        axes.scatter(
            part["x"],
            part["y"],
            s=5,
            c=part["class"].map(colours).tolist(),
            marker=marker,
            linewidth=0,
            alpha=0.5,
            rasterized=True,
        )
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    places = NO_PLACES if centres is None else centres.reshape(-1, 2).astype(np.float64)
    axes.plot(places[:, 0], places[:, 1], "+", color="black", markersize=6, markeredgewidth=1.1, zorder=5)
    if centres is not None:
        _join(axes, frame, names, centres)
    _fit(axes, np.concatenate([(frame if within is None else within)[["x", "y"]].to_numpy(), places]))
    _name_classes(axes, frame, reduced, places)


def _join(axes: Axes, frame: pd.DataFrame, names: Sequence[str], centres: NDArray[np.generic]) -> None:
    """Draw a line from the median of each class to each of its centres."""
    medians = frame.groupby("class")[["x", "y"]].median()
    for name, of_class in zip(names, centres, strict=True):
        for centre in of_class:
            axes.plot(*zip(medians.loc[name], centre, strict=True), color="#444444", linewidth=0.5, zorder=4)


def _name_classes(axes: Axes, frame: pd.DataFrame, reduced: Sequence[str], marks: Places) -> None:
    """Write each class's name beside its median, outward, and those apart that would cover each other or a mark.

    A line leads from a name that had to move far to its median.
    """
    medians = frame.groupby("class")[["x", "y"]].median()
    names = [f"{name}*" if name in reduced else str(name) for name in medians.index]
    places = medians.to_numpy()
    outward = places / np.maximum(np.hypot(*places.T), 1e-12)[:, None]
    side = _side(axes)
    anchors, marked = (_in_points(axes, those) for those in (places, marks))
    first = anchors + NAME_DISTANCE * outward
    moved = apart(first, np.array([[5.2 * len(name) + 2, 9] for name in names]), side, marked)
    for name, place, anchor, start, end in zip(names, places, anchors, first, moved, strict=True):
        has_moved = float(np.hypot(*(end - start))) > NAME_DISTANCE / 2
        axes.annotate(
            name,
            (place[0], place[1]),
            xytext=tuple(end - anchor),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.75, "linewidth": 0},
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0} if has_moved else None,
        )


def _side(axes: Axes) -> float:
    """Return the side of square axes in points, as far as it is known before constrained layout moves them a little."""
    return 72 * min(axes.bbox.width, axes.bbox.height) / float(axes.figure.dpi)


def _in_points(axes: Axes, places: Places) -> Places:
    """Return places on axes of one length, [n, 2], in points from their lower left corner."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    return np.asarray(_side(axes) * (places - (left, low)) / (right - left, high - low))


def apart(centres: Places, sizes: Places, side: float, marks: Places = NO_PLACES) -> Places:
    """Return centres `[n, 2]` of boxes of `sizes` `[n, 2]`, moved so that no box covers another or a mark.

    They stay within 0..`side`. Two that overlap are moved by as much each, along the axis on which less is needed, and
    a little more than that, again and again; of a box and a mark, the box alone. Those that overlap with none stay.
    Where there is no room for all, some go on overlapping.
    """
    count = len(centres)
    moved = np.concatenate([np.clip(centres, 0, side), marks])
    sides = np.concatenate([sizes, np.full((len(marks), 2), MARK)])
    for _ in range(200):
        crowded = False
        for one in range(count):
            for other in (*range(one), *range(count, len(moved))):
                between = moved[one] - moved[other]
                overlap = (sides[one] + sides[other]) / 2 - np.abs(between)
                if overlap.min() > 1e-6:
                    crowded, axis, fixed = True, int(overlap.argmin()), other >= count
                    step = np.copysign(overlap[axis] * (1 if fixed else 0.5) + MORE, between[axis])
                    moved[one, axis] += step
                    moved[other, axis] -= 0 if fixed else step
        moved[:count] = np.clip(moved[:count], 0, side)
        if not crowded:
            break
    return moved[:count]


def rays(axes: Axes, vectors: NDArray[np.generic], names: Sequence[str]) -> None:
    """Draw a line from the origin along each class vector, `[classes, 1, 2]`, to the edge, and its name there."""
    (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
    units = vectors[:, 0] / np.maximum(np.linalg.norm(vectors[:, 0].astype(np.float64), axis=1), 1e-12)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        reaches = np.nanmin(np.maximum((left, low) / units, (right, high) / units), axis=1)
    ends = np.minimum(reaches, right - left)[:, None] * units
    for x, y in ends:
        axes.plot([0, x], [0, y], color="black", linewidth=0.8, scalex=False, scaley=False)
    anchors = _in_points(axes, 0.92 * ends)
    moved = apart(anchors, np.tile([13.0, 9.0], (len(ends), 1)), _side(axes))
    for name, place, shift in zip(names, 0.92 * ends, moved - anchors, strict=True):
        axes.annotate(
            f"$W_{{{name}}}$",
            tuple(place),
            xytext=tuple(shift),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "alpha": 0.85, "linewidth": 0},
        )


def panels(
    picture: Drawing, labels: Mapping[str, str], shown: Mapping[str, T], *, size: float | str = 8
) -> Iterator[tuple[Axes, str, T]]:
    """Title each of some panels, say in those for which there is nothing that it was not run, and yield the others.

    `labels` are the titles by the name of what is shown, in the order of the panels.
    """
    for axes, (name, label) in zip(picture.axes, labels.items(), strict=True):
        axes.set_title(label, fontsize=size)
        if name in shown:
            yield axes, name, shown[name]
        else:
            not_run(axes)


def not_run(axes: Axes) -> None:
    """Say in an empty panel that there is no record for it."""
    axes.text(0.5, 0.5, "not run", ha="center")
    axes.set_axis_off()


def name_axes(panels: Sequence[Axes], what: str = "embedding", unit: str = "") -> None:
    """Name the two coordinates of panels in rows of two, the vertical one on the first of each row."""
    for index, axes in enumerate(panels):
        axes.set_xlabel(f"{what} 1{unit}")
        axes.set_ylabel("" if index % 2 else f"{what} 2{unit}")


def _fit(axes: Axes, places: NDArray[np.generic]) -> None:
    low, high = np.minimum(places.min(axis=0), 0), np.maximum(places.max(axis=0), 0)
    half = 0.55 * max(float((high - low).max()), 1e-12)
    x, y = (low + high) / 2
    axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
