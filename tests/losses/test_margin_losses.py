"""NormFace, CosFace and ArcFace: the printed formulas, the public variants told apart, the gradients in one pass."""

from __future__ import annotations

from itertools import combinations, pairwise
from math import acos, cos, exp, log, pi, sin, sqrt
from typing import Any, Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from benchmarks.margin_head import ANGULAR_MARGIN, SCALE, PublicArcFace
from shared.losses import ArcFace, CosFace, ModifiedSoftmax, NormFace, Softmax
from shared.losses.angular_margin import Continuation, additive_angular_margin
from shared.losses.arc_face import ArcFaceLoss
from shared.losses.cos_face import CosFaceLoss
from shared.losses.cosine_cross_entropy import cosine_cross_entropy
from shared.losses.norm_face import NormFaceLoss
from shared.runs.components import Loss
from tests.losses.samples import check_finite_at_extremes, check_gradients

CONTINUATIONS: tuple[Continuation, ...] = ("smooth", "at-pi", "linear", "easy", "clamped", "none")
EXACT: tuple[Loss, ...] = (
    NormFace(scale=8),
    CosFace(scale=8, margin=0.25),
    *(ArcFace(scale=8, margin=0.5, continuation=continuation) for continuation in CONTINUATIONS),
)

DETACHED = ArcFace(scale=8, margin=0.5, gradient="detached")
ALL = (*EXACT, DETACHED)


def batch(size: int = 40, dimension: int = 3, classes: int = 4) -> tuple[Tensor, Tensor]:
    x = 2 * torch.randn(size, dimension, dtype=torch.float64)
    return x.requires_grad_(), torch.arange(size) % classes


def built(options: Loss, dimension: int = 3, classes: int = 4, seed: int = 7) -> NormFaceLoss:
    torch.manual_seed(seed)
    loss = options.build(dimension, classes).double()
    assert isinstance(loss, NormFaceLoss)
    return loss


def angle(a: list[float], b: list[float]) -> float:
    product = sum(v * w for v, w in zip(a, b, strict=True))
    return acos(product / sqrt(sum(v * v for v in a) * sum(w * w for w in b)))


def printed(options: Any, theta: float) -> float:
    """The own class's logit over the scale, as the docstrings have it."""
    if options.name == "normface":
        return cos(theta)
    if options.name == "cosface":
        return cos(theta) - float(options.margin)
    m = float(options.margin)
    starts = {"smooth": (pi - m) / 2, "easy": pi / 2, "none": pi}
    beyond = {
        "smooth": cos(theta) - 2 * sin(m / 2),
        "at-pi": cos(theta) + cos(m) - 1,
        "linear": cos(theta) - m * sin(m),
        "easy": cos(theta),
        "clamped": -1.0,
    }
    return cos(theta + m) if theta < starts.get(options.continuation, pi - m) else beyond[options.continuation]


def plain(loss: NormFaceLoss, x: Tensor, labels: Tensor) -> Tensor:
    """The same function in the usual way, differentiated by torch."""
    cosine = functional.normalize(x, dim=1) @ functional.normalize(loss.linear.weight, dim=1).T
    own = labels.unsqueeze(1)
    margined = cosine.scatter(1, own, loss.margined(cosine.gather(1, own)))
    return functional.cross_entropy(loss.scale * margined, labels)


def gradients(value: Tensor, x: Tensor, loss: NormFaceLoss) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, (x, loss.linear.weight))


# Values


@pytest.mark.parametrize("options", EXACT, ids=repr)
def test_it_is_the_printed_formula(options):
    loss = built(options)
    x, labels = batch(200)
    weights = loss.linear.weight.tolist()
    total, angles = 0.0, []
    for row, y in zip(x.tolist(), labels.tolist(), strict=True):
        logits = [8 * cos(angle(row, w)) for w in weights]
        angles.append(angle(row, weights[y]))
        logits[y] = 8 * printed(options, angles[-1])
        total += log(sum(exp(logit) for logit in logits)) - logits[y]
    assert min(angles) < 0.3
    assert max(angles) > pi - 0.3  # beyond every continuation's start
    terms = loss(x, labels)
    assert list(terms) == ["loss"]
    assert terms["loss"].item() == pytest.approx(total / 200, rel=1e-12)
    scores = [[8 * cos(angle(row, w)) for w in weights] for row in x.tolist()]
    torch.testing.assert_close(loss.scores(x), torch.tensor(scores, dtype=torch.float64))


