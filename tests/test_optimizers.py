"""The optimizers against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from shared.training.optimizers import Sgd


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.0, 0.0), (0.9, 0.0), (0.9, 0.01)])
def test_sgd_is_that_of_torch(momentum, weight_decay):
    ours, theirs = network(), network()
    sgd = Sgd(ours.parameters(), learning_rate=0.1, momentum=momentum, weight_decay=weight_decay)
    reference = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=momentum, weight_decay=weight_decay)
    for step in range(20):
        images = torch.randn(8, 5, generator=torch.Generator().manual_seed(step))
        factor = 1.0 if step < 10 else 0.1
        for group in reference.param_groups:
            group["lr"] = 0.1 * factor
        for model, optimizer in ((ours, sgd), (theirs, reference)):
            optimizer.zero_grad()
            model(images).square().mean().backward()
        sgd.step(factor)
        reference.step()
    for mine, torchs in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, torchs, rtol=1e-6, atol=1e-7)


def test_a_parameter_without_gradient_stays():
    model = network()
    before = [parameter.clone() for parameter in model.parameters()]
    Sgd(model.parameters(), learning_rate=0.1, momentum=0.9, weight_decay=0.1).step()
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_the_state_is_taken_up():
    first, second = network(), network()
    one = Sgd(first.parameters(), learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    two = Sgd(second.parameters(), learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    first(torch.ones(2, 5)).sum().backward()
    one.step()
    two.load_state_dict(one.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(one.velocities, two.velocities, strict=True))
