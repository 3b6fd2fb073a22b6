"""The discrepancy loss of DiscFace: eqs. 2 and 3 and Algorithm 1 by hand, its clip, its gradients."""

from __future__ import annotations

from math import pi, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from shared.losses import DiscrepancyTerm
from shared.losses.discrepancy import Discrepancy
from tests.losses.samples import rows


def term(*bases: list[float], clip: float = 0.05) -> Discrepancy:
    """The term with these parameters for its bases, in float64."""
    built = DiscrepancyTerm(weight=1, bases=len(bases), clip=clip).build(len(bases[0]), 5).double()
    assert isinstance(built, Discrepancy)
    with torch.no_grad():
        built.displacement.copy_(torch.tensor(bases, dtype=torch.float64))
    return built


def batch(size: int = 12, dimension: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    x, w = torch.randn(2, size, dimension, dtype=torch.float64)
    return (2 * x).requires_grad_(), torch.arange(size) % 5, (w / 3).requires_grad_()


LABEL = torch.tensor([0])


# By hand


def test_by_hand():
    # x / |x| = (3/5, 4/5), w / |w| = (1, 0): epsilon = (-2/5, 4/5). xi = 0.05 (0, 1): the rest is (-2/5, 3/4), of
    # length sqrt(0.16 + 0.5625) = 0.85.
    assert term([0, 7.0])(rows([3, 4]), LABEL, rows([5, 0])).item() == pytest.approx(0.85)
    # A second sample with epsilon = 0 is 0.05 away, and the mean of both 0.45: no squares.
    both = term([0, 7.0])(rows([3, 4], [0, 2]), torch.tensor([0, 1]), rows([5, 0], [0, 0.1]))
    assert both.item() == pytest.approx(0.45)
    # A basis shorter than the clip keeps its length: (-2/5, 4/5) - (0.03, 0) has the square 0.1849 + 0.64.
    assert term([0.03, 0])(rows([3, 4]), LABEL, rows([5, 0])).item() == pytest.approx(sqrt(0.8249))


def test_it_is_algorithm_1():
    x, labels, _ = batch()
    weights = torch.randn(5, 4, dtype=torch.float64)
    built = term([0.3, -0.2, 0.5, 0.1])
    total = 0.0
    for row, y in zip(x, labels, strict=True):
        d = row / row.norm() - weights[y] / weights[y].norm()
        b = torch.tensor([0.3, -0.2, 0.5, 0.1], dtype=torch.float64)
        total += (d - b / b.norm() * min(float(b.norm()), 0.05)).norm().item() / 12
    assert built(x, labels, weights[labels]).item() == pytest.approx(total, rel=1e-12)


def test_with_several_bases_the_nearest_counts_and_learns():
    # epsilon = (-1, 1) and (1, 1), one near each basis: distances sqrt(0.95^2 + 1) twice.
    built = term([-2.0, 0], [3.0, 0])
    x, w = rows([0, 1], [0, 1]), rows([1, 0], [-1, 0])
    assert built(x, torch.tensor([0, 1]), w).item() == pytest.approx(sqrt(0.95**2 + 1))
    assert built(x[:1], LABEL, w[:1]).item() == pytest.approx(sqrt(0.95**2 + 1))
    (gradient,) = torch.autograd.grad(built(x[:1], LABEL, w[:1]), built.displacement)
    assert gradient[0].abs().max() > 0
    assert gradient[1].abs().max() == 0
    alone = term([3.0, 0])(x[:1], LABEL, w[:1])
    assert alone.item() == pytest.approx(sqrt(1.05**2 + 1))


# The clip


@pytest.mark.parametrize(("length", "used"), [(0.01, 0.01), (0.0499, 0.0499), (0.05, 0.05), (0.7, 0.05), (30, 0.05)])
def test_the_basis_is_used_with_a_length_up_to_the_clip(length, used):
    basis = term([0.6 * length, 0.8 * length]).basis()
    assert basis.shape == (1, 2)
    assert basis.tolist()[0] == pytest.approx([0.6 * used, 0.8 * used])


def test_the_mean_length_of_the_bases_as_they_are_used_is_told():
    told = term([0, 0.01], [3.0, 4.0]).told()
    assert told.keys() == {"basis_norm"}
    assert told["basis_norm"].item() == pytest.approx(0.03)
    assert not told["basis_norm"].requires_grad


def parts(built: Discrepancy, x: Tensor, w: Tensor) -> tuple[float, float]:
    """The gradient of the parameter along itself and across, for one basis in the plane."""
    (gradient,) = torch.autograd.grad(built(x, LABEL, w), built.displacement)
    along = functional.normalize(built.displacement.detach(), dim=1)[0]
    across = torch.stack([-along[1], along[0]])
    return float(gradient[0] @ along), float(gradient[0] @ across)


def test_below_the_clip_the_length_is_learned_and_above_it_the_direction_alone():
    # epsilon = (-1, 1); the gradient of ||epsilon - xi|| by xi is (xi - epsilon) / ||xi - epsilon||.
    x, w = rows([0, 1]), rows([1, 0])
    along, across = parts(term([0.03, 0]), x, w)
    norm = sqrt(1.03**2 + 1)
    assert (along, across) == pytest.approx((1.03 / norm, -1 / norm))
    for length in (0.2, 5.0):
        along, across = parts(term([length, 0]), x, w)
        # Turning b by an angle turns xi by it, whose length is 0.05 and not that of b.
        assert (along, across) == pytest.approx((0, -0.05 / length / sqrt(1.05**2 + 1)), abs=1e-12)


def test_training_keeps_the_length_above_the_clip_and_finds_the_direction():
    # All displacements point to (0, -1, 0), more or less; the basis comes to point there.
    built = term([0.3, 0.4, 0.2])
    weights = functional.normalize(torch.randn(64, 3).double() * torch.tensor([1, 0.1, 1]), dim=1)
    x = functional.normalize(weights + torch.tensor([0, -0.2, 0]), dim=1)
    labels = torch.zeros(64, dtype=torch.int64)
    sgd = torch.optim.SGD(built.parameters(), lr=0.5)
    for _ in range(300):
        sgd.zero_grad()
        built(x, labels, weights).backward()
        sgd.step()
    basis = built.basis()[0].detach()
    assert basis.norm().item() == pytest.approx(0.05)
    assert (basis / 0.05)[1].item() < -0.99
    assert built.displacement.norm().item() > sqrt(0.29)


# Gradients


@pytest.mark.parametrize("bases", [1, 3])
@pytest.mark.parametrize("length", [0.02, 0.6])
def test_gradcheck_reaches_embedding_weight_and_basis(bases, length):
    x, labels, w = batch()
    built = DiscrepancyTerm(weight=1, bases=bases).build(4, 5).double()
    displacement = (length * functional.normalize(torch.randn(bases, 4).double(), dim=1)).requires_grad_()

    def value(embedding: Tensor, weights: Tensor, basis: Tensor) -> Tensor:
        result: Tensor = functional_call(built, {"displacement": basis}, (embedding, labels, weights))
        return result

    assert torch.autograd.gradcheck(value, (x, w, displacement))
    for gradient in torch.autograd.grad(value(x, w, displacement), (x, w, displacement)):
        assert gradient.abs().amax(1).min() > 0 or bases > 1


def test_every_sample_pulls_alike():
    # The norm is not squared, so its gradient does not vanish with the distance.
    built = term([0, 0.0, 1e-9])
    for angle in (0.2, 1.0, 2.5):
        theta = torch.tensor(angle, dtype=torch.float64)
        x = torch.stack([theta.cos(), theta.sin(), torch.zeros_like(theta)]).unsqueeze(0).requires_grad_()
        (gradient,) = torch.autograd.grad(built(x, LABEL, rows([1, 0, 0])), x)
        # |epsilon| = 2 sin(theta / 2), whose derivative by theta is cos(theta / 2).
        assert gradient.norm().item() == pytest.approx(float((theta / 2).cos()), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_where_a_norm_is_zero_its_gradient_is_zero(dtype):
    built = term([0.0, 0]).to(dtype)  # xi = 0
    x = torch.tensor([[0, 2.0], [0, 0]], dtype=dtype, requires_grad=True)
    w = torch.tensor([[0, 0.5], [0, 0]], dtype=dtype, requires_grad=True)  # epsilon = 0, and vectors without length
    value = built(x, torch.tensor([0, 1]), w)
    assert value.item() == 0
    for gradient in torch.autograd.grad(value, (x, w, built.displacement)):
        assert gradient.abs().max() == 0


@pytest.mark.parametrize("theta", [0.0, 1e-9, pi - 1e-9, pi])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradients_are_finite_at_both_ends(theta, dtype):
    built = term([0.6, 0.8]).to(dtype)
    angle = torch.tensor(theta, dtype=torch.float64)
    x = (3 * torch.stack([angle.cos(), angle.sin()]).unsqueeze(0)).to(dtype).requires_grad_()
    value = built(x, LABEL, torch.tensor([[1.0, 0]], dtype=dtype))
    assert value.isfinite()
    assert all(g.isfinite().all() for g in torch.autograd.grad(value, (x, built.displacement)))


# Invariances and bounds


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), stretch=st.floats(1e-3, 1e3), bases=st.integers(1, 3))
def test_lengths_do_not_matter_and_a_rotation_of_all_changes_nothing(seed, stretch, bases):
    torch.manual_seed(seed)
    x, labels, w = (t.detach() for t in batch())
    built = DiscrepancyTerm(weight=1, bases=bases).build(4, 5).double()
    before = built(x, labels, w)
    torch.testing.assert_close(built(stretch * x, labels, w / stretch), before)
    turned, _ = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64))
    with torch.no_grad():
        built.displacement.copy_((built.displacement @ turned).flip(0))
    torch.testing.assert_close(built(x @ turned, labels, w @ turned), before)
    assert 0 <= before <= 2.05


