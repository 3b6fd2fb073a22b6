"""Figure 6: accuracy along training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from papers.discface.following import CLASSIFICATION, Following, Improvement, accuracies, verified
from shared.records.records import Records
from shared.reporting import plane
from shared.reporting.data_names import data_note
from shared.reporting.figure import COLOURS, MARKERS, Figure, band, pairs
from shared.reporting.health_marks import mark
from shared.reporting.table import measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUNS = {"figure6/cosface": "CosFace", "figure6/cos-discface": "Cos-DiscFace"}
TASKS = ("classification", "verification")
DRAWN = (CLASSIFICATION, "*/accuracy")
VERIFIED_ON = {"cfp-fp": "CFP-FP", "unseen-pairs": "unseen alphabets"}
MARKED = 12
"""Of so many points of a long curve each has a marker."""
RIM = "#4a4a4a"
FIRST_SHADE = 0.25
"""Of the first epoch, in a scale of colours whose end is the last one's."""


def figure6(records: Records) -> Figure:
    """Figure 6: accuracy of classification and of verification along training, and one against the other."""
    picture = pairs(4, height=2.4)
    curves = _curves(records)
    right = []
    for place, (run, name) in enumerate(RUNS.items()):
        above, below = picture.axes[place], picture.axes[place + 2]
        curve = curves[curves["run"] == run]
        title = f"{name}{mark(records, [run])}"
        above.set_title(f"({'ab'[place]}) {title}", fontsize=7)
        below.set_title(
            f"({'cd'[place]}) {title}\nrank correlation {measured(_of_curves(records, run, Following()))}", fontsize=7
        )
        if curve.empty:
            plane.not_run(above)
            plane.not_run(below)
        else:
            right.append(_along_training(above, curve))
            _one_against_the_other(below, curve)
    drawn = [axes for axes in picture.axes[:4] if axes.lines]
    left, against = drawn[: len(right)], drawn[len(right) :]
    for panels, sides in ((left, "y"), (right, "y"), (against, "xy")):
        _alike(panels, sides)
    for axes in [*left, *right]:
        low, high = axes.get_ylim()
        axes.set_yticks([tick for tick in axes.get_yticks() if max(low, 0) <= tick <= min(high, 100)])
    if right:
        lines = [axes.lines[0] for axes in (left[0], right[0])]
        picture.legend(lines, [f"{task} (a, b)" for task in TASKS], loc="outside lower center", ncols=2, fontsize=7)
        _explain(against, sorted(curves["seed"].unique()))
    names = ", ".join(dict.fromkeys(curves["verified_on"])) or "none"
    rises = " and ".join(f"{measured(_of_curves(records, run, Improvement()))} ({name})" for run, name in RUNS.items())
    return Figure(
        picture,
        data=curves,
        caption=(
            "Figure 6. Accuracy of classification (held-out images of the classes trained on) and of verification "
            f"({names}) at the end of each epoch of training, under CosFace and Cos-DiscFace. (a), (b) Along training, "
            "each on an axis of its own, mean over the seeds; (c), (d) one against the other, a marker for each seed, "
            "the darker the later the epoch."
        ),
        notes=[
            "(a), (b): the band is the 95% t interval where there are several seeds, which may reach beyond what an "
            "accuracy can be. Rank correlation: Spearman's, between the two curves, mean over seeds ± standard "
            f"deviation (number of seeds). {data_note(records.first_seeds().values())}",
            f"From the first epoch to the last verification rises, a point by which classification does, by {rises} "
            "points.",
        ],
    )


