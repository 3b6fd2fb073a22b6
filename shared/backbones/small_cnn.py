"""The network of the MNIST experiments of the Gaussian affinity paper (section 4.2)."""

from __future__ import annotations

from torch import Tensor, nn

from shared.backbones.fourier_conv import Conv5x5
from shared.backbones.max_pool import MaxPoolReLU


class SmallCnnNetwork(nn.Module):
    """Three 5x5 convolutions, each with 2x2 max pooling and ReLU, and one linear layer to the embedding.

    The paper states the filters and the 128 neurons. Padding 2 (three unpadded convolutions do not fit on 28x28),
    2x2 pooling and ReLU after every convolution are chosen as in the center loss paper's network for the same data.
    The embedding is linear, without ReLU: figure 2 shows it over the whole plane. With `dropout`, so large a share of
    the features before it is dropped in training; the paper says only that its loss goes with it.

    Maps images `[B, channels, height, width]` to embeddings `[B, embedding]`; its length is `dimension`.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        *,
        filters: tuple[int, int, int] = (32, 64, 128),
        embedding: int = 128,
        convolution: str = "direct",
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        first, second, third = filters
        self.layers = nn.Sequential()
        for inputs, outputs in ((channels, first), (first, second), (second, third)):
            if convolution == "fourier":
                self.layers.extend([Conv5x5(inputs, outputs), MaxPoolReLU()])
            else:
                pool = nn.Sequential(nn.MaxPool2d(2), nn.ReLU())
                self.layers.extend([nn.Conv2d(inputs, outputs, 5, padding=2), pool])
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.embed = nn.Linear(third * (height // 8) * (width // 8), embedding)
        self.dimension = embedding

    def forward(self, images: Tensor) -> Tensor:
        """Return the embeddings of a batch of images."""
        embedding: Tensor = self.embed(self.dropout(self.layers(images).flatten(1)))
        return embedding
