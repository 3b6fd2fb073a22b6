"""The additive angular margin: its continuations as functions of theta, and their gradients."""

from __future__ import annotations

from math import cos, pi, sin
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from shared.losses.angular_margin import Continuation, additive_angular_margin, turned
from shared.losses.knowing_nothing import at_right_angles

CONTINUATIONS: tuple[Continuation, ...] = get_args(Continuation)
MARGINS = st.floats(0, pi)
SIMPLEX, CUBE = 1.6821, 1.0472  # phi of ten classes


def psi(theta: Tensor, margin: float, continuation: Continuation) -> Tensor:
    """The new cosine of the own class of samples at angles theta (n), the only class there is."""
    own = torch.zeros(len(theta), dtype=torch.int64)
    return additive_angular_margin(theta.cos().unsqueeze(1), own, margin, continuation).squeeze(1)


def slope(theta: Tensor, margin: float, continuation: Continuation) -> Tensor:
    """d psi / d theta."""
    theta = theta.clone().requires_grad_()
    return torch.autograd.grad(psi(theta, margin, continuation).sum(), theta)[0]


def inner(n: int = 4001) -> Tensor:
    """Angles from 0 to pi, without the ends, where the cosine has no slope."""
    return torch.linspace(0, pi, n, dtype=torch.float64)[1:-1]


# Values


def test_by_hand() -> None:
    # theta = 60 degrees, m = 30: cos 90 = 0. theta = 90, m = 90: cos 180 = -1, beyond (180 - 90) / 2 degrees.
    sixty, ninety = torch.tensor([pi / 3], dtype=torch.float64), torch.tensor([pi / 2], dtype=torch.float64)
    for continuation in CONTINUATIONS:
        assert psi(sixty, pi / 6, continuation).item() == pytest.approx(0, abs=1e-12)
    # theta = 120 degrees, m = 30: cos 150, but easy has no margin beyond 90 degrees.
    obtuse = torch.tensor([2 * pi / 3], dtype=torch.float64)
    for continuation in ("at-pi", "linear", "clamped", "none"):
        assert psi(obtuse, pi / 6, continuation).item() == pytest.approx(-(3**0.5) / 2)
    assert psi(obtuse, pi / 6, "easy").item() == pytest.approx(-1 / 2)
    assert psi(ninety, pi / 2, "none").item() == pytest.approx(-1)
    assert psi(ninety, pi / 2, "at-pi").item() == pytest.approx(-1)
    assert psi(ninety, pi / 2, "smooth").item() == pytest.approx(-(2**0.5))
    # theta = 180, m = 90: the printed formula has come back to cos 270 = 0; the others have gone on.
    opposite = torch.tensor([pi], dtype=torch.float64)
    assert psi(opposite, pi / 2, "none").item() == pytest.approx(0, abs=1e-7)
    assert psi(opposite, pi / 2, "at-pi").item() == pytest.approx(-2)
    assert psi(opposite, pi / 2, "smooth").item() == pytest.approx(-1 - 2**0.5)
    assert psi(opposite, pi / 2, "linear").item() == pytest.approx(-1 - pi / 2)
    assert psi(opposite, pi / 2, "easy").item() == psi(opposite, pi / 2, "clamped").item() == pytest.approx(-1)


@settings(deadline=None)
@given(MARGINS)
def test_is_cos_of_theta_plus_m_by_the_arc_cosine_where_theta_is_small(margin: float) -> None:
    ends = dict.fromkeys(CONTINUATIONS, pi - margin) | {"smooth": (pi - margin) / 2, "easy": pi / 2, "none": pi}
    for continuation in CONTINUATIONS:
        theta = inner(501)
        theta = theta[theta < ends[continuation] - 1e-9]
        expected = (theta.cos().acos() + margin).cos()
        torch.testing.assert_close(psi(theta, margin, continuation), expected, rtol=0, atol=1e-7)


