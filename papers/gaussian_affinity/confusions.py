"""Figure 4: confusion matrices of skin lesions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from papers.gaussian_affinity.names import CLASSES, STAND_INS, slant
from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.data_names import classes_are
from shared.reporting.figure import PAGE_WIDTH, PAIR_WIDTH, Figure, drawing
from shared.reporting.health_marks import mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


def figure4(records: Records) -> Figure:
    """Figure 4: confusion matrices of experiment 1 over all folds, CoSen CNN beside affinity loss."""
    data = records.records[0][0].config["data"]["name"]
    classes = CLASSES[data][:5]
    panels = {"cosen": "(a) CoSen CNN", "affinity": "(b) Affinity loss"}
    # The names of lesions, but not letters, take their room.
    width, height = (PAIR_WIDTH, 2.6) if all(len(name) == 1 for name in classes) else (PAGE_WIDTH, 3.4)
    picture = drawing(1, len(panels), width=width, height=height)
    shown = defaultdict(list)
    for record, _ in records.finite:
        shown[record.axes["loss"]].append(record)
    drawn = []
    for axes, loss, runs in plane.panels(picture, panels, shown, size=7):
        images = np.sum([_confusions(records, run, len(classes)) for run in runs], axis=0)
        marked = mark(records, [run.run for run in runs])
        axes.set_title(f"{panels[loss]}{marked}: {_counted(records, runs)}", fontsize=7)
        drawn.append(_draw_confusions(axes, images, classes, named=axes is picture.axes[0]).assign(loss=loss))
    return Figure(
        picture,
        data=pd.concat(drawn),
        caption=(
            f"Figure 4. Confusion matrices of Exp#1 on {classes_are(record for record, _ in records.records)}, in "
            "percent of the images of each true class"
        ),
        notes=[
            "The test images of all folds and seeds together: an image of a data set counts once for each seed.",
            *([STAND_INS[data]] if data in STAND_INS else []),
        ],
    )


def _counted(records: Records, runs: Sequence[Record]) -> str:
    """Return how many images the folds of a seed test together, and of how many seeds."""
    images = {run.axes["fold"]: len(records.features[run.run, run.seed].load()["labels"]) for run in runs}
    seeds = len({run.seed for run in runs})
    return f"{sum(images.values()):,} images, {seeds} seed{'s' if seeds > 1 else ''}"


def _confusions(records: Records, run: Record, classes: int) -> NDArray[np.int64]:
    """Return how many test images of each true class (row) were taken for each class (column)."""
    arrays = records.features[run.run, run.seed].load()
    pairs = arrays["labels"].astype(np.int64) * classes + arrays["predictions"].astype(np.int64)
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def _draw_confusions(axes: Axes, images: NDArray[np.int64], classes: Iterable[str], *, named: bool) -> pd.DataFrame:
    """Draw a matrix of confusions with each share written in its cell; return images and shares, a row a cell."""
    names = list(classes)
    totals = images.sum(axis=1, keepdims=True)
    percent = 100 * images / np.maximum(totals, 1)
    axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
    for (row, column), share in np.ndenumerate(percent):
        colour = "white" if share > 55 else "black"
        axes.text(column, row, f"{share:.1f}", ha="center", va="center", color=colour, fontsize=7)
    axes.set_xticks(range(len(names)), names, fontsize=7, **slant(names))
    axes.set_yticks(range(len(names)), names if named else [], fontsize=7)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true" if named else "")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    return pd.DataFrame(
        {
            "true": np.repeat(names, len(names)),
            "predicted": names * len(names),
            "images": images.ravel(),
            "percent": percent.ravel().round(3),
        }
    )