def test_the_order_of_the_samples_does_not_matter():
    x, labels, w = batch()
    built = DiscrepancyTerm(weight=1, bases=2).build(4, 5).double()
    order = torch.randperm(12)
    torch.testing.assert_close(built(x[order], labels[order], w[order]), built(x, labels, w))


# State, start, precision, options


@pytest.mark.parametrize("dimension", [3, 512])
def test_the_start_is_that_of_class_weights_and_longer_than_the_clip(dimension):
    starts = torch.cat([DiscrepancyTerm(weight=1).build(dimension, 2).displacement.detach() for _ in range(200)])
    assert starts.abs().max() <= 1 / sqrt(dimension)
    assert starts.square().sum(1).mean().sqrt().item() == pytest.approx(1 / sqrt(3), rel=0.05)
    assert starts.mean(0).norm() < 0.2
    assert (starts.norm(dim=1) > 0.05).double().mean() > 0.98
    torch.manual_seed(3)
    linear = torch.nn.Linear(dimension, 1, bias=False).weight
    torch.manual_seed(3)
    drawn = DiscrepancyTerm(weight=1).build(dimension, 2).displacement
    torch.testing.assert_close(drawn, linear)


def test_the_basis_is_all_its_state():
    built = DiscrepancyTerm(weight=0.2, bases=2).build(4, 5)
    assert [(name, tuple(value.shape)) for name, value in built.named_parameters()] == [("displacement", (2, 4))]
    assert list(built.state_dict()) == ["displacement"]
    copy = DiscrepancyTerm(weight=0.2, bases=2).build(4, 5)
    copy.load_state_dict(built.state_dict())
    assert torch.equal(copy.basis(), built.basis())


def test_bf16_autocast():
    x, labels, w = batch()
    built = DiscrepancyTerm(weight=1).build(4, 5)
    narrow, weights = x.detach().bfloat16().requires_grad_(), w.detach().float()
    with torch.autocast("cpu", torch.bfloat16):
        value = built(narrow, labels, weights)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, built(narrow.float(), labels, weights))
    assert torch.autograd.grad(value, narrow)[0].isfinite().all()


def test_options():
    built = DiscrepancyTerm(weight=0.2).build(3, 4)
    assert (built.weight, built.clip, len(built.displacement)) == (0.2, 0.05, 1)