@settings(deadline=None)
@given(MARGINS)
def test_is_continued_as_documented_where_theta_is_large(margin: float) -> None:
    theta = inner(501)
    far = theta[theta > (pi - margin) / 2 + 1e-9]
    torch.testing.assert_close(psi(far, margin, "smooth"), far.cos() - 2 * sin(margin / 2), rtol=0, atol=1e-9)
    far = theta[theta > pi - margin + 1e-9]
    torch.testing.assert_close(psi(far, margin, "at-pi"), far.cos() + cos(margin) - 1, rtol=0, atol=1e-9)
    torch.testing.assert_close(psi(far, margin, "linear"), far.cos() - margin * sin(margin), rtol=0, atol=1e-9)
    torch.testing.assert_close(psi(far, margin, "clamped"), torch.full_like(far, -1), rtol=0, atol=0)
    far = theta[theta > pi / 2 + 1e-9]
    torch.testing.assert_close(psi(far, margin, "easy"), far.cos(), rtol=0, atol=0)


@pytest.mark.parametrize("continuation", CONTINUATIONS)
def test_no_margin_is_the_identity(continuation: Continuation) -> None:
    cosines = torch.rand(7, 3, dtype=torch.float64) * 2 - 1
    same = additive_angular_margin(cosines, torch.arange(7) % 3, 0.0, continuation)
    torch.testing.assert_close(same, cosines, rtol=0, atol=1e-15)


@pytest.mark.parametrize("continuation", CONTINUATIONS)
def test_other_classes_are_left_alone(continuation: Continuation) -> None:
    cosines, labels = torch.rand(6, 4) * 0.9 + 0.05, torch.tensor([0, 1, 2, 3, 0, 2])
    changed = additive_angular_margin(cosines, labels, 0.7, continuation) != cosines
    assert torch.equal(changed, torch.nn.functional.one_hot(labels, 4).bool())


# Shape


@settings(deadline=None)
@given(MARGINS, st.sampled_from(["smooth", "at-pi"]))
def test_the_continuations_are_continuous_and_fall_everywhere(margin: float, continuation: Continuation) -> None:
    # Neither slope is steeper than that of a cosine, so that a jump would show as a larger step.
    theta = inner()
    steps = psi(theta, margin, continuation).diff()
    assert (steps < 1e-12).all()
    assert (steps >= -(theta[1] - theta[0]) * (1 + 1e-9)).all()


@settings(deadline=None)
@given(MARGINS)
def test_the_slope_of_smooth_is_continuous_and_never_gentler_than_that_of_the_cosine(margin: float) -> None:
    theta = inner()
    slopes = slope(theta, margin, "smooth")
    assert (slopes <= -theta.sin() + 1e-9).all()
    assert (slopes.diff().abs() <= (theta[1] - theta[0]) * (1 + 1e-6)).all()


@settings(deadline=None)
@given(MARGINS)
def test_the_margin_of_smooth_in_cosines_never_shrinks_with_theta(margin: float) -> None:
    theta = inner()
    given_up = theta.cos() - psi(theta, margin, "smooth")
    assert (given_up.diff() >= -1e-12).all()
    assert given_up[-1].item() == pytest.approx(2 * sin(margin / 2), abs=1e-3)


@pytest.mark.parametrize("margin", [CUBE, pi / 2, SIMPLEX])
def test_the_formula_as_printed_rises_beyond_pi_minus_m(margin: float) -> None:
    theta = inner()
    slopes = slope(theta, margin, "none")
    assert (slopes[theta > pi - margin + 1e-6] > 0).all()
    assert (slopes[theta < pi - margin - 1e-6] < 0).all()


@pytest.mark.parametrize(("margin", "falls"), [(0.1, True), (0.5, True), (2.33, True), (2.34, False)])
def test_the_jump_of_linear(margin: float, falls: bool) -> None:
    # From -1 to cos(pi - m) - m sin(m).
    before, after = psi(torch.tensor([pi - margin - 1e-9, pi - margin + 1e-9], dtype=torch.float64), margin, "linear")
    assert before.item() == pytest.approx(-1, abs=1e-6)
    assert after.item() == pytest.approx(-cos(margin) - margin * sin(margin), abs=1e-6)
    assert (after < before).item() == falls


