"""The report of a loss of one's own, as plain data and figures: experiment by experiment, and over all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from shared.evaluation.angles import normalised
from shared.evaluation.spread import mean
from shared.records.kept import FEATURES, Features
from shared.records.records import Record
from shared.reporting import plane, sphere
from shared.reporting.figure import COLOURS, MARKERS, PAGE_WIDTH, Figure, band, drawing, plain_number
from shared.reporting.site import ProvenanceRow
from shared.reporting.table import Table
from shared.runs.fields import Split
from shared.verdicts.findings import interval_text, p_text
from shared.verdicts.outcomes import OWN, Outcome
from shared.verdicts.standing import Scores, Standing, family_differences
from shared.verdicts.trials import Measured, Versus
from shared.verdicts.words import in_print

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Lines = dict[str, dict[float, dict[int, float]]]
"""Of methods by their labels: at places of an axis, the measure of each seed."""
MOST_DRAWN, MOST_BANDS = len(COLOURS), 3
PAPERS = "the paper's"
"""The line of the paper's methods over the weight of its term."""
MOST_PANELS = 4
LINEAR = 0.1
"""Within so many points of zero the scale of differences is linear, beyond it logarithmic."""


@dataclass(frozen=True)
class Part:
    """A part of the report: comparisons, tables and pictures under one heading, and how they were made."""

    key: str
    title: str
    says: str = ""
    versus: Sequence[Versus] = ()
    tables: Sequence[Table] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    provenance: Sequence[ProvenanceRow] = ()


def comparisons(outcomes: Sequence[Outcome]) -> pd.DataFrame:
    """Return every comparison as a row, tidy, with numbers as numbers."""
    return pd.DataFrame([_row(versus) for outcome in outcomes for versus in outcome.versus])


def _row(versus: Versus) -> dict[str, Any]:
    found = versus.finding
    low, high = found.interval or (None, None)
    own, other = versus.sides
    return {
        "experiment": versus.experiment.key,
        "targets": " ".join(versus.experiment.targets),
        "metric": versus.experiment.metric,
        "method": versus.own.label,
        "other": versus.other.label,
        "mean": mean(list(own.values())) if own else None,
        "other_mean": mean(list(other.values())) if other else None,
        "effect": found.effect,
        "low": low,
        "high": high,
        "p": found.p,
        "p_adjusted": found.p_adjusted,
        "seeds": found.n,
        "detectable": found.detectable,
        "seeds_needed": found.seeds_needed,
        "health": _ills(versus.own),
        "other_health": _ills(versus.other),
        "verdict": versus.verdict,
        "reason": versus.reason,
    }


def _ills(method: Measured) -> str:
    return ", ".join(dict.fromkeys(ill for health in method.healths.values() for ill in health.ills))


def chart(outcomes: Sequence[Outcome]) -> Figure | None:
    """Draw the difference to softmax and to the paper's own loss in every experiment, with 95 % intervals.

    Where neither is there in any experiment there is nothing to draw.
    """
    rows = [outcome for outcome in outcomes if _beside(outcome)]
    if not rows:
        return None
    picture = drawing(width=PAGE_WIDTH, height=1.2 + 0.24 * len(rows))
    axes = picture.axes[0]
    drawn = []
    for index, (name, label) in enumerate((("softmax", "softmax"), ("own", "the paper's own loss"))):
        colour, marker = COLOURS[index], MARKERS[index]
        for place, outcome in enumerate(rows):
            for versus in _beside(outcome):
                asked = outcome.softmax if name == "softmax" else outcome.experiment.own
                if versus.other.label == asked and versus.finding.effect is not None:
                    effect, height = versus.finding.effect, place + 0.15 * (2 * index - 1)
                    low, high = versus.finding.interval or (effect, effect)
                    axes.plot([low, high], [height, height], color=colour, linewidth=1.2)
                    axes.plot(effect, height, marker=marker, color=colour, linestyle="none")
                    drawn.append(_row(versus) | {"beside": label})
        axes.plot([], [], marker=marker, color=colour, label=f"beside {label}")
    _around_zero(axes)
    axes.set_yticks(range(len(rows)), [outcome.experiment.key.replace("_", " ") for outcome in rows])
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel="difference in the measure's unit; better to the right")
    picture.legend(loc="outside lower center", ncols=2)
    return Figure(
        picture,
        data=pd.DataFrame(drawn),
        caption="Difference to softmax and to the paper's own loss in every experiment, with 95 % intervals over "
        f"paired seeds. The scale is linear within {LINEAR:g} of zero and logarithmic beyond.",
    )


