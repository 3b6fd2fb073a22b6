"""Fast 5x5 convolution for training on CPUs: a bilinear algorithm over Fourier points.

Winograd (Arithmetic Complexity of Computations, 1980) writes a convolution as y = A [(G w) * (B x)] with
constant matrices A, B and G, where * multiplies element by element. Over a batch and over channels each such
product becomes one matrix product, which is where the time goes (Lavin and Gray, Fast Algorithms for
Convolutional Neural Networks, 2016, whose U = G w, V = B x and M = U * V are kept here).

Toom and Cook interpolate at small rational points, which in float32 limits a tile to a few pixels. On the
complex unit circle interpolation is orthogonal instead: B is a Fourier matrix, and one tile may be the whole
map. A complex product takes three real ones (Gauss). A map of 14 x 14 then takes 2.0 products a pixel and one
of 7 x 7 takes 2.8; a direct convolution takes 25, and F(4x4, 5x5) 5.2. In float32 the error is no larger than
that of a direct convolution.

Every step is linear or a product, so autograd derives the exact gradients, and in the same domain.

Tensors have the usual logical shape [batch, channels, height, width], but results lie in memory as [height,
width, batch, channels]: each transform is then a matrix product from the left. Input of any other layout is
copied once.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

KERNEL, PADDING = 5, 2
FEW_CHANNELS = 4  # up to here the transforms of the output cost more than the products they save

# (a + bi)(c + di) = (k1 - k3) + (k1 + k2)i  with  k1 = (a + b)c,  k2 = a(d - c),  k3 = b(c + d)
GAUSS_B = torch.tensor([[1, 1], [1, 0], [0, 1]], dtype=torch.float64)
GAUSS_G = torch.tensor([[1, 0], [-1, 1], [1, 1]], dtype=torch.float64)
GAUSS_A = torch.tensor([[1, 0, -1], [1, 1, 0]], dtype=torch.float64)


class _Transform(NamedTuple):
    """A map of the plane as a matrix over its rows and, for each of the results, one over its columns."""

    rows: Tensor
    columns: Tensor


def _exponentials(frequencies: Tensor, positions: Tensor, period: int) -> Tensor:
    """exp(2 pi i frequency position / period) as real 2 x 2 matrices: [frequency, 2, position, 2]."""
    angle = 2 * math.pi / period * torch.outer(frequencies, positions)
    real, imaginary = angle.cos(), angle.sin()
    return torch.stack([torch.stack([real, -imaginary], -1), torch.stack([imaginary, real], -1)], 1)


@lru_cache(maxsize=64)
@torch.inference_mode(mode=False)
def _transforms(
    height: int, width: int, dtype: torch.dtype, device: torch.device
) -> tuple[_Transform, _Transform, _Transform]:
    """B, G and A for one size of map.

    With periods of at least height + 2 and width + 2, what wraps around meets only the zero padding. Along
    the height the period is even and the frequencies are odd multiples of one half, so that those of real
    data come in conjugate pairs without exception; one of each pair is kept.
    """
    tall, wide = height + PADDING + height % 2, width + PADDING
    u = torch.arange(tall // 2, dtype=torch.float64) + 0.5
    v, h, w = (torch.arange(n, dtype=torch.float64) for n in (wide, height, width))
    k = torch.arange(KERNEL, dtype=torch.float64) - PADDING

    def forward(sign: int, i: Tensor, j: Tensor, gauss: Tensor) -> _Transform:
        rows = _exponentials(sign * u, i, tall)[..., 0].reshape(tall, -1)
        columns = torch.einsum("ka,vajb->vkbj", gauss, _exponentials(sign * v, j, wide))
        return _Transform(rows, columns.reshape(3 * wide, -1))

    B, G = forward(-1, h, w, GAUSS_B), forward(1, k, k, GAUSS_G)
    columns = torch.einsum("javb,bk->ajvk", _exponentials(w, v, wide), GAUSS_A)
    A = _Transform(2 / (tall * wide) * B.rows.T, columns.reshape(-1, 3 * wide))
    B, G, A = (_Transform(*(m.to(device, dtype).contiguous() for m in transform)) for transform in (B, G, A))
    return B, G, A


def _apply_columns(columns: Tensor, x: Tensor, groups: int) -> Tensor:
    """Multiply each of the equal groups of rows of x from the left."""
    return torch.bmm(columns.expand(groups, -1, -1), x.reshape(groups, columns.shape[1], -1))


def _spectrum(transform: _Transform, x: Tensor) -> Tensor:
    """Transform [height, width, n, channels] into [products, n, channels]."""
    rows, columns = transform
    return _apply_columns(columns, rows @ x.reshape(x.shape[0], -1), len(rows) // 2).view(-1, *x.shape[2:])


def fourier_conv(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve as y = A [(G w) * (B x)] + bias.

    Shapes: x [batch, in, height, width], weight [out, in, 5, 5], bias [out]; the result [batch, out, height,
    width].
    The work a pixel grows with height + width, so this is for maps of up to some 32 pixels a side.
    """
    batch, _, height, width = x.shape
    B, G, A = _transforms(height, width, x.dtype, x.device)
    V, U = _spectrum(B, x.permute(2, 3, 0, 1)), _spectrum(G, weight.permute(2, 3, 1, 0))
    M = torch.bmm(V, U)
    half = A.rows.shape[1] // 2
    columns = _apply_columns(A.columns, M, half).view(2 * half, -1)
    y = torch.addmm(bias.repeat(width * batch), A.rows, columns)
    return y.view(height, width, batch, -1).permute(2, 3, 0, 1)


def patch_conv(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve as one matrix product over all 5x5 patches; shapes as in `fourier_conv`."""
    batch, _, height, width = x.shape
    padded = nn.functional.pad(x.permute(1, 2, 3, 0), (0, 0, *(PADDING,) * 4))
    patches = padded.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
    y = torch.addmm(bias, patches.reshape(weight[0].numel(), -1).T, weight.flatten(1).T)
    return y.view(height, width, batch, -1).permute(2, 3, 0, 1)


class Conv5x5(nn.Conv2d):
    """`nn.Conv2d(in_channels, out_channels, 5, padding=2)`, faster: same parameters, initialisation, result.

    Takes [batch, in_channels, height, width] of any height and width, float32 or float64, on any device.
    """

    bias: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, KERNEL, padding=PADDING)

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, in_channels, height, width] to [batch, out_channels, height, width]."""
        convolve = patch_conv if self.in_channels <= FEW_CHANNELS else fourier_conv
        return convolve(x, self.weight, self.bias)
