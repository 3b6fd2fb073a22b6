"""Losses that are told how many training images each class has: printed formulas, gradients, and what is not told."""

from __future__ import annotations

from math import exp, log
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from shared.losses import BalancedSoftmax, ClassBalanced, Ldam, LogitAdjusted, Softmax, TauNormalised
from shared.losses.effective_number import effective_weights
from shared.losses.ldam import LdamLoss
from tests.losses.samples import Floats, on_logits, one_hot, softmax, some_logits

COUNTS = (500, 80, 10, 2)
N = np.array(COUNTS, np.float64)


def cui(beta: float) -> Floats:
    """The weights as the paper has them, by NumPy."""
    inverse = (1 - beta) / (1 - beta**N)
    weights: Floats = inverse / inverse.sum() * len(N)
    return weights


# Class-balanced weights


def test_weights_by_hand():
    # beta = 1/2: E = 1 for one image, 3/2 for two; 1 / E = 1 and 2/3, whose mean is 5/6.
    weights = effective_weights(torch.tensor([1.0, 2.0]), 0.5)
    torch.testing.assert_close(weights, torch.tensor([6 / 5, 4 / 5]))


@pytest.mark.parametrize("beta", [0.9, 0.999, 0.9999])
def test_weights_are_those_of_the_effective_number(beta):
    torch.testing.assert_close(effective_weights(torch.tensor(N), beta), torch.from_numpy(cui(beta)))


def test_weights_at_both_ends_of_beta():
    assert effective_weights(torch.tensor(N), 0).tolist() == [1, 1, 1, 1]
    inverse = effective_weights(torch.tensor(N), 1)
    torch.testing.assert_close(inverse, torch.from_numpy(4 / N / (1 / N).sum()))
    torch.testing.assert_close(effective_weights(torch.tensor(N), 1 - 1e-10), inverse, rtol=1e-6, atol=0)


def test_a_class_without_images_leaves_the_other_weights_alone():
    weights = effective_weights(torch.tensor([0.0, 3.0, 5.0]), 0.9)
    torch.testing.assert_close(weights[1:], effective_weights(torch.tensor([3.0, 5.0]), 0.9))
    assert weights.isfinite().all()


def test_class_balanced_loss_is_the_mean_of_weighted_cross_entropies():
    loss = on_logits(ClassBalanced(beta=0.99), COUNTS)
    logits, labels = some_logits(9, 4)
    terms = loss(logits, labels)
    p, y, w = softmax(logits), labels.numpy(), cui(0.99)[labels.numpy()]
    each = -np.log(p[np.arange(9), y])
    assert terms["loss"].item() == pytest.approx(float((w * each).mean()))
    assert terms["cross_entropy"].item() == pytest.approx(float(each.mean()))
    (gradient,) = torch.autograd.grad(terms["loss"], logits)
    torch.testing.assert_close(gradient, torch.from_numpy(w[:, None] * (p - one_hot(labels, 4)) / 9))


# LDAM


def ldam(progress: float, **options: Any) -> LdamLoss:
    torch.manual_seed(0)
    loss = Ldam(**options).build(3, 4).double()
    assert isinstance(loss, LdamLoss)
    loss.inform(torch.tensor(COUNTS), progress)
    return loss


def printed_ldam(loss: LdamLoss, x: torch.Tensor, labels: torch.Tensor, weights: Floats) -> tuple[float, Floats]:
    """The weighted loss by NumPy, and its gradient by the cosines."""
    w, f = loss.linear.weight.detach().numpy(), x.detach().numpy()
    cosines = f @ w.T / np.linalg.norm(f, axis=1, keepdims=True) / np.linalg.norm(w, axis=1)
    margins = 0.5 * (N.min() / N) ** 0.25
    own = one_hot(labels, 4)
    p = softmax(torch.from_numpy(30 * (cosines - own * margins)))
    each = -np.log((p * own).sum(1))
    sample = weights[labels.numpy()]
    gradient = 30 * sample[:, None] * (p - own) / sample.sum()
    return float((sample * each).sum() / sample.sum()), gradient


@pytest.mark.parametrize(("progress", "weights"), [(0.0, np.ones(4)), (0.799, np.ones(4)), (0.8, cui(0.9999))])
def test_ldam_is_the_printed_one_and_is_reweighted_late(progress, weights):
    loss = ldam(progress)
    x, labels = torch.randn(9, 3, dtype=torch.float64, requires_grad=True), torch.arange(9) % 4
    value, by_cosine = printed_ldam(loss, x, labels, weights)
    found = loss(x, labels)["loss"]
    assert found.item() == pytest.approx(value)
    cosines = functional.normalize(x, dim=1) @ functional.normalize(loss.linear.weight, dim=1).T
    expected = torch.autograd.grad(cosines, (x, loss.linear.weight), torch.from_numpy(by_cosine))
    torch.testing.assert_close(torch.autograd.grad(found, (x, loss.linear.weight)), expected)


def test_the_fourth_root_of_the_sizes_makes_the_margins():
    loss = ldam(0.0, margin=0.4)
    loss.inform(torch.tensor([16, 1, 81, 0]), 0.0)
    assert loss.margins().tolist() == pytest.approx([0.2, 0.4, 0.4 / 3, 0.4])


def test_ldam_by_hand():
    # Two classes of equal size at right angles, an embedding between them: a drop of s m of the own logit.
    loss = LdamLoss(2, 2, scale=4, margin=0.25, deferred=1, beta=0.9)
    with torch.no_grad():
        loss.linear.weight.copy_(torch.eye(2))
    assert loss(torch.ones(1, 2), torch.tensor([0]))["loss"].item() == pytest.approx(log(1 + exp(1)))


