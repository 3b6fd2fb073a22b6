"""The charts of the report: verdicts by paper, distances from print, the effects of a claim, the losses of a run."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import MaxNLocator, NullLocator

from shared.reporting.figure import COLOURS, MARKERS
from shared.reporting.site import LINE, ClaimRow, Effect, PaperPage, ProvenanceRow, Site, ValueRow
from shared.reporting.svg import GROUND, INK, MUTED, RULE, STYLE, TONES, inline, svg
from shared.reporting.words import SCORED, WORDS
from shared.verdicts.words import counted, in_print

WIDTH, CLAIM_WIDTH = 4.0, 3.2
"""In inches, of the charts of the overview and of a claim, small enough that their text is legible on a phone."""
ROW, FOOT = 0.5, 0.1
"""In inches, the height of a paper's row in the charts of the overview, and of the numbers below a bar."""
GAP = 0.02
"""Of a bar's length, the least between two numbers below it."""
FEWEST = 4
"""Of fewer numbers a chart says less than a sentence."""
FARTHEST = 100.0
"""In tolerances; what lies farther off is drawn there."""
TICKS = (-100, -10, -1, 0, 1, 10, 100)
SHAPES = {"matched": "o", "better": "^", "worse": "v", "inconclusive": "D", "not trained": "X"}
CURVE_SIZE = (2.6, 1.6)
MOST_TICKS = 4
LABEL: dict[str, Any] = {"fontsize": 7.5, "color": MUTED, "bbox": {"facecolor": GROUND, "linewidth": 0, "pad": 0.8}}


def claims_links(site: Site) -> dict[str, str]:
    """Return where the claims of each paper with each verdict are, in the order of the chart, and how many they are."""
    return {
        _claims_address(paper, word): f"{paper.short}: {times} {word}"
        for paper in site.papers
        for word, times in _tally(paper).items()
    }


def claims_chart(site: Site) -> Markup:
    """Return the chart of how many claims of each paper have each verdict; a part of a bar leads to the claims.

    The numbers stand below their parts, on the ground of the page, legible however small a part is.
    """
    row_height = ROW + FOOT
    with mpl.rc_context(STYLE):
        drawing = Drawing(figsize=(WIDTH, 0.35 + row_height * len(site.papers)))
        axes = _row_axes(drawing, site, over=0.2)
        for row, paper in enumerate(site.papers):
            counts, total, left = _tally(paper), max(1, len(paper.claims)), 0.0
            middles = []
            for word, times in counts.items():
                share = times / total
                [bar] = axes.barh(row, share, left=left, height=0.34, color=TONES[WORDS[word].tone], edgecolor=GROUND)
                bar.set_hatch("///" if word == "not runnable" else "")
                bar.set_url(_claims_address(paper, word))
                middles.append(left + share / 2)
                left += share
            said = [f"{WORDS[word].symbol} {times}" for word, times in counts.items()]
            for place, text in zip(_apart(middles, [0.022 * len(each) for each in said]), said, strict=True):
                axes.text(place, row + 0.2, text, ha="center", va="top", fontsize=8.5)
        axes.set(xlim=(0, 1), xticks=[])
        axes.spines[:].set_visible(False)
    told = "; ".join(
        f"{paper.title}: {', '.join(f'{times} {word}' for word, times in _tally(paper).items()) or 'no claims'}"
        for paper in site.papers
    )
    return inline(drawing, "claims", f"Claims by paper and verdict. {told}", claims_links(site))


def _tally(paper: PaperPage) -> dict[str, int]:
    counts = Counter[str](claim.verdict for claim in paper.claims)
    return {word: counts[word] for word in WORDS if counts[word]}


def _claims_address(paper: PaperPage, word: str) -> str:
    return f"{paper.key}.html#claims-{word.replace(' ', '-')}"


def _apart(middles: Sequence[float], widths: Sequence[float]) -> list[float]:
    """Move texts of some widths, between 0 and 1, as little to the left, then to the right, that they lie apart."""
    places = list(middles)
    end = 1.0
    for place in reversed(range(len(places))):
        places[place] = min(places[place], end - widths[place] / 2)
        end = places[place] - widths[place] / 2 - GAP
    end = 0.0
    for place, width in enumerate(widths):
        places[place] = max(places[place], end + width / 2)
        end = places[place] + width / 2 + GAP
    return places


def offsets_links(site: Site) -> dict[str, str]:
    """Return where the scored numbers that have a difference are, and what they say."""
    return {
        f"{paper.key}.html#{value.id}": f"{target}, {value.name}: printed {value.printed}, measured {value.measured}"
        for paper in site.papers
        for target, value in scored(paper)
    }


