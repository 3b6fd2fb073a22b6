"""Figures 3, 4, 5, 7 and 8: embeddings in two dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from shared.records.records import Record, Records
from shared.reporting import plane
from shared.reporting.figure import Figure, pairs
from shared.reporting.health_marks import mark

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOSSES = {"softmax": "softmax", "modified": "modified softmax", "angular": "angular softmax"}
Measures = Mapping[str, str]
"""How metrics, by benchmark/metric, are put in words."""
ACCURACY = {"mnist-test/accuracy": "accuracy {:.1f} %"}
IN_ANGLE = {"angles/mean_angle": "mean angle {:.1f}°", "angles/angular_sd": "angular sd {:.1f}°"}
ALONG_RADIUS = {"variance/second_share": "second share {:.1f} %"}
IN_DISTANCE = {"compactness/relative_variance": "variance {:.2g}"}
APART = {"angles/overlap": "overlap {:.1f} %", "compactness/gap": "gap {:.0f}°"}
COMPACT = {"center": "center loss, λ = 0.1", "a-softmax": "angular softmax, m = 4"}
CLASSES = ("2", "3", "8")
OF_ANGLES = (
    "Mean angle: of an image to its class's mean direction; angular sd: the root mean square of that, mean over the "
    "classes, which a few images on the wrong side raise though one does not see them"
)


def figure3(records: Records) -> Figure:
    """Figure 3: embeddings under center loss of several weights, with the centres."""
    shown = sorted(records.first_seeds().values(), key=lambda run: float(run.axes["weight"]))
    picture = pairs(len(shown), height=2.7)
    points = []
    for axes, run in zip(picture.axes, shown, strict=True):
        frame = _points(records, run)
        plane.scatter(axes, frame, centres=_arrays(records, run)["class_vectors"])
        axes.set_title(_title(records, f"λ = {run.axes['weight']}", run, IN_DISTANCE | ACCURACY), fontsize=7)
        points.append(frame.assign(weight=run.axes["weight"], seed=run.seed))
    plane.name_axes(picture.axes)
    return Figure(
        picture,
        data=pd.concat(points),
        caption=(
            "Figure 3. Embeddings of the test digits in two dimensions under softmax joined with center loss of weight "
            "λ. + marks the centres, each joined to its class's median. Variance: within classes, relative to the mean "
            "squared distance of two class means. Each panel has a scale of its own."
        ),
        notes=[_first_seed_note(shown)],
    )


def figure4(records: Records) -> Figure:
    """Figure 4: embeddings of two classes under three kinds of softmax, with the directions of the class weights."""
    shown = {run.axes["loss"]: run for run in records.first_seeds().values()}
    picture = pairs(len(LOSSES), height=2.7)
    points = []
    for axes, loss, run in plane.panels(picture, LOSSES, shown):
        frame = _points(records, run)
        plane.scatter(axes, frame)
        plane.rays(axes, _arrays(records, run)["class_vectors"], _class_names(run.config))
        axes.set_title(_title(records, LOSSES[loss], run, APART), fontsize=7)
        points.append(frame.assign(loss=loss, seed=run.seed))
    plane.name_axes(picture.axes)
    data = " / ".join(dict.fromkeys(_two_classes(run) for run in shown.values()))
    picture.supxlabel(data, fontsize=8, fontweight="bold")
    return Figure(
        picture,
        data=pd.concat(points),
        caption=(
            "Figure 4. Embeddings of the test images of two classes in two dimensions under three kinds of softmax "
            f"({data}). Lines point from the origin along the class weights W. Of two classes softmax and modified "
            "softmax use the difference of the weights alone, softmax also the biases, so that their lines need not "
            "lie among the embeddings. Overlap: images nearer in angle to the other class's mean direction. Gap: "
            "between the two cones that hold 95 % of each class. Each panel has a scale of its own."
        ),
        notes=[_first_seed_note(shown.values())],
    )


def figure5(records: Records) -> Figure:
    """Figure 5: center loss, compact in distance, against angular softmax, compact in angle."""
    shown = {run.config["loss"]["name"]: run for run in records.first_seeds().values()}
    picture = pairs(len(COMPACT), height=2.9)
    points = []
    for axes, loss, run in plane.panels(picture, COMPACT, shown):
        frame = _points(records, run)
        vectors = _arrays(records, run)["class_vectors"]
        plane.scatter(axes, frame, centres=vectors if loss == "center" else None)
        if loss == "a-softmax":
            plane.rays(axes, vectors, _class_names(run.config))
        axes.set_title(_title(records, COMPACT[loss], run, IN_ANGLE, ACCURACY), fontsize=7)
        points.append(frame.assign(loss=loss, seed=run.seed))
    plane.name_axes(picture.axes)
    return Figure(
        picture,
        data=pd.concat(points),
        caption=(
            "Figure 5. Embeddings of the test digits in two dimensions under center loss (+ marks the centres) and "
            f"angular softmax (lines point along the class weights W). {OF_ANGLES}. Each panel has a scale of its own."
        ),
        notes=["The paper shows an illustration; these are measured embeddings.", _first_seed_note(shown.values())],
    )


def figure7(records: Records) -> Figure:
    """Figure 7: embeddings of 2, 3 and 8 classes by the vanilla classifier, on the axes of figure 8."""
    return _few_classes(records, "figure7", "Figure 7. Embeddings of the test digits by the vanilla classifier")


def figure8(records: Records) -> Figure:
    """Figure 8: embeddings of 2, 3 and 8 classes after adversarial training, on the axes of figure 7."""
    return _few_classes(records, "figure8", "Figure 8. Embeddings of the test digits after adversarial training")


def _few_classes(records: Records, figure: str, caption: str) -> Figure:
    """Draw a panel for each number of classes, as wide as the embeddings of both figures for that number.

    The softmax sees directions alone, so that nothing fixes how long embeddings are: each run's are drawn in units of
    their mean length.
    """
    shown = records.first_seeds()
    picture = pairs(len(CLASSES), height=2.6)
    points = []
    labels = {f"{figure}/{classes}": f"{classes} classes" for classes in CLASSES}
    for axes, name, run in plane.panels(picture, labels, shown):
        classes = name.rpartition("/")[2]
        pair = (f"figure7/{classes}", f"figure8/{classes}")
        frames = {drawn: _in_mean_lengths(_points(records, shown[drawn])) for drawn in pair if drawn in shown}
        frame = frames[name]
        plane.scatter(axes, frame, within=pd.concat(list(frames.values())))
        axes.set_title(_title(records, labels[name], run, IN_ANGLE, ALONG_RADIUS, ACCURACY), fontsize=7)
        points.append(frame.assign(classes=classes, seed=run.seed))
    plane.name_axes(picture.axes, unit=" / mean length")
    empty = pd.DataFrame(columns=["x", "y", "class", "mean_length", "classes", "seed"])
    return Figure(
        picture,
        data=pd.concat(points) if points else empty,
        caption=(
            f"{caption}, in two dimensions, as the network gives them, but in units of their mean length in each "
            f"panel. For the same number of classes figures 7 and 8 have the same axes. {OF_ANGLES}. Second share: of "
            "the second principal component in a class's variance, mean over the classes."
        ),
        notes=[
            "The embeddings are normalised before the softmax, so that only their direction counts, and a shorter "
            "embedding is no more compact than a longer one.",
            _first_seed_note(run for name, run in shown.items() if name.startswith(figure)),
        ],
    )


def _in_mean_lengths(frame: pd.DataFrame) -> pd.DataFrame:
    """Return points in units of their mean distance from the origin, which is told beside them."""
    length = float(np.hypot(frame["x"], frame["y"]).mean())
    return frame.assign(x=frame["x"] / length, y=frame["y"] / length, mean_length=length)


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


def _title(records: Records, name: str, run: Record, *lines: Measures) -> str:
    """Return a name, with the mark of the run's health, and below it in words what a record has of some metrics."""
    by_place = {f"{benchmark}/{key}": value for benchmark, of in run.metrics.items() for key, value in of.items()}
    told = [
        ", ".join(text.format(by_place[place]) for place, text in line.items() if place in by_place) for line in lines
    ]
    return "\n".join([f"{name}{mark(records, [run.run])}", *filter(None, told)])
