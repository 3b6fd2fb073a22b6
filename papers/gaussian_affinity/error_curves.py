"""Figures 5 to 8: test error of digits against one setting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from matplotlib.ticker import MaxNLocator, NullFormatter

from papers.gaussian_affinity.names import LOSSES
from shared.records.records import Records
from shared.reporting.figure import Figure, band, drawing, plain_number
from shared.reporting.health_marks import mark

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PRINTED_BEST = "best, as printed"


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
    """Figure 7: test error against sigma, digits 0-4 kept to 10 %; the error on a logarithmic axis.

    Where a small sigma fails to train, its error is many times those among which the paper finds the best.
    """
    return _error_curves(
        records,
        axis="sigma",
        losses=(),
        label="cluster spread σ",
        place=float,
        logarithmic=True,
        logarithmic_error=True,
        best=(5, 20),
        caption=(
            "Figure 7. Test error of the affinity loss against σ, digits 0-4 kept to 10%. Shaded is where the paper "
            "finds the least error"
        ),
    )


def figure8(records: Records) -> Figure:
    """Figure 8: test error against the number of prototypes a class, digits 0-4 kept to 10 %."""
    return _error_curves(
        records,
        axis="prototypes",
        losses=(),
        label="prototypes per class m",
        place=float,
        best=(5, 20),
        caption=(
            "Figure 8. Test error of the affinity loss against the prototypes per class, digits 0-4 kept to 10%. "
            "Shaded is where the paper finds the least error"
        ),
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
    logarithmic_error: bool = False,
    best: tuple[float, float] | None = None,
) -> Figure:
    """Draw the test error along an axis of the runs' names, one curve a loss, with seed bands.

    Each measured level has its tick. `best` is the range of levels that the paper finds best, shaded, with ticks at its
    ends.
    """
    table = records.metric("mnist-test", "error")
    picture = drawing()
    axes = picture.axes[0]
    axes.use_sticky_edges = False  # else the shaded range takes the margin above the curves away
    if best is not None:
        axes.axvspan(*best, color="#e8e8e8", linewidth=0, zorder=0, label=PRINTED_BEST)
    for index, loss in enumerate(losses or ("affinity",)):
        chosen = table[table["loss"] == loss] if "loss" in table else table
        if chosen.empty:
            continue
        levels = sorted(chosen[axis].unique(), key=float)
        at = [chosen[chosen[axis] == level].sort_values("seed") for level in levels]
        places, values = [place(float(level)) for level in levels], [rows["value"].tolist() for rows in at]
        band(axes, places, values, LOSSES[loss], index, marks=[mark(records, rows["run"]) for rows in at])
    axes.set_xlabel(f"{label}, log scale" if logarithmic else label)
    axes.set_ylabel("test error (%), log scale" if logarithmic_error else "test error (%)")
    if logarithmic_error:
        _logarithmic_error(axes)
    else:
        axes.set_ylim(0, 1.08 * axes.dataLim.ymax)
    ticks = sorted({place(float(level)) for level in table[axis]} | set(best or ()))
    if logarithmic:
        axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.xaxis.minorticks_off()
    if losses or best is not None:
        # Where errors are shown from 0 on, there is room below the curves; the shaded range misleads the search for it.
        below = best is not None and not logarithmic_error
        legend = axes.legend(frameon=best is not None, facecolor="white", edgecolor="none", framealpha=0.9)
        legend.set_loc("lower right" if below else "best")
    seeds = table.groupby("run")["seed"].nunique()
    count = f"{seeds.min()}" if seeds.min() == seeds.max() else f"{seeds.min()} to {seeds.max()}"
    interval = "band" if table[axis].nunique() > 1 else "bar"
    columns = ["run", "seed", axis, *(["loss"] if losses else []), "metric", "value"]
    return Figure(
        picture,
        data=table[columns],
        caption=caption,
        notes=[f"Mean over {count} seeds; the {interval} is the 95% t interval where there are several."],
    )


def _logarithmic_error(axes: Axes) -> None:
    """Make the vertical axis logarithmic, with plain numbers at its ticks, within a decade at the minor ones too.

    Within a third of one, where a logarithmic axis has no two ticks, they are as on a linear axis.
    """
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 3 * low:
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.minorticks_off()
    axes.yaxis.set_major_formatter(plain_number)
    axes.yaxis.set_minor_formatter(plain_number if high < 10 * low else NullFormatter())
