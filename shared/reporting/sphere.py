"""Embeddings in three dimensions, drawn by their directions on the unit sphere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patheffects import withStroke

from shared.evaluation.angles import Floats, normalised
from shared.reporting.figure import COLOURS, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

PALETTE = tuple(COLOURS[place] for place in (0, 1, 3, 2))
"""The colours of the classes; that of the last of four is green, as in figure 5."""
LETTERS = "ABCD"
LETTER_AWAY = 7.5
"""In points, how far the middle of a class's letter is from that of its +."""
LOWER_RIM = -0.8
GRID = "#c9c9c9"
TILT = np.radians(25)
FAINT = 0.3
"""The opacity of what is on the far side."""


def view(vectors: NDArray[np.floating]) -> Floats:
    """Return the orthogonal map [3, 3] into a view from outside: x to the right, y up, z towards the eye.

    A network fixes its axes only up to a rotation or a reflection. So that panels can be compared, the last two of the
    class vectors [C, 3] lie in front, as far left as right, the last one right, and the first lies no lower than the
    second; of four vectors that are far apart these are then behind, one above and one below.
    """
    units = normalised(vectors)
    towards, across = units[-1] + units[-2], units[-1] - units[-2]
    depth = normalised(_perpendicular_if_zero(towards, across)[None])[0]
    right = across - (across @ depth) * depth
    right = normalised(_perpendicular_if_zero(right, depth)[None])[0]
    up = np.cross(depth, right)
    return np.stack([right, up if (units[0] - units[1]) @ up >= 0 else -up, depth])


def scatter(
    axes: Axes, directions: Floats, labels: NDArray[np.integer], vectors: Floats, *, turned: Floats | None = None
) -> None:
    """Draw unit vectors [N, 3], and those of the classes [C, 3] as +, coloured by class, on a sphere seen from afar.

    What is on the far side is drawn paler. Each + has its class's letter beside it. `turned` is the map into the view,
    by default that of `view`.
    """
    into_view = view(vectors) if turned is None else turned
    _globe(axes)
    seen, weights = directions @ into_view.T, vectors @ into_view.T
    for front in (False, True):
        for label in np.unique(labels):
            x, y, _ = seen[(labels == label) & ((seen[:, 2] >= 0) == front)].T
            axes.scatter(
                x,
                y,
                s=6,
                marker=MARKERS[label],
                color=PALETTE[label],
                alpha=0.6 if front else FAINT,
                linewidths=0,
                rasterized=True,
                zorder=4 if front else 2,
            )
        for label, (x, y, z) in enumerate(weights):
            if (z >= 0) == front:
                axes.plot(x, y, zorder=5 if front else 3, **weight_style(PALETTE[label], front=front))
                letter = axes.annotate(
                    LETTERS[label],
                    (x, y),
                    _away_from_nearest(weights[:, :2], label),
                    textcoords="offset points",
                    ha="center",
                    va="center",
                    fontsize=7,
                    fontweight="bold",
                    zorder=6,
                )
                letter.set_path_effects([withStroke(linewidth=1.6, foreground="white")])
    axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect="equal")
    axes.set_axis_off()


def _away_from_nearest(places: Floats, one: int) -> tuple[float, float]:
    """Return where a letter stands beside one of the places [C, 2], in points: away from the nearest of the others.

    At the lower rim it stands above, since below a sphere stands its text.
    """
    from_others = places[one] - np.delete(places, one, axis=0)
    lengths = np.linalg.norm(from_others, axis=1)
    nearest = int(lengths.argmin())
    away = from_others[nearest] / lengths[nearest] if lengths[nearest] > 1e-9 else np.full(2, np.sqrt(0.5))
    up = abs(away[1]) if places[one][1] < LOWER_RIM else away[1]
    return LETTER_AWAY * float(away[0]), LETTER_AWAY * float(up)


def weight_style(colour: str, *, front: bool = True) -> dict[str, Any]:
    """Return how the weight of a class of that colour is drawn: a + with a dark rim, on the far side a grey one."""
    return {
        "marker": "P",
        "linestyle": "none",
        "markersize": 6.5,
        "color": colour,
        "markeredgecolor": "black" if front else "#7a7a7a",
        "markeredgewidth": 1,
    }


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
