"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from papers.feature_transfer.class_figures import figure1, figure3, figure4
from papers.feature_transfer.picture_figures import figure6, figure7, figure8
from papers.feature_transfer.tables import table1, table2, table3, table4, table_gain
from shared.records.records import Records
from shared.reporting import plane
from shared.reporting.figure import Figure, pairs
from shared.reporting.health_marks import mark

__all__ = [
    "figure1",
    "figure3",
    "figure4",
    "figure5",
    "figure6",
    "figure7",
    "figure8",
    "table1",
    "table2",
    "table3",
    "table4",
    "table_gain",
]

LOSSES = {
    "softmax": "(a) softmax",
    "metric-l2": "(b) softmax + m-L2, the mean",
    "metric-l2-sum": "(c) softmax + m-L2, the sum",
}
DIGITS = "0123456789"


def figure5(records: Records) -> Figure:
    """Figure 5: features of the test digits in two dimensions, without and with m-L2, each at a scale of its own."""
    picture = pairs(len(LOSSES), height=2.5)
    shown = {run.axes["loss"]: run for run in records.first_seeds().values()}
    drawn, notes = [], []
    for axes, loss, run in plane.panels(picture, LOSSES, shown, size=7):
        label, weight = LOSSES[loss], run.config["loss"].get("weight")
        arrays = records.features[run.run, run.seed].load()
        frame = plane.points(arrays, DIGITS)
        plane.scatter(axes, frame)
        accuracy = 100 * np.mean(arrays["predictions"] == arrays["labels"])
        norm = np.hypot(frame["x"], frame["y"]).mean()
        told = [f"mean norm {norm:.3g}", f"test accuracy {accuracy:.2f}%"]
        if weight is not None:
            told[0] = f"α = {weight:g}, {told[0]}"
        axes.set_title("\n".join([f"{label}{mark(records, [run.run])}", *told]), fontsize=7)
        drawn.append(frame.assign(loss=loss, seed=run.seed))
        notes.append(f"{label[:3]}: seed {run.seed}")
    plane.name_axes(picture.axes, "feature")
    return Figure(
        picture,
        data=pd.concat(drawn) if drawn else pd.DataFrame(columns=["loss"]),
        caption=(
            "Figure 5. Features of the test digits in two dimensions, trained without (a) and with (b, c) m-L2 "
            "regularisation, the squared logits averaged over the ten classes or, as printed and ten times as strong, "
            "summed. Each panel has a scale of its own; a digit stands beside the median of its features."
        ),
        notes=[f"Of several seeds the first is drawn ({', '.join(notes)})."],
    )
