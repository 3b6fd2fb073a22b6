"""Tables 1, 2 and 4, and three of ours: digits and skin lesions."""

from __future__ import annotations

from math import isfinite

import pandas as pd

from papers.gaussian_affinity.names import LOSSES, STAND_INS
from shared.evaluation.spread import mean
from shared.records.records import Records
from shared.reporting.comparison import SEEDS, printed_cell
from shared.reporting.health_marks import mark
from shared.reporting.table import Table, measured

SPLITS = {
    "standard": "Stand. split",
    "odd-10": "10% of odd digits",
    "even-10": "10% of even digits",
    "odd-25": "25% of odd digits",
    "even-25": "25% of even digits",
}
ON_THE_WHOLE_SET = ("Deeply Supervised Nets [30]", "Generalized Pooling Func. [29]", "Maxout NIN [6]")
"""The methods of the first block of table 1."""
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
OVER_FOLDS = (
    "Measured: mean ± standard deviation (ddof 1) over the folds (number of folds); a fold counts with the mean of its "
    "seeds."
)
OVER_SEEDS = (
    "Letters, measured: mean ± standard deviation (ddof 1) over the seeds (number of seeds); a seed counts with the "
    "mean of its folds."
)
COMBINATIONS = {
    "l1-gaussian": "l1, exp(-d/sigma)",
    "squared_l2-gaussian": "squared l2, exp(-d/sigma)",
    "l1-inverse": "l1, 1/(1+d)",
    "squared_l2-inverse": "squared l2, 1/(1+d)",
}
RECIPES = {
    "plain": "plain",
    "longer": "longer",
    "longer-shifted": "longer, moved by up to 2 pixels",
    "longer-dropout": "longer, dropout 0.5 before the embedding",
}
RECIPE_LOSSES = ("softmax", "affinity")


def table1(records: Records) -> Table:
    """Table 1: test accuracy under imbalance; CoSen CNN as quoted and measured, affinity as printed and measured.

    Its first block are methods quoted for the whole training set.
    """
    table = records.metric("mnist-test", "accuracy")
    rows = [
        {"Imbalanced": f"Stand. split: {method}", "Others (quoted)": records.printed("table1", method, "Performances")}
        for method in ON_THE_WHOLE_SET
    ]
    for split, label in SPLITS.items():
        chosen = table[table["split"] == split]
        rows.append(
            {
                "Imbalanced": label,
                "CoSen CNN (quoted)": records.printed("table1", label, "CoSen CNN [24]"),
                "CoSen CNN (measured)": _cell(records, chosen[chosen["loss"] == "cosen"]),
                "Affinity (printed)": records.printed("table1", label, "Affinity Loss"),
                "Affinity (measured)": _cell(records, chosen[chosen["loss"] == "affinity"]),
                "Softmax (measured)": _cell(records, chosen[chosen["loss"] == "softmax"]),
            }
        )
    return Table(
        data=table[["run", "seed", "split", "loss", "metric", "value"]],
        display=pd.DataFrame(rows).fillna(""),
        caption="Table 1. Test accuracy (%) on imbalanced MNIST",
        notes=[SEEDS],
    )


