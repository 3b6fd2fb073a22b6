"""Figure 2: embeddings of the test digits in two dimensions."""

from __future__ import annotations

from string import digits

import pandas as pd

from papers.gaussian_affinity.names import LOSSES
from shared.records.records import Records
from shared.reporting import plane
from shared.reporting.figure import Figure, pairs
from shared.reporting.health_marks import mark

LABELS = {
    "softmax": f"(a) {LOSSES['softmax']}",
    "center": f"(b) {LOSSES['center']}",
    "affinity-m1": f"(c) {LOSSES['affinity-m1']}",
    "affinity-m1-small-weight": f"(d) {LOSSES['affinity-m1']}, weight of R 0.001",
}


def figure2(records: Records) -> Figure:
    """Figure 2: embeddings of the test digits in two dimensions under three losses, with the class vectors.

    A fourth panel has a small weight of R, which in two dimensions heaps the prototypes (see `deviations`).
    """
    picture = pairs(len(LABELS), height=2.5)
    drawn = []
    shown = {run.axes["loss"]: run for run in records.first_seeds().values()}
    for axes, loss, run in plane.panels(picture, LABELS, shown):
        axes.set_title(f"{LABELS[loss]}{mark(records, [run.run])}", fontsize=7)
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
            "Digits marked * and drawn as triangles are the reduced ones; + marks the centres and prototypes, each "
            "joined to its class's median. The paper has (a) to (c); in (d) the regulariser R, which cannot make ten "
            "prototypes equidistant in a plane, "
            "has a thousandth of its weight. Each panel has a scale of its own."
        ),
    )
