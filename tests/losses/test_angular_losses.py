"""Modified softmax, A-softmax and normalised softmax: the printed formulas, with angles and in plain loops."""

from __future__ import annotations

from math import acos, cos, exp, log, pi, sqrt

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from shared.losses import ASoftmax, ModifiedSoftmax, NormalisedSoftmax, Softmax
from shared.losses.a_softmax import ASoftmaxLoss, monotonic_cosine
from shared.losses.modified_softmax import ModifiedSoftmaxLoss
from shared.losses.normalised_softmax import NormalisedSoftmaxLoss
from shared.runs.components import Loss
from tests.losses.samples import check_finite_at_extremes, check_gradients

MARGINS = (1, 2, 3, 4)
ALL: tuple[Loss, ...] = (
    ModifiedSoftmax(),
    *(ASoftmax(margin=m, start=2, decay=0.5, floor=0) for m in MARGINS),
    NormalisedSoftmax(),
    NormalisedSoftmax(bias=False),
)


def length(vector: list[float]) -> float:
    return sqrt(sum(v * v for v in vector))


def product(a: list[float], b: list[float]) -> float:
    return sum(v * w for v, w in zip(a, b, strict=True))


def angle(a: list[float], b: list[float]) -> float:
    return acos(product(a, b) / (length(a) * length(b)))


def psi(theta: float, m: int) -> float:
    k = next(k for k in range(m) if theta <= (k + 1) * pi / m)
    sign = -1 if k % 2 else 1
    return sign * cos(m * theta) - 2 * k


def cross_entropy(logits: list[list[float]], labels: list[int]) -> float:
    total = 0.0
    for row, label in zip(logits, labels, strict=True):
        total -= log(exp(row[label]) / sum(exp(logit) for logit in row))
    return total / len(logits)


def batch(dimension: int = 3, classes: int = 4) -> tuple[Tensor, Tensor]:
    return 2 * torch.randn(40, dimension, dtype=torch.float64), torch.arange(40) % classes


# Against the printed formulas


def test_modified_softmax_is_eq_3():
    loss = ModifiedSoftmax().build(3, 4).double()
    assert isinstance(loss, ModifiedSoftmaxLoss)
    x, labels = batch()
    weights = loss.linear.weight.tolist()
    logits = [[length(row) * cos(angle(row, w)) for w in weights] for row in x.tolist()]
    torch.testing.assert_close(loss.scores(x), torch.tensor(logits, dtype=torch.float64))
    terms = loss(x, labels)
    assert list(terms) == ["loss"]
    assert terms["loss"].item() == pytest.approx(cross_entropy(logits, labels.tolist()), rel=1e-12)


@pytest.mark.parametrize("m", MARGINS)
def test_a_softmax_is_the_printed_formula(m):
    loss = ASoftmax(margin=m, start=3, decay=0.5, floor=0.25).build(3, 4).double()
    assert isinstance(loss, ASoftmaxLoss)
    x, labels = batch()
    weights = loss.linear.weight.tolist()
    intervals = {int(angle(row, weights[y]) * m / pi) for row, y in zip(x.tolist(), labels.tolist(), strict=True)}
    assert intervals == set(range(m))  # every branch of psi is taken
    for annealing in (2, 1.5, 1.2):
        logits = [[length(row) * cos(angle(row, w)) for w in weights] for row in x.tolist()]
        for row, y, own in zip(x.tolist(), labels.tolist(), logits, strict=True):
            theta = angle(row, weights[y])
            own[y] = length(row) * (annealing * cos(theta) + psi(theta, m)) / (1 + annealing)
        terms = loss(x, labels)
        assert list(terms) == ["loss"]
        assert terms["loss"].item() == pytest.approx(cross_entropy(logits, labels.tolist()), rel=1e-12)


@pytest.mark.parametrize(("scale", "bias"), [(1, True), (1, False), (7.5, True)])
def test_normalised_softmax_sees_the_direction_alone(scale, bias):
    loss = NormalisedSoftmax(scale=scale, bias=bias).build(3, 4).double()
    assert isinstance(loss, NormalisedSoftmaxLoss)
    assert ("linear.bias" in loss.state_dict()) == bias
    x, labels = batch()
    offsets = loss.linear.bias.tolist() if bias else [0.0] * 4
    logits = [
        [scale * product(w, row) / length(row) + b for w, b in zip(loss.linear.weight.tolist(), offsets, strict=True)]
        for row in x.tolist()
    ]
    torch.testing.assert_close(loss.scores(x), torch.tensor(logits, dtype=torch.float64))
    assert loss(x, labels)["loss"].item() == pytest.approx(cross_entropy(logits, labels.tolist()), rel=1e-12)
    torch.testing.assert_close(loss(torch.rand(40, 1).double() * x, labels), loss(x, labels))


# By hand


def weighted(loss: ModifiedSoftmaxLoss | NormalisedSoftmaxLoss, *rows: list[float]) -> None:
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor(rows))


