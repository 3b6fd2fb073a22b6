"""Figure 3: how many images the classes of the naturally imbalanced data sets have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from papers.gaussian_affinity.names import CLASSES, STAND_INS, slant
from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.figure import COLOURS, PAGE_WIDTH, Figure, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SETS = {
    "dermofit": "Dermofit",
    "emnist-lesion-sizes": "Letters, Dermofit's sizes",
    "vggface2": "VGGFace2",
    "omniglot": "Omniglot",
}
CLASSES_ARE = {"vggface2": "identities", "omniglot": "characters"}


def figure3(records: Records) -> Figure:
    """Figure 3: how many images the classes of the naturally imbalanced data sets have, or of those in their place."""
    runs = list(records.first_seeds().values())
    panels = [
        ([run for run in runs if run.data.name in CLASSES], ("train", "held_out", "test")),
        ([run for run in runs if run.data.name not in CLASSES], ("train", "held_out")),
    ]
    picture = drawing(1, len(panels), width=PAGE_WIDTH, height=2.8)
    drawn = []
    for axes, (found, splits) in zip(picture.axes, panels, strict=True):
        if found:
            drawn.append(_sizes(found[0], splits))
            _draw_sizes(axes, drawn[-1], found[0])
        else:
            plane.not_run(axes)
    picture.axes[0].set_ylabel("images")
    return Figure(
        picture,
        data=pd.concat(drawn),
        caption="Figure 3. Images per class of the lesions and of the faces, from the largest class to the smallest",
        notes=[
            "Lesions: all images, those of the test fold too. Faces: the training set.",
            "The paper states 24 to 331 images a lesion, with mean 130 and median 83, and 80 to 843 a face.",
            *(STAND_INS[run.data.name] for run in runs if run.data.name in STAND_INS),
        ],
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
    rendered = ", rendered" if run.config["data"].get("source") == "rendered" else ""
    axes.set_title(f"{SETS.get(run.data.name, run.data.name)}{rendered}: {images.sum():,} images")
    if run.data.name in CLASSES:
        bars = axes.bar(ranks, images, color=COLOURS[0], width=0.75)
        axes.bar_label(bars, fontsize=6.5, padding=1.5)
        axes.set_xticks(ranks, sizes["class"], fontsize=7, **slant(sizes["class"]))
        axes.grid(visible=False, axis="x")
    else:
        axes.fill_between([*ranks, len(ranks)], [*images, images.iloc[-1]], step="post", color=COLOURS[0], linewidth=0)
        axes.set_xlim(0, len(ranks))
        axes.set_xlabel(f"{len(ranks):,} {CLASSES_ARE[run.data.name]}, from the largest to the smallest")
    axes.set_ylim(0, 1.12 * images.max())
    axes.locator_params(axis="y", integer=True)
    spread = f"{images.min():,} to {images.max():,}\nmean {images.mean():,.0f}, median {images.median():,.0f}"
    axes.text(0.98, 0.97, spread, transform=axes.transAxes, ha="right", va="top")