def _along_training(axes: Axes, curve: pd.DataFrame) -> Axes:
    """Draw both accuracies over the epochs, that of verification on an axis to the right, and return that axis.

    Not over the updates: where each seed draws its own classes, they have other numbers of these an epoch.
    """
    other = axes.twinx()
    for index, (task, side) in enumerate(zip(TASKS, (axes, other), strict=True)):
        epochs = sorted(curve["epoch"].unique())
        band(side, epochs, [curve[curve["epoch"] == epoch][task].tolist() for epoch in epochs], task, index)
        side.set_ylabel(f"{task} accuracy (%)", color=COLOURS[index], fontsize=7)
        for line in side.lines:
            line.set_markevery(max(1, len(epochs) // MARKED))
    for beneath in list(other.collections):  # what is drawn in the axis to the right lies over all else
        beneath.remove()
        axes.add_collection(beneath, autolim=False)
    other.grid(visible=False)
    other.spines["right"].set_visible(True)
    axes.set_xlabel("training (epochs)")
    return other


def _one_against_the_other(axes: Axes, curve: pd.DataFrame) -> None:
    """Draw the epochs of each seed, joined in their order."""
    for index, (_, of_seed) in enumerate(curve.groupby("seed")):
        classification, verification = (of_seed.sort_values("step")[task].to_numpy() for task in TASKS)
        axes.plot(classification, verification, color="#c9c9c9", linewidth=0.6, zorder=1)
        axes.scatter(
            classification,
            verification,
            c=np.linspace(FIRST_SHADE, 1, len(of_seed)),
            cmap="Blues",
            vmin=0,
            vmax=1,
            s=8,
            marker=MARKERS[index % len(MARKERS)],
            linewidths=0.3,
            edgecolors=RIM,
        )
    axes.set_xlabel("classification accuracy (%)", fontsize=7)
    axes.set_ylabel("verification accuracy (%)", fontsize=7)


def _explain(panels: Sequence[Axes], seeds: Sequence[int]) -> None:
    """Say in the lower right of (c) whose the markers are, and in that of the other panel what the shades mean."""
    look: dict[str, Any] = {"linestyle": "none", "markersize": 3.5, "markeredgecolor": RIM, "markeredgewidth": 0.3}
    markers = {f"seed {seed}": (MARKERS[index % len(MARKERS)], 0.6) for index, seed in enumerate(seeds)}
    shades = {"first epoch": ("o", FIRST_SHADE), "last epoch": ("o", 1.0)}
    for axes, explained in zip(panels, (markers, shades), strict=False):
        handles = [
            Line2D([], [], marker=marker, color=mpl.colormaps["Blues"](shade), label=label, **look)
            for label, (marker, shade) in explained.items()
        ]
        axes.legend(handles=handles, loc="lower right", fontsize=7, handletextpad=0.1, labelspacing=0.2, borderpad=0)


def _alike(panels: Sequence[Axes], sides: str) -> None:
    """Give panels the limits that hold what any of them shows, along each of the sides x and y that is named."""
    for side in sides:
        limits = [getattr(axes, f"get_{side}lim")() for axes in panels]
        for axes in panels:
            getattr(axes, f"set_{side}lim")(min(low for low, _ in limits), max(high for _, high in limits))


def _curves(records: Records) -> pd.DataFrame:
    """Return the accuracies at the end of each epoch, with the columns that an empty one has."""
    parts = [pd.DataFrame(columns=["run", "seed", "epoch", "step", *TASKS, "verified_on"])]
    for record, _ in records.finite:
        if record.run not in RUNS:
            continue
        curve = records.curve(record.run, record.seed, DRAWN)
        rows = _rows(curve)
        pairs = np.array([accuracies(row) for row in rows])
        benchmark = verified(rows[0]).split("/")[0]
        name = VERIFIED_ON.get(benchmark, benchmark)
        part = curve[["epoch", "step"]].assign(run=record.run, seed=record.seed, verified_on=name)
        parts.append(part.assign(**dict(zip(TASKS, pairs.T, strict=True))))
    return pd.concat(parts[1:] or parts, ignore_index=True)[list(parts[0].columns)]


def _rows(curve: pd.DataFrame) -> list[dict[str, float]]:
    """Return the epochs of a learning curve."""
    return [{str(name): float(value) for name, value in row.items()} for row in curve.to_dict("records")]


def _of_curves(records: Records, run: str, measure: Following | Improvement) -> list[float]:
    """Return what a measure of the two accuracies gives for each seed where it is defined."""
    seeds = [record.seed for record, _ in records.finite if record.run == run]
    return [value for seed in seeds for value in measure(_rows(records.curve(run, seed, DRAWN))).values()]