def test_modified_softmax_by_hand():
    # The weights become (1, 0) and (0, 1); x = (ln 6, ln 2) has logits ln 6 and ln 2: probabilities 3/4 and 1/4.
    loss = ModifiedSoftmaxLoss(2, 2)
    weighted(loss, [5, 0], [0, 0.1])
    value = loss(torch.tensor([[log(6), log(2)]]), torch.tensor([1]))["loss"]
    assert value.item() == pytest.approx(log(4))
    torch.testing.assert_close(loss.class_vectors(), torch.tensor([[[1.0, 0]], [[0, 1]]]))


@pytest.mark.parametrize(
    # cos 60 degrees; cos 120; cos 180; -cos 240 - 2
    ("margin", "at_60_degrees"),
    [(1, 1 / 2), (2, -1 / 2), (3, -1), (4, -3 / 2)],
)
def test_a_softmax_by_hand(margin, at_60_degrees):
    # Weights at 0 and 90 degrees, ||x|| = 2 at 60 degrees; lambda = 3, so a quarter of psi and three of 1/2.
    loss = ASoftmaxLoss(2, 2, margin=margin, start=3, decay=0, floor=0)
    weighted(loss, [2, 0], [0, 1])
    value = loss(torch.tensor([[1, sqrt(3)]]), torch.tensor([0]))["loss"]
    own, other = 2 * (3 / 2 + at_60_degrees) / 4, sqrt(3)
    assert value.item() == pytest.approx(log(1 + exp(other - own)), rel=1e-6)


def test_normalised_softmax_by_hand():
    # x / ||x|| = (3/5, 4/5); logits 5 ln 2 * 3/5 = ln 8 and 5 ln 2 * 4/5 + ln 1/2 = ln 8.
    loss = NormalisedSoftmaxLoss(2, 2)
    weighted(loss, [5 * log(2), 0], [0, 5 * log(2)])
    with torch.no_grad():
        loss.linear.bias.copy_(torch.tensor([0, -log(2)]))
    torch.testing.assert_close(loss.scores(torch.tensor([[30.0, 40.0]])), torch.full((1, 2), log(8)))
    assert loss(torch.tensor([[30.0, 40.0]]), torch.tensor([0]))["loss"].item() == pytest.approx(log(2))


# psi


@pytest.mark.parametrize("m", MARGINS)
def test_psi_falls_all_the_way_from_0_to_pi(m):
    theta = torch.linspace(0, pi, 10001, dtype=torch.float64)
    values = monotonic_cosine(theta.cos(), m)
    assert (values.diff() < 0).all()
    assert values.diff().abs().max() < 2 * m * pi / 10000  # no jump
    assert (values[0].item(), values[-1].item()) == pytest.approx((1, 1 - 2 * m))
    torch.testing.assert_close(values, torch.tensor([psi(t, m) for t in theta.tolist()], dtype=torch.float64))


@given(st.sampled_from(MARGINS), st.floats(0, pi))
def test_psi_is_never_above_the_cosine(m, theta):
    cosine = torch.tensor(cos(theta), dtype=torch.float64)
    assert monotonic_cosine(cosine, m) <= cosine + 1e-12
    if theta <= pi / m:
        assert monotonic_cosine(cosine, m).item() == pytest.approx(cos(m * theta), abs=1e-12)


