"""Figures 6 to 8: what the decoder makes of centers, of transferred and of interpolated features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.figure import PAGE_WIDTH, Figure, drawing
from shared.reporting.table import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.generic]]

RUN = "ms1m/ftl"
BENCHMARK = "transfer"
COLUMNS = ["seed", "what", "column", "class", "yaw", "value"]
CAPTIONS = {
    6: (
        "Figure 6. (a) A sample of each of some regular classes, as the network sees it; (b) the image decoded from "
        "the feature center of the class."
    ),
    7: (
        "Figure 7. Feature transfer between two classes, every two columns. From above: the inputs, their "
        "reconstructions, and decoded transferred features, in the odd column from its class to that of the even "
        "column and in the even column the other way. The number is that of the class of the input."
    ),
    8: (
        "Figure 8. Decoded interpolations between an image of one class, top left, and an image of another, top right. "
        "From above: of the features; of what is not identity, from the center of the first class as printed; of "
        "identity."
    ),
}
PATHS = {
    "plain": "plain\ng₁ + α(g₂ − g₁)",
    "variation": "variation\nc₁ + α QQᵀ(g₂ − c₂)",
    "identity": "identity\ng₁ + α(c₂ − c₁)",
}
CREDIT = "Face images: the Database of Faces, Olivetti Research Laboratory / AT&T Laboratories Cambridge."
LABELS = 1.25
LARGEST_PICTURE = 1.1
GAP, GROUP_GAP = 0.06, 0.25
"""Between two pictures, and in addition between two groups, in sides of a picture."""


@dataclass(frozen=True)
class _Grid:
    """Rows of pictures `[n, S, S]` by their labels, with a heading over each column, in groups of some columns."""

    rows: Mapping[str, NDArray[np.generic]]
    headings: Sequence[str]
    group: int = 1

    @property
    def lefts(self) -> NDArray[np.float64]:
        """Where each column begins, in sides of a picture."""
        columns = np.arange(len(self.headings))
        gaps = GROUP_GAP * (columns // self.group) if self.group > 1 else 0
        return columns * (1 + GAP) + gaps

    @property
    def width(self) -> float:
        return float(self.lefts[-1]) + 1

    @property
    def height(self) -> float:
        return len(self.rows) * (1 + GAP) - GAP

    def draw(self, axes: Axes) -> None:
        tops = np.arange(len(self.rows)) * (1 + GAP)
        for top, pictures in zip(tops, self.rows.values(), strict=True):
            for left, picture in zip(self.lefts, pictures, strict=True):
                extent = (left, left + 1, top + 1, top)
                axes.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
        axes.set(xlim=(0, self.width), ylim=(self.height, 0))
        axes.set_xticks(self.lefts + 0.5, self.headings, fontsize=7)
        axes.set_yticks(tops + 0.5, list(self.rows))
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)


def figure6(records: Records) -> Figure:
    """Figure 6: a sample of each of some classes, and what is decoded from the class's center."""
    kept = _kept(records)
    if kept is None:
        return _not_run(6)
    classes, yaw = kept["sample_classes"], kept["sample_yaw"]
    return _figure(
        records,
        6,
        _Grid({"(a) sample": kept["samples"], "(b) center,\ndecoded": kept["centers"]}, _names(classes, yaw)),
        shown=_pictures("sample", classes, yaw) + _pictures("decoded center", classes),
        summaries={
            "Mean correlation of a picture with its mirror image": {
                "center_symmetry": "decoded centers",
                "mean_symmetry": "decoded mean features without mirror images",
                "pair_symmetry": "decoded means of a sample and its mirror image",
                "sample_symmetry": "decoded samples",
            },
            "Decoded centers that are encoded again": {"center_identity": "nearest to the center they come from, %"},
        },
    )


def figure7(records: Records) -> Figure:
    """Figure 7: images of two classes, their reconstructions, and each moved to the class of the other."""
    kept = _kept(records)
    if kept is None:
        return _not_run(7)
    rows = {"input": "inputs", "reconstructed": "reconstructed", "transferred": "moved"}
    classes, yaw = kept["pair_classes"], kept["pair_yaw"].ravel()
    return _figure(
        records,
        7,
        _Grid(
            {label: kept[name].reshape(-1, *kept[name].shape[2:]) for label, name in rows.items()},
            _names(classes.ravel(), yaw),
            group=2,
        ),
        shown=_pictures("input", classes.ravel(), yaw) + _pictures("transferred", classes[:, ::-1].ravel(), yaw),
        summaries={
            "Samples of regular classes moved to under-represented classes": {
                "identity_kept": "nearest to the center of the class they were moved to, %",
                "variance_ratio": "their variance over that of regular classes",
                "variance_ratio_before": "that of the under-represented classes' own samples",
            }
        },
    )


