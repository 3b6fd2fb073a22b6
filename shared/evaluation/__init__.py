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


class MnistGeometry(Benchmark):
    """How the embeddings of the test digits lie: spread, norms, angles and spacing, by reduced and other classes."""

    implementation: ClassVar[str] = "shared.evaluation.geometry:Geometry"
    name: Literal["mnist-geometry"] = "mnist-geometry"