@pytest.mark.parametrize("margin", [0.1, 0.5, CUBE])
def test_linear_falls_everywhere_and_easy_jumps_back_at_a_right_angle(margin: float) -> None:
    theta = inner()
    assert (psi(theta, margin, "linear").diff() < 0).all()
    steps = psi(theta, margin, "easy").diff()
    assert (steps > 0).sum() == 1
    assert theta[steps.argmax()].item() == pytest.approx(pi / 2, abs=1e-3)
    assert steps.max().item() == pytest.approx(sin(margin), abs=2e-3)


def test_beyond_pi_minus_m_linear_draws_back_and_clamped_does_not() -> None:
    theta = torch.tensor([pi - 0.2], dtype=torch.float64)
    assert slope(theta, 0.5, "linear").item() == pytest.approx(-sin(0.2))
    assert slope(theta, 0.5, "clamped").item() == 0
    assert slope(theta, 0.5, "none").item() == pytest.approx(sin(0.3))


def test_at_pi_is_flat_where_training_on_a_simplex_starts_and_smooth_is_not() -> None:
    theta = torch.tensor([pi - SIMPLEX - 1e-3], dtype=torch.float64)
    assert slope(theta, SIMPLEX, "at-pi").abs().item() < 2e-3
    assert slope(theta, SIMPLEX, "smooth").item() < -0.99


# Gradients


@pytest.mark.parametrize("continuation", CONTINUATIONS)
@pytest.mark.parametrize("margin", [0.3, CUBE, SIMPLEX])
def test_gradcheck(margin: float, continuation: Continuation) -> None:
    # Spread over both branches, and away from the angles at which they meet.
    theta = torch.tensor([0.05, 0.4, 0.6, 0.9, 1.2, 1.7, 1.9, 2.5, 2.75, 3.0], dtype=torch.float64)
    cosines = torch.stack([theta.cos(), theta.sin() / 2], dim=1).requires_grad_()
    labels = torch.zeros(len(theta), dtype=torch.int64)
    for meeting in ((pi - margin) / 2, pi - margin):
        assert (theta - meeting).abs().min() > 1e-3
    assert torch.autograd.gradcheck(lambda c: additive_angular_margin(c, labels, margin, continuation), cosines)


@pytest.mark.parametrize("continuation", CONTINUATIONS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("margin", [0.0, CUBE, SIMPLEX, pi])
def test_the_gradient_is_finite_at_both_ends_and_beyond_them_by_rounding(
    margin: float, dtype: torch.dtype, continuation: Continuation
) -> None:
    beyond = torch.finfo(dtype).eps
    cosines = torch.tensor([[1.0 + beyond], [1.0], [1.0 - beyond], [-1.0 + beyond], [-1.0], [-1.0 - beyond]])
    cosines = cosines.to(dtype).requires_grad_()
    turned = additive_angular_margin(cosines, torch.zeros(6, dtype=torch.int64), margin, continuation)
    (gradient,) = torch.autograd.grad(turned.sum(), cosines)
    assert turned.isfinite().all()
    assert gradient.isfinite().all()
    assert (turned.abs() <= 3 + 1e-5).all()


def test_at_both_ends_it_is_the_cosine_of_the_margin_in_single_precision_too() -> None:
    assert turned(torch.tensor([1.0, -1.0]), 0.5, "none").tolist() == pytest.approx([cos(0.5), -cos(0.5)], abs=1e-6)


def test_at_theta_zero_the_gradient_is_that_of_cos_m_cos_theta() -> None:
    cosines = torch.ones(1, 1, dtype=torch.float64, requires_grad=True)
    turned = additive_angular_margin(cosines, torch.zeros(1, dtype=torch.int64), CUBE, "linear")
    assert torch.autograd.grad(turned.sum(), cosines)[0].item() == pytest.approx(cos(CUBE))


@pytest.mark.parametrize("continuation", CONTINUATIONS)
@pytest.mark.parametrize("margin", [0, 0.3, 0.5, 1.5, pi / 2, 1.6, 2.5, pi])
def test_what_is_told_of_right_angles_without_torch_is_what_the_margin_does(margin, continuation):
    cosine = torch.zeros((), dtype=torch.float64)
    assert at_right_angles(margin, continuation) == pytest.approx(turned(cosine, margin, continuation).item())
