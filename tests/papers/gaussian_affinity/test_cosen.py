"""CoSen CNN's loss: its cross-entropy by hand, the target of its costs by hand and by loops, their updates."""

from __future__ import annotations

from itertools import product
from math import exp, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional

from papers.gaussian_affinity import CoSen
from papers.gaussian_affinity.cosen import (
    LEAST_COST,
    CoSenLoss,
    bell,
    cost_sensitive_cross_entropy,
    prevalence,
    separability,
)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def random_costs(classes: int) -> Tensor:
    return torch.rand(classes, classes, dtype=torch.float64) * 0.9 + 0.1


# Cross-entropy


def test_cost_sensitive_cross_entropy_by_hand():
    # Label 1 of the logits (0, ln 3): 3 xi_11 / (xi_10 + 3 xi_11) = 1.5 / (0.25 + 1.5) = 6 / 7.
    costs = torch.tensor([[1.0, 1.0], [0.25, 0.5]], dtype=torch.float64)
    logits = torch.tensor([[0.0, log(3)]], dtype=torch.float64)
    value = cost_sensitive_cross_entropy(logits, torch.tensor([1]), costs)
    assert value.item() == pytest.approx(log(7 / 6))
    assert cost_sensitive_cross_entropy(logits, torch.tensor([0]), costs).item() == pytest.approx(log(4))


def test_it_is_the_printed_formula_and_its_gradient():
    logits = torch.randn(6, 4, dtype=torch.float64, requires_grad=True)
    labels, costs = torch.tensor([0, 1, 2, 3, 3, 0]), random_costs(4)
    weighted = costs[labels] * logits.exp()
    y = weighted / weighted.sum(1, keepdim=True)
    loss = cost_sensitive_cross_entropy(logits, labels, costs)
    torch.testing.assert_close(loss, -y[range(6), labels].log().mean())
    (gradient,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(gradient, ((y - functional.one_hot(labels)) / 6).detach())


def test_costs_of_one_are_softmax_and_a_row_may_be_scaled():
    logits, labels, costs = torch.randn(6, 4).double(), torch.arange(6) % 4, random_costs(4)
    plain = functional.cross_entropy(logits, labels)
    torch.testing.assert_close(cost_sensitive_cross_entropy(logits, labels, torch.ones(4, 4)), plain)
    scaled = costs * torch.tensor([[0.1], [3.0], [1.0], [0.5]])
    values = [cost_sensitive_cross_entropy(logits, labels, matrix) for matrix in (costs, scaled)]
    torch.testing.assert_close(values[0], values[1])


def test_gradients_of_the_loss():
    loss = CoSenLoss(3, 4, period=2).double().eval()
    loss.costs.copy_(random_costs(4))
    labels = torch.tensor([0, 1, 2, 3, 3])

    def value(embedding: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        parameters = {"linear.weight": weight, "linear.bias": bias}
        result: Tensor = torch.func.functional_call(loss, parameters, (embedding, labels))["loss"]
        return result

    inputs = [torch.randn(5, 3).double(), loss.linear.weight.detach(), loss.linear.bias.detach()]
    assert torch.autograd.gradcheck(value, [x.clone().requires_grad_() for x in inputs])


def test_a_cheap_true_class_has_to_win_by_a_margin():
    # Class 1 is cheap: to be as sure of it as of a free one, its logit has to be ln(xi_10 / xi_11) higher.
    costs = torch.tensor([[0.9, 0.9], [0.9, 0.1]])
    margin = torch.tensor([[0.0, log(9)]])
    value = cost_sensitive_cross_entropy(margin, torch.tensor([1]), costs)
    assert value.item() == pytest.approx(log(2))
    assert cost_sensitive_cross_entropy(torch.zeros(1, 2), torch.tensor([0]), costs).item() == pytest.approx(log(2))


# The target of the costs


def test_prevalence_by_hand():
    counts = torch.tensor([6, 3, 1])
    expected = torch.tensor([[0.6, 0.6, 0.6], [0.6, 0.3, 0.3], [0.6, 0.3, 0.1]])
    torch.testing.assert_close(prevalence(counts), expected)


def test_separability_by_hand():
    # Class 0 at 0, 1 and 4; class 1 at 6 and 8. Nearest of class 0 to its own: 1, 1, 3; to class 1: 6, 5, 2.
    # S(0, 1) = (1/6 + 1/5 + 3/2) / 3;  S(1, 0) = (2/2 + 2/4) / 2.
    features = torch.tensor([[[0.0], [1.0], [4.0]], [[6.0], [8.0], [99.0]]])
    expected = torch.tensor([[1, (1 / 6 + 1 / 5 + 3 / 2) / 3], [3 / 4, 1]])
    torch.testing.assert_close(separability(features, torch.tensor([3, 2])), expected)


def by_loops(features: Tensor, counts: list[int]) -> Tensor:
    classes = len(counts)
    result = torch.full((classes, classes), torch.nan, dtype=features.dtype)
    for p, q in product(range(classes), repeat=2):
        if counts[p] < 2 or not counts[q]:
            continue
        ratios = []
        for i in range(counts[p]):
            x = features[p, i]
            own = min(float((x - features[p, j]).norm()) for j in range(counts[p]) if j != i)
            others = [features[q, j] for j in range(counts[q]) if (q, j) != (p, i)]
            ratios.append(own / min(float((x - other).norm()) for other in others))
        result[p, q] = sum(ratios) / len(ratios)
    return result


@given(counts=st.lists(st.integers(0, 4), min_size=2, max_size=4), seed=st.integers(0, 99))
def test_separability_is_that_of_loops(counts, seed):
    features = torch.randn(len(counts), 4, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    torch.testing.assert_close(separability(features, torch.tensor(counts)), by_loops(features, counts), equal_nan=True)


def test_features_that_coincide_leave_separability_a_number():
    features = torch.zeros(2, 2, 3)
    torch.testing.assert_close(separability(features, torch.tensor([2, 2])), torch.ones(2, 2))


def test_bell_by_hand():
    torch.testing.assert_close(bell(torch.tensor([1.0, 3.0, -1.0]), 1.0, 2.0), torch.tensor([1, exp(-0.5), exp(-0.5)]))


# Updates


def fixed(loss: CoSenLoss) -> CoSenLoss:
    """Make the scores of a one-dimensional embedding x the logits (0, x)."""
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[0.0], [1.0]]))
        loss.linear.bias.zero_()
    return loss


