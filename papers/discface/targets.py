"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from papers.discface.comparison import OLIVETTI, ON_OLIVETTI, comparison
from papers.discface.toys import PANELS, RARE, spheres
from shared.records.records import Records
from shared.reporting import plane
from shared.reporting.comparison import DASH, SEEDS, difference, evaluated, of_tests, shown, tidy
from shared.reporting.figure import PAGE_WIDTH, Figure, band, drawing
from shared.reporting.table import Table, measured

MARKED = 12
"""Of so many points of a long curve each has a marker."""
FAR = ("1e-1", "1e-2", "1e-3", "1e-4", "1e-5")
WEIGHTS = ("0", "0.2", "0.4", "0.6", "0.8", "1")
VERIFICATION = {
    "LFW": ("lfw", "accuracy"),
    "CFP-FP": ("cfp-fp", "accuracy"),
    "AgeDB-30": ("agedb-30", "accuracy"),
    "CALFW": ("calfw", "accuracy"),
    "CPLFW": ("cplfw", "accuracy"),
}
SURVEILLANCE = {
    "TAR @ FAR 10%": ("qmul-survface", "tar@1e-1"),
    "TAR @ FAR 1%": ("qmul-survface", "tar@1e-2"),
    "TAR @ FAR 0.1%": ("qmul-survface", "tar@1e-3"),
    "Accuracy": ("qmul-survface", "accuracy"),
}
LARGE = {
    "CPLFW": ("cplfw", "accuracy"),
    "IJB-B": ("ijb-b", "tar@1e-5"),
    "IJB-C": ("ijb-c", "tar@1e-5"),
    "MF Id.": ("megaface", "rank1"),
    "MF Ver.": ("megaface", "tar@1e-6"),
}


@dataclass(frozen=True)
class _Pair:
    """A base loss and a method that adds to it, by label and run."""

    base: str
    base_run: str
    method: str
    method_run: str


PAIRS = (
    _Pair("softmax", "qmul/softmax", "Soft-DiscFace, λ = 1", "qmul/soft-discface"),
    _Pair("CosFace", "qmul/cosface", "Cos-DiscFace, λ = 1", "qmul/cos-discface"),
    _Pair("CosFace", "casia/0", "Cos-DiscFace, λ = 0.2", "casia/0.2"),
    _Pair("ArcFace", "ms1m/arcface", "with center loss", "ms1m/arc-center"),
    _Pair("ArcFace", "ms1m/arcface", "with contrastive loss", "ms1m/arc-contrastive"),
    _Pair("ArcFace", "ms1m/arcface", "with triplet loss", "ms1m/arc-triplet"),
    _Pair("ArcFace", "ms1m/arcface", "Arc-DiscFace, λ = 0.2", "ms1m/arc-discface"),
)


def table1(records: Records) -> Table:
    """Table 1: verification on QMUL-SurvFace."""
    rows = {
        "DeepID2 [38]": None,
        "FaceNet [3]": None,
        "SphereFace [6]": None,
        "Center Loss [4]": None,
        "CosFace": "qmul/cosface",
        "Cos-DiscFace": "qmul/cos-discface",
        "Softmax": "qmul/softmax",
        "Soft-DiscFace": "qmul/soft-discface",
    }
    caption = "Table 1. Verification (%) on QMUL-SurvFace, λ = 1"
    return comparison(records, "table1", rows, SURVEILLANCE, caption, decimals=1)


def table2(records: Records) -> Table:
    """Table 2: verification accuracy on five sets, trained on CASIA-WebFace and on MS1MV2."""
    rows = {
        "FaceNet [3]": None,
        "OE-CNNs [39]": None,
        "Center Loss [4]": None,
        "NormFace [5]": None,
        "SphereFace [6]": None,
        "RegularFace [9]": None,
        "AMSoftmax [13]": None,
        "PFE-AMSoftmax [40]": None,
        "CosFace": "casia/0",
        "Cos-DiscFace": "casia/0.2",
        "Ring Loss [27]": None,
        "AdaptiveFace [41]": None,
        "CosFace [7]": None,
        "ArcFace [8]": "ms1m/arcface",
        "Arc-DiscFace": "ms1m/arc-discface",
    }
    caption = "Table 2. Verification accuracy (%) on LFW, CFP-FP, AgeDB-30, CALFW and CPLFW"
    note = "ArcFace is quoted in this table; what is measured beside it is the run of table 3."
    return comparison(records, "table2", rows, VERIFICATION, caption, first=("Dataset",), notes=[note])


def table3(records: Records) -> Table:
    """Table 3: CPLFW, IJB-B, IJB-C and MegaFace, trained on MS1MV2."""
    rows = {
        "ArcFace": "ms1m/arcface",
        "Arc-Center Loss": "ms1m/arc-center",
        "Arc-Contrastive Loss": "ms1m/arc-contrastive",
        "Arc-Triplet Loss": "ms1m/arc-triplet",
        "Arc-DiscFace": "ms1m/arc-discface",
    }
    caption = "Table 3. CPLFW, IJB-B, IJB-C and MegaFace (%)"
    note = "CPLFW: accuracy; IJB-B and IJB-C: TAR at FAR 1e-5; MF Id.: rank-1 identification; MF Ver.: TAR at FAR 1e-6."
    return comparison(records, "table3", rows, LARGE, caption, notes=[note])


