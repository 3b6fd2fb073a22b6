"""Embeddings brought to length 1: the bits of torch's own, but for those without length."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from shared.losses.arc_face import ArcFaceLoss
from shared.losses.cos_face import CosFaceLoss
from shared.losses.directions import directions
from shared.losses.norm_face import NormFaceLoss
from shared.losses.normalised_softmax import NormalisedSoftmaxLoss


@pytest.mark.parametrize("length", [1e-5, 1e-3, 1.0, 1e3])
def test_value_and_gradient_are_those_of_normalize_bit_by_bit(length):
    generator = torch.Generator().manual_seed(0)
    ours = (length * torch.randn(50, 8, generator=generator)).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    weights = torch.randn(50, 8, generator=generator)
    found, expected = directions(ours), functional.normalize(theirs, dim=1)
    assert torch.equal(found, expected)
    [gradient] = torch.autograd.grad((found * weights).sum(), ours)
    assert torch.equal(gradient, torch.autograd.grad((expected * weights).sum(), theirs)[0])


@pytest.mark.parametrize("length", [0.0, 1e-30, 1e-7])
def test_one_without_length_is_zero_and_has_no_gradient(length):
    embedding = torch.tensor([[length, 0.0], [3.0, 4.0]], requires_grad=True)
    found = directions(embedding)
    [gradient] = torch.autograd.grad((found * torch.tensor([[1.0, 2.0], [1.0, 2.0]])).sum(), embedding)
    assert found.tolist() == [[0.0, 0.0], pytest.approx([0.6, 0.8])]
    # Of x / ||x|| . w at (3, 4) with w = (1, 2): (w - (w . n) n) / 5, and w . n is 2.2.
    assert gradient.tolist() == [[0.0, 0.0], pytest.approx([(1 - 2.2 * 0.6) / 5, (2 - 2.2 * 0.8) / 5])]


@pytest.mark.parametrize(
    "loss",
    [
        ArcFaceLoss(8, 5, scale=64, margin=0.5),
        CosFaceLoss(8, 5, scale=30, margin=0.25),
        NormFaceLoss(8, 5, scale=30),
        NormalisedSoftmaxLoss(8, 5, scale=16),
    ],
)
def test_every_normalising_loss_bounds_the_gradient_of_a_zero_embedding(loss):
    embedding = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    embedding[2] = 0
    embedding.requires_grad_()
    [gradient] = torch.autograd.grad(loss(embedding, torch.arange(4))["loss"], embedding)
    assert gradient[2].abs().max() == 0
    assert 0 < gradient.abs().max() < 1e3