def in_the_plane(loss: NormFaceLoss, degrees: float, length: float = 3.0) -> Tensor:
    """The loss of an embedding at so many degrees from its class, the other class a right angle further on."""
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[2.0, 0], [0, 0.5]]))
    x = length * torch.tensor([[cos(degrees * pi / 180), sin(degrees * pi / 180)]], dtype=torch.float64)
    value: Tensor = loss(x, torch.tensor([0]))["loss"]
    return value


def test_by_hand():
    # At 60 degrees the cosines are 1/2 and sqrt(3) / 2; cos(60 + 30 degrees) = 0.
    other = sqrt(3) / 2
    for options, own in (
        (NormFace(scale=4), 1 / 2),
        (CosFace(scale=4, margin=0.25), 1 / 4),
        (ArcFace(scale=4, margin=pi / 6), 0),
    ):
        assert in_the_plane(built(options, 2, 2), 60).item() == pytest.approx(log(1 + exp(4 * (other - own))))
    # At 180 the cosine of the other is 0: linear gives -1 - m sin m = -1 - pi / 12.
    linear = in_the_plane(built(ArcFace(scale=4, margin=pi / 6), 2, 2), 180)
    assert linear.item() == pytest.approx(log(1 + exp(4 * (1 + pi / 12))), rel=1e-6)


def test_the_loss_stays_accurate_where_a_probability_vanishes():
    # s = 300: the own probability, some e^-400, is no float32; nor is 1 - e^-200, at the other end.
    loss = NormFaceLoss(2, 2, scale=300)
    with torch.no_grad():
        loss.linear.weight.copy_(torch.tensor([[1.0, 0], [0, 1]]))
    x = torch.tensor([[-0.6, 0.8]])
    assert loss(x, torch.tensor([0]))["loss"].item() == pytest.approx(420, rel=1e-6)
    assert loss(x, torch.tensor([1]))["loss"].item() == 0


# One name, several functions


PUBLIC: dict[str, tuple[Continuation, Literal["exact", "detached"]]] = {
    "as printed": ("none", "exact"),
    "the authors' MXNet code": ("linear", "exact"),
    "its easy margin": ("easy", "exact"),
    "the authors' PyTorch code": ("none", "detached"),
    "theta + m cut off at pi": ("clamped", "detached"),
}


def public(name: str, scale: float = 8.0) -> NormFaceLoss:
    continuation, gradient = PUBLIC[name]
    return built(ArcFace(scale=scale, margin=0.5, continuation=continuation, gradient=gradient), 2, 2)


def test_they_give_one_loss_at_acute_angles():
    values = [in_the_plane(public(name), 40).item() for name in PUBLIC]
    assert values == pytest.approx([values[0]] * len(values), rel=1e-12)


def test_they_differ_beyond_pi_minus_m():
    # Public code at theta = 175 degrees and s = 8, among other classes, which shift all alike, has the losses 10.97,
    # 13.53, 10.97 and 11.65.
    names = ("as printed", "the authors' MXNet code", "the authors' PyTorch code", "theta + m cut off at pi")
    values = [in_the_plane(public(name), 175).item() for name in names]
    assert [value - values[0] for value in values] == pytest.approx([0, 13.53 - 10.97, 0, 11.65 - 10.97], abs=0.02)


def turn(loss: NormFaceLoss, degrees: float) -> float:
    """Derivative of the own class's margined cosine by its cosine."""
    cosine = torch.tensor(cos(degrees * pi / 180), dtype=torch.float64, requires_grad=True)
    return torch.autograd.grad(loss.margined(cosine), cosine)[0].item()


@pytest.mark.parametrize(("degrees", "factor"), [(10, 3.6), (30, 1.7), (90, 0.88)])
def test_the_factor_that_a_detached_margin_drops(degrees, factor):
    theta = degrees * pi / 180
    assert turn(public("as printed"), degrees) == pytest.approx(sin(theta + 0.5) / sin(theta), rel=1e-9)
    assert turn(public("as printed"), degrees) == pytest.approx(factor, rel=0.02)
    assert turn(public("the authors' PyTorch code"), degrees) == 1


@pytest.mark.parametrize(("degrees", "alike"), [(40, ("none", "linear", "easy")), (120, ("none", "linear")), (170, ())])
def test_gradients_tell_them_apart(degrees, alike):
    found = {}
    for name, (continuation, gradient) in PUBLIC.items():
        loss = public(name, scale=2)
        in_the_plane(loss, degrees)
        x = torch.tensor([[cos(degrees * pi / 180), sin(degrees * pi / 180)]], dtype=torch.float64, requires_grad=True)
        (found[continuation, gradient],) = torch.autograd.grad(loss(x, torch.tensor([0]))["loss"], x)
    for (one, a), (two, b) in combinations(found.items(), 2):
        same = one[1] == two[1] == "exact" and {one[0], two[0]} <= set(alike)
        # Two detached ones differ only where their losses do.
        same |= one[1] == two[1] == "detached" and degrees < 150
        assert torch.allclose(a, b, rtol=1e-9) == same, (one, two)