def _around_zero(axes: Axes) -> None:
    """Scale the differences along x, of either sign and of many sizes."""
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_xscale("symlog", linthresh=LINEAR)
    _plain_ticks(axes)
    axes.margins(x=0.08)


def _plain_ticks(axes: Axes) -> None:
    """Write the numbers of a logarithmic x axis out, not as powers of ten."""
    axes.xaxis.set_major_formatter(plain_number)


def _beside(outcome: Outcome) -> list[Versus]:
    """Return the comparisons with softmax and with the paper's own loss that have a difference."""
    asked = (outcome.softmax, outcome.experiment.own)
    return [versus for versus in outcome.versus if versus.other.label in asked and versus.finding.effect is not None]


def curve(outcomes: Sequence[Outcome]) -> Figure:
    """Draw the measure of every method along the axis of a family: over its conditions, or over the rivals' weights.

    The first lines are one's own, the paper's, that of softmax and that of the paper's own loss; the others are means
    without a band, since more bands than a few hide one another. Means are over common seeds (`_paired`).
    """
    first = outcomes[0]
    axis, weights = first.experiment.over, first.experiment.levels
    picture = drawing(width=PAGE_WIDTH * 0.75, height=3.4)
    axes = picture.axes[0]
    drawn: list[dict[str, Any]] = []
    lines = _weight_lines(first, weights) if weights else _condition_lines(outcomes)
    named = (first.own.label, PAPERS, first.softmax, first.experiment.own, *lines)
    shown = [label for label in dict.fromkeys(named) if lines.get(label)][:MOST_DRAWN]
    compared = {first.own.label, PAPERS, *(rival.label for rival in first.experiment.rivals)}
    paired = _paired({label: lines[label] for label in shown}, compared, at_all_places=bool(weights))
    for index, (label, points) in enumerate(paired.items()):
        places = sorted(points)
        seeds = [list(points[place].values()) for place in places]
        band(axes, places, seeds if index < MOST_BANDS else [[mean(each)] for each in seeds], label, index)
        drawn += [
            {"method": label, axis: place, "seed": seed, "value": value}
            for place in places
            for seed, value in points[place].items()
        ]
    positions = sorted({row[axis] for row in drawn})
    above = [position for position in positions if position > 0]
    if above and above[-1] > 10 * above[0]:
        axes.set_xscale("log") if above == positions else axes.set_xscale("symlog", linthresh=above[0])
        _plain_ticks(axes)
    low, high = axes.get_ylim()
    axes.set(xlabel=_named(axis), ylabel=first.experiment.metric, ylim=(max(low, -1), min(high, 101)))
    picture.legend(loc="outside lower center", ncols=4, fontsize=7)
    banded = "with 95 % intervals as bands" + (f", of the first {MOST_BANDS}" if len(paired) > MOST_BANDS else "")
    drawn_of = f"; {len(paired)} of {len(lines)} methods are drawn" if len(paired) < len(lines) else ""
    return Figure(
        picture,
        data=pd.DataFrame(drawn, columns=["method", axis, "seed", "value"]),
        caption=f"{first.experiment.metric} over {_named(axis)}: means over the seeds that all drawn have in common, "
        f"{banded}{drawn_of}.",
    )


def _named(axis: str) -> str:
    return {"noise": "the share of wrong labels", "retained": "the share kept of the reduced classes"}.get(
        axis, f"the {axis} λ of the paper's term" if axis == "weight" else axis
    )