# Adjusted logits


@pytest.mark.parametrize("temperature", [0.0, 1.0, 1.5])
def test_adjusted_logits_in_the_loss(temperature):
    loss = on_logits(LogitAdjusted(temperature=temperature), COUNTS)
    logits, labels = some_logits(9, 4)
    p = softmax(logits + temperature * torch.from_numpy(np.log(N / N.sum())))
    value = loss(logits, labels)["loss"]
    assert value.item() == pytest.approx(float(-np.log((p * one_hot(labels, 4)).sum(1)).mean()), rel=1e-6)
    (gradient,) = torch.autograd.grad(value, logits)
    torch.testing.assert_close(gradient, torch.from_numpy((p - one_hot(labels, 4)) / 9), rtol=1e-5, atol=1e-8)
    torch.testing.assert_close(loss.scores(logits), logits)


def test_adjusted_logits_after_the_fact():
    loss = on_logits(LogitAdjusted(place="post-hoc", temperature=1.5), COUNTS)
    logits, labels = some_logits(9, 4)
    torch.testing.assert_close(loss(logits, labels)["loss"], functional.cross_entropy(logits, labels))
    expected = logits.detach().numpy() - 1.5 * np.log(N / N.sum())
    torch.testing.assert_close(loss.scores(logits).detach(), torch.from_numpy(expected), rtol=1e-6, atol=1e-6)


def test_a_class_without_images_is_adjusted_as_one_with_a_single_one():
    logits, labels = some_logits(9, 4)
    for options in (LogitAdjusted(), LogitAdjusted(place="post-hoc"), BalancedSoftmax()):
        none, one = (on_logits(options, (500, 80, 10, last)) for last in (0, 1))
        torch.testing.assert_close(none(logits, labels), one(logits, labels), rtol=0, atol=0)
        torch.testing.assert_close(none.scores(logits), one.scores(logits), rtol=0, atol=0)


def test_balanced_softmax_counts_each_exponential_by_its_class():
    loss = on_logits(BalancedSoftmax(), COUNTS)
    logits, labels = some_logits(9, 4)
    counted = N * np.exp(logits.detach().numpy())
    own = (counted * one_hot(labels, 4)).sum(1) / counted.sum(1)
    value = loss(logits, labels)["loss"]
    assert value.item() == pytest.approx(float(-np.log(own).mean()), rel=1e-6)
    adjusted = on_logits(LogitAdjusted(), COUNTS)(logits, labels)["loss"]
    torch.testing.assert_close(torch.autograd.grad(value, logits), torch.autograd.grad(adjusted, logits))


def test_the_balanced_error_is_what_the_adjustment_is_consistent_for():
    # Logits log p(y | x): the scores post hoc are log p(x | y), but for a constant.
    likelihood = np.array([[0.1, 0.4, 0.3, 0.2]])
    posterior = likelihood * N / (likelihood * N).sum()
    loss = on_logits(LogitAdjusted(place="post-hoc"), COUNTS)
    scores = loss.scores(torch.from_numpy(np.log(posterior)))
    torch.testing.assert_close(scores.softmax(1).detach(), torch.from_numpy(likelihood), rtol=1e-6, atol=0)


# What they have in common


INFORMED = [ClassBalanced(), Ldam(deferred=0), LogitAdjusted(), LogitAdjusted(place="post-hoc"), BalancedSoftmax()]


@pytest.mark.parametrize("options", INFORMED[:1] + INFORMED[2:], ids=repr)
def test_not_told_of_classes_it_is_softmax(options):
    torch.manual_seed(0)
    loss = options.build(3, 4)
    torch.manual_seed(0)
    plain = Softmax().build(3, 4)
    x, labels = torch.randn(9, 3), torch.arange(9) % 4
    torch.testing.assert_close(loss(x, labels)["loss"], plain(x, labels)["loss"])
    assert torch.equal(loss.scores(x).argmax(1), plain.scores(x).argmax(1))


@pytest.mark.parametrize("options", INFORMED, ids=repr)
def test_what_it_was_told_is_in_its_state(options):
    loss, other = options.build(3, 4), options.build(3, 4)
    loss.inform(torch.tensor(COUNTS), 0.9)
    other.load_state_dict(loss.state_dict())
    x, labels = torch.randn(9, 3), torch.arange(9) % 4
    assert torch.equal(loss(x, labels)["loss"], other(x, labels)["loss"])
    assert torch.equal(loss.scores(x), other.scores(x))


# Tau-normalisation


@pytest.mark.parametrize("power", [0.0, 0.7, 1.0])
def test_scores_are_divided_by_a_power_of_the_lengths(power):
    loss = TauNormalised(power=power).build(3, 4).double()
    x, labels = torch.randn(9, 3, dtype=torch.float64), torch.arange(9) % 4
    w = loss.linear.weight.detach().numpy()
    scores = x.numpy() @ (w / np.linalg.norm(w, axis=1, keepdims=True) ** power).T
    torch.testing.assert_close(loss.scores(x).detach(), torch.from_numpy(scores))
    torch.testing.assert_close(x @ loss.class_vectors()[:, 0].T, torch.from_numpy(scores))
    torch.testing.assert_close(loss(x, labels)["loss"], functional.cross_entropy(loss.linear(x), labels))


def test_with_tau_one_a_long_weight_has_no_advantage():
    loss = TauNormalised().build(2, 2)
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[10.0, 0], [0, 1]]))
        loss.linear.bias.copy_(torch.tensor([5.0, 0]))
    assert loss.scores(torch.tensor([[1.0, 1.1]])).argmax().item() == 1
