"""The accuracies of section 4, and a table of ours on the geometry of the embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from math import degrees
from string import digits

import pandas as pd

from papers.regular_polytope.polytope import POLYTOPES, Name, angle, dimension
from shared.data.formats.emnist import CHARACTERS
from shared.records.records import Records
from shared.reporting.comparison import SEEDS
from shared.reporting.health_marks import mark
from shared.reporting.table import Table, measured

CLASSES = {"mnist": digits, "emnist": CHARACTERS}
VARIATIONS: dict[Name, dict[str, str]] = {
    "simplex": {
        "fixed, eq. 9, continued at pi": "continuation/at-pi",
        "fixed, eq. 9, as printed": "continuation/none",
    },
    "cube": {f"fixed, eq. 9, m = {share} phi": f"margin/{share}" for share in (0.75, 0.5, 0.25)},
}
"""What is run of one polytope alone, in addition."""


def table_accuracy(records: Records) -> Table:
    """Return the accuracies of section 4, which are in the text: fixed and learnable, as printed and as measured."""
    rows = []
    for data, polytope, stem in [
        *(("MNIST", name, f"figure4/{name}") for name in POLYTOPES),
        ("EMNIST", "cube", "emnist"),
    ]:
        label = f"{data}, {polytope}"
        row = {"Data, polytope": label, "d": str(dimension(polytope, len(CLASSES[data.lower()])))}
        for classifier in ("fixed", "learnable"):
            run = f"{stem}/{classifier}"
            values = _values(records, run, f"{data.lower()}-test", "accuracy")
            row[f"{classifier} (printed)"] = records.printed("table_accuracy", label, classifier)
            row[f"{classifier} (measured)"] = measured(values, mark=mark(records, [run]))
        rows.append(row)
    return Table(
        data=_tidy(records, ["accuracy"]),
        display=pd.DataFrame(rows),
        caption="Test accuracy (%) with the additive angular margin, fixed and learnable classifiers",
        notes=[
            "For MNIST the paper prints one pair and does not say for which polytope; it stands in all three rows.",
            SEEDS,
        ],
    )


def table_geometry(records: Records) -> Table:
    """Ours: how compact and how far apart the classes are, against the closed form, for every run."""
    listed: list[tuple[str, Name, str, str]] = []
    for polytope in POLYTOPES:
        runs = {
            "fixed, eq. 6": f"figure2/{polytope}",
            "fixed, eq. 8": f"normalised/{polytope}",
            "fixed, eq. 9": f"figure4/{polytope}/fixed",
            **VARIATIONS.get(polytope, {}),
            "learnable, eq. 9": f"figure4/{polytope}/learnable",
        }
        listed += [("MNIST", polytope, classifier, run) for classifier, run in runs.items()]
    listed += [("EMNIST", "cube", f"{name}, eq. 9", f"emnist/{name}") for name in ("fixed", "learnable")]
    columns = {
        "images to vector, mean (measured)": ("angles", "vector_angle"),
        "worst (measured)": ("angles", "vector_angle_worst"),
        "training images, mean (measured)": ("training-angles", "vector_angle"),
        "class mean to vector (measured)": ("angles", "mean_to_vector"),
        "nearest class means (measured)": ("angles", "between_means_smallest"),
        "all class means, mean (measured)": ("angles", "between_means"),
    }
    rows = []
    for data, polytope, classifier, run in listed:
        d = dimension(polytope, len(CLASSES[data.lower()]))
        values = {
            column: measured(_values(records, run, benchmark, metric), decimals=1)
            for column, (benchmark, metric) in columns.items()
        }
        accuracy = measured(_values(records, run, f"{data.lower()}-test", "accuracy"))
        rows.append(
            {"Polytope": f"{data}, {polytope}, d = {d}", "Classifier": f"{classifier}{mark(records, [run])}"}
            | values
            | {"closed form": f"{degrees(angle(polytope, d)):.1f}", "accuracy, % (measured)": accuracy}
        )
    metrics = list(dict.fromkeys([metric for _, metric in columns.values()] + ["between_vectors_smallest", "accuracy"]))
    return Table(
        data=_tidy(records, metrics),
        display=pd.DataFrame(rows),
        caption="Angles (degrees) of the embeddings: compactness and separation against the closed form",
        notes=[
            "Vector: the vertex, or the learned weight, of the class. Test images, where nothing else is said.",
            "Closed form: the angle between connected vertices (eqs. 10 to 12), to which the nearest class means of a "
            "fixed classifier come as images come to their vertices, at 0 degrees. It is the greatest that so many "
            "directions can have for the simplex and the orthoplex, not for the cube (RP-E19).",
            SEEDS,
        ],
    )


def _values(records: Records, run: str, benchmark: str, metric: str) -> list[float]:
    table = records.metric(benchmark, metric)
    values: list[float] = table[table["run"] == run].sort_values("seed")["value"].tolist()
    return values


def _tidy(records: Records, metrics: Iterable[str]) -> pd.DataFrame:
    table = records.table
    return table[table["metric"].isin(list(metrics))][["run", "seed", "benchmark", "metric", "value"]]
