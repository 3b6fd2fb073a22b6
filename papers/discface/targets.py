"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from scipy.stats import spearmanr

from papers.discface import sphere
from papers.discface.pair_angles import pair_angles
from shared.evaluation.angles import Floats, normalised
from shared.evaluation.statistics import paired_differences, t_test
from shared.records import Record, Records
from shared.reporting import plane
from shared.reporting.figure import COLOURS, MARKERS, PAGE_WIDTH, Figure, band, drawing
from shared.reporting.table import Table, measured

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing
    from numpy.typing import NDArray

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
OLIVETTI = {
    "Olivetti, accuracy": ("olivetti", "accuracy"),
    "Olivetti, TAR @ FAR 10%": ("olivetti", "tar@1e-1"),
    "Olivetti, TAR @ FAR 1%": ("olivetti", "tar@1e-2"),
}
"""What stands in for the paper's benchmarks where the faces trained on are those of Olivetti."""

PANELS = {"cosface": "CosFace", "center": "center loss", "one-basis": "Cos-DiscFace", "two-bases": "two bases"}
RARE = 3
PAIRED_CLASSES = (0, 1)
"""The two classes of which figure 4 shows the angles of pairs."""

SEEDS = "Measured: mean over seeds ± standard deviation (number of seeds)."
QUOTED = "Rows with a number in brackets are quoted by the authors from other papers."
ON_OLIVETTI = (
    "Columns and rows of Olivetti are ours: the same losses on a small set of real faces, all pairs of people whom no "
    "run trained on. They are not to be compared with the printed numbers."
)


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
    return _comparison(records, "table1", rows, SURVEILLANCE, caption, decimals=1)


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
    return _comparison(records, "table2", rows, VERIFICATION, caption, first=("Dataset",), notes=[note])


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
    return _comparison(records, "table3", rows, LARGE, caption, notes=[note])


def table4(records: Records) -> Table:
    """Table 4: IJB-C after training on a long-tailed set."""
    rows = {
        "ArcFace": "ms1m-lt/arcface",
        "Arc-Center Loss": "ms1m-lt/arc-center",
        "Arc-DiscFace": "ms1m-lt/arc-discface",
    }
    columns = {f"FAR {far}": ("ijb-c", f"tar@{far}") for far in FAR}
    caption = "Table 4. TAR (%) on IJB-C after training on long-tailed data"
    return _comparison(records, "table4", rows, columns, caption)


def table5(records: Records) -> Table:
    """Table 5: Cos-DiscFace trained on CASIA-WebFace with λ from 0 to 1."""
    order = ("LFW", "AgeDB-30", "CFP-FP", "CPLFW", "CALFW")
    asked = {name: VERIFICATION[name] for name in order} | OLIVETTI
    printed = {(value.row, value.column): value for value in records.reference.values if value.target == "table5"}
    there = _there(records)
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
                row[f"λ = {weight} (measured)"] = _shown(records, f"casia/{weight}", benchmark, metric)
        rows.append(row)
    return Table(
        data=_tidy(records, list(asked.values())),
        display=pd.DataFrame(rows),
        caption="Table 5. Accuracy (%) of Cos-DiscFace by λ; λ = 0 is CosFace",
        notes=[SEEDS, *([ON_OLIVETTI] if ("olivetti", "accuracy") in there else [])],
    )


