"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shared.data.sets.dermofit import KINDS
from shared.evaluation.spread import mean
from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.figure import COLOURS, PAGE_WIDTH, Figure, band, drawing
from shared.reporting.table import Table, measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

LOSSES = {
    "softmax": "softmax",
    "center": "center loss",
    "affinity": "affinity",
    "affinity-m1": "affinity, m = 1",
    "cosen": "CoSen CNN",
}
DIGITS = "0123456789"
SPLITS = {
    "standard": "Stand. split",
    "odd-10": "10% of odd digits",
    "even-10": "10% of even digits",
    "odd-25": "25% of odd digits",
    "even-25": "25% of even digits",
}
EXPERIMENTS = {"five": "Exp#1 (5-classes)", "ten": "Exp#2 (10-classes)"}
LESION_METHODS = {
    "Hierarchical-KNN [2]": None,
    "Hierarchical-Bayes [1]": None,
    "Flat-KNN [2]": None,
    "CoSen CNN [24]": "cosen",
    "Affinity Loss": "affinity",
    "Softmax": "softmax",
}
"""The rows of table 2, and the loss that measures each; the last is ours."""
VIDEO_AND_STILLS = {"lfw": "LFW", "ytf": "YTF"}
OTHER_FACES = {"agedb-30": "AgeDB30", "cfp-ff": "CFP-FF", "cfp-fp": "CFP-FP"}
LESIONS = tuple(kind.names[0] for kind in KINDS)
SETS = {"dermofit": "Dermofit", "vggface2": "VGGFace2", "olivetti": "Olivetti"}
OVER_FOLDS = (
    "Measured: mean ± standard deviation (ddof 1) over the folds (number of folds); a fold counts with the mean of its "
    "seeds."
)
OVER_SEEDS = "Measured: mean over seeds ± standard deviation (number of seeds)."
COMBINATIONS = {
    "l1-gaussian": "l1, exp(-d/sigma)",
    "squared_l2-gaussian": "squared l2, exp(-d/sigma)",
    "l1-inverse": "l1, 1/(1+d)",
    "squared_l2-inverse": "squared l2, 1/(1+d)",
}


