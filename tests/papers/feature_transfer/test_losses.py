"""Softmax joined with m-L2, the squared length of the logits, and with plain L2, that of the class weights."""

from __future__ import annotations

from functools import partial
from math import exp, log

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from papers.feature_transfer import MetricL2, SoftmaxL2
from papers.feature_transfer.losses import MetricL2Loss, SoftmaxL2Loss
from shared.losses import Softmax
from tests.losses.samples import check_gradients

pytestmark = pytest.mark.usefixtures("seeded")
OPTIONS = [MetricL2, SoftmaxL2]


def batch(size: int = 9, dimension: int = 3, classes: int = 4) -> tuple[Tensor, Tensor]:
    return torch.randn(size, dimension, dtype=torch.float64, requires_grad=True), torch.arange(size) % classes


@pytest.mark.parametrize(("reduction", "classes"), [("mean", 2), ("sum", 1)])
def test_m_l2_by_hand(reduction, classes):
    # Logits (0, ln 3) and (0, 2 ln 3): cross-entropies of class 0 are ln 4 and ln 10, squared lengths l^2 and 4 l^2.
    loss = MetricL2Loss(1, 2, weight=0.1, reduction=reduction)
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[0.0], [log(3)]]))
    terms = loss(torch.tensor([[1.0], [2.0]]), torch.tensor([0, 0]))
    assert list(terms) == ["loss", "cross_entropy", "metric_l2"]
    assert terms["cross_entropy"].item() == pytest.approx(log(40) / 2)
    assert terms["metric_l2"].item() == pytest.approx(2.5 * log(3) ** 2 / classes)
    assert terms["loss"].item() == pytest.approx(log(40) / 2 + 0.25 * log(3) ** 2 / classes)


def test_plain_l2_by_hand():
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
@pytest.mark.parametrize(("reduction", "classes"), [("mean", 4), ("sum", 1)])
def test_eqs_2_to_4(reduction, classes, bias):
    loss = MetricL2(weight=0.25, reduction=reduction, bias=bias).build(3, 4).double()
    assert isinstance(loss, MetricL2Loss)
    embedding, labels = batch()
    offsets = loss.linear.bias.tolist() if bias else [0.0] * 4
    cross_entropy = metric_l2 = 0.0
    for f, y in zip(embedding.tolist(), labels.tolist(), strict=True):
        products = [sum(a * b for a, b in zip(w, f, strict=True)) for w in loss.linear.weight.tolist()]
        logits = [wf + b for wf, b in zip(products, offsets, strict=True)]
        cross_entropy -= log(exp(logits[y]) / sum(exp(logit) for logit in logits)) / len(labels)
        metric_l2 += sum(wf**2 for wf in products) / len(labels) / classes
    terms = loss(embedding, labels)
    assert terms["cross_entropy"].item() == pytest.approx(cross_entropy, rel=1e-12)
    assert terms["metric_l2"].item() == pytest.approx(metric_l2, rel=1e-12)
    assert terms["loss"].item() == pytest.approx(cross_entropy + 0.25 * metric_l2, rel=1e-12)
    torch.testing.assert_close(loss.class_vectors(), loss.linear.weight.detach().unsqueeze(1))


@pytest.mark.parametrize("bias", [False, True])
def test_the_printed_sums_of_plain_l2(bias):
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


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_without_weight_it_is_softmax(option, bias):
    torch.manual_seed(0)
    softmax = Softmax(bias=bias).build(3, 4).double()
    torch.manual_seed(0)
    joined = option(weight=0, bias=bias).build(3, 4).double()
    embedding, labels = batch()
    pairs = [loss(embedding, labels)["loss"] for loss in (softmax, joined)]
    assert torch.equal(*pairs)
    assert torch.equal(*(torch.autograd.grad(value, embedding)[0] for value in pairs))
    assert torch.equal(softmax.scores(embedding), joined.scores(embedding))


@pytest.mark.parametrize(("reduction", "classes"), [("mean", 4), ("sum", 1)])
def test_gradient_of_m_l2(reduction, classes):
    # d ||W f||^2 / df = 2 W^T W f, for the mean over nine samples a ninth of that, over four classes a quarter.
    loss = MetricL2Loss(3, 4, weight=0.7, reduction=reduction).double()
    embedding, labels = batch()
    terms = loss(embedding, labels)
    (total,) = torch.autograd.grad(terms["loss"], embedding, retain_graph=True)
    (softmax,) = torch.autograd.grad(terms["cross_entropy"], embedding)
    weight = loss.linear.weight.detach()
    torch.testing.assert_close(total - softmax, 0.7 * 2 * embedding @ weight.T @ weight / 9 / classes)


