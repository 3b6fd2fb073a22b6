"""What it would take to draw a target that is not drawn."""

from __future__ import annotations

from collections.abc import Sequence

from shared.rehearsal.costs import hours
from shared.runs.config import Run
from shared.verdicts.words import counted


def takes(runs: Sequence[Run]) -> str:
    """Return in a sentence how many trainings some runs are, for how long, and on what."""
    if not runs:
        return "It has no runs at this scale."
    trainings = sum(run.seeds for run in runs)
    each = [hours(run) for run in runs]
    known = [run.seeds * one for run, one in zip(runs, each, strict=True) if one is not None]
    time = f", about {device_hours(sum(known))}" if len(known) == len(runs) else ""
    cards = {run.config.data.whose.title: run.config.data.whose for run in runs}
    data = [title + ("" if cards[title].available else " (no longer offered)") for title in sorted(cards)]
    return f"It takes {counted(trainings, 'training')} at {runs[0].scale} scale{time}, on {' and '.join(data)}."


def device_hours(count: float) -> str:
    """Return so many hours of one device in words, to two digits, without an exponent."""
    said = f"{float(f'{count:.2g}'):,g}"
    return f"{said} device {'hour' if said == '1' else 'hours'}"
