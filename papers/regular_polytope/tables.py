"""The accuracies of section 4, and tables of ours: the geometry of the embeddings, and the choice of the epochs."""

from __future__ import annotations

from collections.abc import Iterable
from math import degrees, nan
from string import digits

import pandas as pd

from papers.regular_polytope.characters import said_of_data
from papers.regular_polytope.polytope import POLYTOPES, Name, angle, dimension
from shared.data.formats.emnist import CHARACTERS
from shared.records.records import Records
from shared.reporting.comparison import SEEDS
from shared.reporting.health_marks import mark
from shared.reporting.table import Table, measured

CLASSES = {"mnist": digits, "emnist": CHARACTERS}
AT_PI, AS_PRINTED = "fixed, eq. 9, continued at pi", "fixed, eq. 9, as printed"
VARIATIONS: dict[Name, dict[str, str]] = {
    "simplex": {AT_PI: "continuation/at-pi/simplex/fixed", AS_PRINTED: "continuation/none/simplex/fixed"},
    "orthoplex": {AT_PI: "continuation/at-pi/orthoplex/fixed", AS_PRINTED: "continuation/none/orthoplex/fixed"},
    "cube": {f"fixed, eq. 9, m = {share} phi": f"margin/{share}" for share in (0.75, 0.5, 0.25)},
}
"""What is run in addition, not of every polytope."""


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
            *said_of_data(records),
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
            "fixed, eq. 9, as in ArcFace's code": f"continuation/linear/{polytope}/fixed",
            **VARIATIONS[polytope],
            "learnable, eq. 9": f"figure4/{polytope}/learnable",
            "learnable, eq. 9, as in ArcFace's code": f"continuation/linear/{polytope}/learnable",
            "center loss": f"center/{polytope}",
        }
        listed += [("MNIST", polytope, classifier, run) for classifier, run in runs.items()]
    listed += [("EMNIST", "cube", f"{name}, eq. 9", f"emnist/{name}") for name in ("fixed", "learnable")]
    columns = {
        "images to vector, mean (measured)": ("angles", "vector_angle"),
        "worst (measured)": ("angles", "vector_angle_worst"),
        "images to class mean (measured)": ("angles", "mean_angle"),
        "right images to class mean (measured)": ("angles-right", "mean_angle"),
        "training images, mean (measured)": ("training-angles", "vector_angle"),
        "class mean to vector (measured)": ("angles", "mean_to_vector"),
        "nearest class means (measured)": ("angles", "between_means_smallest"),
        "all class means, mean (measured)": ("angles", "between_means"),
    }
    rows = []
    for data, polytope, classifier, run in listed:
        d = dimension(polytope, len(CLASSES[data.lower()]))
        found = {column: _values(records, run, *place) for column, place in columns.items()}
        ran = any(found.values())
        values = {
            column: measured(of_run, decimals=1) if of_run or not ran else "–" for column, of_run in found.items()
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
            "Vector: the vertex, the learned weight or, with center loss, the center of the class. Test images, where "
            "nothing else is said.",
            "Closed form: the angle between connected vertices (eqs. 10 to 12), to which the nearest class means of a "
            "fixed classifier come as images come to their vertices, at 0 degrees. It is the greatest that so many "
            "directions can have for the simplex and the orthoplex, not for the cube (RP-E19).",
            "Right images: those that are rightly classified. –: not measured.",
            *said_of_data(records),
            SEEDS,
        ],
    )


def table_search(records: Records) -> Table:
    """Ours: accuracy on held-out training images by the number of epochs, which the runs on all of them follow."""
    found = records.metric("held-out", "accuracy")
    errors = {(record.run, record.seed): record.health.error for record, _ in records.records if record.health}
    steps = {record.run: record.provenance.steps for record, _ in records.finite}
    rows = []
    for run in sorted(found["run"].unique(), key=_searched):
        characters, classifier, epochs = _searched(run)
        right = measured(_values(records, run, "held-out", "accuracy"), mark=mark(records, [run]))
        wrong = measured([error for (name, _), error in sorted(errors.items()) if name == run])
        loss = measured(_values(records, run, "training", "loss"))
        rows.append(
            {
                "Data": "EMNIST" if characters else "MNIST",
                "Classifier": classifier,
                "Epochs": str(epochs),
                "updates": f"{steps[run]:,}" if run in steps else "–",
                "held-out images right, % (measured)": right,
                "training images wrong, % (measured)": wrong,
                "loss of the last epoch (measured)": loss,
            }
        )
    tidy = _tidy(records, ["accuracy", "loss"])
    seeds = zip(tidy["run"], tidy["seed"], strict=True)
    return Table(
        data=tidy.assign(training_error=[errors.get(seed, nan) for seed in seeds]),
        display=pd.DataFrame(rows),
        caption="Accuracy on held-out training images by the number of epochs (cube with the margin)",
        notes=[
            *said_of_data(records),
            "Each seed holds out another sixth of the training images, and is measured on 5,000 of those trained on.",
            SEEDS,
        ],
    )


def _searched(run: str) -> tuple[bool, str, int]:
    """Return whether a run of the search has characters, its classifier, the fixed one on digits, and its epochs."""
    _, data, *classifier, epochs = run.split("/")
    return data == "emnist", classifier[0] if classifier else "fixed", int(epochs)


def _values(records: Records, run: str, benchmark: str, metric: str) -> list[float]:
    table = records.metric(benchmark, metric)
    values: list[float] = table[table["run"] == run].sort_values("seed")["value"].tolist()
    return values


def _tidy(records: Records, metrics: Iterable[str]) -> pd.DataFrame:
    table = records.table
    return table[table["metric"].isin(list(metrics))][["run", "seed", "benchmark", "metric", "value"]]