def table_faces(records: Records) -> Table:
    """Ours: each method against its base loss, paired over the seeds."""
    asked = list(dict.fromkeys([*OLIVETTI.values(), *SURVEILLANCE.values(), *VERIFICATION.values(), *LARGE.values()]))
    trained_on = {run.run: str(run.config["data"]["name"]) for run in records.first_seeds().values()}
    rows, tests = [], []
    for pair in PAIRS:
        for benchmark, metric in asked:
            base = _by_seed(records, pair.base_run, benchmark, metric)
            method = _by_seed(records, pair.method_run, benchmark, metric)
            differences = paired_differences(method, base)
            if not differences:
                continue
            result = t_test(differences, "paired Student t-test")
            tests.append(result.test)
            rows.append(
                {
                    "Base": pair.base,
                    "Method": pair.method,
                    "Trained on": trained_on[pair.method_run],
                    "Metric": f"{benchmark}, {metric.replace('tar@', 'TAR @ FAR ')}",
                    "Base (measured)": measured(list(base.values())),
                    "Method (measured)": measured(list(method.values())),
                    "Difference (measured)": f"{result.effect:+.2f}",
                    "95% interval": "–" if result.interval is None else "[{:+.2f}, {:+.2f}]".format(*result.interval),
                    "p": "–" if result.p is None else f"{result.p:.3f}",
                    "seeds": str(result.n),
                }
            )
    columns = ["Base", "Method", "Trained on", "Metric", "Base (measured)", "Method (measured)"]
    return Table(
        data=_tidy(records, asked),
        display=pd.DataFrame(rows or [dict.fromkeys(columns, "not run")]),
        caption="Each method against its base loss (%), paired over the seeds",
        notes=[
            f"{SEEDS} Difference: method minus base, mean over the seeds that both have; a seed is the same start of "
            "the network and the same order of images. The contrastive and the triplet loss have batches of pairs of "
            "images of one person, so that their order is another.",
            f"Interval and p: {' and '.join(dict.fromkeys(tests)) or 'paired Student t-test'}, two-sided, not "
            "corrected for the number of comparisons in the table. Of one seed there is neither.",
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

        def cell(metric: str, decimals: int = 2, run: str = run, benchmark: str = benchmark) -> str:
            return measured(list(_by_seed(records, run, benchmark, metric).values()), decimals)

        angles = {
            metric: measured(list(_by_seed(records, run, "pair-angles", metric).values()), 1)
            if not run.startswith("figure6")
            else "–"
            for metric in (f"positive_angle_class{RARE}", "negative_angle", "overlap")
        }
        rows.append(
            {
                "Run": label,
                "Images": "held out" if benchmark == "discrepancy" else "trained on",
                "Mean cosine (measured)": cell("displacement_cosine", 3),
                "Radial (measured)": cell("radial", 3),
                "Length (measured)": cell("displacement_length", 3),
                "Positive angle, ° (measured)": cell("positive_angle", 1),
                "of the last class, ° (measured)": angles[f"positive_angle_class{RARE}"],
                "Negative angle, ° (measured)": angles["negative_angle"],
                "Overlap, % (measured)": angles["overlap"],
                "Probe, % (measured)": cell("probe", 1),
                "Chance, %": cell("chance", 1).split(" ")[0] if cell("chance") != "not run" else "–",
                "Norm of the basis (measured)": _basis_norm(records, run),
            }
        )
    table = records.table
    benchmarks = ["discrepancy", "training-discrepancy", "pair-angles"]
    of_basis = (table["benchmark"] == "training") & table["metric"].isin(BASIS)
    chosen = table[table["benchmark"].isin(benchmarks) | of_basis]
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
            "cross-validated; at most 50 classes. Chance: what naming the most frequent class gives.",
        ],
    )


