"""Focal loss, label smoothing and generalised cross-entropy: printed formulas and gradients."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch
from torch.nn import functional

from shared.losses import Focal, GeneralisedCrossEntropy, LabelSmoothing
from tests.losses.samples import Floats, on_logits, one_hot, softmax, some_logits

EVEN = (1, 1, 1, 1)


def own(p: Floats, labels: torch.Tensor) -> Floats:
    probabilities: Floats = (p * one_hot(labels, p.shape[1])).sum(1)
    return probabilities


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_loss_and_its_gradient(gamma):
    logits, labels = some_logits(9, 4)
    value = on_logits(Focal(gamma=gamma), EVEN)(logits, labels)["loss"]
    p = softmax(logits)
    y = own(p, labels)
    assert value.item() == pytest.approx(float((-((1 - y) ** gamma) * np.log(y)).mean()))
    # d FL / d p = gamma (1 - p)^(gamma - 1) log p - (1 - p)^gamma / p, and d p_y / d z_j = p_y (delta_jy - p_j).
    slope = gamma * (1 - y) ** (gamma - 1) * np.log(y) - (1 - y) ** gamma / y
    expected = (slope * y)[:, None] * (one_hot(labels, 4) - p) / 9
    torch.testing.assert_close(torch.autograd.grad(value, logits)[0], torch.from_numpy(expected))


def test_of_two_classes_focal_loss_is_that_of_a_sigmoid():
    logits, labels = some_logits(9, 2)
    value = on_logits(Focal(gamma=2), (1, 1))(logits, labels)["loss"]
    difference = (logits[:, 1] - logits[:, 0]).detach().numpy()
    p = 1 / (1 + np.exp(-np.where(labels.numpy() == 1, difference, -difference)))
    assert value.item() == pytest.approx(float((-((1 - p) ** 2) * np.log(p)).mean()))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_loss_is_finite_where_all_is_certain(gamma):
    loss = on_logits(Focal(gamma=gamma), EVEN).float()
    logits = torch.tensor([[200.0, 0, 0, 0], [0.0, 200, 0, 0]], requires_grad=True)
    value = loss(logits, torch.tensor([0, 0]))["loss"]
    assert value.item() == pytest.approx(100)
    assert torch.autograd.grad(value, logits)[0].isfinite().all()


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_label_smoothing_shares_out_among_all_classes(smoothing):
    logits, labels = some_logits(9, 4)
    value = on_logits(LabelSmoothing(smoothing=smoothing), EVEN)(logits, labels)["loss"]
    p, target = softmax(logits), (1 - smoothing) * one_hot(labels, 4) + smoothing / 4
    assert value.item() == pytest.approx(float(-(target * np.log(p)).sum(1).mean()))
    torch.testing.assert_close(torch.autograd.grad(value, logits)[0], torch.from_numpy((p - target) / 9))


@pytest.mark.parametrize("power", [0.01, 0.7, 1.0])
def test_generalised_cross_entropy_and_its_gradient(power):
    logits, labels = some_logits(9, 4)
    value = on_logits(GeneralisedCrossEntropy(power=power), EVEN)(logits, labels)["loss"]
    p = softmax(logits)
    y = own(p, labels)
    assert value.item() == pytest.approx(float(((1 - y**power) / power).mean()))
    expected = (y**power)[:, None] * (p - one_hot(labels, 4)) / 9
    torch.testing.assert_close(torch.autograd.grad(value, logits)[0], torch.from_numpy(expected))


def test_between_cross_entropy_and_half_the_absolute_error():
    logits, labels = some_logits(9, 4)
    small = on_logits(GeneralisedCrossEntropy(power=1e-6), EVEN)(logits, labels)["loss"]
    torch.testing.assert_close(small, functional.cross_entropy(logits, labels), rtol=1e-4, atol=0)
    absolute = np.abs(softmax(logits) - one_hot(labels, 4)).sum(1).mean()
    whole = on_logits(GeneralisedCrossEntropy(power=1), EVEN)(logits, labels)["loss"]
    assert whole.item() == pytest.approx(float(absolute) / 2)


def test_a_label_that_is_disbelieved_draws_no_more():
    # As a power of p, which underflows, the loss would have no number for a gradient.
    loss = on_logits(GeneralisedCrossEntropy(power=0.7), (1, 1)).float()
    logits = torch.tensor([[0.0, 300.0]], requires_grad=True)
    value = loss(logits, torch.tensor([0]))["loss"]
    assert value.item() == pytest.approx(1 / 0.7)
    assert torch.autograd.grad(value, logits)[0].abs().max() < 1e-20


def test_by_hand():
    # Logits 0 and log 3: probabilities 1/4 and 3/4; with the square root 1 - 1/2 over 1/2 is 1.
    logits, label = torch.tensor([[0.0, log(3)]], dtype=torch.float64), torch.tensor([0])
    assert on_logits(GeneralisedCrossEntropy(power=0.5), (1, 1))(logits, label)["loss"].item() == pytest.approx(1)
    assert on_logits(Focal(gamma=2), (1, 1))(logits, label)["loss"].item() == pytest.approx(9 / 16 * log(4))
    smoothed = on_logits(LabelSmoothing(smoothing=0.5), (1, 1))(logits, label)["loss"].item()
    assert smoothed == pytest.approx(0.75 * log(4) + 0.25 * log(4 / 3))