@pytest.mark.parametrize("m", MARGINS)
def test_slope_of_psi_at_both_ends(m):
    # dpsi / dcos(theta) = m sin(m theta) / sin(theta) without its sign, which tends to m^2.
    cosine = torch.tensor([1.0, -1.0], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(monotonic_cosine(cosine, m).sum(), cosine)
    assert slope.tolist() == pytest.approx([m * m, m * m])


# Annealing


def shares(loss: ASoftmaxLoss, passes: int) -> list[float]:
    """Return lambda of so many training passes, read off the loss of an embedding opposite to its class."""
    found = []
    for _ in range(passes):
        # ||x|| = 1, theta = pi, the other weight at a right angle: logit -(lambda + 3) / (1 + lambda) for m = 2.
        value = loss(torch.tensor([[-1.0, 0.0]]).double(), torch.tensor([0]))["loss"].item()
        found.append(2 / (log(exp(value) - 1) - 1) - 1)
    return found


def two_classes(**options: float) -> ASoftmaxLoss:
    loss = ASoftmaxLoss(2, 2, margin=2, **options)
    weighted(loss, [1, 0], [0, 1])
    return loss.double()


def test_annealing_over_the_iterations():
    # start / (1 + decay t) for t = 1, 2, ..., until the floor.
    loss = two_classes(start=24, decay=0.5, floor=5)
    assert shares(loss, 8) == pytest.approx([16, 12, 9.6, 8, 48 / 7, 6, 48 / 9, 5], rel=1e-9)


def test_defaults_are_those_of_the_published_training():
    options = ASoftmax(margin=4)
    assert (options.start, options.decay, options.floor) == (1000, 0.12, 5)
    loss = ASoftmax(margin=2).build(2, 2)
    weighted(loss, [1, 0], [0, 1])
    loss = loss.double()
    assert shares(loss, 2) == pytest.approx([1000 / 1.12, 1000 / 1.24], rel=1e-6)
    loss.iteration.fill_(1657)  # 1000 / (1 + 0.12 t) = 5 at t = 1658.3
    assert shares(loss, 3) == pytest.approx([1000 / (1 + 0.12 * 1658), 5, 5], rel=1e-9)


def test_only_passes_in_training_mode_count():
    loss = two_classes(start=24, decay=0.5, floor=0)
    assert shares(loss.eval(), 2) == pytest.approx([24, 24], rel=1e-9)
    loss.scores(torch.ones(1, 2).double())
    assert shares(loss.train(), 1) == pytest.approx([16], rel=1e-9)
    assert shares(loss.eval(), 2) == pytest.approx([16, 16], rel=1e-9)


def test_a_resumed_run_goes_on_alike():
    once = two_classes(start=24, decay=0.5, floor=0)
    shares(once, 3)
    resumed = two_classes(start=24, decay=0.5, floor=0)
    resumed.load_state_dict(once.state_dict())
    assert "iteration" not in dict(once.named_parameters())
    assert shares(resumed, 3) == shares(once, 3)


# Limits and invariances


@pytest.mark.parametrize("start", [0, 1, 1000])
def test_without_margin_it_is_the_modified_softmax(start):
    torch.manual_seed(0)
    modified = ModifiedSoftmax().build(3, 4).double()
    torch.manual_seed(0)
    angular = ASoftmax(margin=1, start=start, floor=0).build(3, 4).double()
    x, labels = batch()
    x.requires_grad_()
    results = [
        (value := loss(x, labels)["loss"], *torch.autograd.grad(value, (x, loss.linear.weight)))
        for loss in (modified, angular)
    ]
    torch.testing.assert_close(*results)
    assert torch.equal(modified.scores(x), angular.scores(x))


def test_they_start_as_softmax_does():
    built = []
    for options in (Softmax(bias=False), ModifiedSoftmax(), ASoftmax(margin=4), NormalisedSoftmax(bias=False)):
        torch.manual_seed(7)
        built.append(options.build(3, 4).linear.weight)
    assert all(torch.equal(built[0], other) for other in built[1:])


@pytest.mark.parametrize("options", [ModifiedSoftmax(), ASoftmax(margin=4, start=1)], ids=lambda options: options.name)
@settings(max_examples=20)
@given(seed=st.integers(0, 99), factors=st.lists(st.floats(1e-3, 1e3), min_size=4, max_size=4))
def test_the_length_of_the_weights_does_not_matter(options, seed, factors):
    torch.manual_seed(seed)
    loss = options.build(3, 4).double()
    x, labels = batch()
    before, vectors = loss.eval()(x, labels)["loss"], loss.class_vectors()
    with torch.no_grad():
        loss.linear.weight.mul_(torch.tensor(factors, dtype=torch.float64).unsqueeze(1))
    torch.testing.assert_close(loss(x, labels)["loss"], before)
    torch.testing.assert_close(loss.class_vectors(), vectors)
    torch.testing.assert_close(vectors.norm(dim=2), torch.ones(4, 1, dtype=torch.float64))
    (gradient,) = torch.autograd.grad(loss(x, labels)["loss"], loss.linear.weight)
    assert (gradient * loss.linear.weight).sum(1).abs().max() < 1e-12  # none along the weight


def test_a_larger_margin_is_a_larger_loss():
    x, labels = batch()
    losses = []
    for m in MARGINS:
        torch.manual_seed(0)
        losses.append(ASoftmaxLoss(3, 4, margin=m, start=1, floor=0).double()(x, labels)["loss"].item())
    assert losses == sorted(losses)
    assert len(set(losses)) == len(MARGINS)


def test_class_vectors_of_the_normalised_softmax_are_its_weights():
    loss = NormalisedSoftmaxLoss(3, 4)
    assert torch.equal(loss.class_vectors(), loss.linear.weight.unsqueeze(1))
    assert not loss.class_vectors().requires_grad


# Gradients


@pytest.mark.parametrize("options", ALL, ids=repr)
def test_gradcheck(options):
    check_gradients(options.build(3, 4).double().eval(), *batch())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("options", ALL, ids=repr)
def test_gradients_are_finite_where_there_is_no_angle_or_an_extreme_one(options, dtype):
    check_finite_at_extremes(options.build(2, 3).to(dtype))


@pytest.mark.parametrize("options", ALL, ids=repr)
def test_autocast_does_not_narrow_the_logits(options):
    loss = options.build(8, 4).eval()
    x, labels = torch.randn(16, 8).bfloat16().requires_grad_(), torch.arange(16) % 4
    plain = loss(x.float(), labels)["loss"]
    with torch.autocast("cpu", torch.bfloat16):
        narrow = loss(x, labels)["loss"]
        assert loss.scores(x).dtype == torch.float32
    torch.testing.assert_close(narrow, plain)
    assert torch.autograd.grad(narrow, x)[0].isfinite().all()
