"""LeNet++, the network of the center loss paper (Wen et al., 2016, table 1) for digits."""

from __future__ import annotations

from torch import Tensor, nn

from shared.backbones.fourier_conv import Conv5x5
from shared.backbones.max_pool import MaxPool
from shared.backbones.prelu import PReLU

PRELU_SLOPE = 0.25


class LeNetPlusPlusNetwork(nn.Module):
    """Three stages of two 5x5 convolutions and 2x2 max pooling, PReLU after each convolution, and a linear layer.

    Table 1 of the center loss paper states the filters, padding 2 and the pooling; its text that the units are PReLU.
    Each channel has a slope of its own, 0.25 at the start. The convolutions start as He et al. (2015, eq. 12) have it
    for that slope, without bias. Whether a unit follows the last layer is not stated; here the embedding is linear, as
    the figures of all papers that use the network show it over the whole plane.

    Maps images `[B, channels, height, width]` to embeddings `[B, embedding]`; its length is `dimension`.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        *,
        filters: tuple[int, int, int] = (32, 64, 128),
        embedding: int = 2,
        convolution: str = "direct",
    ) -> None:
        super().__init__()
        fourier = convolution == "fourier"
        self.layers = nn.Sequential()
        inputs = channels
        for outputs in filters:
            for count in (inputs, outputs):
                layer = Conv5x5(count, outputs) if fourier else nn.Conv2d(count, outputs, 5, padding=2)
                nn.init.kaiming_normal_(layer.weight, a=PRELU_SLOPE)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
                unit = PReLU if fourier else nn.PReLU
                self.layers.extend([layer, unit(outputs, init=PRELU_SLOPE)])
            self.layers.append(MaxPool() if fourier else nn.MaxPool2d(2))
            inputs = outputs
        self.embed = nn.Linear(inputs * (height // 8) * (width // 8), embedding)
        self.dimension = embedding

    def forward(self, images: Tensor) -> Tensor:
        """Return the embeddings of a batch of images."""
        embedding: Tensor = self.embed(self.layers(images).flatten(1))
        return embedding