EMBEDDING = torch.tensor([[-2.0], [-1.0], [-4.0], [1.0], [3.0], [-6.0]])
LABELS = torch.tensor([0, 0, 0, 0, 1, 1])


def test_an_update_of_the_costs_by_hand():
    # Predictions 0 0 0 1 1 0: R = (3/4, 1/4; 1/2, 1/2). Class 0 at -4, -2, -1, 1, class 1 at -6, 3.
    # Nearest of class 0 to its own: 2, 1, 1, 2; to class 1: 2, 4, 4, 2: S(0, 1) = (1 + 1/4 + 1/4 + 1) / 4 = 5/8.
    # Nearest of class 1 to its own: 9, 9; to class 0: 2, 2: S(1, 0) = 9/2. H = (2/3, 2/3; 2/3, 1/3).
    loss = fixed(CoSenLoss(1, 2, period=1, rate=0.5, separability_spread=2.0, confusion_centre=0.5))
    loss(EMBEDDING, LABELS)
    target = torch.tensor(
        [
            [2 / 3 * exp(-(0.25**2) / 2), 2 / 3 * exp(-((3 / 8) ** 2) / 8) * exp(-(0.25**2) / 2)],
            [2 / 3 * exp(-(3.5**2) / 8), 1 / 3],
        ]
    )
    torch.testing.assert_close(loss.costs, (1 + target) / 2)
    before = loss.costs.clone()
    loss(EMBEDDING, LABELS)
    torch.testing.assert_close(loss.costs, (before + target) / 2)


