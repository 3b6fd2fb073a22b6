"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pandas as pd

from shared.records import Records
from shared.reporting import plane
from shared.reporting.figure import PAGE_WIDTH, Figure, band, drawing
from shared.reporting.table import Table, measured

LOSSES = {
    "softmax": "softmax",
    "center": "center loss",
    "affinity": "affinity",
    "affinity-m1": "affinity, m = 1",
}
DIGITS = "0123456789"
SPLITS = {
    "standard": "Stand. split",
    "odd-10": "10% of odd digits",
    "even-10": "10% of even digits",
    "odd-25": "25% of odd digits",
    "even-25": "25% of even digits",
}
COMBINATIONS = {
    "l1-gaussian": "l1, exp(-d/sigma)",
    "squared_l2-gaussian": "squared l2, exp(-d/sigma)",
    "l1-inverse": "l1, 1/(1+d)",
    "squared_l2-inverse": "squared l2, 1/(1+d)",
}


def table1(records: Records) -> Table:
    """Table 1: test accuracy under imbalance; CoSen CNN as quoted, affinity as printed and as measured, softmax."""
    table = records.metric("mnist-test", "accuracy")
    rows = []
    for split, label in SPLITS.items():
        chosen = table[table["split"] == split]
        rows.append(
            {
                "Imbalanced": label,
                "CoSen CNN (quoted)": records.printed("table1", label, "CoSen CNN [24]"),
                "Affinity (printed)": records.printed("table1", label, "Affinity Loss"),
                "Affinity (measured)": measured(chosen[chosen["loss"] == "affinity"]["value"].tolist()),
                "Softmax (measured)": measured(chosen[chosen["loss"] == "softmax"]["value"].tolist()),
            }
        )
    return Table(
        data=table[["run", "seed", "split", "loss", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Table 1. Test accuracy (%) on imbalanced MNIST",
        notes=["Measured: mean over seeds ± standard deviation (number of seeds)."],
    )


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
        notes=["Measured: mean over seeds ± standard deviation (number of seeds); – is printed for 'no convergence'."],
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