def test_detached_has_the_gradient_of_a_constant_margin():
    x, labels = batch()
    loss = built(DETACHED)
    cosine = functional.normalize(x, dim=1) @ functional.normalize(loss.linear.weight, dim=1).T
    turned = additive_angular_margin(cosine, labels, 0.5, "linear")
    value = functional.cross_entropy(8 * (cosine + (turned - cosine).detach()), labels)
    torch.testing.assert_close(loss(x, labels)["loss"], value)
    expected = gradients(value, x, loss)
    torch.testing.assert_close(gradients(loss(x, labels)["loss"], x, loss), expected)
    exact = built(ArcFace(scale=8, margin=0.5))
    assert not torch.allclose(gradients(exact(x, labels)["loss"], x, exact)[0], expected[0], rtol=0.05)


# Gradients


@pytest.mark.parametrize("options", EXACT, ids=repr)
def test_gradcheck(options):
    check_gradients(built(options), *batch())


@pytest.mark.parametrize("options", ALL, ids=repr)
@pytest.mark.parametrize(("size", "dimension", "classes"), [(40, 3, 4), (1, 5, 2), (7, 2, 30)])
def test_gradients_are_those_of_the_usual_way(options, size, dimension, classes):
    loss = built(options, dimension, classes)
    x, labels = batch(size, dimension, classes)
    value, expected = loss(x, labels)["loss"], plain(loss, x, labels)
    torch.testing.assert_close(value, expected, rtol=1e-13, atol=1e-13)
    results = (gradients(3 * value, x, loss), gradients(3 * expected, x, loss))
    torch.testing.assert_close(*results, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("options", ALL, ids=repr)
def test_float32_is_as_accurate_as_the_usual_way(options):
    torch.manual_seed(0)
    loss = options.build(64, 300)
    x, labels = torch.randn(32, 64, requires_grad=True), torch.randint(300, (32,))
    torch.testing.assert_close(loss(x, labels)["loss"], plain(loss, x, labels))
    torch.testing.assert_close(*(gradients(v, x, loss) for v in (loss(x, labels)["loss"], plain(loss, x, labels))))


def test_the_gradient_goes_where_it_is_asked_for_and_can_be_asked_twice():
    loss = built(ArcFace(scale=8, margin=0.5))
    x, labels = batch()
    value = loss(x, labels)["loss"]
    (first,) = torch.autograd.grad(value, x, retain_graph=True)
    second = gradients(value, x, loss)
    assert torch.equal(first, second[0])
    loss.requires_grad_(False)
    assert torch.equal(torch.autograd.grad(loss(x, labels)["loss"], x)[0], first)
    loss.requires_grad_(True)
    fixed = loss(x.detach(), labels)["loss"]
    assert torch.equal(torch.autograd.grad(fixed, loss.linear.weight)[0], second[1])


def test_a_second_derivative_is_refused():
    loss = built(CosFace(scale=8, margin=0.25))
    x, labels = batch()
    with pytest.raises(RuntimeError, match="has no second derivative"):
        torch.autograd.grad(loss(x, labels)["loss"], x, create_graph=True)


@pytest.mark.parametrize("options", ALL, ids=repr)
def test_no_gradient_is_recorded_where_none_is_wanted(options):
    loss = built(options)
    x, labels = batch()
    expected = loss(x, labels)["loss"].detach()
    with torch.no_grad():
        value = loss(x, labels)["loss"]
    with torch.inference_mode():
        inferred = loss(x.detach().clone(), labels)["loss"].item()
    assert not value.requires_grad
    assert torch.equal(value, expected)
    assert inferred == expected.item()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("options", ALL, ids=repr)
def test_gradients_are_finite_where_there_is_no_angle_or_an_extreme_one(options, dtype):
    check_finite_at_extremes(options.build(2, 3).to(dtype))


# Limits and invariances


@pytest.mark.parametrize("continuation", CONTINUATIONS)
def test_without_margin_they_are_normface_bit_for_bit(continuation):
    x, labels = batch()
    norm = built(NormFace(scale=8))
    expected = norm(x, labels)["loss"]
    wanted = gradients(expected, x, norm)
    for options in (CosFace(scale=8, margin=0), ArcFace(scale=8, margin=0, continuation=continuation)):
        loss = built(options)
        value = loss(x, labels)["loss"]
        assert torch.equal(value, expected)
        assert all(torch.equal(*pair) for pair in zip(gradients(value, x, loss), wanted, strict=True))


def test_normface_is_modified_softmax_of_embeddings_of_one_length():
    x, labels = batch()
    norm = built(NormFace(scale=8))
    torch.manual_seed(7)
    modified = ModifiedSoftmax().build(3, 4).double()
    sphere = 8 * functional.normalize(x, dim=1)
    torch.testing.assert_close(norm(x, labels), modified(sphere, labels))
    torch.testing.assert_close(norm.scores(x), modified.scores(sphere))


def test_they_start_as_softmax_does():
    torch.manual_seed(7)
    weight = Softmax(bias=False).build(3, 4).linear.weight.double()
    assert all(torch.equal(built(options).linear.weight, weight) for options in ALL)
    assert all(list(built(options).state_dict()) == ["linear.weight"] for options in ALL)


@pytest.mark.parametrize("options", ALL, ids=repr)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 99), factors=st.lists(st.floats(1e-3, 1e3), min_size=4, max_size=4))
def test_lengths_do_not_matter(options, seed, factors):
    loss = built(options, seed=seed)
    x, labels = batch()
    before, vectors = loss(x, labels)["loss"], loss.class_vectors()
    by_length = gradients(before, x, loss)
    for gradient, of in zip(by_length, (x, loss.linear.weight), strict=True):
        assert (gradient * of).sum(1).abs().max() < 1e-12  # none along the vector
    scale = torch.tensor(factors, dtype=torch.float64).unsqueeze(1)
    with torch.no_grad():
        loss.linear.weight.mul_(scale)
    longer = (x.detach() * scale.repeat(10, 1)).requires_grad_()
    value = loss(longer, labels)["loss"]
    torch.testing.assert_close(value, before)
    torch.testing.assert_close(
        gradients(value, longer, loss), (by_length[0] / scale.repeat(10, 1), by_length[1] / scale)
    )
    torch.testing.assert_close(loss.class_vectors(), vectors)
    torch.testing.assert_close(vectors.norm(dim=2), torch.ones(4, 1, dtype=torch.float64))
    assert not vectors.requires_grad