def test_of_more_samples_than_are_kept_the_last_alone_have_a_separability():
    # As above, but of class 0 the last three, at -1, -4, 1. Nearest to its own: 2, 3, 2; to class 1: 4, 2, 2:
    # S(0, 1) = (1/2 + 3/2 + 1) / 3 = 1.
    loss = fixed(CoSenLoss(1, 2, period=1, rate=0.5, separability_spread=2.0, confusion_centre=0.5, kept=3))
    loss(EMBEDDING, LABELS)
    target = 2 / 3 * exp(-(0.25**2) / 2)
    torch.testing.assert_close(loss.costs[0], torch.tensor([(1 + target) / 2] * 2))


def test_the_loss_of_a_pass_is_that_of_the_costs_before_it():
    loss = fixed(CoSenLoss(1, 2, period=1))
    plain = functional.cross_entropy(loss.scores(EMBEDDING), LABELS)
    torch.testing.assert_close(loss(EMBEDDING, LABELS)["loss"], plain)
    assert loss(EMBEDDING, LABELS)["loss"] != plain


def test_costs_move_once_a_period_in_training_alone():
    loss = fixed(CoSenLoss(1, 2, period=3))
    loss.eval()
    for _ in range(5):
        loss(EMBEDDING, LABELS)
    loss.train()
    moved = []
    for _ in range(7):
        before = loss.costs.clone()
        loss(EMBEDDING, LABELS)
        moved.append(not torch.equal(before, loss.costs))
    assert moved == [False, False, True, False, False, True, False]


def test_how_samples_are_dealt_into_batches_does_not_matter_within_a_period():
    whole = fixed(CoSenLoss(1, 2, period=1))
    parts = fixed(CoSenLoss(1, 2, period=3))
    whole(EMBEDDING, LABELS)
    for part in ([5], [0, 4, 1], [3, 2]):
        parts(EMBEDDING[part], LABELS[part])
    torch.testing.assert_close(parts.costs, whole.costs)
    assert not parts.confusion.any()


def test_the_last_embeddings_of_each_class_are_kept():
    loss = CoSenLoss(1, 2, period=100, kept=3)
    values = torch.arange(1.0, 11).unsqueeze(1)
    labels = torch.tensor([0, 0, 0, 0, 1, 0, 0, 1, 0, 0])
    loss(values[:5], labels[:5])
    assert sorted(loss.features[0].flatten().tolist()) == [2, 3, 4]
    loss(values[5:], labels[5:])
    assert sorted(loss.features[0].flatten().tolist()) == [7, 9, 10]
    assert sorted(loss.features[1].flatten().tolist()) == [0, 5, 8]
    assert loss.samples.tolist() == [8, 2]


def test_the_rate_falls_when_the_error_has_risen():
    right, wrong = torch.tensor([[-1.0], [1.0]]), torch.tensor([[1.0], [-1.0]])
    mixed = torch.tensor([[-1.0], [-1.0]])
    loss = fixed(CoSenLoss(1, 2, period=1, rate=0.5, decay=0.1))
    rates = []
    for embedding in (wrong, mixed, mixed, right, mixed, mixed, wrong):
        loss(embedding, torch.tensor([0, 1]))
        rates.append(round(float(loss.rate), 6))
    assert rates == [0.5, 0.5, 0.5, 0.5, 0.05, 0.05, 0.005]


def test_costs_of_classes_that_were_not_seen_stay():
    loss = CoSenLoss(2, 4, period=1, rate=1.0)
    loss(torch.randn(5, 2), torch.tensor([0, 0, 0, 1, 1]))
    assert (loss.costs[:2, :2] < 1).all()
    assert (loss.costs[2:] == 1).all()
    assert (loss.costs[:, 2:] == 1).all()