def figure8(records: Records) -> Figure:
    """Figure 8: three interpolations between two images of two classes."""
    kept = _kept(records)
    if kept is None:
        return _not_run(8)
    headings = [f"α = {_short(a)}" for a in kept["weights"]]
    for end, label in zip((0, -1), kept["pair_classes"][0], strict=True):
        headings[end] += f"\nclass {label}"
    return _figure(
        records,
        8,
        _Grid({label: kept[name] for name, label in PATHS.items()}, headings),
        shown=[
            *_pictures("class 1, class 2", kept["pair_classes"][0], kept["pair_yaw"][0]),
            *(row for name in PATHS for row in _steps(name, kept[name])),
        ],
        summaries={
            "Largest over mean step from one picture of a path to the next, mean over the pairs of figure 7": {
                f"evenness_{name}": name for name in PATHS
            }
        },
        notes=["In the data, a step is the root mean square of the differences of grey values, 0 to 255."],
    )


def credit(run: Record) -> list[str]:
    """Return the line that the owner of the faces shown asks for, if any."""
    return [CREDIT] if run.config["data"]["name"] == "olivetti" else []


def _kept(records: Records) -> Arrays | None:
    """Return what the first seed of the run has kept, or nothing where there is no record of it."""
    run = records.first_seeds().get(RUN)
    return None if run is None else records.arrays(RUN, run.seed, BENCHMARK)


def _figure(
    records: Records,
    number: int,
    grid: _Grid,
    *,
    shown: Sequence[Mapping[str, object]],
    summaries: Mapping[str, Mapping[str, str]],
    notes: Sequence[str] = (),
) -> Figure:
    """Return a figure of pictures, with metrics of all seeds in its notes and its data.

    `summaries` have for each sentence of the notes its metrics, with what each is of.
    """
    run = records.first_seeds()[RUN]
    side = min(LARGEST_PICTURE, (PAGE_WIDTH - LABELS) / grid.width)
    picture = drawing(width=PAGE_WIDTH, height=side * grid.height + 0.5)
    grid.draw(picture.axes[0])
    _fit_height(picture)
    table = records.table
    found = table[(table["run"] == RUN) & (table["benchmark"] == BENCHMARK)]
    sentences = []
    for summary, metrics in summaries.items():
        values = {label: found[found["metric"] == name]["value"].tolist() for name, label in metrics.items()}
        if told := "; ".join(f"{label} {measured(seeds)}" for label, seeds in values.items() if seeds):
            sentences.append(f"{summary}: {told}; mean over seeds ± standard deviation (number of seeds).")
    data = run.config["data"]
    told_of = [name for metrics in summaries.values() for name in metrics]
    of_seeds = found[found["metric"].isin(told_of)].rename(columns={"metric": "what"})
    return Figure(
        picture,
        data=pd.DataFrame(
            [*({"seed": run.seed, **row} for row in shown), *of_seeds[["seed", "what", "value"]].to_dict("records")],
            columns=COLUMNS,
        ),
        caption=CAPTIONS[number],
        notes=[
            f"Images that were trained on. Data: {data['name']}. Of several seeds the first is drawn, {run.seed}.",
            *sentences,
            *notes,
            *credit(run),
        ],
    )


def _fit_height(picture: Drawing) -> None:
    """Leave no empty band above or below the pictures and their headings."""
    picture.draw_without_rendering()
    [axes] = picture.axes
    box = axes.get_tightbbox()
    if box is not None:
        picture.set_figheight(box.height / picture.dpi + 0.2)


def _not_run(number: int) -> Figure:
    picture = drawing(width=PAGE_WIDTH, height=1.2)
    plane.not_run(picture.axes[0])
    return Figure(picture, data=pd.DataFrame(columns=COLUMNS), caption=CAPTIONS[number])


def _pictures(
    what: str, classes: NDArray[np.generic], yaw: NDArray[np.generic] | None = None
) -> list[dict[str, object]]:
    """Return a row of data for each column of a row of pictures: whose it is, and its yaw in degrees."""
    turned = np.full(len(classes), np.nan) if yaw is None else yaw
    return [
        {"what": what, "column": column, "class": int(label), "yaw": round(float(angle), 1)}
        for column, (label, angle) in enumerate(zip(classes, turned, strict=True), start=1)
    ]


def _steps(path: str, pictures: NDArray[np.generic]) -> list[dict[str, object]]:
    """Return a row of data for each step from a picture of a path to the next."""
    pixels = pictures.reshape(len(pictures), -1).astype(np.float64)
    steps = np.sqrt(np.square(np.diff(pixels, axis=0)).mean(axis=1))
    return [
        {"what": f"{path}, step to the next picture", "column": column, "value": round(float(step), 3)}
        for column, step in enumerate(steps, start=1)
    ]


def _names(classes: NDArray[np.generic], yaw: NDArray[np.generic]) -> list[str]:
    """Return headings of who is shown, and how far the head is turned where that is known."""
    return [
        f"class {label}" + ("" if np.isnan(angle) else f"\nyaw {angle:+.0f}°".replace("-", "−"))
        for label, angle in zip(classes.tolist(), yaw.tolist(), strict=True)
    ]


def _short(weight: float) -> str:
    return f"{weight:.2f}".rstrip("0").rstrip(".")