@pytest.mark.parametrize("options", ALL, ids=repr)
def test_a_rotation_and_other_numbers_for_the_classes_change_nothing(options):
    loss = built(options)
    x, labels = batch()
    before = loss(x, labels)["loss"]
    expected = gradients(before, x, loss)
    turned, _ = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))
    order = torch.tensor([2, 0, 3, 1])  # class j is called order[j]
    with torch.no_grad():
        loss.linear.weight.copy_((loss.linear.weight @ turned)[order.argsort()])
    moved = (x.detach() @ turned).requires_grad_()
    value = loss(moved, order[labels])["loss"]
    torch.testing.assert_close(value, before)
    found = gradients(value, moved, loss)
    torch.testing.assert_close(found, (expected[0] @ turned, (expected[1] @ turned)[order.argsort()]))


@pytest.mark.parametrize("margins", [(0, 0.1, 0.2, 0.35), (0, 0.25, 0.5, 1)])
def test_a_larger_margin_is_a_larger_loss(margins):
    x, labels = batch()
    for options in (CosFace, ArcFace):
        values = [built(options(scale=8, margin=margin))(x, labels)["loss"].item() for margin in margins]
        assert all(a < b for a, b in pairwise(values))


def test_the_weights_of_the_labels_are_rows_that_learn():
    loss = built(CosFace(scale=8, margin=0.25))
    rows = loss.weights_of(torch.tensor([3, 1, 3]))
    assert torch.equal(rows, loss.linear.weight[[3, 1, 3]])
    (gradient,) = torch.autograd.grad(rows.sum(), loss.linear.weight)
    assert gradient.sum(1).tolist() == [0, 3, 0, 6]


def test_a_margin_draws_a_class_together():
    # Two classes that softmax already tells apart, trained alike from the same start.
    torch.manual_seed(1)
    start = torch.randn(60, 3) + 2 * torch.eye(3)[torch.arange(60) % 2]
    labels = torch.arange(60) % 2
    reached = []
    for options in (NormFace(scale=16), CosFace(scale=16, margin=0.35), ArcFace(scale=16, margin=0.5)):
        torch.manual_seed(0)
        loss, x = options.build(3, 2), start.clone().requires_grad_()
        sgd = torch.optim.SGD([x, *loss.parameters()], lr=0.3)
        for _ in range(200):
            sgd.zero_grad()
            loss(x, labels)["loss"].backward()
            sgd.step()
        own = functional.cosine_similarity(x, loss.class_vectors()[labels, 0])
        reached.append(own.mean().item())
    assert reached[0] < min(reached[1:])


