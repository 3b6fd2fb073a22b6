"""Options of the networks from images to embeddings; each network has a file of its own beside this one."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shared.runs.components import Backbone
from shared.runs.fields import Count, Fraction

Units = tuple[Count, Count, Count, Count]
Side = Annotated[int, Field(ge=16)]
"""The side of the grey square that CASIA-Net sees; the last of its maps, after four halvings, is not empty."""


class SmallCnn(Backbone):
    """Three 5x5 convolutions and one fully connected layer, as section 4.2 of the Gaussian affinity paper has it.

    `convolution` chooses how the convolutions are computed, not what: `fourier` needs a tenth of the multiplications of
    `direct` and differs from it by rounding alone. It is for CPUs, in fp32. `dropout`: the share of the features before
    the embedding that are dropped in training.
    """

    implementation: ClassVar[str] = "shared.backbones.small_cnn:SmallCnnNetwork"
    name: Literal["small-cnn"] = "small-cnn"
    filters: tuple[Count, Count, Count] = (32, 64, 128)
    embedding: Count = 128
    convolution: Literal["direct", "fourier"] = "direct"
    dropout: Fraction = Field(0.0, exclude_if=lambda share: share == 0)


class LeNetPlusPlus(Backbone):
    """LeNet++ of the center loss paper (Wen et al., 2016): six 5x5 convolutions in three stages, with PReLU.

    `filters`: those of the two convolutions of each stage. `convolution` as for the small CNN.
    """

    implementation: ClassVar[str] = "shared.backbones.lenet_plus_plus:LeNetPlusPlusNetwork"
    name: Literal["lenet++"] = "lenet++"
    filters: tuple[Count, Count, Count] = (32, 64, 128)
    embedding: Count = 2
    convolution: Literal["direct", "fourier"] = "direct"


def _require_pooled(embedding: int, features: int) -> None:
    """Refuse an embedding that is not as long as the pooled features that it is."""
    if embedding != features:
        raise ValueError(f"the embedding is the {features} pooled features here, and cannot have {embedding}")


class ResNet(Backbone):
    """ResNet of He et al. (2016); its defaults are those of ResNet-18, ResNet-34 has the units 3, 4, 6, 3.

    `units`: residual units of each stage. `filters`: those of the first stage, which double from stage to stage.
    `head`: `pool` averages the last map, whose 8 * `filters` channels are the embedding; `pool-fc` has a linear layer
    after that; `flatten-fc` has one over the whole map, as section 4.1 of the DiscFace paper.
    """

    implementation: ClassVar[str] = "shared.backbones.resnet:ResNetNetwork"
    name: Literal["resnet"] = "resnet"
    units: Units = (2, 2, 2, 2)
    filters: Count = 64
    embedding: Count = 512
    head: Literal["pool", "pool-fc", "flatten-fc"] = "pool"

    @model_validator(mode="after")
    def _pooled(self) -> Self:
        if self.head == "pool":
            _require_pooled(self.embedding, 8 * self.filters)
        return self


class LResNetIR(Backbone):
    """LResNet-E-IR of ArcFace (Deng et al., 2018) for aligned faces; its defaults are those of LResNet50E-IR.

    LResNet100E-IR has the units 3, 13, 30, 3. `filters`: those of the first stage, which double from stage to stage.
    """

    implementation: ClassVar[str] = "shared.backbones.lresnet_ir:LResNetIRNetwork"
    name: Literal["lresnet-ir"] = "lresnet-ir"
    units: Units = (3, 4, 14, 3)
    filters: Count = 64
    embedding: Count = 512
    dropout: Fraction = 0.4


class SEResNet(Backbone):
    """SE-ResNet of Hu et al. (2018); its defaults are those of SE-ResNet-50.

    `filters`: those of the first stage, which double from stage to stage. The embedding is the pooled last map,
    32 * `filters` features.
    """

    implementation: ClassVar[str] = "shared.backbones.se_resnet:SEResNetNetwork"
    name: Literal["se-resnet"] = "se-resnet"
    units: Units = (3, 4, 6, 3)
    filters: Count = 64
    embedding: Count = 2048

    @model_validator(mode="after")
    def _pooled(self) -> Self:
        _require_pooled(self.embedding, 32 * self.filters)
        return self


class CasiaNet(Backbone):
    """CASIA-Net of Yi et al. (2014), with batch normalisation, on grey images that are resized to `side` x `side`.

    `width`: filters of the first convolution; the last has 10 * `width`, whose pooled map is the embedding.
    """

    implementation: ClassVar[str] = "shared.backbones.casia_net:CasiaNetNetwork"
    name: Literal["casia-net"] = "casia-net"
    side: Side = 100
    width: Count = 32
    embedding: Count = 320

    @model_validator(mode="after")
    def _pooled(self) -> Self:
        _require_pooled(self.embedding, 10 * self.width)
        return self
