"""DiscFace: Minimum Discrepancy Learning for Deep Face Recognition (Kim et al., ACCV 2020).

A softmax-type loss compares features with class weights, the evaluation compares features with each other. Two features
at one angle to their class weight may be at twice that angle to each other: process discrepancy. So all displacement
vectors, feature minus class weight, both normalised, are drawn to one short vector that is learned, whatever the class.
The loss itself is among the shared losses; here is how its effect is measured, and the scheme of figure 5.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from shared.evaluation import Templates, Verification
from shared.runs.components import Benchmark, Scheme


class RareClass(Scheme):
    """Options of the scheme of figure 5: classification with one class, `rare`, that is seen once every two epochs."""

    implementation: ClassVar[str] = "papers.discface.rare_class:RareClassScheme"
    name: Literal["rare-class"] = "rare-class"
    rare: Annotated[int, Field(ge=0)]


class Discrepancy(Benchmark):
    """How displacement vectors differ, and what they say of the class."""

    implementation: ClassVar[str] = "papers.discface.discrepancy:Discrepancy"
    metrics: ClassVar[tuple[str, ...]] = (
        *("own_angle", "displacement_cosine", "displacement_length", "displacement_spread", "positive_angle"),
        *("directional", "directional_within", "radial", "radial_within", "probe", "chance"),
    )


class ClassDiscrepancy(Benchmark):
    """Whether the mean displacement vectors of the classes lie in one direction."""

    implementation: ClassVar[str] = "papers.discface.discrepancy:ClassDiscrepancy"
    metrics: ClassVar[tuple[str, ...]] = ("displacement_cosine",)


class PairAngles(Benchmark):
    """Angles of positive and negative pairs of images of a few classes, as figure 4 has them."""

    implementation: ClassVar[str] = "papers.discface.pair_angles:PairAngles"
    metrics: ClassVar[tuple[str, ...]] = ("positive_angle_class*", "negative_angle", "overlap")


class Following(Benchmark):
    """How verification follows classification along training, as figure 6 has it."""

    implementation: ClassVar[str] = "papers.discface.following:Following"
    metrics: ClassVar[tuple[str, ...]] = ("rank_correlation",)
    of_curve: ClassVar[bool] = True


class Improvement(Benchmark):
    """How much verification improves along training, a point by which classification does."""

    implementation: ClassVar[str] = "papers.discface.following:Improvement"
    metrics: ClassVar[tuple[str, ...]] = ("verification_per_point",)
    of_curve: ClassVar[bool] = True


BENCHMARKS = (
    # The printed numbers are taken to come from the evaluation of the cited networks, InsightFace's.
    *(
        Verification(name=pairs, on=pairs, thresholds="grid")
        for pairs in ("lfw", "cfp-fp", "agedb-30", "calfw", "cplfw")
    ),
    *(Templates(name=templates, on=templates, detector=True) for templates in ("ijb-b", "ijb-c")),
    *(Templates(name=f"{templates}-no-detector", on=templates) for templates in ("ijb-b", "ijb-c")),
    Following(name="following"),
    Improvement(name="improvement"),
    Discrepancy(name="discrepancy", splits=("held-out",)),
    Discrepancy(name="training-discrepancy", splits=("train",)),
    ClassDiscrepancy(name="class-discrepancy", splits=("train",)),
    PairAngles(name="pair-angles", splits=("train",)),
)
