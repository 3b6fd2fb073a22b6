"""Joint losses: center, contrastive and triplet terms by hand, the random pairs, and every base with every term."""

from __future__ import annotations

import copy
from math import log, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor
from torch.nn import functional

from shared.losses import (
    ArcFace,
    ASoftmax,
    Center,
    CenterTerm,
    ContrastiveTerm,
    CosFace,
    DiscrepancyTerm,
    Joint,
    ModifiedSoftmax,
    NormFace,
    Softmax,
    Term,
    TripletTerm,
)
from shared.losses.center import Centres
from shared.losses.joint import JointLoss
from shared.losses.pairs import Contrastive, Triplet, random_pairs
from shared.runs.components import Loss
from tests.losses.samples import check_gradients, rows

BASES = (
    Softmax(bias=False),
    ModifiedSoftmax(),
    ASoftmax(margin=4, start=2, decay=0.5),
    NormFace(scale=8),
    CosFace(scale=8, margin=0.25),
    ArcFace(scale=8, margin=0.5),
)
TERMS = (
    CenterTerm(weight=0.3, alpha=0.5),
    CenterTerm(weight=0.3, alpha=0.5, normalised=True),
    ContrastiveTerm(weight=0.3, margin=0.9),
    TripletTerm(weight=0.3, margin=0.3),
    DiscrepancyTerm(weight=0.3),
    DiscrepancyTerm(weight=0.3, bases=2),
)
METRIC = (Contrastive, Triplet)


def batch(size: int = 12, dimension: int = 3, classes: int = 4) -> tuple[Tensor, Tensor]:
    x = 2 * torch.randn(size, dimension, dtype=torch.float64)
    return x.requires_grad_(), torch.arange(size) % classes


def joint(base: Loss, term: Term, seed: int = 7) -> JointLoss:
    torch.manual_seed(seed)
    built = Joint.model_validate({"base": base, "term": term}).build(3, 4).double()
    assert isinstance(built, JointLoss)
    return built


def labels(*values: int) -> Tensor:
    return torch.tensor(values)


# Center


def test_centres_by_hand():
    # x = 1, 3 of class 0, 2 of class 1: mean of x^2 / 2 = 7/3; then c0 = (1 + 3) / 3 / 2 = 2/3, c1 = 2 / 2 / 2 = 1/2.
    term = CenterTerm(weight=1, alpha=0.5).build(1, 3)
    assert isinstance(term, Centres)
    assert term(torch.tensor([[1.0], [3.0], [2.0]]), labels(0, 0, 1)).item() == pytest.approx(7 / 3)
    torch.testing.assert_close(term.centres, torch.tensor([[2 / 3], [1 / 2], [0]]))


def test_normalised_centres_follow_the_directions():
    # (3/5, 4/5) and (0, 1) from a centre at 0: mean of 1 / 2; the centre moves by half of their sum over 3.
    term = CenterTerm(weight=1, alpha=0.5, normalised=True).build(2, 1).double()
    x = rows([3, 4], [0, 7])
    assert term(x, labels(0, 0)).item() == pytest.approx(1 / 2)
    torch.testing.assert_close(term.centres, torch.tensor([[0.1, 0.3]], dtype=torch.float64))
    # Then (3/5, 4/5) is (1/2, 1/2) away.
    value = term(rows([30, 40]), labels(0))
    assert value.item() == pytest.approx(1 / 4)
    raw = CenterTerm(weight=1, alpha=0.5).build(2, 1).double()
    assert raw(x, labels(0, 0)).item() == pytest.approx((25 + 49) / 4)


def test_the_term_is_that_of_the_center_loss():
    # Three steps of both on the same embeddings: same values, gradients and centres.
    torch.manual_seed(7)
    together = Center(weight=0.3, alpha=0.5, bias=False).build(3, 4).double()
    apart = joint(Softmax(bias=False), CenterTerm(weight=0.3, alpha=0.5))
    for _ in range(3):
        x, y = batch()
        first, second = together(x, y), apart(x, y)
        assert torch.equal(first["loss"], second["loss"])
        assert torch.equal(first["center"], second["center"])
        assert torch.equal(*(torch.autograd.grad(terms["loss"], x)[0] for terms in (first, second)))
    assert isinstance(apart.term, Centres)
    assert torch.equal(together.centres, apart.term.centres)


@pytest.mark.parametrize("normalised", [False, True])
def test_centres_move_in_training_alone_and_learn_no_gradient(normalised):
    term = CenterTerm(weight=1, alpha=0.5, normalised=normalised).build(3, 4).double()
    assert not list(term.parameters())
    term.eval()(*batch())
    assert term.centres.abs().max() == 0
    term.train()(*batch())
    assert term.centres.abs().amax(1).min() > 0
    assert not term.centres.requires_grad


