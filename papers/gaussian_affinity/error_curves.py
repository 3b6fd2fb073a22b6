"""Figures 5 to 8: test error of digits against one setting."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from papers.gaussian_affinity.names import LOSSES
from shared.records.records import Records
from shared.reporting.figure import Figure, band, drawing


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