def table4(records: Records) -> Table:
    """Table 4: IJB-C after training on a long-tailed set."""
    rows = {
        "ArcFace": "ms1m-lt/arcface",
        "Arc-Center Loss": "ms1m-lt/arc-center",
        "Arc-DiscFace": "ms1m-lt/arc-discface",
    }
    columns = {f"FAR {far}": ("ijb-c", f"tar@{far}") for far in FAR}
    caption = "Table 4. TAR (%) on IJB-C after training on long-tailed data"
    return comparison(records, "table4", rows, columns, caption)


def table5(records: Records) -> Table:
    """Table 5: Cos-DiscFace trained on CASIA-WebFace with λ from 0 to 1."""
    order = ("LFW", "AgeDB-30", "CFP-FP", "CPLFW", "CALFW")
    asked = {name: VERIFICATION[name] for name in order} | OLIVETTI
    printed = {(value.row, value.column): value for value in records.reference.values if value.target == "table5"}
    there = evaluated(records)
    weights = [weight for weight in WEIGHTS if f"casia/{weight}" in records.first_seeds()] or list(WEIGHTS)
    rows = []
    for name, (benchmark, metric) in asked.items():
        if name in OLIVETTI and (benchmark, metric) not in there:
            continue
        row = {"Benchmark": name}
        for weight in WEIGHTS:
            value = printed.get((name, f"λ = {float(weight)}"))
            row[f"λ = {weight} (printed)"] = "–" if value is None else f"{value.value:.2f}"
            if weight in weights:
                row[f"λ = {weight} (measured)"] = shown(records, f"casia/{weight}", benchmark, metric)
        rows.append(row)
    return Table(
        data=tidy(records, list(asked.values())),
        display=pd.DataFrame(rows),
        caption="Table 5. Accuracy (%) of Cos-DiscFace by λ; λ = 0 is CosFace",
        notes=[SEEDS, DASH, *([ON_OLIVETTI] if ("olivetti", "accuracy") in there else [])],
    )


def table_faces(records: Records) -> Table:
    """Ours: each method against its base loss, paired over the seeds."""
    asked = list(dict.fromkeys([*OLIVETTI.values(), *SURVEILLANCE.values(), *VERIFICATION.values(), *LARGE.values()]))
    trained_on = {run.run: str(run.config["data"]["name"]) for run in records.first_seeds().values()}
    rows, tests = [], []
    for pair in PAIRS:
        for benchmark, metric in asked:
            found = difference(records, pair.base_run, pair.method_run, (benchmark, metric))
            if found is None:
                continue
            tests.append(found.test.test)
            compared = {
                "Base": pair.base,
                "Method": pair.method,
                "Trained on": trained_on[pair.method_run],
                "Metric": f"{benchmark}, {metric.replace('tar@', 'TAR @ FAR ')}",
            }
            rows.append(compared | found.cells())
    columns = ["Base", "Method", "Trained on", "Metric", "Base (measured)", "Method (measured)"]
    return Table(
        data=tidy(records, asked),
        display=pd.DataFrame(rows or [dict.fromkeys(columns, "not run")]),
        caption="Each method against its base loss (%), paired over the seeds",
        notes=[
            f"{SEEDS} Difference: method minus base, mean over the seeds that both have; a seed is the same start of "
            "the network and the same order of images. The contrastive and the triplet loss have batches of pairs of "
            "images of one person, so that their order is another.",
            of_tests(tests),
        ],
    )


