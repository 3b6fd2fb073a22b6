"""ResNet of He et al., Deep Residual Learning for Image Recognition (CVPR 2016), of units with two convolutions."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil

from torch import Tensor, nn
from torch.nn import functional

HALVINGS = 5
FEW_CHANNELS = 16


class SubsampledConvolution(nn.Conv2d):
    """A 1x1 convolution that takes every `stride`-th pixel first: the same parameters and result as `nn.Conv2d`.

    For few channels. There the backward pass of a strided 1x1 convolution in channels-last layout reads outside its
    memory on CPUs, and ends the process (oneDNN 3.12 of torch 2.14).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, in_channels, h, w]` to `[B, out_channels, ceil(h / stride), ceil(w / stride)]`."""
        rows, columns = self.stride
        return functional.conv2d(x[..., ::rows, ::columns], self.weight, self.bias)


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution without bias, padded so that a map of side n becomes one of side ceil(n / stride)."""
    if kernel == 1 and stride > 1 and inputs < FEW_CHANNELS:
        return SubsampledConvolution(inputs, outputs, kernel, stride, bias=False)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Return the identity, or, where the shapes differ, a 1x1 convolution with batch normalisation (their option B)."""
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))


class BasicUnit(nn.Module):
    """Two 3x3 convolutions, each with batch normalisation, beside a shortcut; ReLU between them and after the sum.

    Maps `[B, inputs, h, w]` to `[B, filters, ceil(h / stride), ceil(w / stride)]`.
    """

    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            convolution(inputs, filters, 3, stride),
            nn.BatchNorm2d(filters),
            nn.ReLU(inplace=True),
            convolution(filters, filters, 3),
            nn.BatchNorm2d(filters),
        )
        self.shortcut = shortcut(inputs, filters, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(residual + shortcut)."""
        return functional.relu_(self.residual(x) + self.shortcut(x))


def stem(channels: int, filters: int) -> nn.Sequential:
    """Return the layers before the first stage: 7x7 convolution and 3x3 max pooling, each of stride 2."""
    return nn.Sequential(
        convolution(channels, filters, 7, 2),
        nn.BatchNorm2d(filters),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, padding=1),
    )


def stages(
    unit: Callable[[int, int, int], nn.Module],
    units: tuple[int, int, int, int],
    inputs: int,
    filters: int,
    *,
    expansion: int = 1,
    first_stride: int = 1,
) -> nn.Sequential:
    """Return four stages of `units` residual units each, in one sequence.

    `unit(inputs, filters, stride)` has `expansion` times `filters` outputs. The number of filters doubles from stage
    to stage. The first unit of each stage has stride 2, but that of the first stage `first_stride`.
    """
    layers = nn.Sequential()
    for stage, count in enumerate(units):
        for index in range(count):
            stride = 1 if index else 2 if stage else first_stride
            layers.append(unit(inputs, filters, stride))
            inputs = expansion * filters
        filters *= 2
    return layers


def initialise(network: nn.Module) -> None:
    """Draw the convolutions as He et al. (2015) have it for ReLU: normal with variance 2 / (kernel area x outputs).

    Batch normalisation keeps its scale 1 and offset 0.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")


class ResNetNetwork(nn.Module):
    """ResNet-18 with `units` (2, 2, 2, 2) and ResNet-34 with (3, 4, 6, 3), at 64 `filters` in the first stage.

    The map after the last stage has 8 x `filters` channels and 1/32 of the image's side, rounded up: 4 x 4 for the
    112 x 112 of aligned faces, whose stages work at 28, 14, 7 and 4. `head` says how it becomes the embedding:

    - `pool`: global average pooling; `embedding` has to be 8 x `filters`;
    - `pool-fc`: global average pooling and a linear layer;
    - `flatten-fc`: a linear layer over the whole map, as DiscFace's section 4.1 (figure 4) has it.

    Layers, their order and their start are those of torchvision's networks of the same name, less the last layer;
    they are written out here because importing torchvision costs every short job more than a second.

    Maps images `[B, channels, height, width]` to embeddings `[B, embedding]`; its length is `dimension`.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        *,
        units: tuple[int, int, int, int] = (2, 2, 2, 2),
        filters: int = 64,
        embedding: int = 512,
        head: str = "pool",
    ) -> None:
        super().__init__()
        self.stem = stem(channels, filters)
        self.stages = stages(BasicUnit, units, filters, filters)
        features = 8 * filters
        if head == "flatten-fc":
            self.head = nn.Sequential(nn.Flatten())
            features *= ceil(height / 2**HALVINGS) * ceil(width / 2**HALVINGS)
        else:
            self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        if head != "pool":
            self.head.append(nn.Linear(features, embedding))
        self.dimension = embedding
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return the embeddings of a batch of images."""
        embedding: Tensor = self.head(self.stages(self.stem(images)))
        return embedding
