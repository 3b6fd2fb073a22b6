"""The optimizers against torch's own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from shared.training import Adam as AdamOptions
from shared.training.optimizers import Adam, Sgd


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)).double()


def drawn(seed: int) -> Tensor:
    return torch.randn(8, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("momentum", "weight_decay"), [(0.0, 0.0), (0.9, 0.0), (0.9, 0.01)])
def test_sgd_is_that_of_torch(momentum, weight_decay):
    ours, theirs = network(), network()
    sgd = Sgd(ours.parameters(), learning_rate=0.1, momentum=momentum, weight_decay=weight_decay)
    reference = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=momentum, weight_decay=weight_decay)
    for step in range(20):
        images = drawn(step)
        factor = 1.0 if step < 10 else 0.1
        for group in reference.param_groups:
            group["lr"] = 0.1 * factor
        for model, optimizer in ((ours, sgd), (theirs, reference)):
            optimizer.zero_grad()
            model(images).square().mean().backward()
        sgd.step(factor)
        reference.step()
    for mine, torchs in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, torchs)


def test_a_parameter_without_gradient_stays():
    model = network()
    before = [parameter.clone() for parameter in model.parameters()]
    Sgd(model.parameters(), learning_rate=0.1, momentum=0.9, weight_decay=0.1).step()
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_the_state_is_taken_up():
    first, second = network(), network()
    one = Sgd(first.parameters(), learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    two = Sgd(second.parameters(), learning_rate=0.1, momentum=0.9, weight_decay=0.0)
    first(torch.ones(2, 5, dtype=torch.float64)).sum().backward()
    one.step()
    two.load_state_dict(one.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(one.velocities, two.velocities, strict=True))


def adam(model: nn.Module, rate: float = 0.01, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8) -> Adam:
    return Adam(model.parameters(), learning_rate=rate, beta1=beta1, beta2=beta2, epsilon=epsilon)


@pytest.mark.parametrize(("beta1", "beta2", "epsilon"), [(0.9, 0.999, 1e-8), (0.0, 0.99, 1e-8), (0.8, 0.9, 0.1)])
def test_adam_is_that_of_torch_with_its_state(beta1, beta2, epsilon):
    ours, theirs = network(), network()
    optimizer = adam(ours, 0.01, beta1, beta2, epsilon)
    reference = torch.optim.Adam(theirs.parameters(), lr=0.01, betas=(beta1, beta2), eps=epsilon)
    for step in range(20):
        images = drawn(step)
        factor = 1.0 if step < 10 else 0.1
        for group in reference.param_groups:
            group["lr"] = 0.01 * factor
        for model, zero in ((ours, optimizer.zero_grad), (theirs, reference.zero_grad)):
            zero()
            model(images).square().mean().backward()
        optimizer.step(factor)
        reference.step()
    assert optimizer.steps == 20
    for index, (mine, torchs) in enumerate(zip(ours.parameters(), theirs.parameters(), strict=True)):
        torch.testing.assert_close(mine, torchs)
        state = reference.state[torchs]
        torch.testing.assert_close(optimizer.first[index], state["exp_avg"])
        torch.testing.assert_close(optimizer.second[index], state["exp_avg_sq"])


def test_the_first_two_steps_of_adam_by_hand():
    # Gradient 4, then -2; betas 1/2 and 3/4. Step 1: m / (1/2) = 4, v / (1/4) = 16, so -rate.
    # Step 2: m = 2/2 - 2/2 = 0, so the parameter stays. Step 3, gradient 0: m = 0 still.
    parameter = nn.Parameter(torch.tensor([1.0]))
    optimizer = Adam([parameter], learning_rate=0.1, beta1=0.5, beta2=0.75, epsilon=1e-12)
    parameter.grad = torch.tensor([4.0])
    optimizer.step()
    assert parameter.item() == pytest.approx(0.9)
    assert (optimizer.first[0].item(), optimizer.second[0].item()) == (2, 4)
    parameter.grad = torch.tensor([-2.0])
    optimizer.step()
    assert parameter.item() == pytest.approx(0.9)
    assert (optimizer.first[0].item(), optimizer.second[0].item()) == (0, 4)


def test_adam_taken_up_from_its_state_goes_on_as_if_it_had_not_stopped():
    images = drawn(0)

    def train(model: nn.Module, optimizer: Adam, steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad()
            model(images).square().mean().backward()
            optimizer.step()

    whole, parts = network(), network()
    train(whole, adam(whole), 7)
    first = adam(parts)
    train(parts, first, 3)
    state = {name: copy.deepcopy(value) for name, value in first.state_dict().items()}
    second = adam(parts)
    second.load_state_dict(state)
    train(parts, second, 4)
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), parts.parameters(), strict=True))


def test_adam_moves_only_parameters_with_a_gradient():
    model = network()
    before = [parameter.clone() for parameter in model.parameters()]
    first = next(iter(model.parameters()))
    first.grad = torch.ones_like(first)
    adam(model).step()
    moved = [not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)]
    assert moved == [True, False, False, False]


def test_adam_is_built_with_the_defaults_of_its_authors():
    optimizer = AdamOptions(learning_rate=0.0005).build(network().parameters())
    assert isinstance(optimizer, Adam)
    assert (optimizer.learning_rate, optimizer.beta1, optimizer.beta2, optimizer.epsilon) == (0.0005, 0.9, 0.999, 1e-8)