def _paired(lines: Lines, compared: Collection[str], *, at_all_places: bool) -> Lines:
    """Return the lines by the seeds that they have in common, place by place, or `at_all_places` of the axis.

    A line that has none of the seeds of those before it is left out there, and so is another trial, no one of those
    `compared`, that does not have them all: which trials lie in the same folder has no say in it.
    """
    places = sorted({place for points in lines.values() for place in points})
    found: Lines = {}
    for group in [places] if at_all_places else [[place] for place in places]:
        there = {label: {at: points[at] for at in group if at in points} for label, points in lines.items()}
        seeds = {label: set.intersection(*map(set, points.values())) for label, points in there.items() if points}
        common: set[int] = set()
        for label, own in seeds.items():
            common = common & own if common & own and label in compared else common or own
        for label, own in seeds.items():
            if common <= own:
                cut = {at: {seed: values[seed] for seed in sorted(common)} for at, values in there[label].items()}
                found.setdefault(label, {}).update(cut)
    return {label: found[label] for label in lines if label in found}


def _condition_lines(outcomes: Sequence[Outcome]) -> Lines:
    lines: Lines = {}
    for outcome in outcomes:
        if outcome.experiment.at is not None:
            for method in outcome.methods:
                points = lines.setdefault(method.label, {})
                points |= {outcome.experiment.at: dict(method.seeds)} if method.seeds else {}
    return {label: points for label, points in lines.items() if points}


def _weight_lines(outcome: Outcome, weights: Mapping[str, float]) -> Lines:
    """Return the rivals at their weights as one line, one's own at its own, and what has none at all of them."""
    rivals = {weights[method.label]: dict(method.seeds) for method in outcome.methods if method.label in weights}
    there = {place: seeds for place, seeds in rivals.items() if seeds}
    levels = sorted(weights.values())
    own = {place: dict(method.seeds) for place, method in outcome.weights.items() if method.seeds}
    flat = [method for method in outcome.methods if method.label not in weights and method.seeds]
    lines = {outcome.own.label: own} if own else {}
    lines = lines or {method.label: {level: dict(method.seeds) for level in levels} for method in flat[:1]}
    lines[PAPERS] = there
    for method in flat:
        lines.setdefault(method.label, {level: dict(method.seeds) for level in levels})
    return lines


def embeddings(outcome: Outcome) -> Figure | None:
    """Draw the embeddings of one's own method and of up to three others, where they have two or three dimensions."""
    config = outcome.experiment.places[0].config
    dimensions, splits = config.backbone.embedding, config.keep_features
    if dimensions not in (2, 3) or not splits:
        return None
    split = "test" if "test" in splits else splits[0]
    entries = {method.label: _first(method, split) for method in outcome.methods}
    shown = {label: entry for label, entry in entries.items() if entry is not None}
    shown = dict(list(shown.items())[:MOST_PANELS])
    if outcome.own.label not in shown:
        return None
    picture = drawing(1, len(shown), width=PAGE_WIDTH, height=0.5 + PAGE_WIDTH / max(len(shown), 2))
    drawn = []
    for axes, label, (record, folder) in plane.panels(picture, {name: name for name in shown}, shown):
        arrays = Features(folder, dimensions).load(split)
        labels = arrays["labels"].astype(int)
        names = [str(number) for number in range(labels.max() + 1)]
        vectors = arrays["class_vectors"]
        if dimensions == 2:
            frame = plane.points(arrays, names)
            plane.scatter(axes, frame)
        else:
            directions = normalised(np.asarray(arrays["embeddings"], np.float64))
            sphere.scatter(axes, directions, labels, normalised(np.asarray(vectors[:, 0], np.float64)))
            frame = pd.DataFrame(directions.round(5), columns=["x", "y", "z"]).assign(label=labels)
        drawn.append(frame.assign(method=label, seed=record.seed))
    if dimensions == 2:
        plane.name_axes(picture.axes)
    where = (
        "in the plane"
        if dimensions == 2
        else "by their directions on the unit sphere, coloured by class; + marks class vectors, with letters"
    )
    return Figure(
        picture,
        data=pd.concat(drawn),
        caption=f"Embeddings of the {split} images in {outcome.experiment.key.replace('_', ' ')}, {where}; the first "
        "seed of each method.",
    )


