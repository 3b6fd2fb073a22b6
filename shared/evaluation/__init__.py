"""The protocols that several papers measure by, with their options, and the benchmarks: protocols on certain images.

A protocol on images of the run's own data builds a function from the `Output` of each of its splits to its metrics by
name; one on a data set of its own, from that set and the run's embedding of images.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.runs.components import Benchmark
from shared.runs.fields import Split


class Classification(Benchmark):
    """Accuracy and error, over all images and over those of the reduced and of the other classes."""

    implementation: ClassVar[str] = "shared.evaluation.classification:Classification"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "error", "balanced_error", "minority_error", "majority_error")


class Geometry(Benchmark):
    """How embeddings lie: spread, norms, angles and spacing, by reduced and other classes."""

    implementation: ClassVar[str] = "shared.evaluation.geometry:Geometry"
    metrics: ClassVar[tuple[str, ...]] = (
        *("norm", "within_variance", "variance_ratio", "cluster_variance", "cluster_variance_ratio"),
        *("cluster_elongation", "center_spacing_cv", "prototype_spacing_cv", "minority_confusion"),
        *("minority_*", "majority_*"),
    )


class Angles(Benchmark):
    """The directions of embeddings: how compact the classes are, and how far apart."""

    implementation: ClassVar[str] = "shared.evaluation.angles:Angles"
    metrics: ClassVar[tuple[str, ...]] = (
        *("vector_angle", "vector_angle_worst", "vector_share", "mean_angle", "angular_sd", "overlap"),
        *("mean_to_vector", "between_means", "between_means_smallest", "between_means_spread"),
        *("between_vectors_smallest", "between_vectors_spread"),
    )


class AnglesOfRight(Benchmark):
    """The directions of rightly classified embeddings: how compact the classes are."""

    implementation: ClassVar[str] = "shared.evaluation.angles:AnglesOfRight"
    metrics: ClassVar[tuple[str, ...]] = ("vector_angle", "mean_angle", "angular_sd")


class OnFaces(Benchmark):
    """A protocol on faces; `flip` says how a face's embedding and its mirror image's are joined."""

    flip: Literal["none", "sum", "concatenate"] = "sum"


class Verification(OnFaces):
    """Pairs of images: accuracy over folds, and TAR at FAR.

    `thresholds`: whether the accuracy's is chosen exactly, or among the 400 of InsightFace.
    """

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "accuracy_sd", "tar@1e-[1-3]")
    thresholds: Literal["exact", "grid"] = "exact"


class UnseenPairs(Benchmark):
    """Verification on images of classes that are not trained on: TAR at FAR, equal error rate, accuracy over folds."""

    implementation: ClassVar[str] = "shared.evaluation.unseen_pairs:UnseenPairs"
    metrics: ClassVar[tuple[str, ...]] = ("tar@1e-[1-5]", "eer", "accuracy")
    splits: tuple[Split, ...] = ("unseen",)


class OneShotTrials(Benchmark):
    """One-shot classification: each query is found by cosine among images of as many classes, one of each."""

    implementation: ClassVar[str] = "shared.evaluation.one_shot:OneShotAccuracy"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy",)


class VideoVerification(OnFaces):
    """Pairs of videos: accuracy over folds."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:VideoVerification"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "accuracy_sd")


class Templates(OnFaces):
    """Templates of IJB-B and IJB-C: 1:1 TAR at FAR and 1:N identification.

    `norms`: whether the length of an image's embedding weighs it in its template; `detector`: whether the detector's
    score does.
    """

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Templates"
    metrics: ClassVar[tuple[str, ...]] = ("tar@1e-[1-6]", "rank1", "rank5", "rank10", "tpir@1e-[1-3]")
    norms: Literal["kept", "removed"] = "kept"
    detector: bool = False


class SplitTemplates(OnFaces):
    """Templates of IJB-A: 1:1 TAR at FAR and 1:N ranks, means over its ten splits.

    `pooling`: a template is the mean of its images, or the mean of its media, each of which is the mean of its images.
    """

    implementation: ClassVar[str] = "shared.evaluation.split_templates:SplitTemplates"
    metrics: ClassVar[tuple[str, ...]] = ("tar@1e-[23]", "tar@1e-[23]_sd", "rank1", "rank5", "rank10", "rank*_sd")
    pooling: Literal["average", "media"] = "average"


class AdaptedTemplates(OnFaces):
    """As `SplitTemplates` by media, but templates are compared by linear SVMs trained for each of them."""

    implementation: ClassVar[str] = "shared.evaluation.template_adaptation:AdaptedTemplates"
    metrics: ClassVar[tuple[str, ...]] = SplitTemplates.metrics


class Distractors(OnFaces):
    """MegaFace: rank-1 identification among distractors, and TAR at FAR over all impostor pairs."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Distractors"
    metrics: ClassVar[tuple[str, ...]] = ("rank1", "tar@1e-[1-6]")


BENCHMARKS = (
    Classification(name="mnist-test"),
    Classification(name="emnist-test"),
    Classification(name="dermofit-test"),
    # What a choice of settings may look at, unlike the test set.
    Classification(name="held-out", splits=("held-out",)),
    Geometry(name="mnist-geometry"),
    Angles(name="angles"),
    Angles(name="training-angles", splits=("train",)),
    AnglesOfRight(name="angles-right"),
    *(Verification(name=pairs, on=pairs) for pairs in ("lfw", "cfp-ff", "cfp-fp", "agedb-30", "calfw", "cplfw")),
    UnseenPairs(name="unseen-pairs"),
    OneShotTrials(name="one-shot-trials", on="omniglot-trials"),
    Verification(name="qmul-survface", on="qmul-survface-pairs"),
    VideoVerification(name="ytf", on="ytf"),
    SplitTemplates(name="ijb-a", on="ijb-a"),
    SplitTemplates(name="ijb-a-media", on="ijb-a", pooling="media"),
    AdaptedTemplates(name="ijb-a-adapted", on="ijb-a"),
    *(Templates(name=templates, on=templates) for templates in ("ijb-b", "ijb-c")),
    Distractors(name="megaface", on="megaface"),
)