def table2(records: Records) -> Table:
    """Table 2: test accuracy on skin lesions over the folds; what is quoted, printed and measured side by side.

    What was measured on letters in their place has columns of its own. There each seed has other images, so that it is
    the seeds that repeat the measurement, and not the folds.
    """
    lesions, letters = (records.metric(benchmark, "accuracy") for benchmark in ("dermofit-test", "emnist-test"))
    columns = {"measured": (lesions, "fold")} | ({} if letters.empty else {"letters, measured": (letters, "seed")})
    rows = []
    for method, loss in LESION_METHODS.items():
        row = {"Methods": method}
        for experiment, label in EXPERIMENTS.items():
            source = "printed" if method == "Affinity Loss" else "quoted"
            printed = "" if method == "Softmax" else printed_cell(records, "table2", method, label)
            short = label.partition(" ")[0]
            row[f"{short} (quoted)"] = printed if source == "quoted" else ""
            row[f"{short} (printed)"] = printed if source == "printed" else ""
            for column, (table, repeated) in columns.items():
                chosen = table[(table["experiment"] == experiment) & (table["loss"] == loss)]
                means = chosen.groupby(repeated)["value"].apply(lambda values: mean(values.tolist()))
                row[f"{short} ({column})"] = (
                    "" if loss is None else measured(means.tolist(), decimals=1, mark=mark(records, chosen["run"]))
                )
        rows.append(row)
    return Table(
        data=pd.concat([lesions, letters])[["run", "seed", "experiment", "loss", "fold", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Table 2. Test accuracy (%) on skin lesions, five classes (Exp#1) and ten (Exp#2), cross-validated",
        notes=[
            *([] if lesions.empty and not letters.empty else [OVER_FOLDS]),
            "The paper does not say what its ± is.",
            *([] if letters.empty else [f"{STAND_INS['emnist-lesion-sizes']} {OVER_SEEDS}"]),
        ],
    )


def table4(records: Records) -> Table:
    """Table 4: test accuracy of the four combinations of distance and similarity, digits 0-4 kept to 10 %."""
    table = records.metric("mnist-test", "accuracy")
    rows = []
    for combination, label in COMBINATIONS.items():
        chosen = table[table["combination"] == combination]
        finite = [value for value in chosen["value"] if isfinite(value)]
        rows.append(
            {
                "Distance, similarity": label.replace("sigma", "σ"),
                "Printed": records.printed("table4", label, "Performance"),
                "Measured": _cell(records, chosen),
                "Lowest seed": f"{min(finite):.2f}" if finite else measured(chosen["value"].tolist()),
            }
        )
    return Table(
        data=table[["run", "seed", "combination", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Table 4. Test accuracy (%) by distance and similarity, digits 0-4 kept to 10%",
        notes=[SEEDS, "– is printed for 'no convergence'."],
    )


def table_search(records: Records) -> Table:
    """Ours: error on held-out training images by margin and learning rate, which the other targets' settings follow."""
    table = records.metric("held-out", "balanced_error")
    chosen = table.reindex(columns=list(dict.fromkeys([*table.columns, "margin"])))
    chosen = chosen.assign(loss=chosen["run"].str.split("/").str[1], margin=chosen["margin"].fillna("–"))
    rates = sorted(chosen["rate"].unique(), key=float)
    rows = []
    for (loss, margin), group in chosen.groupby(["loss", "margin"], sort=False):
        by_rate = {rate: group[group["rate"] == rate] for rate in rates}
        rows.append(
            {"Loss": LOSSES[str(loss)], "Margin λ": margin}
            | {f"rate {rate} (measured)": _cell(records, found) for rate, found in by_rate.items()}
        )
    return Table(
        data=chosen[["run", "seed", "loss", "margin", "rate", "metric", "value"]],
        display=pd.DataFrame(rows).sort_values(["Loss", "Margin λ"]),
        caption="Error (%) on held-out training images, mean over the classes, by margin and learning rate",
        notes=[_held_out(records)],
    )


def table_recipes(records: Records) -> Table:
    """Ours: error on held-out training images by training recipe and loss, by which a recipe for all is chosen."""
    table = records.metric("held-out", "balanced_error")
    rows = []
    epochs = {run.axes["recipe"]: run.config["training"]["epochs"] for run in records.first_seeds().values()}
    for recipe, label in RECIPES.items():
        chosen = table[table["recipe"] == recipe]
        cells = {loss: _cell(records, chosen[chosen["loss"] == loss]) for loss in RECIPE_LOSSES}
        shown = {f"{LOSSES[loss]} (measured)": cell for loss, cell in cells.items()}
        rows.append({"Recipe": label, "Epochs": epochs.get(recipe, "")} | shown)
    return Table(
        data=table[["run", "seed", "recipe", "loss", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Error (%) on held-out training images, mean over the classes, by training recipe",
        notes=[_held_out(records), SEEDS],
    )


def table_diversity(records: Records) -> Table:
    """Ours: affinity loss with the diversity regulariser R and without, digits 0-4 kept to 10 %."""
    measures = {
        "Error (%)": ("mnist-test", "error", 2),
        "Error of digits 0-4 (%)": ("mnist-test", "minority_error", 2),
        "Distances of prototypes, sd / mean": ("mnist-geometry", "prototype_spacing_cv", 5),
    }
    tables = {name: records.metric(benchmark, metric) for name, (benchmark, metric, _) in measures.items()}
    rows = []
    for weight in ("1", "0"):
        row = {"Weight of R": weight}
        for name, (_, _, decimals) in measures.items():
            chosen = tables[name][tables[name]["weight"] == weight]
            row[f"{name} (measured)"] = measured(chosen["value"].tolist(), decimals, mark=mark(records, chosen["run"]))
        rows.append(row)
    return Table(
        data=pd.concat(tables.values())[["run", "seed", "weight", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Affinity loss with the diversity regulariser R and without, digits 0-4 kept to 10%",
        notes=[SEEDS],
    )


def _held_out(records: Records) -> str:
    """Return what the runs of a search are judged on."""
    images = {sum(run.data.counts["held_out"]) for run in records.first_seeds().values()}
    counted = " or ".join(f"{number:,}" for number in sorted(images))
    return f"Digits 0-4 kept to 10%; judged on {counted} training images that are held out."


def _cell(records: Records, rows: pd.DataFrame) -> str:
    """Return what some rows of the table of records measure, with the mark of their runs."""
    return measured(rows["value"].tolist(), mark=mark(records, rows["run"]))
