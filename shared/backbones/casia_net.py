"""CASIA-Net of Yi et al., Learning Face Representation from Scratch (2014), and the grey squares that it looks at."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from shared.backbones.resnet import convolution, initialise

STAGES = ((1, 2), (2, 4), (3, 6), (4, 8), (5, 10))
"""The filters of the two convolutions of each stage, in multiples of `width`."""


def framed(images: Tensor, side: int) -> Tensor:
    """Return images `[B, C, H, W]`, C 1 or 3, as grey squares `[B, 1, side, side]` of the same range.

    Colours (red, green, blue) become the luminance of Rec. 601, as in Pillow's mode "L". Another size is resized
    bilinearly over the area that a pixel stands for (antialiased), to the square, whatever it was before. Grey images
    of the right size come back as they are.
    """
    if images.shape[1] == 3:
        red, green, blue = images.chunk(3, dim=1)
        images = 0.299 * red + 0.587 * green + 0.114 * blue
    if images.shape[2:] != (side, side):
        images = functional.interpolate(images, (side, side), mode="bilinear", antialias=True)
    return images


def stage_sides(side: int) -> list[int]:
    """Return the side of the map in each of the five stages, halved and rounded up from one to the next."""
    sides = [side]
    while len(sides) < len(STAGES):
        sides.append((sides[-1] + 1) // 2)
    return sides


class CasiaNetNetwork(nn.Module):
    """Ten 3x3 convolutions in five stages, with 2x2 max pooling between the stages, and the mean of the last map.

    The filters are `STAGES` times `width`: 32 and 64 in the first stage, 160 and 320 in the last at the `width` of 32
    of Yi et al. ReLU follows every convolution but the last, whose mean over the map is the embedding; `embedding` has
    to be 10 x `width`. Pooling rounds up, so that the 100 x 100 of their images becomes 50, 25, 13 and 7.

    Batch normalisation after every convolution is not in Yi et al.; the authors of the feature transfer paper have it
    in the CASIA-Net of their DR-GAN (Tran et al., CVPR 2017), which beside that has ELU, and strides in place of the
    pooling. Dropout of the embedding, which Yi et al. train with, is left out.

    The convolutions start as He et al. (2015) have it, without bias, which batch normalisation takes away.

    Maps images `[B, channels, height, width]`, framed first (see `framed`), to embeddings `[B, embedding]`; its length
    is `dimension`. As it frames, it takes grey and colour images of any size.
    """

    def __init__(self, *_shape: int, side: int = 100, width: int = 32, embedding: int = 320) -> None:
        super().__init__()
        self.side = side
        self.layers = nn.Sequential()
        inputs = 1
        for first, second in STAGES:
            if len(self.layers):
                # ReLU after the pooling instead of before it gives the same, from a quarter of the pixels
                self.layers.extend([nn.MaxPool2d(2, ceil_mode=True), nn.ReLU(inplace=True)])
            middle, outputs = first * width, second * width
            self.layers.extend([convolution(inputs, middle, 3), nn.BatchNorm2d(middle), nn.ReLU(inplace=True)])
            self.layers.extend([convolution(middle, outputs, 3), nn.BatchNorm2d(outputs)])
            inputs = outputs
        self.dimension = embedding
        initialise(self)

    def forward(self, images: Tensor) -> Tensor:
        """Return the embeddings of a batch of images."""
        last: Tensor = self.layers(framed(images, self.side))
        return last.mean((2, 3))
