"""Options of the benchmarks: named evaluations of a trained run.

A benchmark builds a function from a `TestOutput` to its metrics by name.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.config import Benchmark


class MnistTest(Benchmark):
    """Accuracy and error on the test digits, over all and over the reduced and the other classes."""

    implementation: ClassVar[str] = "shared.evaluation.classification:Classification"
    name: Literal["mnist-test"] = "mnist-test"


class HeldOut(Benchmark):
    """Error on the part of the training set that was put aside: what a choice may look at, unlike the test set."""

    implementation: ClassVar[str] = "shared.evaluation.classification:Classification"
    name: Literal["held-out"] = "held-out"
    split: ClassVar[Literal["test", "held-out"]] = "held-out"


class MnistGeometry(Benchmark):
    """How the embeddings of the test digits lie: spread, norms, angles and spacing, by reduced and other classes."""

    implementation: ClassVar[str] = "shared.evaluation.geometry:Geometry"
    name: Literal["mnist-geometry"] = "mnist-geometry"
