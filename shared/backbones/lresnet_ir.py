"""LResNet-E-IR, the networks of ArcFace (Deng et al., first version, 2018) for aligned faces."""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor, nn

from shared.backbones.resnet import convolution, initialise, shortcut, stages

HALVINGS = 4


class ImprovedUnit(nn.Module):
    """The improved residual unit, "IR": BN, convolution, BN, PReLU, convolution, BN, beside a shortcut.

    Both convolutions are 3x3 and the second has the stride. There is no unit after the sum. Each channel's slope
    starts at 0.25.
    """

    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(inputs),
            convolution(inputs, filters, 3),
            nn.BatchNorm2d(filters),
            nn.PReLU(filters),
            convolution(filters, filters, 3, stride),
            nn.BatchNorm2d(filters),
        )
        self.shortcut = shortcut(inputs, filters, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, inputs, h, w]` to `[B, filters, ceil(h / stride), ceil(w / stride)]`."""
        total: Tensor = self.residual(x) + self.shortcut(x)
        return total


class OptionE(nn.Module):
    """From the last map to the embedding, "E": BN, dropout, fully connected layer, BN.

    The last normalisation has an offset but no scale, as in the authors' networks. Everything from the fully connected
    layer on is computed in the precision of its weights, also under autocast.
    """

    def __init__(self, channels: int, positions: int, embedding: int, dropout: float) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm2d(channels)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(channels * positions, embedding)
        nn.init.normal_(self.linear.weight, std=(2 / embedding) ** 0.5)
        nn.init.zeros_(self.linear.bias)
        self.standardise = nn.BatchNorm1d(embedding, affine=False)
        self.offset = nn.Parameter(torch.zeros(embedding))

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, channels, h, w]` to `[B, embedding]`."""
        x = self.dropout(self.normalise(x)).flatten(1)
        with torch.autocast(x.device.type, enabled=False):
            embedding: Tensor = self.standardise(self.linear(x.to(self.linear.weight.dtype))) + self.offset
        return embedding


class LResNetIRNetwork(nn.Module):
    """LResNet50E-IR with `units` (3, 4, 14, 3) and LResNet100E-IR with (3, 13, 30, 3), at 64 `filters`.

    "L": a 3x3 convolution of stride 1 with BN and PReLU in place of ResNet's 7x7 and max pooling. Every stage halves
    the map, the first one too: 112 x 112 becomes 56, 28, 14 and 7 (sides are rounded up).

    All weights start as the authors' public training draws them, normal with variance 2 / fan-out. Batch
    normalisation has torch's epsilon of 1e-5, theirs in MXNet is 2e-5.

    Maps images `[B, channels, height, width]` to embeddings `[B, embedding]`; its length is `dimension`. In training
    mode a batch needs at least two images.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        *,
        units: tuple[int, int, int, int] = (3, 4, 14, 3),
        filters: int = 64,
        embedding: int = 512,
        dropout: float = 0.4,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(convolution(channels, filters, 3), nn.BatchNorm2d(filters), nn.PReLU(filters))
        self.stages = stages(ImprovedUnit, units, filters, filters, first_stride=2)
        positions = ceil(height / 2**HALVINGS) * ceil(width / 2**HALVINGS)
        self.head = OptionE(8 * filters, positions, embedding, dropout)
        self.dimension = embedding
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return the embeddings of a batch of images."""
        embedding: Tensor = self.head(self.stages(self.stem(images)))
        return embedding
