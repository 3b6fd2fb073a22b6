"""Options of the benchmarks: named evaluations of a trained run.

A benchmark builds a function from the `Output` of each of its splits to its metrics by name.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.runs.components import Benchmark
from shared.runs.fields import Split


class MnistTest(Benchmark):
    """Accuracy and error on the test digits, over all and over the reduced and the other classes."""

    implementation: ClassVar[str] = "shared.evaluation.classification:Classification"
    name: Literal["mnist-test"] = "mnist-test"


class HeldOut(Benchmark):
    """Error on the part of the training set that was put aside: what a choice may look at, unlike the test set."""

    implementation: ClassVar[str] = "shared.evaluation.classification:Classification"
    name: Literal["held-out"] = "held-out"
    splits: ClassVar[tuple[Split, ...]] = ("held-out",)


class MnistGeometry(Benchmark):
    """How the embeddings of the test digits lie: spread, norms, angles and spacing, by reduced and other classes."""

    implementation: ClassVar[str] = "shared.evaluation.geometry:Geometry"
    name: Literal["mnist-geometry"] = "mnist-geometry"


class EmnistTest(Benchmark):
    """Accuracy and error on the test characters of EMNIST."""

    implementation: ClassVar[str] = "shared.evaluation.classification:Classification"
    name: Literal["emnist-test"] = "emnist-test"


class DermofitTest(Benchmark):
    """Accuracy and error on the lesions of the fold that is not trained on."""

    implementation: ClassVar[str] = "shared.evaluation.classification:Classification"
    name: Literal["dermofit-test"] = "dermofit-test"


class AnglesOnTest(Benchmark):
    """The directions of the test images' embeddings: how compact the classes are, and how far apart."""

    implementation: ClassVar[str] = "shared.evaluation.angles:Angles"
    name: Literal["angles"] = "angles"


class TrainingAngles(Benchmark):
    """The directions of the embeddings of the very images that were trained on."""

    implementation: ClassVar[str] = "shared.evaluation.angles:Angles"
    name: Literal["training-angles"] = "training-angles"
    splits: ClassVar[tuple[Split, ...]] = ("train",)
