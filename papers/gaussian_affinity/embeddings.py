"""Figure 2: embeddings of the test digits in two dimensions."""

from __future__ import annotations

from string import digits

import pandas as pd

from papers.gaussian_affinity.names import LOSSES
from shared.records.records import Records
from shared.reporting import plane
from shared.reporting.figure import PAGE_WIDTH, Figure, drawing

LABELS = {loss: LOSSES[loss.removesuffix("-m1")] for loss in ("softmax", "center", "affinity-m1")}


def figure2(records: Records) -> Figure:
    """Figure 2: embeddings of the test digits in two dimensions under three losses, with the class vectors."""
    picture = drawing(1, len(LABELS), width=PAGE_WIDTH, height=2.7)
    drawn = []
    shown = {run.axes["loss"]: run for run in records.first_seeds().values()}
    for axes, loss, run in plane.panels(picture, LABELS, shown, size="large"):
        arrays = records.features[run.run, run.seed].load()
        frame = plane.points(arrays, digits)
        reduced = [digits[digit] for digit in run.config["data"]["sampling"]["imbalance"]["classes"]]
        plane.scatter(axes, frame, reduced=reduced, centres=arrays["class_vectors"] if loss != "softmax" else None)
        drawn.append(frame.assign(reduced=frame["class"].isin(reduced), loss=loss, seed=run.seed))
    plane.name_axes(picture.axes, "activation of neuron")
    return Figure(
        picture,
        data=pd.concat(drawn),
        caption=(
            "Figure 2. Embeddings of the test digits in two dimensions after training with digits 0-4 kept to 10%. "
            "Digits marked * and drawn as triangles are the reduced ones; + marks the centres and prototypes. Each "
            "panel has a scale of its own."
        ),
    )
