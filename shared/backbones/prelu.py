"""PReLU (He et al., Delving Deep into Rectifiers, 2015, eq. 1) whose gradient is fast in any memory layout."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class _PReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, slope: Tensor) -> Tensor:
        ctx.save_for_backward(y, slope)
        return torch.prelu(y, slope)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        y, slope = ctx.saved_tensors
        # threshold_backward(g, y, 0) is g where y > 0 and zero elsewhere; sums with zero are exact.
        positive = torch.ops.aten.threshold_backward(gradient, y, 0)
        negative = gradient - positive
        others = [axis for axis in range(y.ndim) if axis != 1]
        per_channel = slope.view(1, -1, *[1] * (y.ndim - 2))
        return torch.addcmul(positive, negative, per_channel), (negative * y).sum(others)


class PReLU(nn.PReLU):
    """`nn.PReLU(channels)`: f(y) = y where y > 0 and a y elsewhere, with a slope a of each channel."""

    def forward(self, y: Tensor) -> Tensor:
        """Map [B, channels, ...] to the same shape."""
        result: Tensor = _PReLU.apply(y, self.weight)
        return result