def table1(records: Records) -> Table:
    """Table 1: test accuracy under imbalance; CoSen CNN as quoted and measured, affinity as printed and measured."""
    table = records.metric("mnist-test", "accuracy")
    rows = []
    for split, label in SPLITS.items():
        chosen = table[table["split"] == split]
        rows.append(
            {
                "Imbalanced": label,
                "CoSen CNN (quoted)": records.printed("table1", label, "CoSen CNN [24]"),
                "CoSen CNN (measured)": measured(chosen[chosen["loss"] == "cosen"]["value"].tolist()),
                "Affinity (printed)": records.printed("table1", label, "Affinity Loss"),
                "Affinity (measured)": measured(chosen[chosen["loss"] == "affinity"]["value"].tolist()),
                "Softmax (measured)": measured(chosen[chosen["loss"] == "softmax"]["value"].tolist()),
            }
        )
    return Table(
        data=table[["run", "seed", "split", "loss", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Table 1. Test accuracy (%) on imbalanced MNIST",
        notes=[OVER_SEEDS],
    )


def table2(records: Records) -> Table:
    """Table 2: test accuracy on skin lesions over the folds; what is quoted, printed and measured side by side."""
    table = records.metric("dermofit-test", "accuracy")
    rows = []
    for method, loss in LESION_METHODS.items():
        row = {"Methods": method}
        for experiment, label in EXPERIMENTS.items():
            source = "printed" if method == "Affinity Loss" else "quoted"
            printed = "" if method == "Softmax" else _printed(records, "table2", method, label)
            short = label.partition(" ")[0]
            row[f"{short} (quoted)"] = printed if source == "quoted" else ""
            row[f"{short} (printed)"] = printed if source == "printed" else ""
            chosen = table[(table["experiment"] == experiment) & (table["loss"] == loss)]
            folds = chosen.groupby("fold")["value"].apply(lambda seeds: mean(seeds.tolist()))
            row[f"{short} (measured)"] = "" if loss is None else measured(folds.tolist(), decimals=1)
        rows.append(row)
    return Table(
        data=table[["run", "seed", "experiment", "loss", "fold", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Table 2. Test accuracy (%) on skin lesions, five classes (Exp#1) and ten (Exp#2), cross-validated",
        notes=[OVER_FOLDS, "The paper does not say what its ± is."],
    )


def table3(records: Records) -> Table:
    """Table 3: verification accuracy on LFW and YTF; what is quoted, printed and measured side by side."""
    methods = [value.row for value in records.reference.values if (value.target, value.column) == ("table3", "LFW")]
    benchmarks = VIDEO_AND_STILLS | _olivetti(records)
    rows = []
    for method in [*methods, "Softmax"]:
        own = {"Affinity Loss": "affinity", "Softmax": "softmax"}.get(method)
        row = {"Methods": method}
        for column in ("#Models", "Train Data"):
            row[column] = "" if method == "Softmax" else _printed(records, "table3", method, column)
        for benchmark, label in benchmarks.items():
            if benchmark in VIDEO_AND_STILLS:
                printed = "" if method == "Softmax" else _printed(records, "table3", method, label)
                row[f"{label} (quoted)"] = "" if own else printed
                row[f"{label} (printed)"] = printed if own else ""
            row[f"{label} (measured)"] = measured(_verification(records, benchmark, own)) if own else ""
        rows.append(row)
    return Table(
        data=_face_values(records, benchmarks),
        display=pd.DataFrame(rows),
        caption="Table 3. Face verification accuracy (%)",
        notes=[OVER_SEEDS, *_olivetti_note(benchmarks)],
    )


def table_text(records: Records) -> Table:
    """Section 4.3, text: verification accuracy on AgeDB-30, CFP-FF and CFP-FP, which the paper prints in no table."""
    benchmarks = OTHER_FACES | _olivetti(records)
    rows = [
        {
            "Benchmark": label,
            "Affinity (printed)": _printed(records, "table_text", label, "Affinity Loss")
            if name in OTHER_FACES
            else "",
            "Affinity (measured)": measured(_verification(records, name, "affinity")),
            "Softmax (measured)": measured(_verification(records, name, "softmax")),
        }
        for name, label in benchmarks.items()
    ]
    return Table(
        data=_face_values(records, benchmarks),
        display=pd.DataFrame(rows),
        caption="Face verification accuracy (%) printed in the text of section 4.3",
        notes=[OVER_SEEDS, *_olivetti_note(benchmarks)],
    )


def _printed(records: Records, target: str, row: str, column: str) -> str:
    """Return what the paper prints in a cell: a number with its spread or unit, a word, or a dash."""
    value = next(
        value for value in records.reference.values if (value.target, value.row, value.column) == (target, row, column)
    )
    if value.text is not None:
        return value.text
    spread = "" if value.spread is None else f" ± {value.spread:.{value.decimals}f}"
    unit = value.unit if value.unit != "%" and value.value is not None else ""
    return f"{records.printed(target, row, column)}{spread}{unit}"


def _olivetti(records: Records) -> dict[str, str]:
    """Return the benchmark that stands in where no other can be had, if it was run."""
    return {} if records.metric("olivetti", "accuracy").empty else {"olivetti": "Olivetti"}


def _olivetti_note(benchmarks: Iterable[str]) -> list[str]:
    note = "Olivetti: all pairs of ten faces of each of ten people; calling all 4,950 different is right for 90.9%."
    return [note] if "olivetti" in benchmarks else []


def _verification(records: Records, benchmark: str, loss: str) -> list[float]:
    table = records.metric(benchmark, "accuracy")
    values: list[float] = table[table["loss"] == loss].sort_values("seed")["value"].tolist()
    return values


def _face_values(records: Records, benchmarks: Iterable[str]) -> pd.DataFrame:
    table = records.table
    chosen = table[table["benchmark"].isin(list(benchmarks)) & (table["metric"] == "accuracy")]
    return chosen[["run", "seed", "loss", "benchmark", "metric", "value"]]


def table4(records: Records) -> Table:
    """Table 4: test accuracy of the four combinations of distance and similarity, digits 0-4 kept to 10 %."""
    table = records.metric("mnist-test", "accuracy")
    rows = []
    for combination, label in COMBINATIONS.items():
        values = table[table["combination"] == combination]["value"]
        rows.append(
            {
                "Distance, similarity": label.replace("sigma", "σ"),
                "Printed": records.printed("table4", label, "Performance"),
                "Measured": measured(values.tolist()),
                "Lowest seed": f"{values.min():.2f}" if len(values) else "not run",
            }
        )
    return Table(
        data=table[["run", "seed", "combination", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Table 4. Test accuracy (%) by distance and similarity, digits 0-4 kept to 10%",
        notes=[OVER_SEEDS, "– is printed for 'no convergence'."],
    )


def figure2(records: Records) -> Figure:
    """Figure 2: embeddings of the test digits in two dimensions under three losses, with the class vectors."""
    panels = ("softmax", "center", "affinity-m1")
    picture = drawing(1, len(panels), width=PAGE_WIDTH, height=2.7)
    drawn = []
    shown = {run.axes["loss"]: run for run in records.first_seeds().values()}
    for axes, loss in zip(picture.axes, panels, strict=True):
        axes.set_title(LOSSES[loss.removesuffix("-m1")])
        if loss not in shown:
            plane.not_run(axes)
            continue
        run = shown[loss]
        arrays = records.features[run.run, run.seed].load()
        frame = plane.points(arrays, DIGITS)
        reduced = [DIGITS[digit] for digit in run.config["data"]["sampling"]["imbalance"]["classes"]]
        plane.scatter(axes, frame, reduced=reduced, centres=arrays["class_vectors"] if loss != "softmax" else None)
        drawn.append(frame.assign(reduced=frame["class"].isin(reduced), loss=loss, seed=run.seed))
    plane.name_axes(picture.axes, "activation of neuron")
    return Figure(
        picture,
        data=pd.concat(drawn),
        caption=(
            "Figure 2. Embeddings of the test digits in two dimensions after training with digits 0-4 kept to 10%. "
            "Digits marked * and drawn as triangles are the reduced ones; + marks the centres and prototypes. Each "
            "panel has a scale of its own."
        ),
    )


def figure3(records: Records) -> Figure:
    """Figure 3: how many images the classes of the naturally imbalanced data sets have."""
    runs = list(records.first_seeds().values())
    panels = [
        ([run for run in runs if run.data.name == "dermofit"], ("train", "held_out", "test"), LESIONS),
        ([run for run in runs if run.data.name != "dermofit"], ("train", "held_out"), None),
    ]
    picture = drawing(1, len(panels), width=PAGE_WIDTH, height=2.8)
    drawn = []
    for axes, (found, splits, names) in zip(picture.axes, panels, strict=True):
        if found:
            drawn.append(_sizes(found[0], splits, names))
            _draw_sizes(axes, drawn[-1], found[0], named=names is not None)
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
        ],
    )


def _sizes(run: Record, splits: Iterable[str], names: Sequence[str] | None) -> pd.DataFrame:
    """Return the images of each class over some splits, from the largest class to the smallest."""
    images = np.sum([run.data.counts[split] for split in splits if split in run.data.counts], axis=0)
    frame = pd.DataFrame({"data": run.data.name, "class": names or range(len(images)), "images": images})
    return frame.sort_values("images", ascending=False, kind="stable").reset_index(drop=True)


def _draw_sizes(axes: Axes, sizes: pd.DataFrame, run: Record, *, named: bool) -> None:
    """Draw one bar a class with its name and number, or the outline of all where the classes have no names."""
    images, ranks = sizes["images"], np.arange(len(sizes))
    rendered = ", rendered" if run.config["data"].get("source") == "rendered" else ""
    axes.set_title(f"{SETS.get(run.data.name, run.data.name)}{rendered}: {images.sum():,} images")
    if named:
        bars = axes.bar(ranks, images, color=COLOURS[0], width=0.75)
        axes.bar_label(bars, fontsize=6.5, padding=1.5)
        axes.set_xticks(ranks, sizes["class"], rotation=40, ha="right", rotation_mode="anchor", fontsize=7)
        axes.grid(visible=False, axis="x")
    else:
        axes.fill_between([*ranks, len(ranks)], [*images, images.iloc[-1]], step="post", color=COLOURS[0], linewidth=0)
        axes.set_xlim(0, len(ranks))
        axes.set_xlabel(f"{len(ranks):,} identities, from the largest to the smallest")
    axes.set_ylim(0, 1.12 * images.max())
    spread = f"{images.min():,} to {images.max():,}\nmean {images.mean():,.0f}, median {images.median():,.0f}"
    axes.text(0.98, 0.97, spread, transform=axes.transAxes, ha="right", va="top")


def figure4(records: Records) -> Figure:
    """Figure 4: confusion matrices of experiment 1 over all folds, CoSen CNN beside affinity loss."""
    classes = LESIONS[:5]
    panels = {"cosen": "(a) CoSen CNN", "affinity": "(b) Affinity loss"}
    picture = drawing(1, len(panels), width=PAGE_WIDTH, height=3.4)
    drawn = []
    for index, (axes, (loss, title)) in enumerate(zip(picture.axes, panels.items(), strict=True)):
        axes.set_title(title)
        runs = [record for record, _ in records.records if record.axes["loss"] == loss]
        if not runs:
            plane.not_run(axes)
            continue
        images = np.sum([_confusions(records, run, len(classes)) for run in runs], axis=0)
        axes.set_title(f"{title}, {images.sum():,} test images")
        drawn.append(_draw_confusions(axes, images, classes, named=index == 0).assign(loss=loss))
    return Figure(
        picture,
        data=pd.concat(drawn),
        caption="Figure 4. Confusion matrices of Exp#1 on skin lesions, in percent of the images of each true class",
        notes=["The test images of all folds and seeds together."],
    )


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
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor", fontsize=7)
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


def figure5(records: Records) -> Figure:
    """Figure 5: test error against the share of flipped training labels."""
    return _error_curves(
        records,
        axis="noise",
        losses=("softmax", "affinity", "affinity-m1"),
        label="flipped training labels (%)",
        place=lambda noise: 100 * noise,
        caption="Figure 5. Test error against label noise in training, with early stopping on held-out data",
    )


def figure6(records: Records) -> Figure:
    """Figure 6: test error against the retained share of the minority digits 0-4."""
    return _error_curves(
        records,
        axis="retained",
        losses=("softmax", "affinity"),
        label="retained fraction of digits 0-4",
        place=float,
        logarithmic=True,
        caption="Figure 6. Test error against the retained fraction of the minority classes (digits 0-4)",
    )


def figure7(records: Records) -> Figure:
    """Figure 7: test error against sigma, digits 0-4 kept to 10 %."""
    return _error_curves(
        records,
        axis="sigma",
        losses=(),
        label="cluster spread σ",
        place=float,
        logarithmic=True,
        caption="Figure 7. Test error of the affinity loss against σ, digits 0-4 kept to 10%",
    )


def figure8(records: Records) -> Figure:
    """Figure 8: test error against the number of prototypes a class, digits 0-4 kept to 10 %."""
    return _error_curves(
        records,
        axis="prototypes",
        losses=(),
        label="prototypes per class m",
        place=float,
        caption="Figure 8. Test error of the affinity loss against the prototypes per class, digits 0-4 kept to 10%",
    )


def _error_curves(
    records: Records,
    *,
    axis: str,
    losses: Iterable[str],
    label: str,
    place: Callable[[float], float],
    caption: str,
    logarithmic: bool = False,
) -> Figure:
    """Draw the test error along an axis of the runs' names, one curve a loss, with seed bands.

    On a logarithmic axis each measured level has its tick.
    """
    table = records.metric("mnist-test", "error")
    picture = drawing()
    axes = picture.axes[0]
    for index, loss in enumerate(losses or ("affinity",)):
        chosen = table[table["loss"] == loss] if "loss" in table else table
        if chosen.empty:
            continue
        levels = sorted(chosen[axis].unique(), key=float)
        values = [chosen[chosen[axis] == level].sort_values("seed")["value"].tolist() for level in levels]
        band(axes, [place(float(level)) for level in levels], values, LOSSES[loss], index)
    axes.set_xlabel(label)
    axes.set_ylabel("test error (%)")
    axes.set_ylim(bottom=0)
    if logarithmic:
        ticks = sorted({place(float(level)) for level in table[axis]})
        axes.set_xscale("log")
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    if losses:
        axes.legend()
    seeds = table.groupby("run")["seed"].nunique()
    count = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    columns = ["run", "seed", axis, *(["loss"] if losses else []), "metric", "value"]
    return Figure(
        picture,
        data=table[columns],
        caption=caption,
        notes=[f"Mean over {count} seeds; the band is the 95% t interval where there are several."],
    )


def table_search(records: Records) -> Table:
    """Ours: error on held-out training images by margin and learning rate, which the other targets' settings follow."""
    table = records.metric("held-out", "balanced_error")
    chosen = table.reindex(columns=list(dict.fromkeys([*table.columns, "margin"])))
    chosen = chosen.assign(loss=chosen["run"].str.split("/").str[1], margin=chosen["margin"].fillna("–"))
    rates = sorted(chosen["rate"].unique(), key=float)
    rows = []
    for (loss, margin), group in chosen.groupby(["loss", "margin"], sort=False):
        by_rate = {rate: group[group["rate"] == rate]["value"].tolist() for rate in rates}
        rows.append(
            {"Loss": LOSSES[str(loss)], "Margin λ": margin}
            | {f"rate {rate} (measured)": measured(values) for rate, values in by_rate.items()}
        )
    return Table(
        data=chosen[["run", "seed", "loss", "margin", "rate", "metric", "value"]],
        display=pd.DataFrame(rows).sort_values(["Loss", "Margin λ"]),
        caption="Error (%) on held-out training images, mean over the classes, by margin and learning rate",
        notes=["Digits 0-4 kept to 10%, at most 2,000 training images a class, one fifth of them held out."],
    )
