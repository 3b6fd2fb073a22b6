"""Encoder, decoder and filter of Yin et al., Feature Transfer Learning for Face Recognition (CVPR 2019).

The paper leaves the layers of Enc and Dec to a supplement, which was not to be had. Here Enc is CASIA-Net, which
figure 1 trains and the authors' DR-GAN (Tran et al., CVPR 2017) encodes with, and Dec mirrors it.
"""

from __future__ import annotations

from torch import Tensor, nn

from shared.backbones.casia_net import STAGES, CasiaNetNetwork, framed, stage_sides
from shared.backbones.resnet import convolution, initialise

FILTER_SIDE = 5


def deconvolution(inputs: int, outputs: int, before: int, after: int) -> nn.ConvTranspose2d:
    """Return a transposed 3x3 convolution of stride 2, without bias, from maps of side `before` to `after`.

    It undoes a halving, rounded up: `after` is 2 x `before` or one less. It starts as the convolutions do, normal with
    variance 2 / (kernel area x outputs).
    """
    extra = after - (2 * before - 1)
    layer = nn.ConvTranspose2d(inputs, outputs, 3, stride=2, padding=1, output_padding=extra, bias=False)
    # torch takes the outputs of a transposed convolution for its fan-in
    nn.init.kaiming_normal_(layer.weight, mode="fan_in", nonlinearity="relu")
    return layer


def linear_map(inputs: int, channels: int, side: int) -> nn.Sequential:
    """Return a linear layer, without bias, from vectors `[B, inputs]` to maps `[B, channels, side, side]`."""
    layer = nn.Linear(inputs, channels * side**2, bias=False)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return nn.Sequential(layer, nn.Unflatten(1, (channels, side, side)))


def rectified(layer: nn.Module, channels: int) -> nn.Sequential:
    """Return a layer followed by the batch normalisation of its `channels` and ReLU."""
    return nn.Sequential(layer, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))


class Decoder(nn.Module):
    """Dec: CASIA-Net read backwards, from rich features to grey images.

    A linear layer makes the last map of the encoder, 10 x `width` channels. Each convolution of the encoder has its
    counterpart with inputs and outputs exchanged. Where the encoder pools, that is a deconvolution of stride 2 to the
    side before the pooling, else a 3x3 convolution. Batch normalisation and ReLU follow all layers but the last, which
    has a bias and tanh instead, and starts as torch has it. There are no skip links (section 4.6 of the paper).

    Maps rich features `[B, 10 * width]` to `[B, 1, side, side]` in -1..1.
    """

    def __init__(self, *, side: int = 100, width: int = 32) -> None:
        super().__init__()
        sides = stage_sides(side)
        channels = [width * multiple for stage in STAGES for multiple in stage]
        last = channels[-1]
        self.layers = nn.Sequential(rectified(linear_map(last, last, sides[-1]), last))
        for index in range(len(channels) - 1, 0, -1):
            inputs, outputs = channels[index], channels[index - 1]
            if index % 2:
                layer: nn.Module = convolution(inputs, outputs, 3)
            else:
                layer = deconvolution(inputs, outputs, sides[index // 2], sides[index // 2 - 1])
            self.layers.append(rectified(layer, outputs))
        initialise(self)
        self.layers.extend([nn.Conv2d(width, 1, 3, padding=1), nn.Tanh()])

    def forward(self, rich: Tensor) -> Tensor:
        """Return the images of a batch of rich features."""
        images: Tensor = self.layers(rich)
        return images


class Filter(nn.Module):
    """R: from rich features to the discriminative feature f that the classifier sees.

    Section 4 lists its layers: linear, two deconvolution, two convolution, linear. The rest is chosen. The first makes
    a map of side 5 with 2 x `width` channels; the deconvolutions double its side twice, to `width` channels, and the
    3x3 convolutions of stride 2 lead back. Batch normalisation and ReLU follow all layers but the last: f is linear,
    and starts as torch has it.

    Maps rich features `[B, 10 * width]` to `[B, embedding]`.
    """

    def __init__(self, *, width: int = 32, embedding: int = 320) -> None:
        super().__init__()
        wide, side = 2 * width, FILTER_SIDE
        self.layers = nn.Sequential(
            rectified(linear_map(10 * width, wide, side), wide),
            rectified(deconvolution(wide, width, side, 2 * side), width),
            rectified(deconvolution(width, width, 2 * side, 4 * side), width),
            rectified(convolution(width, width, 3, 2), width),
            rectified(convolution(width, wide, 3, 2), wide),
            nn.Flatten(),
            nn.Linear(wide * side**2, embedding),
        )
        initialise(self)

    def forward(self, rich: Tensor) -> Tensor:
        """Return the features f of a batch of rich features."""
        embedding: Tensor = self.layers(rich)
        return embedding


class RichFeatureNetwork(nn.Module):
    """Enc, Dec and R, in `encoder`, `decoder` and `filter`.

    Enc is CASIA-Net at a `width` of 32, whose mean of the last map is the rich feature g in R^320 of section 3.2. It
    looks at grey images of 100 x 100 (`side`). Convolutions and the linear layers that ReLU follows start as He et al.
    (2015) have it.

    Maps images `[B, channels, height, width]` to f `[B, embedding]`, whose length is `dimension`; that of g is
    `rich_dimension`, 10 x `width`. Images are in -1..1, which is the range of what the decoder makes, grey or in colour
    and of any size (see `shared.backbones.casia_net.framed`).
    """

    def __init__(self, *_shape: int, side: int = 100, width: int = 32, embedding: int = 320) -> None:
        super().__init__()
        self.side = side
        self.dimension = embedding
        self.rich_dimension = 10 * width
        self.encoder = CasiaNetNetwork(side=side, width=width, embedding=self.rich_dimension)
        self.decoder = Decoder(side=side, width=width)
        self.filter = Filter(width=width, embedding=embedding)

    def framed(self, images: Tensor) -> Tensor:
        """Return images as the grey squares `[B, 1, side, side]` that the encoder sees and the decoder returns."""
        return framed(images, self.side)

    def rich(self, images: Tensor) -> Tensor:
        """Return the rich features g `[B, rich_dimension]` of a batch of images, framed or not."""
        rich: Tensor = self.encoder(images)
        return rich

    def forward(self, images: Tensor) -> Tensor:
        """Return f = R(Enc(x)) of a batch of images, framed or not."""
        embedding: Tensor = self.filter(self.rich(images))
        return embedding
