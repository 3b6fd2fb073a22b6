"""Softmax joined with the metric L2 regulariser."""

from __future__ import annotations

from math import exp, log

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor
from torch.func import functional_call
from torch.profiler import ProfilerActivity, profile

from shared.losses import MetricL2, Softmax
from shared.losses.metric_l2 import MetricL2Loss


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def batch(size: int = 9, dimension: int = 3, classes: int = 4) -> tuple[Tensor, Tensor]:
    return torch.randn(size, dimension, dtype=torch.float64, requires_grad=True), torch.arange(size) % classes


def test_by_hand():
    # Logits (0, ln 3) and (0, 2 ln 3): cross-entropies of class 0 are ln 4 and ln 10, squared lengths l^2 and 4 l^2.
    loss = MetricL2Loss(1, 2, weight=0.1)
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[0.0], [log(3)]]))
    terms = loss(torch.tensor([[1.0], [2.0]]), torch.tensor([0, 0]))
    assert list(terms) == ["loss", "cross_entropy", "metric_l2"]
    assert terms["cross_entropy"].item() == pytest.approx(log(40) / 2)
    assert terms["metric_l2"].item() == pytest.approx(2.5 * log(3) ** 2)
    assert terms["loss"].item() == pytest.approx(log(40) / 2 + 0.25 * log(3) ** 2)


@pytest.mark.parametrize("bias", [False, True])
def test_eqs_2_to_4(bias):
    loss = MetricL2(weight=0.25, bias=bias).build(3, 4).double()
    assert isinstance(loss, MetricL2Loss)
    embedding, labels = batch()
    offsets = loss.linear.bias.tolist() if bias else [0.0] * 4
    cross_entropy = metric_l2 = 0.0
    for f, y in zip(embedding.tolist(), labels.tolist(), strict=True):
        products = [sum(a * b for a, b in zip(w, f, strict=True)) for w in loss.linear.weight.tolist()]
        logits = [wf + b for wf, b in zip(products, offsets, strict=True)]
        cross_entropy -= log(exp(logits[y]) / sum(exp(logit) for logit in logits)) / len(labels)
        metric_l2 += sum(wf**2 for wf in products) / len(labels)
    terms = loss(embedding, labels)
    assert terms["cross_entropy"].item() == pytest.approx(cross_entropy, rel=1e-12)
    assert terms["metric_l2"].item() == pytest.approx(metric_l2, rel=1e-12)
    assert terms["loss"].item() == pytest.approx(cross_entropy + 0.25 * metric_l2, rel=1e-12)
    torch.testing.assert_close(loss.class_vectors(), loss.linear.weight.detach().unsqueeze(1))


@pytest.mark.parametrize("bias", [False, True])
def test_without_weight_it_is_softmax(bias):
    torch.manual_seed(0)
    softmax = Softmax(bias=bias).build(3, 4).double()
    torch.manual_seed(0)
    joined = MetricL2(weight=0, bias=bias).build(3, 4).double()
    embedding, labels = batch()
    pairs = [loss(embedding, labels)["loss"] for loss in (softmax, joined)]
    assert torch.equal(*pairs)
    assert torch.equal(*(torch.autograd.grad(value, embedding)[0] for value in pairs))
    assert torch.equal(softmax.scores(embedding), joined.scores(embedding))


def test_gradient_of_the_regulariser():
    # d ||W f||^2 / df = 2 W^T W f, for the mean over nine samples a ninth of that.
    loss = MetricL2Loss(3, 4, weight=0.7).double()
    embedding, labels = batch()
    terms = loss(embedding, labels)
    (total,) = torch.autograd.grad(terms["loss"], embedding, retain_graph=True)
    (softmax,) = torch.autograd.grad(terms["cross_entropy"], embedding)
    weight = loss.linear.weight.detach()
    torch.testing.assert_close(total - softmax, 0.7 * 2 * embedding @ weight.T @ weight / 9)


def test_regulariser_holds_embedding_and_weights_to_account_together():
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


@pytest.mark.parametrize("bias", [False, True])
def test_gradcheck(bias):
    loss = MetricL2Loss(3, 4, weight=0.7, bias=bias).double()
    embedding, labels = batch()
    parameters = {name: value.detach().requires_grad_() for name, value in loss.named_parameters()}

    def total(x: Tensor, *values: Tensor) -> Tensor:
        given = dict(zip(parameters, values, strict=True))
        terms: dict[str, Tensor] = functional_call(loss, given, (x, labels))
        return terms["loss"]

    assert torch.autograd.gradcheck(total, (embedding, *parameters.values()))


def test_embeddings_without_length():
    loss = MetricL2Loss(3, 4, weight=1)
    embedding = torch.zeros(2, 3, requires_grad=True)
    terms = loss(embedding, torch.tensor([0, 1]))
    assert terms["metric_l2"].item() == 0
    assert terms["loss"].item() == pytest.approx(log(4))
    assert torch.autograd.grad(terms["loss"], embedding)[0].isfinite().all()


def test_bf16_autocast():
    loss = MetricL2Loss(8, 1000, weight=0.1, bias=True)
    embedding = torch.randn(16, 8).bfloat16().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        terms = loss(embedding, torch.arange(16))
    assert terms["loss"].dtype == terms["metric_l2"].dtype == torch.float32
    plain = loss(embedding.float(), torch.arange(16))
    torch.testing.assert_close(terms["metric_l2"], plain["metric_l2"], rtol=0.01, atol=0)
    assert torch.autograd.grad(terms["loss"], embedding)[0].isfinite().all()


@pytest.mark.parametrize("bias", [False, True])
def test_one_matrix_product(bias):
    loss = MetricL2Loss(3, 4, weight=0.7, bias=bias).double()
    embedding, labels = batch()
    with profile(activities=[ProfilerActivity.CPU]) as record:
        loss(embedding, labels)
    calls = {event.key: event.count for event in record.key_averages()}
    assert calls.get("aten::mm", 0) + calls.get("aten::addmm", 0) == 1


@pytest.mark.parametrize("wrong", [{"weight": -1}, {"weight": float("nan")}, {"alpha": 0.1}])
def test_options_reject(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        MetricL2.model_validate({"weight": 0.1, **wrong})