def offsets_chart(site: Site) -> Markup:
    """Return the chart of measured minus printed in units of the tolerance: a dot for each scored number, linked."""
    with mpl.rc_context(STYLE):
        drawing = Drawing(figsize=(WIDTH, 0.75 + ROW * len(site.papers)))
        axes = _row_axes(drawing, site, foot=0.4)
        axes.axvspan(-1, 1, color=TONES["good"], alpha=0.18, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=0.7)
        for row, paper in enumerate(site.papers):
            for place, (_, value) in enumerate(scored(paper)):
                off = max(-FARTHEST, min(FARTHEST, value.off or 0.0))
                colour = TONES[WORDS[value.verdict].tone]
                [dot] = axes.plot(
                    off,
                    row + 0.1 + 0.06 * ((place * 3) % 7 - 3),
                    SHAPES[value.verdict],
                    color=colour,
                    markerfacecolor=colour if value.certain else "none",
                    markersize=5,
                )
                dot.set_url(f"{paper.key}.html#{value.id}")
        axes.set_xscale("symlog", linthresh=1, linscale=0.9)
        axes.set(xlim=(-2 * FARTHEST, 2 * FARTHEST), xlabel="measured minus printed, in tolerances")
        axes.set_xticks(TICKS, [in_print(tick, "") for tick in TICKS])
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(axis="x", linewidth=0.5)
        axes.spines[["left", "top", "right"]].set_visible(False)
    links = offsets_links(site)
    return inline(drawing, "offsets", f"Measured minus printed, in tolerances: {counted(len(links), 'number')}", links)


def scored(paper: PaperPage) -> list[tuple[str, ValueRow]]:
    """Return the scored numbers that have a difference, each with the title of its target."""
    return [
        (target.title, value)
        for target in paper.targets
        for value in target.values
        if value.verdict in SCORED and value.off is not None
    ]


def _row_axes(drawing: Drawing, site: Site, *, foot: float = 0.0, over: float = 0.28) -> Axes:
    """Return axes with a row for each paper, whose short name stands so far over its middle."""
    height = drawing.get_figheight()
    axes = drawing.add_axes((0.02, (foot + 0.05) / height, 0.96, 1 - (foot + 0.05) / height))
    axes.set(ylim=(len(site.papers) - 0.65, -0.7), yticks=[])
    axes.grid(visible=False)
    for row, paper in enumerate(site.papers):
        axes.text(0, row - over, paper.short, transform=axes.get_yaxis_transform(), fontsize=8.5, va="bottom")
    return axes


def effects_chart(claim: ClaimRow, name: str) -> Markup:
    """Return the picture of a claim's comparisons, in the order of its rows.

    Each has its mean and 95 % interval, the seeds as dots, the printed effect as a diamond, the least effect that the
    seeds would show as a triangle, and where equal quantities would lie as a bar.
    """
    shown = claim.measured
    labels = [textwrap.fill(label, LINE) for label, _ in claim.labelled]
    heights = [0.26 + 0.15 * (1 + label.count("\n")) for label in labels]
    unit = f" in {claim.unit}" if claim.unit else ""
    axis = textwrap.fill(f"effect{unit}, as claimed to the right of 0", 44)
    foot = 0.42 + 0.14 * axis.count("\n")
    total = sum(heights) + foot + 0.03
    with mpl.rc_context({**STYLE, "font.size": 8}):
        drawing = Drawing(figsize=(CLAIM_WIDTH, total))
        axes = drawing.add_axes((0.03, foot / total, 0.94, 1 - (foot + 0.02) / total))
        axes.set(ylim=(sum(heights), 0), yticks=[], xlabel=axis)
        axes.axvline(0, color=INK, linewidth=0.9)
        top = 0.0
        for effect, label, height in zip(shown, labels, heights, strict=True):
            axes.text(0, top + 0.03, label, transform=axes.get_yaxis_transform(), va="top", **LABEL)
            _draw_effect(axes, effect, top + height - 0.13)
            top += height
        axes.set_xlim(*_limits(shown))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(axis="x", linewidth=0.5)
        axes.spines[["left", "top", "right"]].set_visible(False)
    told = "; ".join(f"{effect.what}: {_told(effect)}" for effect in shown)
    return inline(drawing, name, f"Effects behind the claim{unit}. {told}")


