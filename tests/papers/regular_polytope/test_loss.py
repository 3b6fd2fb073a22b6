"""The loss over fixed vertices: eqs. 6, 8 and 9 by plain loops, closed forms, and what is and is not trained."""

from __future__ import annotations

from math import acos, cos, exp, log, pi, sin, sqrt
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, nn

from papers.regular_polytope import Polytope
from papers.regular_polytope import polytope as geometry
from papers.regular_polytope.loss import PolytopeLoss
from papers.regular_polytope.polytope import Name
from shared.errors import UserError
from shared.training.optimizers import Adam
from tests.losses.samples import check_gradients

POLYTOPES: tuple[Name, ...] = ("simplex", "orthoplex", "cube")
CONTINUATIONS = ("linear", "smooth", "at-pi", "none")


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def build(polytope: Name, classes: int = 10, **options: Any) -> PolytopeLoss:
    return PolytopeLoss(geometry.dimension(polytope, classes), classes, polytope=polytope, **options).double()


def batch(loss: PolytopeLoss, size: int = 12) -> tuple[Tensor, Tensor]:
    classes, dimension = loss.weight.shape
    return torch.randn(size, dimension, dtype=torch.float64), torch.arange(size) % classes


def continued(theta: float, m: float, continuation: str) -> float:
    """cos(theta + m), as it is printed up to the angle from which a continuation takes its place."""
    match continuation:
        case "linear" if theta >= pi - m:
            return cos(theta) - m * sin(m)
        case "smooth" if theta > (pi - m) / 2:
            return cos(theta) - 2 * sin(m / 2)
        case "at-pi" if theta > pi - m:
            return cos(theta) + cos(m) - 1
    return cos(theta + m)


def oracle(loss: PolytopeLoss, embedding: Tensor, labels: Tensor, kappa: float | None, m: float) -> float:
    """Eq. 6 without kappa, else eq. 9, in Python's own floats."""
    total = 0.0
    for f, y in zip(embedding.tolist(), labels.tolist(), strict=True):
        length = sqrt(sum(x * x for x in f))
        logits = []
        for j, w in enumerate(loss.weight.tolist()):
            unit = sqrt(sum(x * x for x in w))
            product = sum(a * b for a, b in zip(w, f, strict=True)) / unit
            if kappa is None:
                logits.append(product)
                continue
            theta = acos(max(-1.0, min(1.0, product / length)))
            logits.append(kappa * (continued(theta, m, loss.continuation) if j == y else cos(theta)))
        total -= logits[y] - log(sum(exp(z) for z in logits))
    return total / len(labels)


# Against the printed equations


@pytest.mark.parametrize("polytope", POLYTOPES)
@pytest.mark.parametrize("learnable", [False, True])
@pytest.mark.parametrize(("scale", "margin"), [(None, 0.0), (30.0, 0.0), (30.0, 0.25), (30.0, 1.0), (7.5, 0.6)])
@pytest.mark.parametrize("continuation", CONTINUATIONS)
def test_oracle(polytope: Name, learnable: bool, scale: float | None, margin: float, continuation: str) -> None:
    loss = build(polytope, scale=scale, margin=margin, learnable=learnable, continuation=continuation)
    embedding, labels = batch(loss, 40)
    m = margin * geometry.angle(polytope, embedding.shape[1])
    terms = loss(embedding, labels)
    assert list(terms) == ["loss"]
    assert terms["loss"].item() == pytest.approx(oracle(loss, embedding, labels, scale, m), rel=1e-9)


def test_by_hand_without_a_margin() -> None:
    # The square: vertices at 0, 180, 90 and 270 degrees. For f = (3, 0) and y = 0 the inner products with them are
    # 3, -3, 0, 0, and the cosines 1, -1, 0, 0.
    f, y = torch.tensor([[3.0, 0.0]], dtype=torch.float64), torch.tensor([0])
    plain = build("orthoplex", 4)(f, y)["loss"].item()
    assert plain == pytest.approx(log(1 + exp(-6) + 2 * exp(-3)))
    scaled = build("orthoplex", 4, scale=2.0)(f, y)["loss"].item()
    assert scaled == pytest.approx(log(1 + exp(-4) + 2 * exp(-2)))


@pytest.mark.parametrize("kappa", [1.0, 30.0])
def test_at_the_vertices_the_margin_phi_makes_connected_classes_equally_likely(kappa: float) -> None:
    # There the own logit is kappa cos(phi), as are those of all connected classes.
    labels = torch.arange(10)
    simplex = build("simplex", scale=kappa, margin=1.0)
    assert simplex(simplex.weight, labels)["loss"].item() == pytest.approx(log(10))
    orthoplex = build("orthoplex", scale=kappa, margin=1.0)
    assert orthoplex(orthoplex.weight, labels)["loss"].item() == pytest.approx(log(9 + exp(-kappa)))
    cube = build("cube", 8, scale=kappa, margin=1.0)
    # Of the seven other corners three are at 1/3, three at -1/3 and one at -1.
    expected = log(4 + 3 * exp(-2 * kappa / 3) + exp(-4 * kappa / 3))
    assert cube(cube.weight, labels[:8])["loss"].item() == pytest.approx(expected)


