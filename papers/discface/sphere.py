"""Embeddings in three dimensions, drawn by their directions on the unit sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.evaluation.angles import Floats, normalised
from shared.reporting.figure import COLOURS, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

PALETTE = tuple(COLOURS[place] for place in (0, 1, 3, 2))
"""The colours of the classes; that of the last of four is green, as in figure 5."""
GRID = "#c9c9c9"
TILT = np.radians(25)


def view(vectors: NDArray[np.floating]) -> Floats:
    """Return the rotation [3, 3] into a view from outside: x to the right, y up, z towards the eye.

    A network fixes its axes only up to a rotation. So that panels can be compared, the last two of the class vectors
    [C, 3] lie in front, as far left as right, the last one right; of four vectors that are far apart the first two are
    then behind, one above and one below.
    """
    units = normalised(vectors)
    towards, across = units[-1] + units[-2], units[-1] - units[-2]
    depth = normalised(_perpendicular_if_zero(towards, across)[None])[0]
    right = across - (across @ depth) * depth
    right = normalised(_perpendicular_if_zero(right, depth)[None])[0]
    return np.stack([right, np.cross(depth, right), depth])


def scatter(
    axes: Axes, directions: Floats, labels: NDArray[np.integer], vectors: Floats, *, rotation: Floats | None = None
) -> None:
    """Draw unit vectors [N, 3] coloured by label, and those of the classes [C, 3] as +, on a sphere seen from afar.

    What is on the far side is drawn paler, and its + grey.
    """
    turned = view(vectors) if rotation is None else rotation
    _globe(axes)
    seen = directions @ turned.T
    for front in (False, True):
        for label in np.unique(labels):
            x, y, _ = seen[(labels == label) & ((seen[:, 2] >= 0) == front)].T
            axes.scatter(
                x,
                y,
                s=7,
                marker=MARKERS[label],
                color=PALETTE[label],
                alpha=0.75 if front else 0.22,
                linewidths=0,
                rasterized=True,
                zorder=3 if front else 2,
            )
    for x, y, z in vectors @ turned.T:
        axes.plot(x, y, "+", color="white", markersize=9, markeredgewidth=2.6, zorder=4)
        axes.plot(x, y, "+", color="black" if z >= 0 else "#7a7a7a", markersize=8, markeredgewidth=1.2, zorder=5)
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal")
    axes.set_axis_off()


def _globe(axes: Axes) -> None:
    """Draw the outline, and the meridians and parallels, every 30 degrees, of the near side."""
    around = np.linspace(0, 2 * np.pi, 181)
    axes.plot(np.cos(around), np.sin(around), color="#8a8a8a", linewidth=0.8, zorder=1)
    tilt = np.array([[1, 0, 0], [0, np.cos(TILT), -np.sin(TILT)], [0, np.sin(TILT), np.cos(TILT)]])
    for angle in np.radians(np.arange(-60, 61, 30)):
        parallel = [np.cos(angle) * np.sin(around), np.full_like(around, np.sin(angle)), np.cos(angle) * np.cos(around)]
        _near_side(axes, tilt @ np.stack(parallel))
    for angle in np.radians(np.arange(0, 180, 30)):
        meridian = [np.sin(around) * np.sin(angle), np.cos(around), np.sin(around) * np.cos(angle)]
        _near_side(axes, tilt @ np.stack(meridian))


def _near_side(axes: Axes, line: Floats) -> None:
    x, y, z = line
    axes.plot(np.where(z >= 0, x, np.nan), np.where(z >= 0, y, np.nan), color=GRID, linewidth=0.4, zorder=1)


def _perpendicular_if_zero(vector: Floats, other: Floats) -> Floats:
    """Return the vector, or where it has no length one at right angles to the other."""
    if np.linalg.norm(vector) > 1e-9:
        return vector
    return np.cross(other, np.eye(3)[np.abs(other).argmin()])
