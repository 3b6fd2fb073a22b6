"""Feature Transfer Learning for Face Recognition with Under-Represented Data (Yin et al., CVPR 2019).

Classes with few images borrow the spread of classes with many: rich features are moved from the center of a regular
class to that of an under-represented one, and the classifier is trained on what was moved; then the features are
trained with the classifier fixed, and so on in turns. A regulariser of the logits, m-L2, goes with it.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shared.backbones import Side
from shared.evaluation import Verification
from shared.losses.knowing_nothing import Answer, entropy
from shared.runs.components import Backbone, Benchmark, Loss, Scheme
from shared.runs.fields import Count, NonNegative, Positive, Share, Split


class RichFeatures(Backbone):
    """Options of the encoder, the decoder and the filter R, for grey images of `side` x `side`.

    `width`: channels of the first layer. The rich feature g has 10 * `width` entries, the feature f has `embedding`.
    """

    implementation: ClassVar[str] = "papers.feature_transfer.networks:RichFeatureNetwork"
    # Dec ends in tanh, and is to return what the encoder sees.
    signed: ClassVar[bool] = True
    name: Literal["rich-features"] = "rich-features"
    side: Side = 100
    width: Count = 32
    embedding: Count = 320


class MetricL2(Loss):
    """Softmax joined with m-L2, the square of the logits (eq. 3).

    `weight` is alpha_reg of eq. 4; `reduction`: whether the squares of an image's logits are averaged over the classes
    or summed; `bias`: whether the linear layer has one.
    """

    implementation: ClassVar[str] = "papers.feature_transfer.losses:MetricL2Loss"
    judged_by: ClassVar[str] = "cross_entropy"
    name: Literal["metric-l2"] = "metric-l2"
    weight: NonNegative
    reduction: Literal["mean", "sum"] = "mean"
    bias: bool = False

    knowing_nothing: ClassVar[Answer] = entropy


class SoftmaxL2(Loss):
    """Softmax with weight decay of the classifier alone, the row sfmx+L2 of table 3; `weight` is lambda."""

    implementation: ClassVar[str] = "papers.feature_transfer.losses:SoftmaxL2Loss"
    judged_by: ClassVar[str] = "cross_entropy"
    name: Literal["softmax-l2"] = "softmax-l2"
    weight: NonNegative
    bias: bool = False

    knowing_nothing: ClassVar[Answer] = entropy


class FeatureTransfer(Scheme):
    """Options of pre-training and of the two alternating stages, algorithm 1.

    `reconstruction`: alpha_recon of eq. 4.
    `pretraining`: the share of all iterations before the stages.
    `stages`: `alternate`, as the algorithm has it; `none`, to go on as in pre-training, for as many iterations and at
    the learning rate of the stages, which is what the stages are compared with.
    `iterations`: N_iter of one stage. `stage_learning_rate`: of both stages.
    `few`: a class of no more training images than that is under-represented.
    `yaw_limit`: how far a head may be turned, in degrees, to count in its class's center (eq. 5, half of its tau).
    `mirror`: whether mirror images count in it too; those of a character are no images of its class.
    `components`: how many principal components Q has, at most as many as g has entries; or instead
    `energy`: the share of the variance within classes that Q is to hold.
    `updates`: whether the three batches of stage 1 make three updates, in their order, or one of their joint loss.
    `patience`: the stages end once so many turns of both have not raised the accuracy of FC on held-out images of
    under-represented classes; without it, at the last step.
    """

    implementation: ClassVar[str] = "papers.feature_transfer.scheme:FeatureTransferScheme"
    name: Literal["feature-transfer"] = "feature-transfer"
    reconstruction: NonNegative = 1.0
    pretraining: Share = 0.5
    stages: Literal["alternate", "none"] = "alternate"
    iterations: Count = 5000
    stage_learning_rate: Positive = 1e-5
    few: Count = 20
    yaw_limit: NonNegative = 30.0
    # Left out of a record where they are as in the paper, as the patience is where it is not set.
    mirror: bool = Field(True, exclude_if=lambda mirror: mirror)
    components: Count | None = 150
    energy: Share | None = None
    updates: Literal["separate", "joint"] = "separate"
    # Left out of a record where it is not set, so that records from before it was an option stay those of their runs.
    patience: Count | None = Field(None, exclude_if=lambda patience: patience is None)

    @model_validator(mode="after")
    def _has_one_size(self) -> Self:
        if (self.components is None) == (self.energy is None):
            raise ValueError("give either components or energy")
        return self

    def rehearsed(self) -> tuple[Self, int]:
        """Return the same with two iterations a stage, and the steps of pre-training and of one turn of both stages."""
        after = 4
        return self.model_copy(update={"iterations": 2}), round(after / (1 - self.pretraining))

    @property
    def added_terms(self) -> dict[str, float]:
        """The reconstruction."""
        return {"reconstruction": self.reconstruction}


class NearestCenter(Benchmark):
    """Rank-1 accuracy of the hold-out images of regular and of UR classes, by the nearest center.

    `classifier`: whether what FC makes of them is measured too, and its weights.
    """

    implementation: ClassVar[str] = "papers.feature_transfer.recognition:NearestCenters"
    metrics: ClassVar[tuple[str, ...]] = (
        *("rank1_regular", "rank1_ur", "rank1_regular_fc", "rank1_ur_fc"),
        *("norm_regular_fc", "norm_ur_fc"),
    )
    splits: tuple[Split, ...] = ("gallery", "test")
    classifier: bool = False


class StageTurns(Benchmark):
    """How many turns of the two stages were made, and what each reached on the held-out images that end them."""

    implementation: ClassVar[str] = "papers.feature_transfer.class_metrics:StageTurns"
    metrics: ClassVar[tuple[str, ...]] = ("turns", "best", "accuracy@*")
    name: Literal["stage-turns"] = "stage-turns"
    inside: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("turns",)


class OneShot(Benchmark):
    """Rank-1 accuracy on base classes, and coverage of the images of novel classes at a precision of 0.99."""

    implementation: ClassVar[str] = "papers.feature_transfer.recognition:OneShotRecognition"
    metrics: ClassVar[tuple[str, ...]] = ("rank1_base", "rank1_novel", "coverage")
    name: Literal["one-shot"] = "one-shot"
    unbiased: ClassVar[bool] = True


class CenterError(Benchmark):
    """How far the center of a few images is from that of the others of the class, by three estimators (figure 4)."""

    implementation: ClassVar[str] = "papers.feature_transfer.class_metrics:CenterErrors"
    metrics: ClassVar[tuple[str, ...]] = (
        *("pick_one@*", "avg_all@*", "avg_flip@*", "pick_one_eq5@*", "avg_all_eq5@*", "avg_flip_eq5@*"),
        *("classes", "yaw_known"),
        *("intra_min", "intra_mean", "intra_max", "inter_min", "inter_mean", "inter_max"),
    )
    inside: ClassVar[bool] = True
    sizes: Annotated[tuple[Count, ...], Field(min_length=1)] = (1, 5, 10, 20)
    classes: Annotated[int, Field(ge=2)] = 1000
    draws: Count = 10
    limit: NonNegative = 30.0

    @property
    def options(self) -> dict[str, Any]:
        """The options of the protocol, by name, and the method of the scheme that embeds."""
        return super().options | {"embedding": self.embedding}


class NearestSamples(Benchmark):
    """The images nearest to the centers of the largest and of the smallest classes (figure 3)."""

    implementation: ClassVar[str] = "papers.feature_transfer.class_metrics:NearestToCenters"
    metrics: ClassVar[tuple[str, ...]] = ("yaw_largest", "yaw_smallest")
    name: Literal["nearest-samples"] = "nearest-samples"
    inside: ClassVar[bool] = True
    keeps: ClassVar[bool] = True
    classes: Count = 8


class TwoClasses(Benchmark):
    """Class sizes and weight norms, and the embeddings of a regular and of an under-represented class (figure 1).

    `mirror`: whether the centers that virtual samples are moved between are of mirror images too.
    """

    implementation: ClassVar[str] = "papers.feature_transfer.class_metrics:ClassBias"
    metrics: ClassVar[tuple[str, ...]] = (
        "norm_correlation",
        "norm_regular",
        "norm_ur",
        "below_20",
        "variance_regular",
        "variance_ur",
    )
    name: Literal["two-classes"] = "two-classes"
    inside: ClassVar[bool] = True
    unbiased: ClassVar[bool] = True
    keeps: ClassVar[bool] = True
    mirror: bool = True


class TransferPictures(Benchmark):
    """Decoded centers, transferred and interpolated features (figures 6 to 8), and what can be measured of them."""

    implementation: ClassVar[str] = "papers.feature_transfer.picture_metrics:TransferredPictures"
    metrics: ClassVar[tuple[str, ...]] = (
        *("energy", "identity_kept", "identity_unmoved", "variance_ratio", "variance_ratio_before"),
        *("center_identity", "sample_identity"),
        *("center_symmetry", "mean_symmetry", "pair_symmetry", "sample_symmetry"),
        *("evenness_plain", "evenness_variation", "evenness_identity"),
    )
    name: Literal["transfer"] = "transfer"
    inside: ClassVar[bool] = True
    needs: ClassVar[tuple[str, ...]] = ("embed_rich", "decode", "statistics_of")
    keeps: ClassVar[bool] = True


BENCHMARKS = (
    NearestCenter(name="nearest-center", classifier=True),
    CenterError(name="center-error"),
    # By rich features g instead of features f.
    NearestCenter(name="nearest-center-rich", embedding="embed_rich"),
    CenterError(name="center-error-rich", embedding="embed_rich"),
    Verification(name="lfw-rich", on="lfw", embedding="embed_rich"),
)
