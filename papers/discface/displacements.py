"""A table of ours: what the paper argues of displacement vectors, measured."""

from __future__ import annotations

import pandas as pd

from papers.discface.toys import PANELS, RARE
from shared.records.records import Records
from shared.reporting.comparison import SEEDS, shown
from shared.reporting.table import Table


def table_discrepancy(records: Records) -> Table:
    """Ours: what the paper argues of displacement vectors, measured."""
    names = {f"figure4/{name}": f"figure 4, {label}" for name, label in ({"softmax": "softmax"} | PANELS).items()}
    names |= {f"figure5/{name}": f"figure 5, {label}" for name, label in PANELS.items() if name != "two-bases"}
    names |= {"figure6/cosface": "figure 6, CosFace", "figure6/cos-discface": "figure 6, Cos-DiscFace"}
    rows = []
    for run, label in names.items():
        benchmark = "discrepancy" if run.startswith("figure6") else "training-discrepancy"
        columns = {
            "To own weight, ° (measured)": (benchmark, "own_angle", 1),
            "Mean cosine (measured)": (benchmark, "displacement_cosine", 3),
            "of class means (measured)": ("class-discrepancy", "displacement_cosine", 3),
            "Directional within (measured)": (benchmark, "directional_within", 3),
            "Radial (measured)": (benchmark, "radial", 3),
            "Radial within (measured)": (benchmark, "radial_within", 3),
            "Spread (measured)": (benchmark, "displacement_spread", 3),
            "Length (measured)": (benchmark, "displacement_length", 3),
            "Positive angle, ° (measured)": (benchmark, "positive_angle", 1),
            "of the last class, ° (measured)": ("pair-angles", f"positive_angle_class{RARE}", 1),
            "Negative angle, ° (measured)": ("pair-angles", "negative_angle", 1),
            "Overlap, % (measured)": ("pair-angles", "overlap", 1),
            "Probe, % (measured)": (benchmark, "probe", 1),
            "Chance, % (measured)": (benchmark, "chance", 1),
            "Basis, length (measured)": ("training", "basis_norm", 3),
        }
        images = {"Run": label, "Images": "held out" if benchmark == "discrepancy" else "trained on"}
        rows.append(images | {name: shown(records, run, *place) for name, place in columns.items()})
    table = records.table
    benchmarks = ["discrepancy", "training-discrepancy", "class-discrepancy", "pair-angles"]
    chosen = table[table["benchmark"].isin(benchmarks) | (table["metric"] == "basis_norm")]
    return Table(
        data=chosen[["run", "seed", "benchmark", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Displacement vectors, normalised embedding minus normalised class vector, with and without the loss",
        notes=[
            f"{SEEDS} To own weight: mean angle between an image's embedding and the weight of its class. Mean cosine "
            "and radial: mean over all pairs of images, of whatever classes, of the cosine of two displacement "
            "vectors, and of the difference of their lengths; the loss is meant to raise the first and to lower the "
            "second. Of class means: the same cosine of the mean displacement vectors of two classes. "
            "Directional and radial within: one minus that cosine, and that difference, over pairs of one class, mean "
            "over the classes; the loss is meant to lower both. Spread: root mean square distance of the displacement "
            "vectors from their mean. Length: mean length. The cosine is near one as well where all embeddings lie far "
            "to one side of their class weights; the spread is not small then.",
            "Positive and negative angle: between the embeddings of two images of one class, mean over the classes, "
            "and of two classes. The last class is the rare one in figure 5. Overlap: what the distributions of "
            "positive and of negative angles have in common, in bins of one degree.",
            "Probe: share of the images whose class a logistic regression tells from the displacement vector, "
            "cross-validated; at most 50 classes. Chance: what naming the most frequent class gives. Basis: the length "
            "of the learned displacement basis as it is used, clipped at 0.05, over the last epoch.",
        ],
    )