# Pairs


def test_pairs_are_of_the_kinds_they_should_be():
    y = torch.randint(6, (50,))
    positive, negative, anchors = random_pairs(y)
    counts = torch.bincount(y)
    assert torch.equal(anchors, counts[y] > 1)
    where = anchors.nonzero().squeeze(1)
    assert (y[positive[where]] == y[where]).all()
    assert (positive[where] != where).all()
    assert (y[negative] != y).all()


def test_every_candidate_is_drawn_as_often():
    # Of 0 0 0 1 1 1 1: two positives and four negatives for the first, three and three for the last.
    y, draws = labels(0, 0, 0, 1, 1, 1, 1), 4000
    counts = torch.zeros(4, 7)
    for _ in range(draws):
        positive, negative, anchors = random_pairs(y)
        assert anchors.all()
        for row, drawn in enumerate((positive[0], negative[0], positive[6], negative[6])):
            counts[row, drawn] += 1
    half, third, quarter = draws / 2, draws / 3, draws / 4
    expected = torch.tensor(
        [
            [0, half, half, 0, 0, 0, 0],
            [0, 0, 0, quarter, quarter, quarter, quarter],
            [0, 0, 0, third, third, third, 0],
            [third, third, third, 0, 0, 0, 0],
        ]
    )
    spread = (expected * (1 - expected / draws)).sqrt()
    assert ((counts - expected).abs() <= 4 * spread).all()


def test_positives_and_negatives_are_drawn_independently():
    y, draws = labels(0, 0, 0, 1, 1), 4000
    table = torch.zeros(2, 2)
    for _ in range(draws):
        positive, negative, _ = random_pairs(y)
        table[positive[0] - 1, negative[0] - 3] += 1
    assert (table - draws / 4).abs().max() < 4 * sqrt(draws * 3 / 16)


def test_the_draws_go_on_alike_from_a_saved_generator():
    y = torch.randint(4, (30,))
    random_pairs(y)
    saved = torch.get_rng_state()
    first = [random_pairs(y) for _ in range(2)]
    torch.set_rng_state(saved)
    again = [random_pairs(y) for _ in range(2)]
    for one, two in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(first[0][0], first[1][0])


@pytest.mark.parametrize("y", [[0, 1, 2], [0, 0, 0], [5]])
@pytest.mark.parametrize("kind", METRIC)
def test_without_an_anchor_the_term_is_zero_with_a_graph(kind, y):
    x = torch.randn(len(y), 3, dtype=torch.float64, requires_grad=True)
    value = kind(3, 6, weight=1, margin=0.9)(x, torch.tensor(y))
    assert value.item() == 0
    (gradient,) = torch.autograd.grad(value, x)
    assert gradient.abs().max() == 0


# Contrastive and triplet by hand: x1, x2 of class 0 at 0 and 90 degrees, x3 alone in class 1 at 180. The first two are
# the anchors, and their pairs are given.

PLANE = ([2.0, 0], [0, 0.5], [-3.0, 0])


def test_contrastive_by_hand():
    # Positive: D^2 = 2 twice. Negative: D = 2 and sqrt(2). With m = 1.5 only sqrt(2) is too near.
    value = Contrastive(2, 2, weight=1, margin=1.5)(rows(*PLANE), labels(0, 0, 1))
    assert value.item() == pytest.approx((1 + 1 + 0 + (1.5 - sqrt(2)) ** 2 / 2) / 4)


def test_triplet_by_hand():
    # D_p^2 - D_n^2 = 2 - 4 and 2 - 2; with m = 0.3 only the second is too near.
    assert Triplet(2, 2, weight=1, margin=0.3)(rows(*PLANE), labels(0, 0, 1)).item() == pytest.approx(0.15)
    assert Triplet(2, 2, weight=1, margin=2.5)(rows(*PLANE), labels(0, 0, 1)).item() == pytest.approx((0.5 + 2.5) / 2)


@pytest.mark.parametrize("kind", METRIC)
def test_the_term_is_the_mean_over_the_pairs_drawn(kind):
    x, y = batch(15)
    y = torch.where(torch.arange(15) == 14, 9, y)  # one without a partner
    built = kind(3, 4, weight=1, margin=0.8)
    saved = torch.get_rng_state()
    value = built(x, y).item()
    torch.set_rng_state(saved)
    positive, negative, anchors = random_pairs(y)
    total = []
    for i in range(14):
        a, p, n = (functional.normalize(x.detach()[j], dim=0) for j in (i, int(positive[i]), int(negative[i])))
        near, far = float((a - p).norm()), float((a - n).norm())
        if kind is Contrastive:
            total += [near**2 / 2, max(0.0, 0.8 - far) ** 2 / 2]
        else:
            total += [max(0.0, near**2 - far**2 + 0.8)]
    assert anchors.sum() == 14
    assert value == pytest.approx(sum(total) / len(total), rel=1e-12)


