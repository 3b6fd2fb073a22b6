"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from shared.evaluation.spread import mean, sd
from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.figure import PAGE_WIDTH, Figure, drawing
from shared.reporting.table import Table, measured

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOSSES = {"softmax": "softmax", "modified": "modified softmax", "angular": "angular softmax"}
COMPACT = {"center": "center loss, λ = 0.1", "a-softmax": "angular softmax, m = 4"}
METHODS = {
    "vanilla": "vanilla",
    "center": "center loss",
    "angular": "angular softmax",
    "adversarial": "adversarial",
}
CLASSES = ("2", "3", "8")
ROWS = {
    "figure7/2": ("2", "vanilla"),
    "figure8/2": ("2", "adversarial"),
    "figure7/3": ("3", "vanilla"),
    "figure8/3": ("3", "adversarial"),
    "figure7/8": ("8", "vanilla"),
    "figure8/8": ("8", "adversarial"),
    "weight/0": ("8", "adversarial, weight 0"),
    "weight/0.1": ("8", "adversarial, weight 0.1"),
    "weight/10": ("8", "adversarial, weight 10"),
    "anchors/redrawn": ("8", "adversarial, anchors redrawn"),
    "anchors/independent": ("8", "adversarial, anchors independent"),
}


def figure3(records: Records) -> Figure:
    """Figure 3: embeddings under center loss of several weights, with the centres."""
    shown = sorted(records.first_seeds().values(), key=lambda run: float(run.axes["weight"]))
    picture = drawing(1, len(shown), width=PAGE_WIDTH, height=min(4.0, 0.5 + PAGE_WIDTH / len(shown)))
    points = []
    for axes, run in zip(picture.axes, shown, strict=True):
        frame = _points(records, run)
        plane.scatter(axes, frame, centres=_arrays(records, run)["class_vectors"])
        axes.set_title(f"λ = {run.axes['weight']}", fontsize=8)
        points.append(frame.assign(weight=run.axes["weight"], seed=run.seed))
    plane.name_axes(picture.axes)
    return Figure(
        picture,
        data=pd.concat(points),
        caption=(
            "Figure 3. Embeddings of the test digits in two dimensions under softmax joined with center loss of weight "
            "λ. + marks the centres. Each panel has a scale of its own."
        ),
        notes=[_first_seed_note(shown)],
    )


def figure4(records: Records) -> Figure:
    """Figure 4: embeddings of two classes under three kinds of softmax, with the directions of the class weights."""
    shown = {run.axes["loss"]: run for run in records.first_seeds().values()}
    picture = drawing(1, len(LOSSES), width=PAGE_WIDTH, height=3.1)
    points = []
    for axes, (loss, label) in zip(picture.axes, LOSSES.items(), strict=True):
        axes.set_title(label, fontsize=8)
        if loss not in shown:
            plane.not_run(axes)
            continue
        frame = _points(records, shown[loss])
        plane.scatter(axes, frame)
        plane.rays(axes, _arrays(records, shown[loss])["class_vectors"])
        points.append(frame.assign(loss=loss, seed=shown[loss].seed))
    plane.name_axes(picture.axes)
    data = " / ".join(dict.fromkeys(_two_classes(run) for run in shown.values()))
    picture.supxlabel(data, fontsize=8, fontweight="bold")
    return Figure(
        picture,
        data=pd.concat(points),
        caption=(
            "Figure 4. Embeddings of the test images of two classes in two dimensions under three kinds of softmax "
            f"({data}). Lines point from the origin along the class weights. Each panel has a scale of its own."
        ),
        notes=[_first_seed_note(shown.values())],
    )


def figure5(records: Records) -> Figure:
    """Figure 5: center loss, compact in distance, against angular softmax, compact in angle."""
    shown = {run.config["loss"]["name"]: run for run in records.first_seeds().values()}
    picture = drawing(1, 2, width=PAGE_WIDTH, height=4.2)
    points = []
    for axes, (loss, label) in zip(picture.axes, COMPACT.items(), strict=True):
        if loss not in shown:
            axes.set_title(label, fontsize=8)
            plane.not_run(axes)
            continue
        run = shown[loss]
        frame = _points(records, run)
        vectors = _arrays(records, run)["class_vectors"]
        plane.scatter(axes, frame, centres=vectors if loss == "center" else None)
        if loss == "a-softmax":
            plane.rays(axes, vectors)
        axes.set_title(f"{label}\n{_spread(run)}", fontsize=8)
        points.append(frame.assign(loss=loss, seed=run.seed))
    plane.name_axes(picture.axes)
    return Figure(
        picture,
        data=pd.concat(points),
        caption=(
            "Figure 5. Embeddings of the test digits in two dimensions under center loss (+ marks the centres) and "
            "angular softmax (lines point along the class weights). Each panel has a scale of its own."
        ),
        notes=["The paper shows an illustration; these are measured embeddings.", _first_seed_note(shown.values())],
    )


