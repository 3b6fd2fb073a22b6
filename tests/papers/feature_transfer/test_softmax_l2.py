"""Softmax joined with the squared length of the class weights."""

from __future__ import annotations

from math import exp, log

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.func import functional_call

from papers.feature_transfer import SoftmaxL2
from papers.feature_transfer.softmax_l2 import SoftmaxL2Loss
from shared.losses import Softmax


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def batch(size: int = 9, dimension: int = 3, classes: int = 4) -> tuple[Tensor, Tensor]:
    return torch.randn(size, dimension, dtype=torch.float64, requires_grad=True), torch.arange(size) % classes


def test_by_hand():
    # Logits (0, ln 3) and (0, 2 ln 3): cross-entropies of class 0 are ln 4 and ln 10; half of 0^2 + (ln 3)^2.
    loss = SoftmaxL2Loss(1, 2, weight=0.1)
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[0.0], [log(3)]]))
    terms = loss(torch.tensor([[1.0], [2.0]]), torch.tensor([0, 0]))
    assert list(terms) == ["loss", "cross_entropy", "weight_l2"]
    assert terms["cross_entropy"].item() == pytest.approx(log(40) / 2)
    assert terms["weight_l2"].item() == pytest.approx(log(3) ** 2 / 2)
    assert terms["loss"].item() == pytest.approx(log(40) / 2 + 0.05 * log(3) ** 2)


@pytest.mark.parametrize("bias", [False, True])
def test_the_printed_sums(bias):
    loss = SoftmaxL2(weight=0.3, bias=bias).build(3, 4).double()
    assert isinstance(loss, SoftmaxL2Loss)
    embedding, labels = batch()
    weights = loss.linear.weight.tolist()
    offsets = loss.linear.bias.tolist() if bias else [0.0] * 4
    cross_entropy = 0.0
    for f, y in zip(embedding.tolist(), labels.tolist(), strict=True):
        logits = [sum(a * b for a, b in zip(w, f, strict=True)) + c for w, c in zip(weights, offsets, strict=True)]
        cross_entropy -= log(exp(logits[y]) / sum(map(exp, logits))) / len(labels)
    decay = sum(theta**2 for row in weights for theta in row) / 2
    terms = loss(embedding, labels)
    assert terms["cross_entropy"].item() == pytest.approx(cross_entropy, rel=1e-12)
    assert terms["weight_l2"].item() == pytest.approx(decay, rel=1e-12)
    assert terms["loss"].item() == pytest.approx(cross_entropy + 0.3 * decay, rel=1e-12)
    torch.testing.assert_close(loss.class_vectors(), loss.linear.weight.detach().unsqueeze(1))


def test_the_gradient_of_the_term_is_weight_decay():
    # To W it adds lambda W, as weight decay does; to the embedding nothing.
    embedding, labels = batch()
    loss = SoftmaxL2Loss(3, 4, weight=0.7, bias=True).double()
    terms = loss(embedding, labels)
    given = (loss.linear.weight, loss.linear.bias, embedding)
    whole = torch.autograd.grad(terms["loss"], given, retain_graph=True)
    softmax = torch.autograd.grad(terms["cross_entropy"], given)
    torch.testing.assert_close(whole[0] - softmax[0], 0.7 * loss.linear.weight.detach())
    torch.testing.assert_close(whole[1:], softmax[1:])


def test_without_weight_it_is_softmax():
    torch.manual_seed(0)
    softmax = Softmax(bias=False).build(3, 4).double()
    torch.manual_seed(0)
    joined = SoftmaxL2(weight=0).build(3, 4).double()
    embedding, labels = batch()
    pairs = [loss(embedding, labels)["loss"] for loss in (softmax, joined)]
    assert torch.equal(*pairs)
    assert torch.equal(*(torch.autograd.grad(value, embedding)[0] for value in pairs))
    assert torch.equal(softmax.scores(embedding), joined.scores(embedding))


@pytest.mark.parametrize("bias", [False, True])
def test_gradcheck(bias):
    loss = SoftmaxL2Loss(3, 4, weight=0.7, bias=bias).double()
    embedding, labels = batch()
    parameters = {name: value.detach().requires_grad_() for name, value in loss.named_parameters()}

    def total(x: Tensor, *values: Tensor) -> Tensor:
        given = dict(zip(parameters, values, strict=True))
        terms: dict[str, Tensor] = functional_call(loss, given, (x, labels))
        return terms["loss"]

    assert torch.autograd.gradcheck(total, (embedding, *parameters.values()))


def test_bf16_autocast():
    loss = SoftmaxL2Loss(8, 1000, weight=0.1)
    embedding = torch.randn(16, 8).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        terms = loss(embedding, torch.arange(16))
    assert terms["loss"].dtype == terms["weight_l2"].dtype == torch.float32
    assert torch.equal(terms["weight_l2"], loss(embedding.float(), torch.arange(16))["weight_l2"])
    assert torch.autograd.grad(terms["loss"], embedding)[0].isfinite().all()


@pytest.mark.parametrize("wrong", [{"weight": -1}, {"weight": float("nan")}, {"decay": 0.1}])
def test_options_reject(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        SoftmaxL2.model_validate({"weight": 0.1, **wrong})