def figure4(records: Records) -> Figure:
    """Figure 4: embeddings of four people on the unit sphere, and the angles of pairs of two of them."""
    return _spheres(
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
    return _spheres(
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
        axes.set_title(f"{label}\nrank correlation {measured(_rank_correlations(curve))}", fontsize=8)
        axes.set_xlabel("training (updates)")
        axes.set_ylabel("accuracy (%)")
        axes.legend(loc="lower right")
    low = float(curves["accuracy"].min()) if len(curves) else 0.0
    for axes in picture.axes:
        axes.set_ylim(max(low - 5, 0), 100.5)
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


BASIS = ("basis_norm", "term/basis_norm")


def _basis_norm(records: Records, run: str) -> str:
    found = [list(_by_seed(records, run, "training", metric).values()) for metric in BASIS]
    values = next((values for values in found if values), None)
    return "–" if values is None else measured(values, 3)


def _comparison(
    records: Records,
    target: str,
    rows: Mapping[str, str | None],
    columns: Mapping[str, tuple[str, str]],
    caption: str,
    *,
    decimals: int = 2,
    first: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Table:
    """Return a table of methods, what is printed beside what is measured; `first` are printed columns of settings.

    Where a benchmark was measured by no run and Olivetti by some, its measured column gives way to those of Olivetti.
    """
    printed = {(value.row, value.column): value for value in records.reference.values if value.target == target}
    there = _there(records)
    stand_in = {name: place for name, place in OLIVETTI.items() if place in there}
    display = []
    for label, run in rows.items():
        row = {"Method": label}
        for name in first:
            value = printed[label, name]
            row[name] = value.text or f"{value.value:g}{value.unit}"
        for name, (benchmark, metric) in (dict(columns) | stand_in).items():
            if name in columns:
                number = printed.get((label, name))
                row[f"{name} (printed)"] = "–" if number is None else f"{number.value:.{number.decimals}f}"
            if (benchmark, metric) in there or not stand_in:
                row[f"{name} (measured)"] = "–" if run is None else _shown(records, run, benchmark, metric, decimals)
        display.append(row)
    return Table(
        data=_tidy(records, [*columns.values(), *stand_in.values()]),
        display=pd.DataFrame(display),
        caption=caption,
        notes=[
            *([QUOTED] if None in rows.values() else []),
            *notes,
            SEEDS,
            *([ON_OLIVETTI] if stand_in else []),
        ],
    )


def _there(records: Records) -> set[tuple[str, str]]:
    """Return each benchmark and metric that some run has."""
    table = records.table
    return set(zip(table["benchmark"], table["metric"], strict=True))


def _by_seed(records: Records, run: str, benchmark: str, metric: str) -> dict[int, float]:
    table = records.metric(benchmark, metric)
    of_run = table[table["run"] == run].sort_values("seed")
    return dict(zip(of_run["seed"].astype(int), of_run["value"].astype(float), strict=True))


def _shown(records: Records, run: str, benchmark: str, metric: str, decimals: int = 2) -> str:
    return measured(list(_by_seed(records, run, benchmark, metric).values()), decimals)


def _tidy(records: Records, places: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return the rows of the table for some benchmarks and metrics."""
    table = records.table
    asked = set(places)
    chosen = [place in asked for place in zip(table["benchmark"], table["metric"], strict=True)]
    return table.loc[np.array(chosen, dtype=bool)][["run", "seed", "benchmark", "metric", "value"]]


def _spheres(records: Records, figure: str, panels: Sequence[str], caption: str, *, angles: bool = False) -> Figure:
    """Draw a row of spheres, one a loss, and below them the angles of pairs if asked for."""
    shown = records.first_seeds()
    picture = drawing(1 + angles, len(panels), width=PAGE_WIDTH, height=2.15 + 1.55 * angles + 0.25)
    drawn = []
    for column, name in enumerate(panels):
        axes = picture.axes[column]
        axes.set_title(PANELS[name], fontsize=8)
        below = picture.axes[len(panels) + column] if angles else None
        run = shown.get(f"{figure}/{name}")
        if run is None:
            for empty in filter(None, (axes, below)):
                plane.not_run(empty)
            continue
        arrays = records.features[run.run, run.seed].load("train")
        labels = arrays["labels"].astype(np.int64)
        directions = normalised(cast("NDArray[np.floating]", arrays["embeddings"]))
        vectors = normalised(cast("NDArray[np.floating]", arrays["class_vectors"])[:, 0])
        sphere.scatter(axes, directions, labels, vectors)
        drawn.append(_points(run, name, directions, labels, "image"))
        drawn.append(_points(run, name, vectors, np.arange(len(vectors)), "class weight"))
        if below is not None:
            drawn.append(_pair_histogram(below, directions, labels).assign(panel=name, seed=run.seed))
            below.set_ylabel("" if column else "share of pairs (%)")
    _name_classes(picture, "D, rare" if figure == "figure5" else "D")
    if angles and picture.axes[len(panels)].get_legend_handles_labels()[1]:
        picture.axes[len(panels)].legend(fontsize=6.5, handlelength=1.2)
    return Figure(
        picture,
        data=pd.concat(drawn) if drawn else pd.DataFrame(columns=["panel"]),
        caption=caption,
        notes=[
            "Images that were trained on. Each panel is turned so that the class weights of C and D lie in front, left "
            "and right; what is on the far side is drawn paler, and its + grey.",
            f"Data: {', '.join(sorted({str(run.config['data']['name']) for run in shown.values()})) or 'none'}. "
            "Of several seeds the first is drawn.",
        ],
    )


def _points(run: Record, panel: str, directions: Floats, labels: NDArray[np.int64], what: str) -> pd.DataFrame:
    frame = pd.DataFrame(directions.round(5), columns=["x", "y", "z"])
    people = ["ABCD"[label] for label in labels]
    return frame.assign(**{"class": people}, what=what, panel=panel, seed=run.seed)


def _pair_histogram(axes: Axes, directions: Floats, labels: NDArray[np.int64]) -> pd.DataFrame:
    """Draw the distributions of the angles of positive and of negative pairs of two classes, in bins of 3 degrees."""
    chosen = np.isin(labels, PAIRED_CLASSES)
    edges = np.linspace(0, 180, 61)
    frames = []
    for index, (kind, angles) in enumerate(
        zip(("positive", "negative"), pair_angles(directions[chosen], labels[chosen]), strict=True)
    ):
        share = 100 * np.histogram(angles, edges)[0] / max(len(angles), 1)
        axes.stairs(share, edges, fill=True, color=COLOURS[index], alpha=0.35)
        axes.stairs(share, edges, color=COLOURS[index], linestyle=("-", "--")[index], label=f"{kind} pairs")
        frames.append(pd.DataFrame({"what": f"{kind} pairs", "angle": edges[:-1] + 1.5, "percent": share}))
    axes.set(xlim=(0, 180), xticks=[0, 60, 120, 180], xlabel="angle of a pair (degrees)")
    axes.set_ylim(bottom=0)
    return pd.concat(frames)


def _name_classes(picture: Drawing, last: str) -> None:
    """Say below a drawing which colour and marker is whose."""
    names = ["A", "B", "C", last]
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none")
        for colour, marker in zip(sphere.PALETTE, MARKERS, strict=False)
    ]
    handles.append(Line2D([], [], color="black", marker="+", linestyle="none", markersize=7))
    picture.legend(handles, [*names, "class weight"], loc="outside lower center", ncols=len(handles), fontsize=7)


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
