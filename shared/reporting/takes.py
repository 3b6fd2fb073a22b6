"""What it would take to draw a target that is not drawn."""

from __future__ import annotations

from collections.abc import Sequence

from shared.rehearsal.costs import hours
from shared.runs.config import Run


def takes(runs: Sequence[Run]) -> str:
    """Return in a sentence how many trainings some runs are, for how long, and on what."""
    if not runs:
        return "It has no runs at this scale."
    trainings = sum(run.seeds for run in runs)
    each = [hours(run) for run in runs]
    known = [run.seeds * one for run, one in zip(runs, each, strict=True) if one is not None]
    time = f", about {sum(known):.2g} device hours" if len(known) == len(runs) else ""
    data = sorted({run.config.data.whose.title for run in runs})
    gone = sorted({run.config.data.whose.title for run in runs if not run.config.data.whose.available})
    withdrawn = f"; no longer offered: {', '.join(gone)}" if gone else ""
    word = "training" if trainings == 1 else "trainings"
    return f"It takes {trainings} {word} at {runs[0].scale} scale{time}, on {', '.join(data)}{withdrawn}."