def _draw_effect(axes: Axes, effect: Effect, y: float) -> None:
    mean = effect.mean or 0.0
    colour = TONES["good"] if mean > 0 else TONES["worse"]
    if effect.interval is not None:
        axes.plot(effect.interval, [y, y], color=colour, linewidth=4, alpha=0.4, solid_capstyle="butt")
    axes.plot(effect.seeds, [y] * len(effect.seeds), "o", color=INK, markersize=2.6, linestyle="none", alpha=0.65)
    axes.plot([mean], [y], "|", color=colour, markersize=13, markeredgewidth=2.4)
    if effect.detectable is not None:
        axes.plot([effect.detectable], [y], marker=4, color=MUTED, markersize=5)
    if effect.tolerance is not None:
        axes.plot([effect.tolerance], [y], "|", color=INK, markersize=13, markeredgewidth=1)
    if effect.printed is not None:
        axes.plot([effect.printed], [y], "D", markerfacecolor="none", color=TONES["bad"], markersize=5.5)


def _limits(effects: Sequence[Effect]) -> tuple[float, float]:
    """Return the range that holds all but the intervals, and of these as much as three times that, around 0."""
    marks = [0.0]
    for effect in effects:
        numbers = (effect.mean, effect.printed, effect.tolerance, effect.detectable, *effect.seeds)
        marks += [number for number in numbers if number is not None]
    low, high = min(marks), max(marks)
    reach = high - low
    ends = [end for effect in effects for end in effect.interval or ()]
    low, high = max(min([low, *ends]), low - reach), min(max([high, *ends]), high + reach)
    room = 0.05 * (high - low) or 1.0
    return low - room, high + room


def _told(effect: Effect) -> str:
    interval = "" if effect.interval is None else f", interval {effect.interval[0]:.3g} to {effect.interval[1]:.3g}"
    printed = "" if effect.printed is None else f", printed {effect.printed:.3g}"
    return f"{effect.mean:.3g}{interval}{printed}, {counted(len(effect.seeds), 'seed')}"


def curves_chart(run: ProvenanceRow) -> str:
    """Return the learning curves of one run as SVG: a line a seed, the loss solid and the held-out error dashed."""
    right = 0.79 if run.has_held_out else 0.97
    with mpl.rc_context({**STYLE, "font.size": 7}):
        drawing = Drawing(figsize=CURVE_SIZE)
        axes = drawing.add_axes((0.21, 0.22, right - 0.21, 0.72))
        shown = [axes]
        _draw_curves(axes, run, "loss", linewidth=1.1)
        losses = [loss for curve in run.curves.values() for _, loss in curve["loss"]]
        if all(loss > 0 and np.isfinite(loss) for loss in losses) and max(losses) > 5 * min(losses):
            axes.set_yscale("log")
            ticks = _log_ticks(min(losses), max(losses))
            axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.yaxis.set_minor_locator(NullLocator())
        else:
            axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))
        axes.set_xlabel("epoch", labelpad=1)
        axes.set_ylabel("loss, log scale" if axes.get_yscale() == "log" else "loss", labelpad=2)
        if run.has_held_out:
            shown.append(errors := axes.twinx())
            _draw_curves(errors, run, "held_out_error", linewidth=0.9, linestyle=(0, (2, 1.5)))
            errors.yaxis.set_major_locator(MaxNLocator(3))
            errors.set_ylabel("held-out error, %", labelpad=2)
        for each in shown:
            each.spines[["top", "right"]].set_visible(False)
            each.grid(visible=False)
            each.tick_params(length=2, pad=1.5, width=0.6)
        axes.grid(axis="y", color=RULE, linewidth=0.5)
    return svg(drawing, run.run)


def _draw_curves(axes: Axes, run: ProvenanceRow, name: str, **line: Any) -> None:
    """Draw what is called so of each seed, as a dot where it is of one epoch."""
    for index, curve in enumerate(run.curves.values()):
        pairs = curve.get(name, ())
        style: dict[str, Any] = {"marker": MARKERS[0], "markersize": 3} if len(pairs) == 1 else {}
        axes.plot(*np.reshape(pairs, (-1, 2)).T, color=COLOURS[index % len(COLOURS)], **line, **style)


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers, a few, evenly on a logarithmic axis: powers of ten where there are enough of them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    rounds = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
    between = [tick for tick in rounds if low <= tick <= high]
    tens = [tick for tick in between if math.log10(tick) == round(math.log10(tick))]
    ticks = tens if len(tens) > MOST_TICKS // 2 else between
    return ticks[:: math.ceil(len(ticks) / MOST_TICKS)]
