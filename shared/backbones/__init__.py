"""Options of the networks from images to embeddings; each network has a file of its own beside this one."""

from __future__ import annotations

from typing import ClassVar, Literal

from shared.config import Backbone, Count


class SmallCnn(Backbone):
    """Three 5x5 convolutions and one fully connected layer, as section 4.2 of the Gaussian affinity paper has it.

    `convolution` chooses how the convolutions are computed, not what: `fourier` needs a tenth of the multiplications of
    `direct` and differs from it by rounding alone. It is for CPUs, in fp32.
    """

    implementation: ClassVar[str] = "shared.backbones.small_cnn:SmallCnnNetwork"
    name: Literal["small-cnn"] = "small-cnn"
    filters: tuple[Count, Count, Count] = (32, 64, 128)
    embedding: Count = 128
    convolution: Literal["direct", "fourier"] = "direct"


class LeNetPlusPlus(Backbone):
    """LeNet++ of the center loss paper (Wen et al., 2016): six 5x5 convolutions in three stages, with PReLU.

    `filters`: those of the two convolutions of each stage. `convolution` as for the small CNN.
    """

    implementation: ClassVar[str] = "shared.backbones.lenet_plus_plus:LeNetPlusPlusNetwork"
    name: Literal["lenet++"] = "lenet++"
    filters: tuple[Count, Count, Count] = (32, 64, 128)
    embedding: Count = 2
    convolution: Literal["direct", "fourier"] = "direct"
