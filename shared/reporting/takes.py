"""What it would take to draw a target that is not drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shared.runs.config import Run
from shared.runs.registry import Paper


def takes(paper: Paper, runs: Sequence[Run]) -> str:
    """Return in a sentence how many trainings some runs are, for how long, and on what."""
    if not runs:
        return "It has no runs at this scale."
    trainings = sum(run.seeds for run in runs)
    hours = [_hours(paper, run) for run in runs]
    known = [each for each in hours if each is not None]
    time = f", about {sum(known):.2g} hours on one processor thread" if known and len(known) == len(hours) else ""
    data = sorted({run.config.data.whose.title for run in runs})
    gone = sorted({run.config.data.whose.title for run in runs if not run.config.data.whose.available})
    withdrawn = f"; no longer offered: {', '.join(gone)}" if gone else ""
    word = "training" if trainings == 1 else "trainings"
    return f"It takes {trainings} {word} at {runs[0].scale} scale{time}, on {', '.join(data)}{withdrawn}."


def _hours(paper: Paper, run: Run) -> float | None:
    """Return the hours of a run's seeds by the stated speed of its network, None where none is stated."""
    speed, training, data = paper.images_per_second.get(run.config.backbone.name), run.config.training, run.config.data
    if speed is None:
        return None
    images = data.training_images * data.trained_classes / data.classes
    steps = training.length(math.ceil(images / training.batch_size))
    return run.seeds * steps * training.batch_size / speed / 3600
