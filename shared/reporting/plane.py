"""Embeddings in two dimensions, drawn alike for every paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing
    from numpy.typing import NDArray

CLASSES = 10
GREY = "#9a9a9a"
CLEARANCE = 9
"""Between the middles of a name and of a mark that it does not hide, in points."""
T = TypeVar("T")


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
    `[classes, m, 2]`, are marked by a + over all else. The axes hold the origin, the centres and the points of
    `within`, by default those drawn.
    """
    import seaborn as sns  # noqa: PLC0415 - costs the jobs of tables a second

    names = sorted(frame["class"].unique())
    sns.scatterplot(
        frame,
        x="x",
        y="y",
        hue="class",
        hue_order=names,
        palette=sns.color_palette("colorblind", CLASSES)[: len(names)],
        style=frame["class"].isin(reduced),
        style_order=[False, True],
        markers=["o", "^"],
        s=5,
        linewidth=0,
        alpha=0.5,
        legend=False,
        rasterized=True,
        ax=axes,
    )
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=0)
    places = np.zeros((0, 2)) if centres is None else centres.reshape(-1, 2)
    axes.plot(places[:, 0], places[:, 1], "+", color="black", markersize=6, markeredgewidth=1.1, zorder=5)
    _fit(axes, np.concatenate([(frame if within is None else within)[["x", "y"]].to_numpy(), places]))
    _name_classes(axes, frame, reduced, places)


def _name_classes(axes: Axes, frame: pd.DataFrame, reduced: Sequence[str], marks: NDArray[np.generic]) -> None:
    figure = axes.get_figure(root=True)
    in_points = 72 / figure.dpi if figure is not None else 1.0
    marked = in_points * axes.transData.transform(marks)
    for name, place in frame.groupby("class")[["x", "y"]].median().iterrows():
        x, y = place["x"], place["y"]
        axes.annotate(
            f"{name}*" if name in reduced else str(name),
            (x, y),
            xytext=_beside(np.arctan2(y, x), in_points * axes.transData.transform((x, y)), marked),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=7,
            fontweight="bold",
            bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.75, "linewidth": 0},
        )


def _beside(outward: float, place: NDArray[np.float64], marks: NDArray[np.float64]) -> tuple[float, float]:
    """Return how far from its place a name stands, in points: outward, or turned as little as clears all marks."""
    for turn in np.radians([0, 45, -45, 90, -90, 135, -135, 180]):
        x, y = 9 * np.cos(outward + turn), 9 * np.sin(outward + turn)
        if (np.hypot(*(np.add(place, (x, y)) - marks).T) > CLEARANCE).all():
            return x, y
    return 9 * np.cos(outward), 9 * np.sin(outward)


def rays(axes: Axes, vectors: NDArray[np.generic]) -> None:
    """Draw a line from the origin along each class vector, `[classes, 1, 2]`, to the edge of the axes."""
    reach = 2 * max(*np.abs(axes.get_xlim()), *np.abs(axes.get_ylim()))
    for vector in vectors[:, 0]:
        x, y = reach * vector / max(float(np.linalg.norm(vector)), 1e-12)
        axes.plot([0, x], [0, y], color="black", linewidth=0.8, scalex=False, scaley=False)


def panels(
    picture: Drawing, labels: Mapping[str, str], shown: Mapping[str, T], *, size: float | str = 8
) -> Iterator[tuple[Axes, str, T]]:
    """Title each of a row of panels, say in those for which there is nothing that it was not run, and yield the others.

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


def name_axes(row: Sequence[Axes], what: str = "embedding") -> None:
    """Name the two coordinates, the vertical one on the first of a row of panels."""
    for index, axes in enumerate(row):
        axes.set_xlabel(f"{what} 1")
        axes.set_ylabel("" if index else f"{what} 2")


def _fit(axes: Axes, places: NDArray[np.generic]) -> None:
    low, high = np.minimum(places.min(axis=0), 0), np.maximum(places.max(axis=0), 0)
    half = 0.55 * max(float((high - low).max()), 1e-12)
    x, y = (low + high) / 2
    axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal")
