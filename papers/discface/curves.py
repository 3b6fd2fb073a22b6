"""Figure 6: accuracy along training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from shared.records.records import Records
from shared.reporting import plane
from shared.reporting.figure import PAGE_WIDTH, Figure, band, drawing
from shared.reporting.table import measured

MARKED = 12
"""Of so many points of a long curve each has a marker."""


def figure6(records: Records) -> Figure:
    """Figure 6: accuracy of classification and of verification along training."""
    names = {"figure6/cosface": "CosFace", "figure6/cos-discface": "Cos-DiscFace"}
    picture = drawing(1, 2, width=PAGE_WIDTH, height=2.6)
    curves = _curves(records, list(names))
    for axes, run, curve in plane.panels(picture, names, {str(run): curve for run, curve in curves.groupby("run")}):
        for index, (task, group) in enumerate(curve.groupby("task", sort=False)):
            steps = sorted(group["step"].unique())
            band(axes, steps, [group[group["step"] == step]["accuracy"].tolist() for step in steps], str(task), index)
        for line in axes.lines:
            line.set_markevery(max(1, curve["step"].nunique() // MARKED))
        axes.set_title(f"{names[run]}\nrank correlation {measured(_rank_correlations(curve))}", fontsize=8)
        axes.set_xlabel("training (updates)")
        axes.set_ylabel("accuracy (%)")
    low = float(curves["accuracy"].min()) if len(curves) else 0.0
    for axes in picture.axes:
        axes.set_ylim(max(low - 5, 0), 100.5)
    for drawn in [axes for axes in picture.axes if axes.lines][:1]:
        picture.legend(*drawn.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    verified = ", ".join(dict.fromkeys(curves["verified_on"])) or "none"
    return Figure(
        picture,
        data=curves,
        caption=(
            "Figure 6. Accuracy of classification (held-out images of the people trained on) and of verification "
            f"({verified}) at the end of each epoch of training, under CosFace and Cos-DiscFace."
        ),
        notes=[
            "Mean over the seeds; the band is the 95% t interval where there are several. Rank correlation: "
            "Spearman's, between the two curves, mean over seeds ± standard deviation (number of seeds).",
        ],
    )


def _curves(records: Records, runs: Sequence[str]) -> pd.DataFrame:
    """Return the accuracies at the end of each epoch: run, seed, epoch, step, task, what was verified on, accuracy."""
    parts = [pd.DataFrame(columns=["run", "seed", "epoch", "step", "task", "verified_on", "accuracy"])]
    for record, _ in records.records:
        if record.run not in runs:
            continue
        curve = records.curve(record.run, record.seed)
        verified = next(column for column in ("cfp-fp/accuracy", "olivetti/accuracy") if column in curve)
        name = {"cfp-fp": "CFP-FP", "olivetti": "Olivetti"}[verified.split("/")[0]]
        for task, values in (("classification", 100 - curve["held_out_error"]), ("verification", curve[verified])):
            part = curve[["epoch", "step"]].assign(run=record.run, seed=record.seed, task=task)
            parts.append(part.assign(verified_on=name, accuracy=values))
    return pd.concat(parts[1:] or parts, ignore_index=True)[list(parts[0].columns)]


def _rank_correlations(curve: pd.DataFrame) -> list[float]:
    """Return Spearman's correlation of the two tasks over the epochs, for each seed where it is defined."""
    found = []
    for _, of_seed in curve.groupby("seed"):
        classification, verification = (
            of_seed[of_seed["task"] == task].sort_values("step")["accuracy"].to_numpy()
            for task in ("classification", "verification")
        )
        if np.ptp(classification) > 0 and np.ptp(verification) > 0:
            found.append(float(spearmanr(classification, verification).statistic))
    return found
