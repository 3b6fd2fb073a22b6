"""Softmax and center loss: closed forms and the centres' own update."""

from math import log

import pytest
import torch
from torch import Tensor

from shared.losses import Center, Softmax
from shared.losses.center import CenterLoss
from shared.losses.softmax import SoftmaxLoss


def batch(size: int = 8, dimension: int = 3, classes: int = 4) -> tuple[Tensor, Tensor]:
    return torch.randn(size, dimension, requires_grad=True), torch.arange(size) % classes


# Softmax


@pytest.mark.parametrize("bias", [True, False])
def test_softmax_is_the_cross_entropy_of_a_linear_layer(bias):
    loss = Softmax(bias=bias).build(3, 4)
    assert isinstance(loss, SoftmaxLoss)
    embedding, labels = batch()
    weight, offset = loss.linear.weight, loss.linear.bias
    assert (offset is not None) == bias
    logits = embedding @ weight.T + (offset if bias else 0)
    own = logits.gather(1, labels.unsqueeze(1)).squeeze(1)
    terms = loss(embedding, labels)
    assert list(terms) == ["loss"]
    torch.testing.assert_close(terms["loss"], (logits.exp().sum(1).log() - own).mean())
    torch.testing.assert_close(loss.scores(embedding), logits)
    assert torch.equal(loss.class_vectors(), weight.unsqueeze(1))
    assert not loss.class_vectors().requires_grad


def test_softmax_by_hand():
    # Logits (0, ln 3) for f = 1: probabilities 1/4 and 3/4.
    loss = SoftmaxLoss(1, 2, bias=False)
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[0.0], [log(3)]]))
    value = loss(torch.tensor([[1.0]]), torch.tensor([0]))["loss"]
    assert value.item() == pytest.approx(log(4))


# Center


def test_centres_by_hand():
    # Centres start at 0; alpha = 1/2; x = 1, 3 of class 0, 2 of class 1, none of class 2.
    # Mean of x^2 / 2 = (1 + 9 + 4) / 6 = 7/3.
    # c0 = 0 + 1/2 (1 + 3) / (1 + 2) = 2/3;  c1 = 0 + 1/2 * 2 / (1 + 1) = 1/2;  c2 stays.
    loss = CenterLoss(1, 3, weight=0.1, alpha=0.5)
    first = loss(torch.tensor([[1.0], [3.0], [2.0]]), torch.tensor([0, 0, 1]))
    assert first["center"].item() == pytest.approx(7 / 3)
    assert first["loss"].item() == pytest.approx(first["cross_entropy"].item() + 0.7 / 3)
    torch.testing.assert_close(loss.centres, torch.tensor([[2 / 3], [1 / 2], [0]]))
    # Then x = 2 of class 0: (2 - 2/3)^2 / 2 = 8/9;  c0 = 2/3 + 1/2 (4/3) / 2 = 1.
    second = loss(torch.tensor([[2.0]]), torch.tensor([0]))
    assert second["center"].item() == pytest.approx(8 / 9)
    torch.testing.assert_close(loss.centres, torch.tensor([[1], [1 / 2], [0]]))
    torch.testing.assert_close(loss.class_vectors(), torch.tensor([[[1]], [[1 / 2]], [[0]]]))


def test_update_is_the_printed_one():
    loss = CenterLoss(3, 5, weight=1.0, alpha=0.3).double()
    loss.centres.normal_()
    before, embedding, labels = loss.centres.clone(), torch.randn(9, 3).double(), torch.arange(9) % 4
    loss(embedding, labels)
    for j, centre in enumerate(before):
        members = [x for x, y in zip(embedding, labels, strict=True) if y == j]
        change = sum((centre - x for x in members), torch.zeros(3)) / (1 + len(members))
        torch.testing.assert_close(loss.centres[j], centre - 0.3 * change)
    assert torch.equal(loss.centres[4], before[4])


def test_evaluation_and_zero_alpha_leave_the_centres():
    for loss in (CenterLoss(3, 4, weight=1.0, alpha=0.5).eval(), CenterLoss(3, 4, weight=1.0, alpha=0.0)):
        before = loss.centres.normal_().clone()
        loss(*batch())
        assert torch.equal(loss.centres, before)


def test_class_vectors_are_a_copy():
    loss = CenterLoss(3, 4, weight=1.0, alpha=0.5)
    kept = loss.class_vectors()
    loss(*batch())
    assert kept.abs().max() == 0
    assert loss.class_vectors().abs().max() > 0


def test_gradient_of_the_centre_term():
    loss = CenterLoss(3, 4, weight=0.7, alpha=0.5)
    centres = loss.centres.normal_().clone()
    embedding, labels = batch()
    terms = loss(embedding, labels)
    (total,) = torch.autograd.grad(terms["loss"], embedding, retain_graph=True)
    (softmax,) = torch.autograd.grad(terms["cross_entropy"], embedding)
    torch.testing.assert_close(total - softmax, 0.7 * (embedding - centres[labels]) / 8)


def test_gradcheck():
    loss = CenterLoss(3, 4, weight=0.7, alpha=0.5).double().eval()
    loss.centres.normal_()
    embedding, labels = torch.randn(6, 3, dtype=torch.float64, requires_grad=True), torch.arange(6) % 4
    assert torch.autograd.gradcheck(lambda x: loss(x, labels)["loss"], (embedding,))


def test_without_weight_it_is_softmax():
    torch.manual_seed(0)
    softmax = Softmax().build(3, 4)
    torch.manual_seed(0)
    center = Center(weight=0, alpha=0.5).build(3, 4)
    embedding, labels = batch()
    for _ in range(3):
        pairs = [loss(embedding, labels)["loss"] for loss in (softmax, center)]
        assert torch.equal(*pairs)
        assert torch.equal(*(torch.autograd.grad(value, embedding)[0] for value in pairs))
    assert torch.equal(softmax.scores(embedding), center.scores(embedding))


def test_centres_are_state_without_gradient():
    loss = CenterLoss(3, 4, weight=1.0, alpha=0.5, bias=False)
    assert [name for name, _ in loss.named_parameters()] == ["linear.weight"]
    loss(*batch())
    copy = CenterLoss(3, 4, weight=1.0, alpha=0.5, bias=False)
    copy.load_state_dict(loss.state_dict())
    assert torch.equal(copy.centres, loss.centres)
    assert not loss.centres.requires_grad


def test_bf16_autocast():
    loss = CenterLoss(3, 4, weight=1.0, alpha=0.5)
    embedding = torch.randn(8, 3).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        terms = loss(embedding, torch.arange(8) % 4)
    assert terms["loss"].dtype == loss.centres.dtype == torch.float32
    assert torch.autograd.grad(terms["loss"], embedding)[0].isfinite().all()
    torch.testing.assert_close(terms["center"], embedding.detach().float().square().sum(1).mean() / 2)


def test_options():
    loss = Center(weight=0.003, alpha=0.5, bias=False).build(2, 10)
    assert isinstance(loss, CenterLoss)
    assert (loss.weight, loss.alpha) == (0.003, 0.5)
    assert "linear.bias" not in loss.state_dict()
    assert loss.centres.shape == (10, 2)