@pytest.mark.parametrize("kind", METRIC)
def test_gradients_where_embeddings_coincide_or_have_no_length(kind):
    x = rows([1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0])
    value = kind(3, 2, weight=1, margin=0.8)(x, labels(0, 0, 1, 1))
    assert value.isfinite()
    assert torch.autograd.grad(value, x)[0].isfinite().all()


# Every base with every term


@pytest.mark.parametrize("term", TERMS, ids=repr)
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_the_loss_is_the_sum_of_its_terms(base, term):
    built = joint(base, term)
    torch.manual_seed(7)
    alone = base.build(3, 4).double()
    x, y = batch()
    terms = built(x, y)
    told = ["basis_norm"] if term.name == "discrepancy" else []
    assert list(terms) == ["loss", "classification", term.name, *told]
    assert torch.equal(terms["classification"], alone(x, y)["loss"])
    assert terms["loss"].item() == pytest.approx((terms["classification"] + 0.3 * terms[term.name]).item(), rel=1e-12)
    assert terms[term.name].item() > 0
    assert torch.equal(built.scores(x), alone.scores(x))
    assert torch.equal(built.class_vectors(), alone.class_vectors())


@pytest.mark.parametrize("term", TERMS, ids=repr)
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_without_weight_it_is_the_base_bit_for_bit(base, term):
    built = joint(base, term.model_copy(update={"weight": 0}))
    torch.manual_seed(7)
    alone = base.build(3, 4).double()
    x, y = batch()
    for _ in range(3):
        values = [loss(x, y)["loss"] for loss in (built, alone)]
        assert torch.equal(*values)
        found = torch.autograd.grad(values[0], (x, built.base.linear.weight))
        expected = torch.autograd.grad(values[1], (x, alone.linear.weight))
        assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


@pytest.mark.parametrize("term", TERMS, ids=repr)
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_every_parameter_learns(base, term):
    built = joint(base, term)
    x, y = batch(60)
    torch.autograd.backward(built(x, y)["loss"])
    for name, parameter in built.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().amax(1).min() > 0, name


@pytest.mark.parametrize("term", TERMS, ids=repr)
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_gradcheck(base, term):
    check_gradients(joint(base, term).eval(), *batch())


def test_runs_of_one_seed_start_alike_whatever_their_term():
    torch.manual_seed(7)
    expected = CosFace(scale=8, margin=0.25).build(3, 4).double().linear.weight
    for term in TERMS:
        assert torch.equal(joint(CosFace(scale=8, margin=0.25), term).base.linear.weight, expected)


@pytest.mark.parametrize("term", TERMS, ids=repr)
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_a_resumed_training_goes_on_bit_for_bit(base, term):
    first, (start, y) = joint(base, term), batch()

    def steps(loss: JointLoss, x: Tensor, count: int) -> Tensor:
        for _ in range(count):
            gradients = torch.autograd.grad(loss(x, y)["loss"], (x, *loss.parameters()))
            with torch.no_grad():
                for value, gradient in zip((x, *loss.parameters()), gradients, strict=True):
                    value.sub_(gradient, alpha=0.1)
        return x

    x = steps(first, start.detach().clone().requires_grad_(), 2)
    saved = copy.deepcopy(first.state_dict()), torch.get_rng_state(), x.detach().clone().requires_grad_()
    steps(first, x, 2)
    second = joint(base, term, seed=8)
    second.load_state_dict(saved[0])
    torch.set_rng_state(saved[1])
    assert torch.equal(steps(second, saved[2], 2), x)
    for one, two in zip(first.state_dict().values(), second.state_dict().values(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("term", TERMS, ids=repr)
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 99))
def test_a_rotation_and_other_numbers_for_the_classes_change_nothing(base, term, seed):
    built = joint(base, term, seed=seed).eval()
    x, y = batch()
    turned, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    order = torch.tensor([2, 0, 3, 1])  # class j is called order[j]
    if isinstance(built.term, Centres):
        built.term.centres.normal_()
    torch.manual_seed(1)
    before = built(x, y)
    with torch.no_grad():
        for name, value in built.state_dict().items():
            if value.dim() == 2:
                moved = value @ turned
                value.copy_(moved if name == "term.displacement" else moved[order.argsort()])
    torch.manual_seed(1)
    torch.testing.assert_close(built(x @ turned, order[y]), before)