def table_discrepancy(records: Records) -> Table:
    """Ours: what the paper argues of displacement vectors, measured."""
    names = {f"figure4/{name}": f"figure 4, {label}" for name, label in PANELS.items()}
    names |= {f"figure5/{name}": f"figure 5, {label}" for name, label in PANELS.items() if name != "two-bases"}
    names |= {"figure6/cosface": "figure 6, CosFace", "figure6/cos-discface": "figure 6, Cos-DiscFace"}
    rows = []
    for run, label in names.items():
        benchmark = "discrepancy" if run.startswith("figure6") else "training-discrepancy"
        columns = {
            "Mean cosine (measured)": (benchmark, "displacement_cosine", 3),
            "Radial (measured)": (benchmark, "radial", 3),
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
    benchmarks = ["discrepancy", "training-discrepancy", "pair-angles"]
    chosen = table[table["benchmark"].isin(benchmarks) | (table["metric"] == "basis_norm")]
    return Table(
        data=chosen[["run", "seed", "benchmark", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Displacement vectors, normalised embedding minus normalised class vector, with and without the loss",
        notes=[
            f"{SEEDS} Mean cosine and radial: mean over all pairs of images, of whatever classes, of the cosine of two "
            "displacement vectors, and of the difference of their lengths; the loss is meant to raise the first and to "
            "lower the second. Length: mean length.",
            "Positive and negative angle: between the embeddings of two images of one class, mean over the classes, "
            "and of two classes. The last class is the rare one in figure 5. Overlap: what the distributions of "
            "positive and of negative angles have in common, in bins of one degree.",
            "Probe: share of the images whose class a logistic regression tells from the displacement vector, "
            "cross-validated; at most 50 classes. Chance: what naming the most frequent class gives. Basis: the length "
            "of the learned displacement basis as it is used, clipped at 0.05, over the last epoch.",
        ],
    )


def figure4(records: Records) -> Figure:
    """Figure 4: embeddings of four people on the unit sphere, and the angles of pairs of two of them."""
    return spheres(
        records,
        "figure4",
        list(PANELS),
        caption=(
            "Figure 4. Embeddings of four people in three dimensions, by their direction, under CosFace, the center "
            "loss and Cos-DiscFace with one basis and with two; + marks the class weights. Below, the angles of all "
            "pairs of images of the people A and B."
        ),
        angles=True,
    )


def figure5(records: Records) -> Figure:
    """Figure 5: the same where one of the four people is seen once every two epochs."""
    return spheres(
        records,
        "figure5",
        ["cosface", "center", "one-basis"],
        caption=(
            "Figure 5. Embeddings of four people in three dimensions, by their direction, of whom D was seen in "
            "training once every two epochs, a single image; + marks the class weights."
        ),
    )


def figure6(records: Records) -> Figure:
    """Figure 6: accuracy of classification and of verification along training."""
    names = {"figure6/cosface": "CosFace", "figure6/cos-discface": "Cos-DiscFace"}
    picture = drawing(1, 2, width=PAGE_WIDTH, height=2.6)
    curves = _curves(records, list(names))
    for axes, (run, label) in zip(picture.axes, names.items(), strict=True):
        curve = curves[curves["run"] == run]
        axes.set_title(label, fontsize=8)
        if curve.empty:
            plane.not_run(axes)
            continue
        for index, (task, group) in enumerate(curve.groupby("task", sort=False)):
            steps = sorted(group["step"].unique())
            band(axes, steps, [group[group["step"] == step]["accuracy"].tolist() for step in steps], str(task), index)
        for line in axes.lines:
            line.set_markevery(max(1, curve["step"].nunique() // MARKED))
        axes.set_title(f"{label}\nrank correlation {measured(_rank_correlations(curve))}", fontsize=8)
        axes.set_xlabel("training (updates)")
        axes.set_ylabel("accuracy (%)")
    low = float(curves["accuracy"].min()) if len(curves) else 0.0
    for axes in picture.axes:
        axes.set_ylim(max(low - 5, 0), 100.5)
    for drawn in [axes for axes in picture.axes if axes.lines][:1]:
        picture.legend(*drawn.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    verified = ", ".join(dict.fromkeys(curves["verified_on"])) or "none"
    return Figure(
        picture,
        data=curves,
        caption=(
            "Figure 6. Accuracy of classification (held-out images of the people trained on) and of verification "
            f"({verified}) at the end of each epoch of training, under CosFace and Cos-DiscFace."
        ),
        notes=[
            "Mean over the seeds; the band is the 95% t interval where there are several. Rank correlation: "
            "Spearman's, between the two curves, mean over seeds ± standard deviation (number of seeds).",
        ],
    )


def _curves(records: Records, runs: Sequence[str]) -> pd.DataFrame:
    """Return the accuracies at the end of each epoch: run, seed, epoch, step, task, what was verified on, accuracy."""
    parts = [pd.DataFrame(columns=["run", "seed", "epoch", "step", "task", "verified_on", "accuracy"])]
    for record, _ in records.records:
        if record.run not in runs:
            continue
        curve = records.curve(record.run, record.seed)
        verified = next(column for column in ("cfp-fp/accuracy", "olivetti/accuracy") if column in curve)
        name = {"cfp-fp": "CFP-FP", "olivetti": "Olivetti"}[verified.split("/")[0]]
        for task, values in (("classification", 100 - curve["held_out_error"]), ("verification", curve[verified])):
            part = curve[["epoch", "step"]].assign(run=record.run, seed=record.seed, task=task)
            parts.append(part.assign(verified_on=name, accuracy=values))
    return pd.concat(parts[1:] or parts, ignore_index=True)[list(parts[0].columns)]


def _rank_correlations(curve: pd.DataFrame) -> list[float]:
    """Return Spearman's correlation of the two tasks over the epochs, for each seed where it is defined."""
    found = []
    for _, of_seed in curve.groupby("seed"):
        classification, verification = (
            of_seed[of_seed["task"] == task].sort_values("step")["accuracy"].to_numpy()
            for task in ("classification", "verification")
        )
        if np.ptp(classification) > 0 and np.ptp(verification) > 0:
            found.append(float(spearmanr(classification, verification).statistic))
    return found