@settings(deadline=None)
@given(st.integers(3, 30), st.integers(0, 100), st.sampled_from(["linear", "smooth"]))
def test_with_the_margin_phi_no_feature_has_a_lower_loss_on_the_simplex_than_its_vertex(
    classes: int, seed: int, continuation: str
) -> None:
    loss = build("simplex", classes, scale=30.0, margin=1.0, continuation=continuation)
    random = torch.Generator().manual_seed(seed)
    embedding = torch.randn(50, classes - 1, dtype=torch.float64, generator=random)
    own = torch.randint(classes, (50,), generator=random)
    near = loss.weight[own] + 0.1 * embedding
    for features in (embedding, near):
        for feature, label in zip(features, own, strict=True):
            assert loss(feature.unsqueeze(0), label.unsqueeze(0))["loss"].item() >= log(classes) - 1e-9


def losses_on_the_way(polytope: Name, continuation: str) -> Tensor:
    """The loss of class 0 at 200 points of the arc from a connected vertex to its own."""
    loss = build(polytope, scale=30.0, margin=1.0, continuation=continuation)
    own = loss.weight[0]
    other = loss.weight[(loss.weight[1:] @ own).argmax() + 1]
    phi = geometry.angle(polytope, len(own))
    share = torch.linspace(0, 1, 200, dtype=torch.float64).unsqueeze(1)
    way = (((1 - share) * phi).sin() * other + (share * phi).sin() * own) / sin(phi)
    torch.testing.assert_close(way.norm(dim=1), torch.ones(200, dtype=torch.float64))
    return torch.stack([loss(point.unsqueeze(0), torch.tensor([0]))["loss"] for point in way])


@pytest.mark.parametrize("continuation", ["linear", "smooth"])
@pytest.mark.parametrize("polytope", POLYTOPES)
def test_the_loss_falls_all_the_way_from_a_connected_vertex_to_its_own(polytope: Name, continuation: str) -> None:
    assert (losses_on_the_way(polytope, continuation).diff() < 0).all()


def test_without_being_told_otherwise_the_margin_goes_on_as_in_arcface_s_own_code() -> None:
    # Three classes have phi = 120 degrees. At 90 from its vertex, beyond 180 - 120, the own logit is -phi sin(phi).
    loss = build("simplex", 3, scale=1.0, margin=1.0)
    own = loss.weight[0]
    right = torch.stack([-own[1], own[0]]).unsqueeze(0)
    cosines = loss.scores(right)[0]
    others = cosines[1:].exp().sum().item()
    logit = -(2 * pi / 3) * sin(2 * pi / 3)
    expected = -logit + log(exp(logit) + others)
    assert loss(right, torch.tensor([0]))["loss"].item() == pytest.approx(expected)
    assert Polytope(polytope="cube").continuation == "linear"


def test_with_the_formula_as_printed_the_loss_first_rises_on_the_way_to_the_vertex_of_a_simplex() -> None:
    steps = losses_on_the_way("simplex", "none").diff()
    assert (steps[:10] > 0).all()
    assert (steps[-10:] < 0).all()


@given(st.sampled_from(POLYTOPES), st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=30)
def test_with_a_scale_the_length_of_an_embedding_does_not_matter(polytope: Name, factor: float) -> None:
    loss = build(polytope, scale=30.0, margin=1.0)
    embedding, labels = batch(loss)
    torch.testing.assert_close(loss(factor * embedding, labels), loss(embedding, labels))


@pytest.mark.parametrize("learnable", [False, True])
def test_the_prediction_is_the_vertex_at_the_smallest_angle(learnable: bool) -> None:
    loss = build("cube", scale=30.0, margin=1.0, learnable=learnable)
    embedding, _ = batch(loss, 100)
    scores = loss.scores(embedding)
    unit = loss.weight / loss.weight.norm(dim=1, keepdim=True)
    distances = torch.cdist(embedding / embedding.norm(dim=1, keepdim=True), unit)
    assert torch.equal(scores.argmax(1), distances.argmin(1))
    assert scores.abs().max() <= 1 + 1e-12


@pytest.mark.parametrize("continuation", CONTINUATIONS)
@pytest.mark.parametrize("polytope", POLYTOPES)
def test_gradcheck(polytope: Name, continuation: str) -> None:
    loss = build(polytope, scale=4.0, margin=1.0, learnable=True, continuation=continuation)
    check_gradients(loss, *batch(loss))


@pytest.mark.parametrize("at", ["zero", "vertex", "opposite"])
@pytest.mark.parametrize("polytope", POLYTOPES)
def test_the_gradient_is_finite_everywhere(polytope: Name, at: str) -> None:
    loss = build(polytope, scale=30.0, margin=1.0).float()
    embedding = ({"zero": 0, "vertex": 5, "opposite": -5}[at] * loss.weight).requires_grad_()
    value = loss(embedding, torch.arange(10))["loss"]
    assert value.isfinite()
    assert torch.autograd.grad(value, embedding)[0].isfinite().all()