@pytest.mark.parametrize("term", TERMS, ids=repr)
@pytest.mark.parametrize("base", BASES, ids=lambda base: base.name)
def test_bf16_autocast(base, term):
    built = joint(base, term).float().eval()
    x, y = torch.randn(12, 3).bfloat16().requires_grad_(), torch.arange(12) % 4
    torch.manual_seed(1)
    with torch.autocast("cpu", torch.bfloat16):
        narrow = built(x, y)
    torch.manual_seed(1)
    wide = built(x.float(), y)
    assert all(value.dtype == torch.float32 for value in narrow.values() if base.name != "softmax")
    assert narrow[term.name].dtype == torch.float32
    torch.testing.assert_close(narrow[term.name], wide[term.name])
    torch.testing.assert_close(narrow["loss"], wide["loss"], rtol=0.02, atol=0)
    assert torch.autograd.grad(narrow["loss"], x)[0].isfinite().all()


@pytest.mark.gpu
@pytest.mark.parametrize("term", TERMS, ids=repr)
def test_a_gpu_gives_the_same(term):
    built = joint(ArcFace(scale=8, margin=0.5), term).eval()
    x, y = batch()
    torch.manual_seed(1)
    expected = built(x, y)
    torch.manual_seed(1)
    found = built.cuda()(x.cuda(), y.cuda())
    torch.testing.assert_close({name: value.cpu() for name, value in found.items()}, expected)


def test_the_discrepancy_reaches_the_class_weights_of_the_batch_alone():
    built = joint(CosFace(scale=8, margin=0.25), DiscrepancyTerm(weight=1))
    x, _ = batch()
    (gradient,) = torch.autograd.grad(built(x, torch.arange(12) % 2)["discrepancy"], built.base.linear.weight)
    assert (gradient.abs().amax(1) > 0).tolist() == [True, True, False, False]


def test_the_discrepancy_gives_all_classes_one_displacement():
    # With the paper's CosFace, embeddings trained as they are, without a network.
    start = functional.normalize(torch.randn(80, 3, dtype=torch.float64) + 2 * torch.eye(4, 3).repeat(20, 1), dim=1)
    y = torch.arange(80) % 4
    spread, length = {}, {}
    for weight in (0.0, 1.0):
        built = joint(CosFace(scale=30, margin=0.25), DiscrepancyTerm(weight=weight))
        x = start.clone().requires_grad_()
        sgd = torch.optim.SGD([{"params": [x], "lr": 0.5}, {"params": list(built.parameters()), "lr": 0.025}])
        for _ in range(150):
            sgd.zero_grad()
            built(x, y)["loss"].backward()
            sgd.step()
        displacement = functional.normalize(x, dim=1) - built.class_vectors()[y, 0]
        spread[weight] = (displacement - displacement.mean(0)).norm(dim=1).mean().item()
        length[weight] = displacement.norm(dim=1).mean().item()
    assert spread[1.0] < spread[0.0] / 4
    assert length[1.0] < length[0.0] / 4  # with a clip of 0.05, the embeddings come to their class weights as well


# Options


def test_options():
    built = Joint.model_validate(
        {
            "base": {"name": "arcface", "scale": 64, "margin": 0.5},
            "term": {"name": "center", "weight": 0.003, "alpha": 0.5},
        }
    )
    assert built == Joint(base=ArcFace(scale=64, margin=0.5), term=CenterTerm(weight=0.003, alpha=0.5))
    assert built.model_dump() == {
        "name": "joint",
        "base": {"name": "arcface", "scale": 64, "margin": 0.5, "continuation": "linear", "gradient": "exact"},
        "term": {"name": "center", "weight": 0.003, "alpha": 0.5, "normalised": False},
    }


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"base": {"name": "softmax"}}, "has no bias"),
        ({"base": {"name": "center", "weight": 1, "alpha": 1}}, "center"),
        ({"term": {"name": "triplet", "weight": 0.1}}, "margin"),
        ({"term": {"name": "contrastive", "weight": -0.1, "margin": 0.3}}, "weight"),
        ({"term": {"name": "softmax"}}, "softmax"),
        ({"weight": 1}, "weight"),
    ],
)
def test_options_reject(change, says):
    given = {"base": {"name": "normface", "scale": 8}, "term": {"name": "discrepancy", "weight": 0.2}}
    with pytest.raises(ValidationError, match=says):
        Joint.model_validate(given | change)


def test_softmax_by_hand_with_a_term():
    # Logits (0, ln 3) for x = 1 of class 0: cross-entropy ln 4; the centre at 0 is 1 away: 1 / 2.
    built = Joint(base=Softmax(bias=False), term=CenterTerm(weight=0.1, alpha=0)).build(1, 2)
    with torch.no_grad():
        built.base.linear.weight.copy_(torch.tensor([[0.0], [log(3)]]))
    terms = built(torch.tensor([[1.0]]), labels(0))
    assert terms["classification"].item() == pytest.approx(log(4))
    assert terms["loss"].item() == pytest.approx(log(4) + 0.05)