def figure7(records: Records) -> Figure:
    """Figure 7: embeddings of 2, 3 and 8 classes by the vanilla classifier, on the axes of figure 8."""
    return _few_classes(records, "figure7", "Figure 7. Embeddings of the test digits by the vanilla classifier")


def figure8(records: Records) -> Figure:
    """Figure 8: embeddings of 2, 3 and 8 classes after adversarial training, on the axes of figure 7."""
    return _few_classes(records, "figure8", "Figure 8. Embeddings of the test digits after adversarial training")


def table_variance(records: Records) -> Table:
    """Ours: what figures 7 and 8 are read by, as numbers, with other readings of the training scheme."""
    table = records.table
    others = ["angular_sd", "mean_angle", "between_means", "between_means_smallest", "accuracy"]
    of_training = ["adversarial", "anchors_recognised"]
    chosen = table[(table["benchmark"] == "variance") | table["metric"].isin([*others, *of_training])]
    rows = []
    for run, (classes, training) in ROWS.items():
        values = _by_metric(chosen, run)
        by_class = [mean(seeds) for metric, seeds in values.items() if metric.startswith("second_variance_class")]
        rows.append(
            {
                "Classes": classes,
                "Training": training,
                "Second variance": _measured_to_three_digits(values.get("second_variance", [])),
                "by class": f"{min(by_class):.3g} to {max(by_class):.3g}" if by_class else "not run",
                "Second share (%)": measured(values.get("second_share", [])),
                "Angular sd": measured(values.get("angular_sd", [])),
                "Mean angle": measured(values.get("mean_angle", [])),
                "Smallest angle": measured(values.get("between_means_smallest", []), 1),
                "Spread": _measured_to_three_digits(values.get("spread", [])),
                "Accuracy (%)": measured(values.get("accuracy", [])),
            }
        )
    return Table(
        data=chosen[["run", "seed", "benchmark", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Variance of the embeddings of the test digits within classes, and angles between classes",
        notes=[
            "Mean over seeds ± standard deviation (number of seeds). Second variance: along the second principal "
            "component of a class, in squared units of the embedding, mean over the classes; by class: the least and "
            "the greatest of them. Second share: that variance in percent of the variance along both components, which "
            "no rescaling changes.",
            "Angular sd: root mean square angle to the class's mean direction, in degrees, mean over the classes. Mean "
            "angle: the mean of the same over all images, on which misplaced ones weigh less. Smallest angle: between "
            "the mean directions of two classes. Spread: mean distance of a class mean from the mean of all. In a "
            "collapse, smallest angle and spread go to 0 and the accuracy to chance.",
            "Adversarial: with weight 1 and fixed anchors where nothing else is said. Weight 0: the batches of the "
            "adversarial scheme without its loss. Anchors redrawn: new ones for each update of the classifier, shared "
            "with the adversary; independent: the adversary draws its own.",
        ],
    )


def table_openset(records: Records) -> Table:
    """Ours: rejection of digits that were not trained on, by the angle to the nearest class direction."""
    table = records.table
    others = ["accuracy", "angular_sd", "between_means_smallest"]
    chosen = table[(table["benchmark"] == "open-set") | table["metric"].isin(others)]
    rows = []
    for method, label in METHODS.items():
        values = _by_metric(chosen, f"openset/{method}")
        rows.append(
            {
                "Training": label,
                "AUROC (%)": measured(values.get("auroc", [])),
                "FPR at 95 % TPR (%)": measured(values.get("fpr_at_95_tpr", [])),
                "Accuracy, known (%)": measured(values.get("accuracy", [])),
                "Angular sd": measured(values.get("angular_sd", [])),
                "Smallest angle": measured(values.get("between_means_smallest", []), 1),
            }
        )
    return Table(
        data=chosen[["run", "seed", "benchmark", "metric", "value"]],
        display=pd.DataFrame(rows),
        caption="Test digits 6 to 9 told from 0 to 5 by a network trained on 0 to 5",
        notes=[
            "Mean over seeds ± standard deviation (number of seeds). An image is accepted by the cosine between its "
            "embedding (32 dimensions) and the nearest mean direction of a class's training images. AUROC: known "
            "digits against unseen. FPR: the share of unseen digits accepted where 95 % of the known are.",
            "Angular sd and smallest angle, in degrees, as in table_variance, of the known test digits.",
        ],
    )


def _by_metric(table: pd.DataFrame, run: str) -> dict[str, list[float]]:
    """Return the values of a run, one a seed, by metric."""
    of_run = table[table["run"] == run]
    return {str(metric): group["value"].tolist() for metric, group in of_run.groupby("metric")}


def _few_classes(records: Records, figure: str, caption: str) -> Figure:
    """Draw a row of panels; each is as wide as the embeddings of both figures for its number of classes."""
    shown = records.first_seeds()
    picture = drawing(1, len(CLASSES), width=PAGE_WIDTH, height=2.9)
    points = []
    for axes, classes in zip(picture.axes, CLASSES, strict=True):
        name = f"{figure}/{classes}"
        if name not in shown:
            axes.set_title(f"{classes} classes", fontsize=8)
            plane.not_run(axes)
            continue
        pair = (f"figure7/{classes}", f"figure8/{classes}")
        frames = {run: _points(records, shown[run]) for run in pair if run in shown}
        frame = frames[name]
        plane.scatter(axes, frame, within=pd.concat(list(frames.values())))
        axes.set_title(f"{classes} classes\n{_spread(shown[name])}", fontsize=7.5)
        points.append(frame.assign(classes=classes, seed=shown[name].seed))
    plane.name_axes(picture.axes)
    empty = pd.DataFrame(columns=["x", "y", "class", "classes", "seed"])
    return Figure(
        picture,
        data=pd.concat(points) if points else empty,
        caption=(
            f"{caption}, as the network gives them, in two dimensions. For the same number of classes "
            "figures 7 and 8 have the same axes."
        ),
        notes=[
            "The embeddings are normalised before the softmax, so that only their direction counts.",
            _first_seed_note(run for name, run in shown.items() if name.startswith(figure)),
        ],
    )


def _first_seed_note(runs: Iterable[Record]) -> str:
    seeds = ", ".join(f"{run.run}: {run.seed}" for run in runs)
    return f"Of several seeds the first is drawn ({seeds})."


def _arrays(records: Records, run: Record) -> dict[str, NDArray[np.generic]]:
    return records.features[run.run, run.seed].load()


def _points(records: Records, run: Record) -> pd.DataFrame:
    """Return the test embeddings in columns x and y, and in `class` the digit, or A and B for two people."""
    return plane.points(_arrays(records, run), _class_names(run.config))


def _class_names(config: Mapping[str, Any]) -> list[str]:
    if _are_faces(config):
        return ["A", "B"]
    return [str(digit) for digit in config["data"]["sampling"].get("classes") or range(10)]


def _are_faces(config: Mapping[str, Any]) -> bool:
    return str(config["data"]["name"]).startswith("casia")


def _two_classes(run: Record) -> str:
    if _are_faces(run.config):
        return "Data: two identities of CASIA-WebFace, A and B"
    first, second = _class_names(run.config)
    return f"Data: two digits, {first} and {second}; no faces at hand"


def _spread(run: Record) -> str:
    """Return what the record says of the angular spread within classes and of the accuracy."""
    shown = [("angles", "angular_sd", "angular sd {:.1f}°"), ("mnist-test", "accuracy", "accuracy {:.1f}%")]
    metrics = run.metrics
    return ", ".join(text.format(metrics[name][key]) for name, key, text in shown if key in metrics.get(name, {}))


def _measured_to_three_digits(values: list[float]) -> str:
    """Return mean ± standard deviation (seeds) of values whose size depends on the unit of the embedding."""
    if not values:
        return "not run"
    spread = sd(values)
    return f"{mean(values):.3g}{'' if spread is None else f' ± {spread:.3g}'} ({len(values)})"