def _first(method: Measured, split: Split) -> tuple[Record, Path] | None:
    """Return the first seed of a method of which the features of a split are kept."""
    kept = [entry for entry in method.records if (entry[1] / FEATURES.format(split=split)).exists()]
    return min(kept, key=lambda entry: entry[0].seed, default=None)


def standing_table(found: Sequence[Standing], reference: str = "softmax") -> Table:
    """Return where methods stand over all families of experiments, from `standings`."""
    columns: dict[str, Callable[[Standing], str]] = {
        "Method": lambda standing: standing.method,
        "Mean rank": lambda standing: _with_interval(standing.rank, standing.rank_interval, ".2f"),
        "families ranked": lambda standing: str(standing.ranked),
        f"Difference to {reference}": lambda standing: _with_interval(standing.difference, standing.interval, "+.2f"),
        "families compared": lambda standing: str(standing.compared),
        "p (Holm)": lambda standing: p_text(standing.p_adjusted),
        "seeds not trained": lambda standing: str(standing.aside),
    }
    rows = [{name: shown(standing) for name, shown in columns.items()} for standing in found]
    return Table(
        data=pd.DataFrame([_tidy(standing) for standing in found]),
        display=pd.DataFrame(rows, columns=list(columns)),
        caption=f"Rank, and difference to {reference}, over all families of experiments",
        notes=[
            "Mean with its 95 % interval over families, uncorrected. A family is all that one benchmark measures on "
            "one data set, which shares images and seeds, and counts as its mean. Rank 1 is the best, within each "
            "seed; ranked are methods that were tried in all of the same families. Differences are in the measures' "
            "own unit, percent, better where positive.",
            f"p: exact sign-flip test over families of how often a method is ahead of {reference} in a seed, or "
            "behind, corrected by Holm for the k methods that are tested; with f families none can be below 2^(1-f), "
            "nor the least of them below k times that.",
            f"{OWN.capitalize()}: in each experiment the loss that its paper proposes, another from paper to paper.",
            "Seeds not trained stayed at chance, collapsed, were finite no longer or were cut while their loss still "
            "fell; they are last in the ranks, and have no part in the differences.",
        ],
    )


def _tidy(standing: Standing) -> dict[str, Any]:
    """Return a row with a column for each end of an interval."""
    row = dict(vars(standing))
    for name in ("rank_interval", "interval"):
        row[f"{name}_low"], row[f"{name}_high"] = row.pop(name) or (None, None)
    return row


def _with_interval(value: float | None, interval: tuple[float, float] | None, form: str) -> str:
    if value is None:
        return "–"
    return in_print(value, form) + ("" if interval is None else f" {interval_text(interval, form)}")


def standing_figure(scores_: Scores, found: Sequence[Standing], reference: str = "softmax") -> Figure:
    """Draw the difference of every method to the reference: each family a dot, and over them the mean and interval."""
    rows = [standing for standing in found if standing.compared]
    picture = drawing(width=PAGE_WIDTH * 0.8, height=0.9 + 0.32 * max(len(rows), 1))
    axes = picture.axes[0]
    drawn = []
    for place, standing in enumerate(rows):
        differences = family_differences(scores_, standing.method, reference)
        centre = standing.difference or 0.0
        low, high = standing.interval or (centre, centre)
        axes.plot([low, high], [place + 0.15] * 2, color=COLOURS[0])
        axes.plot(centre, place + 0.15, marker="D", color=COLOURS[0])
        axes.plot(list(differences.values()), [place - 0.15] * len(differences), "o", color="#8a8a8a", markersize=3)
        drawn += [
            {"method": standing.method, "family": family, "difference": difference}
            for family, difference in differences.items()
        ]
    _around_zero(axes)
    axes.set_yticks(range(len(rows)), [standing.method for standing in rows])
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel=f"difference to {reference} (percentage points); better to the right")
    return Figure(
        picture,
        data=pd.DataFrame(drawn, columns=["method", "family", "difference"]),
        caption=f"Difference to {reference}: grey, each family of experiments; the diamond, their mean with its 95 % "
        "interval over families.",
    )