def test_a_class_of_one_sample_has_no_spread_of_its_own():
    loss = CoSenLoss(2, 2, period=1, rate=1.0)
    loss(torch.randn(4, 2), torch.tensor([0, 0, 0, 1]))
    assert (loss.costs[0] < 1).all()
    assert (loss.costs[1] == 1).all()


@given(seed=st.integers(0, 999), rate=st.floats(0, 1), spread=st.floats(1e-3, 10), scale=st.floats(0, 1e6))
def test_costs_stay_positive_and_at_most_one(seed, rate, spread, scale):
    draw = torch.Generator().manual_seed(seed)
    loss = CoSenLoss(2, 3, period=2, rate=rate, separability_spread=spread, confusion_spread=spread, kept=4)
    for _ in range(6):
        embedding = scale * torch.randn(7, 2, generator=draw)
        value = loss(embedding, torch.randint(3, (7,), generator=draw))["loss"]
        assert value.isfinite()
        assert (loss.costs >= LEAST_COST).all()
        assert (loss.costs <= 1).all()


def test_the_rare_class_becomes_the_cheap_one():
    loss = CoSenLoss(2, 2, period=1, rate=1.0)
    labels = torch.tensor([0] * 18 + [1] * 4)
    loss(torch.randn(22, 2) + 3 * labels.unsqueeze(1), labels)
    margins = (loss.costs[0, 1] / loss.costs[0, 0], loss.costs[1, 0] / loss.costs[1, 1])
    assert margins[1] > 2
    assert margins[0] < 1


def test_scores_are_the_logits_whatever_the_costs():
    loss = CoSenLoss(3, 4, period=1)
    embedding = torch.randn(8, 3)
    before = loss.scores(embedding)
    loss(embedding, torch.arange(8) % 4)
    assert (loss.costs != 1).any()
    assert torch.equal(loss.scores(embedding), before)
    torch.testing.assert_close(before, embedding @ loss.linear.weight.T + loss.linear.bias)
    assert torch.equal(loss.class_vectors(), loss.linear.weight.unsqueeze(1))


def test_a_resumed_training_goes_on_alike():
    torch.manual_seed(4)
    batches = [(torch.randn(9, 3), torch.randint(4, (9,))) for _ in range(12)]
    straight, first, second = (CoSenLoss(3, 4, period=5, rate=0.7) for _ in range(3))
    first.load_state_dict(straight.state_dict())
    values = [straight(*batch)["loss"] for batch in batches]
    resumed = [first(*batch)["loss"] for batch in batches[:7]]
    second.load_state_dict(first.state_dict())
    resumed += [second(*batch)["loss"] for batch in batches[7:]]
    assert all(torch.equal(a, b) for a, b in zip(values, resumed, strict=True))
    state = straight.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in second.state_dict().items())


def test_buffers_are_unknown_to_the_optimizer():
    loss = CoSenLoss(3, 4, period=5)
    assert {name for name, _ in loss.named_parameters()} == {"linear.weight", "linear.bias"}


def test_autocast_counts_and_keeps_in_full_precision():
    loss = CoSenLoss(3, 4, period=2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for _ in range(2):
            value = loss(torch.randn(300, 3).bfloat16(), torch.arange(300) % 4)["loss"]
    assert value.dtype == torch.float32
    assert loss.samples.tolist() == [150] * 4
    assert loss.costs.isfinite().all()


def test_options_build_the_loss():
    loss = CoSen(period=3, rate=0.2, bias=False).build(3, 4)
    assert isinstance(loss, CoSenLoss)
    assert loss.period == 3
    assert float(loss.rate) == pytest.approx(0.2)
    assert "linear.bias" not in dict(loss.named_parameters())
    for options in ({}, {"period": 0}, {"period": 1, "kept": 1}, {"period": 1, "rate": 2}):
        with pytest.raises(ValidationError, match=list(options)[-1] if options else "period"):
            CoSen.model_validate(options)
