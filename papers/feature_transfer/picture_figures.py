"""Figures 6 to 8: what the decoder makes of centers, of transferred and of interpolated features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shared.records.forms import Form
from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.data_names import data_title
from shared.reporting.figure import PAIR_WIDTH, Figure, drawing
from shared.reporting.table import measured
from shared.verdicts.words import in_print

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.generic]]

RUN = "ms1m/ftl"
PHOTOGRAPHS = "photographs/ftl"
TITLES = {"faces-drawn": "drawn faces", "olivetti": "photographs"}
BENCHMARK = "transfer"
FORM = Form(
    {
        **{"samples": "K S S", "centers": "K S S", "sample_classes": "K", "sample_yaw": "K"},
        **dict.fromkeys(("inputs", "reconstructed", "moved"), "P 2 S S"),
        **{"pair_classes": "P 2", "pair_yaw": "P 2"},
        **{"weights": "A", "plain": "A S S", "variation": "A S S", "identity": "A S S"},
    },
    unknown=("sample_yaw", "pair_yaw"),
)
"""The arrays of `papers.feature_transfer.picture_metrics`, S the side of a picture."""
COLUMNS = ["data", "seed", "what", "column", "class", "yaw", "value"]
CAPTIONS = {
    6: (
        "Figure 6. (a) A sample of each of some regular classes, as the network sees it; (b) the image decoded from "
        "the feature center of the class."
    ),
    7: (
        "Figure 7. Feature transfer between two classes, every two columns. From above: the inputs, their "
        "reconstructions, and decoded transferred features, in the odd column from its class to that of the even "
        "column and in the even column the other way. Class and yaw are those of the input."
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
LABELS = 1.15
HEADING_PAD = 3
"""In points, between the pictures and the words beside them."""
LARGEST_PICTURE = 1.1
GAP, GROUP_GAP = 0.06, 0.25
"""Between two pictures, and in addition between two groups, in sides of a picture."""


@dataclass(frozen=True)
class _Grid:
    """Rows of pictures `[n, S, S]` by their labels, with a heading over each column, in groups of some columns.

    `heads` says, line by line, what the headings are, so that these can be short.
    """

    rows: Mapping[str, NDArray[np.generic]]
    headings: Sequence[str]
    heads: str
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
        axes.set_yticks(tops + 0.5, list(self.rows), fontsize=7)
        axes.xaxis.tick_top()
        axes.tick_params(length=0, pad=HEADING_PAD)
        axes.annotate(
            self.heads,
            (0, 1),
            (-HEADING_PAD, HEADING_PAD),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=7,
        )
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)


@dataclass(frozen=True)
class _Block:
    """What a figure shows of a run: pictures, and rows of data that say whose they are."""

    run: Record
    grid: _Grid
    shown: Sequence[Mapping[str, object]]

    @property
    def data(self) -> str:
        """The name of the data set that the run is trained on."""
        return str(self.run.config["data"]["name"])

    @property
    def title(self) -> str:
        """What its pictures are, where there are others beside them."""
        return TITLES.get(self.data, self.data)


def figure6(records: Records) -> Figure:
    """Figure 6: a sample of each of some classes, and what is decoded from the class's center.

    Beside the faces of the other figures it has photographs, where there is a record of them.
    """
    return _figure(
        records,
        6,
        [_centers(run, kept) for run, kept in (_kept(records, name) for name in (RUN, PHOTOGRAPHS)) if run],
        summaries={
            "Mean correlation of a picture with its mirror image": {
                "center_symmetry": "decoded centers",
                "mean_symmetry": "decoded mean features without mirror images",
                "pair_symmetry": "decoded means of a sample and its mirror image",
                "sample_symmetry": "decoded samples",
            },
            "Decoded and encoded again": {
                "center_identity": "centers nearest to the one they come from, %",
                "sample_identity": "samples nearest to the center of their class, %",
            },
        },
    )


def _centers(run: Record, kept: Arrays) -> _Block:
    """Return what figure 6 shows of a run."""
    classes, yaw = kept["sample_classes"], kept["sample_yaw"]
    return _Block(
        run,
        _Grid({"(a) sample": kept["samples"], "(b) center,\ndecoded": kept["centers"]}, *_names(classes, yaw)),
        _pictures("sample", classes, yaw) + _pictures("decoded center", classes),
    )


def figure7(records: Records) -> Figure:
    """Figure 7: images of two classes, their reconstructions, and each moved to the class of the other."""
    run, kept = _kept(records)
    if run is None:
        return _not_run(7)
    rows = {"input": "inputs", "reconstructed": "reconstructed", "transferred": "moved"}
    classes, yaw = kept["pair_classes"], kept["pair_yaw"].ravel()
    grid = _Grid(
        {label: kept[name].reshape(-1, *kept[name].shape[2:]) for label, name in rows.items()},
        *_names(classes.ravel(), yaw),
        group=2,
    )
    shown = _pictures("input", classes.ravel(), yaw) + _pictures("transferred", classes[:, ::-1].ravel(), yaw)
    return _figure(
        records,
        7,
        [_Block(run, grid, shown)],
        summaries={
            "Samples of regular classes moved to under-represented classes": {
                "identity_kept": "nearest to the center of the class they were moved to, %",
                "identity_unmoved": "nearest to that of their own class before, %",
                "variance_ratio": "their variance over that of regular classes",
                "variance_ratio_before": "that of the under-represented classes' own samples",
            }
        },
    )


def figure8(records: Records) -> Figure:
    """Figure 8: three interpolations between two images of two classes."""
    run, kept = _kept(records)
    if run is None:
        return _not_run(8)
    headings = [f"{_short(a)}\n" for a in kept["weights"]]
    for end, label in zip((0, -1), kept["pair_classes"][0], strict=True):
        headings[end] += str(label)
    shown = [
        *_pictures("class 1, class 2", kept["pair_classes"][0], kept["pair_yaw"][0]),
        *(row for name in PATHS for row in _steps(name, kept[name])),
    ]
    return _figure(
        records,
        8,
        [_Block(run, _Grid({label: kept[name] for name, label in PATHS.items()}, headings, "α\nclass"), shown)],
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


def _kept(records: Records, name: str = RUN) -> tuple[Record | None, Arrays]:
    """Return the first seed of a run and what it has kept, or nothing where there is no record of it."""
    run = records.first_seeds().get(name)
    return run, {} if run is None else records.arrays(name, run.seed, BENCHMARK, FORM)


def _figure(
    records: Records,
    number: int,
    blocks: Sequence[_Block],
    *,
    summaries: Mapping[str, Mapping[str, str]],
    notes: Sequence[str] = (),
) -> Figure:
    """Return a figure of pictures, one block below the other, with metrics of all seeds in its notes and its data.

    `summaries` have for each sentence of the notes its metrics, with what each is of.
    """
    if not blocks:
        return _not_run(number)
    side = min(LARGEST_PICTURE, (PAIR_WIDTH - LABELS) / max(block.grid.width for block in blocks))
    picture = drawing(len(blocks), width=PAIR_WIDTH, height=sum(side * block.grid.height + 0.5 for block in blocks))
    for axes, block in zip(picture.axes, blocks, strict=True):
        block.grid.draw(axes)
        axes.set_title(block.title if len(blocks) > 1 else "", loc="left", fontsize=8)
    _fit_height(picture)
    of_seeds = pd.concat([_measured(records, block, summaries) for block in blocks])
    shown = [{"data": block.data, "seed": block.run.seed, **row} for block in blocks for row in block.shown]
    told = []
    for block in blocks:
        told.append(
            f"Images that were trained on. Data: {data_title(block.run)}. Of several seeds the first is drawn, "
            f"{block.run.seed}."
        )
        of_block = of_seeds[of_seeds["data"] == block.data]
        for summary, metrics in summaries.items():
            values = {label: of_block[of_block["what"] == name]["value"].tolist() for name, label in metrics.items()}
            if means := "; ".join(f"{label} {measured(seeds)}" for label, seeds in values.items() if seeds):
                told.append(f"{summary}: {means}; mean over seeds ± standard deviation (number of seeds).")
        told += credit(block.run)
    return Figure(
        picture,
        data=pd.DataFrame([*shown, *of_seeds.to_dict("records")], columns=COLUMNS),
        caption=CAPTIONS[number],
        notes=[*told, *notes],
    )


def _measured(records: Records, block: _Block, summaries: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Return the metrics of all seeds of a block's run that the summaries tell of, as rows of data."""
    table = records.table
    names = [name for metrics in summaries.values() for name in metrics]
    found = table[(table["run"] == block.run.run) & (table["benchmark"] == BENCHMARK) & table["metric"].isin(names)]
    return found.rename(columns={"metric": "what"})[["seed", "what", "value"]].assign(data=block.data)


def _fit_height(picture: Drawing) -> None:
    """Leave no empty band above, below or between the pictures and their headings."""
    picture.draw_without_rendering()
    boxes = [box for axes in picture.axes if (box := axes.get_tightbbox()) is not None]
    picture.set_figheight(sum(box.height / picture.dpi + 0.2 for box in boxes))


def _not_run(number: int) -> Figure:
    picture = drawing(width=PAIR_WIDTH, height=1.2)
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


def _names(classes: NDArray[np.generic], yaw: NDArray[np.generic]) -> tuple[list[str], str]:
    """Return headings of who is shown, and how far each head is turned where that is known, and what they are."""
    if np.isnan(yaw.astype(float)).all():
        return [str(label) for label in classes.tolist()], "class"
    turned = ["" if np.isnan(angle) else f"{in_print(angle, '+.0f')}°" for angle in yaw.tolist()]
    return [f"{label}\n{angle}" for label, angle in zip(classes.tolist(), turned, strict=True)], "class\nyaw"


def _short(weight: float) -> str:
    return f"{weight:.2f}".rstrip("0").rstrip(".")