# Fixed and learnable


@pytest.mark.parametrize("polytope", POLYTOPES)
@pytest.mark.parametrize(("scale", "margin"), [(None, 0.0), (30.0, 0.0), (30.0, 1.0)])
def test_the_learnable_loss_with_the_vertices_for_weights_is_the_fixed_one(
    polytope: Name, scale: float | None, margin: float
) -> None:
    fixed = build(polytope, scale=scale, margin=margin)
    learnable = build(polytope, scale=scale, margin=margin, learnable=True)
    embedding, labels = batch(fixed)
    assert learnable(embedding, labels)["loss"] != fixed(embedding, labels)["loss"]
    learnable.load_state_dict(fixed.state_dict())
    gradients = []
    for loss in (fixed, learnable):
        f = embedding.clone().requires_grad_()
        gradients.append(torch.autograd.grad(loss(f, labels)["loss"], f)[0])
    torch.testing.assert_close(learnable(embedding, labels), fixed(embedding, labels))
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("polytope", POLYTOPES)
def test_vertices_are_saved_but_are_no_parameters(polytope: Name) -> None:
    loss = build(polytope, scale=30.0, margin=1.0)
    assert list(loss.parameters()) == []
    assert list(loss.state_dict()) == ["weight"]
    vertices = torch.from_numpy(geometry.vertices(polytope, 10))
    torch.testing.assert_close(loss.weight, vertices, rtol=0, atol=1e-7)
    learnable = build(polytope, scale=30.0, margin=1.0, learnable=True)
    assert sum(parameter.numel() for parameter in learnable.parameters()) == 10 * geometry.dimension(polytope, 10)


@pytest.mark.parametrize("learnable", [False, True])
def test_an_optimizer_moves_learnable_weights_alone(learnable: bool) -> None:
    loss = build("cube", scale=30.0, margin=1.0, learnable=learnable)
    network = nn.Linear(5, 4).double()
    optimizer = Adam(
        [*network.parameters(), *loss.parameters()], learning_rate=0.1, beta1=0.9, beta2=0.999, epsilon=1e-8
    )
    before, start = loss.weight.detach().clone(), network.weight.detach().clone()
    loss(network(torch.randn(20, 5, dtype=torch.float64)), torch.arange(20) % 10)["loss"].backward()
    optimizer.step()
    assert torch.equal(loss.weight.detach(), before) != learnable
    assert not torch.equal(network.weight.detach(), start)


def test_learnable_weights_start_as_those_of_a_linear_layer_and_are_used_at_unit_length() -> None:
    loss = PolytopeLoss(999, 1000, polytope="simplex", learnable=True)
    assert loss.weight.abs().max().item() == pytest.approx(1 / sqrt(999), rel=1e-3)
    assert loss.weight.std().item() == pytest.approx(1 / sqrt(3 * 999), rel=0.02)
    vectors = loss.class_vectors()
    assert vectors.shape == (1000, 1, 999)
    assert not vectors.requires_grad
    torch.testing.assert_close(vectors.norm(dim=2), torch.ones(1000, 1))


def test_class_vectors_of_the_fixed_loss_are_the_vertices() -> None:
    loss = build("orthoplex", 7)
    torch.testing.assert_close(loss.class_vectors()[:, 0], loss.weight)


# Options


@pytest.mark.parametrize(("polytope", "needed"), [("simplex", 9), ("orthoplex", 5), ("cube", 4)])
def test_embeddings_of_another_length_are_refused(polytope: Name, needed: int) -> None:
    with pytest.raises(UserError, match=f"has {needed} dimensions.*set backbone.embedding to {needed}"):
        PolytopeLoss(6, 10, polytope=polytope)


def test_options_build_the_loss() -> None:
    loss = Polytope(polytope="cube", scale=30, margin=1, continuation="none").build(6, 47)
    assert isinstance(loss, PolytopeLoss)
    assert loss.margin == pytest.approx(acos(4 / 6))
    assert (loss.scale, loss.continuation, loss.weight.shape) == (30, "none", (47, 6))
    assert loss.weight.dtype == torch.float32


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"margin": 1}, "a margin needs a scale"),
        ({"margin": 1.1, "scale": 30}, "less than or equal to 1"),
        ({"margin": -0.1, "scale": 30}, "greater than or equal to 0"),
        ({"scale": 0}, "greater than 0"),
        ({"polytope": "dodecahedron"}, "simplex"),
        ({"continuation": "easy"}, "at-pi"),
    ],
)
def test_options_reject(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Polytope.model_validate({"polytope": "cube", **wrong})


def test_autocast_lowers_nothing() -> None:
    loss = PolytopeLoss(4, 10, polytope="cube", scale=30.0, margin=1.0)
    embedding, labels = torch.randn(10, 4).bfloat16(), torch.arange(10)
    with torch.autocast("cpu", torch.bfloat16):
        lowered = loss(embedding, labels)["loss"]
    assert lowered.dtype == torch.float32
    torch.testing.assert_close(lowered, loss(embedding.float(), labels)["loss"], rtol=0, atol=0)
