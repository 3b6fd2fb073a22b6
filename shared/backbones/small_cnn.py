"""The network of the MNIST experiments of the Gaussian affinity paper (section 4.2)."""

from __future__ import annotations

from torch import Tensor, nn


class SmallCnnNetwork(nn.Module):
    """Three 5x5 convolutions, each with 2x2 max pooling and ReLU, and one linear layer to the embedding.

    The paper states the filters and the 128 neurons. Padding 2 (three unpadded convolutions do not fit on 28x28),
    pooling and ReLU after every convolution are chosen as in the center loss paper's network for the same data. The
    embedding is linear, without ReLU: figure 2 shows it over the whole plane. Pooling stands before ReLU, which gives
    the same values and a quarter of the comparisons.

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
    ) -> None:
        super().__init__()
        later = nn.Conv2d
        first, second, third = filters
        self.convolutions = nn.ModuleList(
            [
                nn.Conv2d(channels, first, 5, padding=2),
                later(first, second, 5, padding=2),
                later(second, third, 5, padding=2),
            ]
        )
        self.pool = nn.MaxPool2d(2)
        self.embed = nn.Linear(third * (height // 8) * (width // 8), embedding)
        self.dimension = embedding

    def forward(self, images: Tensor) -> Tensor:
        """Return the embeddings of a batch of images."""
        maps = images
        for convolution in self.convolutions:
            maps = self.pool(convolution(maps)).relu()
        embedding: Tensor = self.embed(maps.flatten(1))
        return embedding
