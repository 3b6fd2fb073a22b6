"""SE-ResNet of Hu et al., Squeeze-and-Excitation Networks (CVPR 2018), of bottleneck units."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from shared.backbones.resnet import convolution, initialise, shortcut, stages, stem

EXPANSION = 4


class SqueezeExcitation(nn.Module):
    """Scales each channel by a gate in (0, 1) computed from the means of all: their eqs. 2 to 4.

    The gate is sigmoid(W2 relu(W1 z)) of the means z over the map, with channels / `reduction` hidden neurons, at least
    one. Both layers have biases, as in the authors' networks; they start at zero and the weights as He et al. (2015)
    have it.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze, self.excite = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        for layer in (self.squeeze, self.excite):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, channels, h, w]` to the same shape."""
        gate = torch.sigmoid(self.excite(functional.relu_(self.squeeze(x.mean((2, 3))))))
        return x * gate[:, :, None, None]


class SEBottleneckUnit(nn.Module):
    """1x1, 3x3 and 1x1 convolution and squeeze-and-excitation beside a shortcut, ReLU after the sum.

    The last convolution has four times `filters` outputs. The stride is that of the first convolution, as in He et al.
    and in the authors' networks; torchvision gives it to the 3x3 one.
    """

    def __init__(self, inputs: int, filters: int, stride: int, *, reduction: int = 16) -> None:
        super().__init__()
        outputs = EXPANSION * filters
        self.residual = nn.Sequential(
            convolution(inputs, filters, 1, stride),
            nn.BatchNorm2d(filters),
            nn.ReLU(inplace=True),
            convolution(filters, filters, 3),
            nn.BatchNorm2d(filters),
            nn.ReLU(inplace=True),
            convolution(filters, outputs, 1),
            nn.BatchNorm2d(outputs),
            SqueezeExcitation(outputs, reduction),
        )
        self.shortcut = shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(residual + shortcut)."""
        return functional.relu_(self.residual(x) + self.shortcut(x))


class SEResNetNetwork(nn.Module):
    """SE-ResNet-50 with `units` (3, 4, 6, 3) at 64 `filters` in the first stage.

    The embedding is the last map after global average pooling, 32 x `filters` features, as section 4.2 of the Gaussian
    affinity paper has it; `embedding` has to be that number. For images of 112 x 112 the map is 4 x 4.

    Maps images `[B, channels, height, width]` to embeddings `[B, embedding]`; its length is `dimension`.
    """

    def __init__(
        self,
        channels: int,
        height: int,  # noqa: ARG002 - the same network for every size
        width: int,  # noqa: ARG002
        *,
        units: tuple[int, int, int, int] = (3, 4, 6, 3),
        filters: int = 64,
        embedding: int = 2048,
    ) -> None:
        super().__init__()
        self.stem = stem(channels, filters)
        self.stages = stages(SEBottleneckUnit, units, filters, filters, expansion=EXPANSION)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.dimension = embedding
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return the embeddings of a batch of images."""
        embedding: Tensor = self.pool(self.stages(self.stem(images)))
        return embedding
