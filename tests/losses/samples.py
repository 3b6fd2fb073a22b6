"""What any loss on angles must stand, for the tests of such losses."""

from __future__ import annotations

from typing import Any

import torch


def check_finite_at_extremes(loss: Any) -> None:
    """Assert finite loss and gradients in two dimensions: no angle, an underflowing length, an angle of 0, of 180."""
    weights = loss.linear.weight.detach()
    x = torch.stack([torch.zeros(2), torch.full((2,), 1e-30)]).to(weights.dtype)
    x = torch.cat([x, 3 * weights[:2], -3 * weights[:2]]).requires_grad_()
    value = loss(x, torch.tensor([0, 1, 0, 1, 0, 1]))["loss"]
    assert value.isfinite()
    for gradient in torch.autograd.grad(value, (x, loss.linear.weight)):
        assert gradient.isfinite().all()