def test_the_gradient_of_plain_l2_is_weight_decay():
    # To W it adds lambda W, as weight decay does; to the embedding nothing.
    embedding, labels = batch()
    loss = SoftmaxL2Loss(3, 4, weight=0.7, bias=True).double()
    terms = loss(embedding, labels)
    given = (loss.linear.weight, loss.linear.bias, embedding)
    whole = torch.autograd.grad(terms["loss"], given, retain_graph=True)
    softmax = torch.autograd.grad(terms["cross_entropy"], given)
    torch.testing.assert_close(whole[0] - softmax[0], 0.7 * loss.linear.weight.detach())
    torch.testing.assert_close(whole[1:], softmax[1:])


def test_m_l2_holds_embedding_and_weights_to_account_together():
    # It does not notice what is moved from the one to the other, nor what they do not share.
    loss = MetricL2Loss(2, 3, weight=1).double()
    with torch.no_grad():
        loss.linear.weight[:, 1] = 0
    embedding, labels = torch.randn(5, 2, dtype=torch.float64), torch.tensor([0, 1, 2, 0, 1])
    before = loss(embedding, labels)["metric_l2"]
    with torch.no_grad():
        loss.linear.weight *= 4
    moved = embedding / 4 * torch.tensor([1, 1e3])
    torch.testing.assert_close(loss(moved, labels)["metric_l2"], before)
    torch.testing.assert_close(loss(3 * moved, labels)["metric_l2"], 9 * before)


@pytest.mark.parametrize("kind", [MetricL2Loss, partial(MetricL2Loss, reduction="sum"), SoftmaxL2Loss])
@pytest.mark.parametrize("bias", [False, True])
def test_gradcheck(kind, bias):
    check_gradients(kind(3, 4, weight=0.7, bias=bias).double(), *batch())


def test_embeddings_without_length():
    loss = MetricL2Loss(3, 4, weight=1)
    embedding = torch.zeros(2, 3, requires_grad=True)
    terms = loss(embedding, torch.tensor([0, 1]))
    assert terms["metric_l2"].item() == 0
    assert terms["loss"].item() == pytest.approx(log(4))
    assert torch.autograd.grad(terms["loss"], embedding)[0].isfinite().all()


def test_m_l2_under_bf16_autocast():
    loss = MetricL2Loss(8, 1000, weight=0.1, bias=True)
    embedding = torch.randn(16, 8).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        terms = loss(embedding, torch.arange(16))
    assert terms["loss"].dtype == terms["metric_l2"].dtype == torch.float32
    plain = loss(embedding.float(), torch.arange(16))
    torch.testing.assert_close(terms["metric_l2"], plain["metric_l2"], rtol=0.01, atol=0)
    assert torch.autograd.grad(terms["loss"], embedding)[0].isfinite().all()


def test_plain_l2_under_bf16_autocast():
    loss = SoftmaxL2Loss(8, 1000, weight=0.1)
    embedding = torch.randn(16, 8).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        terms = loss(embedding, torch.arange(16))
    assert terms["loss"].dtype == terms["weight_l2"].dtype == torch.float32
    assert torch.equal(terms["weight_l2"], loss(embedding.float(), torch.arange(16))["weight_l2"])
    assert torch.autograd.grad(terms["loss"], embedding)[0].isfinite().all()


@pytest.mark.parametrize("bias", [False, True])
def test_one_matrix_product(bias):
    loss = MetricL2Loss(3, 4, weight=0.7, bias=bias).double()
    embedding, labels = batch()
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as record:
        loss(embedding, labels)
    calls = {event.key: event.count for event in record.key_averages()}
    assert calls.get("aten::mm", 0) + calls.get("aten::addmm", 0) == 1


def test_another_reduction_is_refused():
    with pytest.raises(ValidationError, match="reduction"):
        MetricL2.model_validate({"weight": 0.1, "reduction": "max"})


@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("wrong", [{"weight": -1}, {"weight": float("nan")}, {"alpha": 0.1}, {"decay": 0.1}])
def test_options_reject(option, wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        option.model_validate({"weight": 0.1, **wrong})
