"""PReLU: torch's own values, gradients in float64, the choice at zero, and what a state holds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from shared.backbones.prelu import PReLU


def planes(*shape: int, memory: str) -> torch.Tensor:
    """Return normal numbers with some zeros, in torch's layout or in that of the Fourier convolution."""
    y = torch.randn(shape, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    return y if memory == "plain" else y.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1)


@pytest.mark.parametrize("memory", ["plain", "height, width, batch, channels"])
def test_values_and_gradients_are_those_of_torch(memory):
    y = planes(8, 3, 5, 4, memory=memory)
    assert (y == 0).any()
    weights = torch.randn(8, 3, 5, 4, generator=torch.Generator().manual_seed(1))
    found = []
    for unit in (PReLU(3), nn.PReLU(3)):
        nn.init.uniform_(unit.weight, -0.5, 1.5, generator=torch.Generator().manual_seed(2))
        given = y.clone().requires_grad_()
        result = unit(given)
        (result * weights).sum().backward()
        assert given.grad is not None
        assert unit.weight.grad is not None
        found.append((result.detach(), given.grad, unit.weight.grad))
    (result, by_image, by_slope), (of_torch, by_image_of_torch, by_slope_of_torch) = found
    assert torch.equal(result, of_torch)
    assert torch.equal(by_image, by_image_of_torch)
    # A sum of 160 products, in another order.
    torch.testing.assert_close(by_slope, by_slope_of_torch, rtol=160 * torch.finfo(torch.float32).eps, atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 2), (2, 3, 2, 3)])
def test_gradients_in_float64(shape):
    unit = PReLU(3).double()
    y = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda y, slope: torch.func.functional_call(unit, {"weight": slope}, y), (y, unit.weight)
    )


def test_worked_example():
    unit = PReLU(2, init=0.25)
    y = torch.tensor([[2.0, -4.0], [-8.0, 0.0]], requires_grad=True)
    result = unit(y)
    result.sum().backward()
    assert result.tolist() == [[2, -1], [-2, 0]]
    assert y.grad is not None
    assert unit.weight.grad is not None
    assert y.grad.tolist() == [[1, 0.25], [0.25, 0.25]]
    assert unit.weight.grad.tolist() == [-8, -4]


def test_a_state_of_torch_is_a_state_of_it():
    unit = PReLU(3)
    unit.load_state_dict(nn.PReLU(3, init=0.1).state_dict())
    assert unit.weight.tolist() == pytest.approx([0.1] * 3)
