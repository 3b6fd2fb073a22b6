"""Figures 4 and 5: embeddings of four classes in three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from papers.discface.pair_angles import own_angles, pair_angles
from shared.evaluation.angles import Floats, normalised
from shared.records.records import Record, Records
from shared.reporting import plane, sphere
from shared.reporting.data_names import classes_are, data_note
from shared.reporting.figure import COLOURS, MARKERS, PAIR_WIDTH, Figure, drawing
from shared.reporting.health_marks import mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing
    from matplotlib.gridspec import GridSpec
    from numpy.typing import NDArray

PANELS = {"cosface": "CosFace", "center": "center loss", "one-basis": "Cos-DiscFace", "two-bases": "two bases"}
RARE = 3
PAIRED_CLASSES = (0, 1)
"""The two classes of which figure 4 shows the angles of pairs."""


def figure4(records: Records) -> Figure:
    """Figure 4: embeddings of four classes on the unit sphere, and the angles of pairs of two of them."""
    return _spheres(
        records,
        "figure4",
        list(PANELS),
        caption=(
            "Figure 4. Embeddings of four {classes} in three dimensions, by their direction, under CosFace, the center "
            "loss and Cos-DiscFace with one basis and with two; + marks the weight of the class of its letter. Below, "
            "the angles of all pairs of images of A and B."
        ),
        angles=True,
    )


def figure5(records: Records) -> Figure:
    """Figure 5: the same where one of the four classes is seen once every two epochs."""
    return _spheres(
        records,
        "figure5",
        ["cosface", "center", "one-basis"],
        caption=(
            "Figure 5. Embeddings of four {classes} in three dimensions, by their direction, of which D was seen in "
            "training once every two epochs, a single image; + marks the weight of the class of its letter."
        ),
    )


def _spheres(records: Records, figure: str, panels: Sequence[str], caption: str, *, angles: bool = False) -> Figure:
    """Draw spheres, one a loss, in a row, or in rows of two with the angles of pairs below each, if asked for.

    `caption` is a form that takes what the `classes` are.
    """
    shown = records.first_seeds()
    across, tall = (2, 2) if angles else (len(panels), 1)
    rows = tall * -(-len(panels) // across)
    picture = drawing(rows, across, width=PAIR_WIDTH, height=1.35 * rows if angles else 1.75)
    lines = [picture.axes[start : start + across] for start in range(0, rows * across, across)]
    if angles:
        cast("GridSpec", picture.axes[0].get_gridspec()).set_height_ratios([1.4, 1] * (rows // 2))
    spheres = [axes for line in lines[::tall] for axes in line]
    histograms = [axes for line in lines[1::tall] for axes in line] if angles else []
    drawn = []
    for column, name in enumerate(panels):
        axes = spheres[column]
        axes.set_title(f"({'abcd'[column]}) {PANELS[name]}{mark(records, [f'{figure}/{name}'])}", fontsize=7, pad=9)
        below = histograms[column] if angles else None
        run = shown.get(f"{figure}/{name}")
        if run is None:
            for empty in filter(None, (axes, below)):
                plane.not_run(empty)
            continue
        arrays = records.features[run.run, run.seed].load("train")
        labels = arrays["labels"].astype(np.int64)
        directions = normalised(cast("NDArray[np.floating]", arrays["embeddings"]))
        vectors = normalised(cast("NDArray[np.floating]", arrays["class_vectors"])[:, 0])
        sphere.scatter(axes, directions, labels, vectors)
        angles_to_own = own_angles(directions, vectors[labels])
        told = f"{angles_to_own.mean():.0f}° to own weight"
        if figure == "figure5":
            told += f"\nD {angles_to_own[labels == RARE].mean():.0f}°"
        axes.text(0.5, -0.02, told, transform=axes.transAxes, ha="center", va="top", fontsize=7)
        drawn.append(_points(run, name, directions, labels, "image"))
        drawn.append(_points(run, name, vectors, np.arange(len(vectors)), "class weight"))
        if below is not None:
            drawn.append(_pair_histogram(below, directions, labels).assign(panel=name, seed=run.seed))
            below.set_ylabel("" if column % across else "share of pairs (%)", fontsize=7)
    _name_classes(picture, "D, rare" if figure == "figure5" else "D")
    filled = [axes for axes in histograms if axes.patches]
    for axes in filled:
        axes.set_ylim(0, max(other.get_ylim()[1] for other in filled))
    for axes in filled[:1]:
        axes.legend(fontsize=7, handlelength=1.2)
    return Figure(
        picture,
        data=pd.concat(drawn) if drawn else pd.DataFrame(columns=["panel"]),
        caption=caption.format(classes=classes_are(list(shown.values()))),
        notes=[
            "Images that were trained on, and the mean angle between an image and the weight of its class, in figure 5 "
            "that of D's images too. All panels are turned, or mirrored, by one rule: the class weights of C and D lie "
            "in front, left and right, and that of A above that of B. What is on the far side is drawn paler, and its "
            "+ has a grey rim.",
            f"{data_note(shown.values())} Of several seeds the first is drawn.",
        ],
    )


def _points(run: Record, panel: str, directions: Floats, labels: NDArray[np.int64], what: str) -> pd.DataFrame:
    frame = pd.DataFrame(directions.round(5), columns=["x", "y", "z"])
    letters = [sphere.LETTERS[label] for label in labels]
    return frame.assign(**{"class": letters}, what=what, panel=panel, seed=run.seed)


def _pair_histogram(axes: Axes, directions: Floats, labels: NDArray[np.int64]) -> pd.DataFrame:
    """Draw the distributions of the angles of positive and of negative pairs of two classes, in bins of 3 degrees."""
    chosen = np.isin(labels, PAIRED_CLASSES)
    edges = np.linspace(0, 180, 61)
    frames = []
    for index, (kind, angles) in enumerate(
        zip(("positive", "negative"), pair_angles(directions[chosen], labels[chosen]), strict=True)
    ):
        share = 100 * np.histogram(angles, edges)[0] / max(len(angles), 1)
        axes.stairs(share, edges, fill=True, color=COLOURS[index], alpha=0.35)
        axes.stairs(share, edges, color=COLOURS[index], linestyle=("-", "--")[index], label=f"{kind} pairs")
        frames.append(pd.DataFrame({"what": f"{kind} pairs", "angle": edges[:-1] + 1.5, "percent": share}))
    axes.set(xlim=(0, 180), xticks=[0, 60, 120, 180])
    axes.set_xlabel("angle of a pair (degrees)", fontsize=7)
    return pd.concat(frames)


def _name_classes(picture: Drawing, last: str) -> None:
    """Say below a drawing which colour and marker is whose."""
    names = ["A", "B", "C", last]
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none")
        for colour, marker in zip(sphere.PALETTE, MARKERS, strict=False)
    ]
    handles.append(Line2D([], [], **sphere.weight_style("white")))
    picture.legend(handles, [*names, "class weight"], loc="outside lower center", ncols=len(handles), fontsize=7)
