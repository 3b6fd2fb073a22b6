"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from shared.records import Records
from shared.reporting.figure import PAGE_WIDTH, Figure, drawing

LOSSES = {"softmax": "(a) softmax", "metric-l2": "(b) softmax + m-L2"}


def figure5(records: Records) -> Figure:
    """Figure 5: features of the test digits in two dimensions, without and with m-L2, each at a scale of its own."""
    import seaborn as sns  # noqa: PLC0415 - importing this module need not cost its import

    picture = drawing(1, len(LOSSES), width=PAGE_WIDTH, height=3.8)
    shown = {run.axes["loss"]: run for run, _ in sorted(records.records, key=lambda r: -r[0].seed)}
    points, notes = [], []
    for axes, (loss, label) in zip(picture.axes, LOSSES.items(), strict=True):
        if loss not in shown:
            axes.set_title(label, fontsize=8)
            axes.text(0.5, 0.5, "not run", ha="center")
            axes.set_axis_off()
            continue
        run = shown[loss]
        arrays = records.features[run.run, run.seed].load()
        frame = pd.DataFrame(arrays["embeddings"], columns=["x", "y"])
        frame["digit"] = arrays["labels"].astype(int)
        sns.scatterplot(
            frame,
            x="x",
            y="y",
            hue="digit",
            hue_order=range(10),
            palette=sns.color_palette("colorblind", 10),
            s=5,
            linewidth=0,
            alpha=0.5,
            legend=False,
            rasterized=True,
            ax=axes,
        )
        axes.plot(0, 0, "+", color="black", markersize=7, markeredgewidth=1)
        for digit, place in frame.groupby("digit")[["x", "y"]].median().iterrows():
            axes.annotate(
                f"{digit}",
                (place["x"], place["y"]),
                ha="center",
                va="center",
                fontsize=7,
                fontweight="bold",
                bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.8, "linewidth": 0},
            )
        accuracy = 100 * np.mean(arrays["predictions"] == arrays["labels"])
        norm = np.hypot(frame["x"], frame["y"]).mean()
        axes.set_title(f"{label}\nmean feature norm {norm:.3g}, test accuracy {accuracy:.2f}%", fontsize=8)
        axes.set_xlabel("feature 1")
        axes.set_ylabel("feature 2")
        axes.set_aspect("equal", adjustable="datalim")
        points.append(frame.assign(loss=loss, seed=run.seed))
        notes.append(f"{label}: seed {run.seed}")
    return Figure(
        picture,
        data=pd.concat(points),
        caption=(
            "Figure 5. Features of the test digits in two dimensions, trained without (a) and with (b) m-L2 "
            "regularisation. Each panel has a scale of its own; + is the origin, a number the median of its digit."
        ),
        notes=[f"Of several seeds the first is drawn ({', '.join(notes)})."],
    )