# Cost and precision


@pytest.mark.parametrize("options", ALL, ids=repr)
def test_two_tensors_of_batch_by_classes_and_one_kept(options):
    size, dimension, classes = 64, 3, 50
    loss = built(options, dimension, classes)
    x, labels = batch(size, dimension, classes)
    kept: list[Tensor] = []
    large = size * classes

    def keep(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with (
        profile(activities=[ProfilerActivity.CPU], profile_memory=True, acc_events=True) as record,
        torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor),
    ):
        torch.autograd.backward(loss(x, labels)["loss"])
    assert sum(tensor.numel() >= large for tensor in kept) == 1
    taken = [event.name for event in record.events() if event.self_cpu_memory_usage >= 8 * large]
    assert taken == ["aten::mm", "aten::_softmax"]
    calls = {event.key: event.count for event in record.key_averages()}
    assert calls["aten::mm"] == 3
    assert "aten::one_hot" not in calls


@pytest.mark.parametrize("options", ALL, ids=repr)
def test_autocast_does_not_narrow_the_logits(options):
    loss = options.build(8, 4)
    x, labels = torch.randn(16, 8).bfloat16().requires_grad_(), torch.arange(16) % 4
    wide = loss(x.float(), labels)["loss"]
    expected = gradients(wide, x, loss)
    with torch.autocast("cpu", torch.bfloat16):
        narrow = loss(x, labels)["loss"]
        found = gradients(narrow, x, loss)
        assert loss.scores(x).dtype == torch.float32
    assert narrow.dtype == torch.float32
    assert torch.equal(narrow, wide)
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
@pytest.mark.parametrize("options", [CosFace(scale=8, margin=0.25), ArcFace(scale=8, margin=0.5)], ids=repr)
def test_it_can_be_compiled(options):
    loss = built(options)
    x, labels = batch()
    value = torch.compile(loss, backend="aot_eager")(x, labels)["loss"]
    torch.testing.assert_close(value, loss(x, labels)["loss"])
    torch.testing.assert_close(gradients(value, x, loss), gradients(loss(x, labels)["loss"], x, loss))


@pytest.mark.gpu
@pytest.mark.parametrize("options", ALL, ids=repr)
def test_a_gpu_gives_the_same(options):
    loss = built(options)
    x, labels = batch()
    value = loss(x, labels)["loss"]
    expected = gradients(value, x, loss)
    moved = loss.cuda()
    found = moved(x.cuda(), labels.cuda())["loss"]
    torch.testing.assert_close(found.cpu(), value)
    torch.testing.assert_close(tuple(g.cpu() for g in gradients(found, x, moved)), expected)


def test_features_of_any_length_and_a_margin_of_any_kind():
    # The margin sees logits ||f|| cos(theta): halving that of the own class is ||f|| cos(theta) / 2.
    f, labels = batch()
    weight = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    logits = f @ functional.normalize(weight, dim=1).T
    own = labels.unsqueeze(1)
    expected = functional.cross_entropy(logits.scatter(1, own, logits.gather(1, own) / 2), labels)
    value = cosine_cross_entropy(f, weight, labels, lambda logit: logit / 2)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(*(torch.autograd.grad(v, (f, weight)) for v in (value, expected)))


def test_the_public_way_of_the_benchmark_is_the_same_function():
    public, ours = PublicArcFace(6, 9).double(), ArcFace(scale=SCALE, margin=ANGULAR_MARGIN).build(6, 9).double()
    with torch.no_grad():
        ours.linear.weight.copy_(public.weight)
    x, labels = batch(30, 6, 9)
    values = public(x, labels)["loss"], ours(x, labels)["loss"]
    torch.testing.assert_close(*values)
    torch.testing.assert_close(
        torch.autograd.grad(values[0], (x, public.weight)), torch.autograd.grad(values[1], (x, ours.linear.weight))
    )


# Options


def test_options():
    arc = ArcFace(scale=64, margin=0.5).build(3, 4)
    assert isinstance(arc, ArcFaceLoss)
    assert (arc.scale, arc.margin, arc.continuation, arc.gradient) == (64, 0.5, "linear", "exact")
    cosine = CosFace(scale=30, margin=0.25).build(3, 4)
    assert isinstance(cosine, CosFaceLoss)
    assert (cosine.scale, cosine.margin) == (30, 0.25)
