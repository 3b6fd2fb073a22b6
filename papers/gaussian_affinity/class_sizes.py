"""Figure 3: how many images the classes of the naturally imbalanced data sets have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from papers.gaussian_affinity.names import CLASSES, STAND_INS, slant
from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.data_names import classes_are, data_title
from shared.reporting.figure import COLOURS, Figure, pairs

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SETS = {"emnist-lesion-sizes": "Letters, Dermofit's sizes"}
"""The titles of panels that are not those of their data sets."""


def figure3(records: Records) -> Figure:
    """Figure 3: how many images the classes of the naturally imbalanced data sets have, or of those in their place."""
    runs = list(records.first_seeds().values())
    panels = [
        ([run for run in runs if run.data.name in CLASSES], ("train", "held_out", "test")),
        ([run for run in runs if run.data.name not in CLASSES], ("train", "held_out")),
    ]
    picture = pairs(len(panels), height=2.4)
    drawn = []
    for axes, (found, splits) in zip(picture.axes, panels, strict=True):
        if found:
            drawn.append(_sizes(found[0], splits))
            _draw_sizes(axes, drawn[-1], found[0])
        else:
            plane.not_run(axes)
    picture.axes[0].set_ylabel("images")
    counted = ("all images, those of the test fold too", "the training set")
    said = {classes_are(found): what for (found, _), what in zip(panels, counted, strict=True) if found}
    return Figure(
        picture,
        data=pd.concat(drawn),
        caption=f"Figure 3. Images per class of {' and of '.join(said)}, from the largest class to the smallest",
        notes=[
            " ".join(f"{classes.capitalize()}: {what}." for classes, what in said.items()),
            "The paper states 24 to 331 images a lesion, with mean 130 and median 83, and 80 to 843 a face.",
            *(STAND_INS[run.data.name] for run in runs if run.data.name in STAND_INS),
        ],
        of_training=False,
    )


def _sizes(run: Record, splits: Iterable[str]) -> pd.DataFrame:
    """Return the images of each class over some splits, from the largest class to the smallest."""
    images = np.sum([run.data.counts[split] for split in splits if split in run.data.counts], axis=0)
    names = CLASSES.get(run.data.name, range(len(images)))
    frame = pd.DataFrame({"data": run.data.name, "class": names, "images": images})
    return frame.sort_values("images", ascending=False, kind="stable").reset_index(drop=True)


def _draw_sizes(axes: Axes, sizes: pd.DataFrame, run: Record) -> None:
    """Draw one bar a class with its name and number, or the outline of all where the classes have no names."""
    images, ranks = sizes["images"], np.arange(len(sizes))
    axes.set_title(f"{SETS.get(run.data.name) or data_title(run)}\n{images.sum():,} images", fontsize=7)
    if run.data.name in CLASSES:
        bars = axes.bar(ranks, images, color=COLOURS[0], width=0.75)
        axes.bar_label(bars, fontsize=7, padding=1.5)
        axes.set_xticks(ranks, sizes["class"], fontsize=7, **slant(sizes["class"]))
        axes.grid(visible=False, axis="x")
    else:
        axes.fill_between([*ranks, len(ranks)], [*images, images.iloc[-1]], step="post", color=COLOURS[0], linewidth=0)
        axes.set_xlim(0, len(ranks))
        axes.set_xlabel(f"{len(ranks):,} {classes_are([run])}, from the largest", fontsize=7)
    axes.set_ylim(0, 1.3 * images.max())  # above, room for two lines
    axes.locator_params(axis="y", integer=True)
    spread = f"{images.min():,} to {images.max():,}\nmean {images.mean():,.0f}, median {images.median():,.0f}"
    axes.text(0.98, 0.97, spread, transform=axes.transAxes, ha="right", va="top", fontsize=7)
