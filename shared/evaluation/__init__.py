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


class Geometry(Benchmark):
    """How embeddings lie: spread, norms, angles and spacing, by reduced and other classes."""

    implementation: ClassVar[str] = "shared.evaluation.geometry:Geometry"


class Angles(Benchmark):
    """The directions of embeddings: how compact the classes are, and how far apart."""

    implementation: ClassVar[str] = "shared.evaluation.angles:Angles"


class OnFaces(Benchmark):
    """A protocol on faces; `flip` says how a face's embedding and its mirror image's are joined."""

    flip: Literal["none", "sum", "concatenate"] = "sum"


class Verification(OnFaces):
    """Pairs of images: accuracy over folds, and TAR at FAR.

    `thresholds`: whether the accuracy's is chosen exactly, or among the 400 of InsightFace.
    """

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Verification"
    thresholds: Literal["exact", "grid"] = "exact"


class UnseenPairs(Benchmark):
    """Verification on images of classes that are not trained on: TAR at FAR, equal error rate, accuracy over folds."""

    implementation: ClassVar[str] = "shared.evaluation.unseen_pairs:UnseenPairs"
    splits: tuple[Split, ...] = ("unseen",)


class OneShotTrials(Benchmark):
    """One-shot classification: each query is found by cosine among images of as many classes, one of each."""

    implementation: ClassVar[str] = "shared.evaluation.one_shot:OneShotAccuracy"


class VideoVerification(OnFaces):
    """Pairs of videos: accuracy over folds."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:VideoVerification"


class Templates(OnFaces):
    """Templates of IJB-B and IJB-C: 1:1 TAR at FAR and 1:N identification.

    `norms`: whether the length of an image's embedding weighs it in its template; `detector`: whether the detector's
    score does.
    """

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Templates"
    norms: Literal["kept", "removed"] = "kept"
    detector: bool = False


class SplitTemplates(OnFaces):
    """Templates of IJB-A: 1:1 TAR at FAR and 1:N ranks, means over its ten splits.

    `pooling`: a template is the mean of its images, or the mean of its media, each of which is the mean of its images.
    """

    implementation: ClassVar[str] = "shared.evaluation.split_templates:SplitTemplates"
    pooling: Literal["average", "media"] = "average"


class AdaptedTemplates(OnFaces):
    """As `SplitTemplates` by media, but templates are compared by linear SVMs trained for each of them."""

    implementation: ClassVar[str] = "shared.evaluation.template_adaptation:AdaptedTemplates"


class Distractors(OnFaces):
    """MegaFace: rank-1 identification among distractors, and TAR at FAR over all impostor pairs."""

    implementation: ClassVar[str] = "shared.evaluation.face_benchmarks:Distractors"


BENCHMARKS = (
    Classification(name="mnist-test"),
    Classification(name="emnist-test"),
    Classification(name="dermofit-test"),
    # What a choice of settings may look at, unlike the test set.
    Classification(name="held-out", splits=("held-out",)),
    Geometry(name="mnist-geometry"),
    Angles(name="angles"),
    Angles(name="training-angles", splits=("train",)),
    *(Verification(name=pairs, on=pairs) for pairs in ("lfw", "cfp-ff", "cfp-fp", "agedb-30", "calfw", "cplfw")),
    UnseenPairs(name="unseen-pairs"),
    OneShotTrials(name="one-shot-trials", on="omniglot-trials"),
    Verification(name="olivetti", on="olivetti-pairs"),
    Verification(name="qmul-survface", on="qmul-survface-pairs"),
    VideoVerification(name="ytf", on="ytf"),
    SplitTemplates(name="ijb-a", on="ijb-a"),
    SplitTemplates(name="ijb-a-media", on="ijb-a", pooling="media"),
    AdaptedTemplates(name="ijb-a-adapted", on="ijb-a"),
    *(Templates(name=templates, on=templates) for templates in ("ijb-b", "ijb-c")),
    Distractors(name="megaface", on="megaface"),
)
