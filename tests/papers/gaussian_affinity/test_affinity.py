"""Affinity loss: worked examples, closed forms, an oracle in plain loops, and what keeps it finite."""

from math import exp, log
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from papers.gaussian_affinity import Affinity
from papers.gaussian_affinity.affinity import AffinityLoss, diversity, squared_l2
from tests.losses.samples import check_gradients

HALF = 1 / log(2)  # exp(-d / HALF) is 2^-d
COMBINATIONS = [(d, s) for d in ("squared_l2", "l1") for s in ("gaussian", "inverse")]


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def affinity(prototypes: Tensor, **options: Any) -> AffinityLoss:
    """Build a loss with the given prototypes (C, m, d)."""
    classes, m, dimension = prototypes.shape
    loss = AffinityLoss(dimension, classes, prototypes=m, **{"sigma": 1.0, "margin": 0.5, **options})
    loss.prototypes = torch.nn.Parameter(prototypes.clone())
    return loss


def single(*points: list[float]) -> Tensor:
    """One prototype a class."""
    return torch.tensor(points, dtype=torch.float32).unsqueeze(1)


def gradients(value: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(value, inputs)


def oracle(loss: AffinityLoss, embedding: Tensor, labels: Tensor) -> tuple[float, float, list[list[float]]]:
    """Hinge, diversity and smallest distances by the printed equations, in Python's own floats."""
    prototypes = loss.prototypes.tolist()

    def difference(f: list[float], w: list[float], power: int) -> float:
        return sum(abs(a - b) ** power for a, b in zip(f, w, strict=True))

    power = 2 if loss.distance == "squared_l2" else 1
    nearest, hinge = [], 0.0
    for f, y in zip(embedding.tolist(), labels.tolist(), strict=True):
        distance = [min(difference(f, w, power) for w in own) for own in prototypes]
        s = [exp(-d / loss.sigma) if loss.similarity == "gaussian" else 1 / (1 + d) for d in distance]
        hinge += sum(max(0.0, loss.margin + s[j] - s[y]) for j in range(len(s)) if j != y)
        nearest.append(distance)
    flat = [w for own in prototypes for w in own]
    pairs = [difference(flat[j], flat[k], 2) for j in range(len(flat)) for k in range(j + 1, len(flat))]
    mu = sum(pairs) / max(1, len(pairs))
    return hinge / len(embedding), sum((p - mu) ** 2 for p in pairs) / max(1, len(pairs)), nearest


# By hand


def test_worked_example():
    # f1 = w0, y = 0: squared distances 0, 1, 4, similarities 1, 1/2, 1/16.
    #   max(0, 3/4 + 1/2 - 1) + max(0, 3/4 + 1/16 - 1) = 1/4 + 0
    # f2 = (1, 1), y = 1: squared distances 2, 1, 2, similarities 1/4, 1/2, 1/4.
    #   2 max(0, 3/4 + 1/4 - 1/2) = 1
    # Pairs of prototypes: 1, 4, 5; mean 10/3; R = (49 + 4 + 25) / 27 = 26/9.
    loss = affinity(single([0, 0], [1, 0], [0, 2]), sigma=HALF, margin=0.75, diversity=0.5)
    embedding = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    terms = loss(embedding, torch.tensor([0, 1]))
    assert terms["hinge"].item() == pytest.approx(5 / 8)
    assert terms["diversity"].item() == pytest.approx(26 / 9)
    assert terms["loss"].item() == pytest.approx(5 / 8 + 13 / 9)
    torch.testing.assert_close(loss.scores(embedding), torch.tensor([[0.0, -1, -4], [-2, -1, -2]]))


def test_worked_example_of_several_prototypes():
    # On a line: class 0 at 0 and 3, class 1 at 1 and 5.
    # f = 2, y = 0: nearest squared distances 1 and 1, so 3/4 + 1/2 - 1/2 = 3/4.
    # f = 5, y = 1: nearest 4 and 0, so 3/4 + 1/16 - 1 < 0.
    # Pairs 9, 1, 25, 4, 4, 16: mean 59/6, mean square 995/6, R = (5970 - 3481) / 36.
    loss = affinity(torch.tensor([[[0.0], [3.0]], [[1.0], [5.0]]]), sigma=HALF, margin=0.75)
    terms = loss(torch.tensor([[2.0], [5.0]]), torch.tensor([0, 1]))
    assert terms["hinge"].item() == pytest.approx(3 / 8)
    assert terms["diversity"].item() == pytest.approx(2489 / 36)
    assert terms["loss"].item() == pytest.approx(3 / 8 + 2489 / 36)


@pytest.mark.parametrize(
    ("distance", "similarity", "hinge"),
    [
        # f = (1, 0), w0 = (0, 0), w1 = (1, -2), y = 0, margin 3/4: l1 distances 1 and 2, squared l2 1 and 4.
        ("squared_l2", "gaussian", 3 / 4 + 1 / 16 - 1 / 2),
        ("l1", "gaussian", 3 / 4 + 1 / 4 - 1 / 2),
        ("squared_l2", "inverse", 3 / 4 + 1 / 5 - 1 / 2),
        ("l1", "inverse", 3 / 4 + 1 / 3 - 1 / 2),
    ],
)
def test_combinations_of_table4(distance, similarity, hinge):
    loss = affinity(single([0, 0], [1, -2]), sigma=HALF, margin=0.75, distance=distance, similarity=similarity)
    terms = loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0]))
    assert terms["hinge"].item() == pytest.approx(hinge)
    assert terms["diversity"].item() == 0  # one pair has no variance, whatever the distance of the hinge


def test_sigma_has_no_effect_on_the_inverse_similarity():
    embedding, labels = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    prototypes = torch.randn(3, 2, 3)
    small, large = (
        affinity(prototypes, similarity="inverse", sigma=sigma)(embedding, labels)["loss"] for sigma in (0.1, 50)
    )
    assert torch.equal(small, large)


# Against the printed equations


@pytest.mark.parametrize(("distance", "similarity"), COMBINATIONS)
@pytest.mark.parametrize("m", [1, 3])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5), (torch.bfloat16, 1e-5)]
)
def test_oracle(distance, similarity, m, dtype, tolerance):
    generator = torch.Generator().manual_seed(m)
    embedding = torch.randn(9, 5, generator=generator).to(dtype)
    labels = torch.arange(9) % 4
    prototypes = torch.randn(4, m, 5, generator=generator).to(torch.promote_types(dtype, torch.float32))
    loss = affinity(prototypes, sigma=3.0, margin=0.6, distance=distance, similarity=similarity)
    terms = loss(embedding, labels)
    hinge, spread, nearest = oracle(loss, embedding, labels)
    assert terms["hinge"].item() == pytest.approx(hinge, rel=tolerance)
    assert terms["diversity"].item() == pytest.approx(spread, rel=tolerance)
    assert terms["loss"].item() == pytest.approx(hinge + spread, rel=tolerance)
    torch.testing.assert_close(
        -loss.scores(embedding).double(),
        torch.tensor(nearest, dtype=torch.float64),
        rtol=tolerance,
        atol=tolerance,
    )


@pytest.mark.parametrize(("distance", "similarity"), COMBINATIONS)
@pytest.mark.parametrize("m", [1, 3])
def test_gradcheck(distance, similarity, m):
    generator = torch.Generator().manual_seed(10 + m)
    prototypes = torch.randn(4, m, 3, generator=generator, dtype=torch.float64)
    labels = torch.arange(6) % 4
    noise = torch.tensor([0.02, 0.02, 0.1, 1, 1, 1], dtype=torch.float64).unsqueeze(1)
    embedding = prototypes[labels, 0] + noise * torch.randn(6, 3, generator=generator, dtype=torch.float64)
    loss = affinity(prototypes, sigma=4.0, distance=distance, similarity=similarity)

    clear = 1e-4  # farther from every kink than the finite differences reach
    similarities = loss._similarity(-loss.scores(embedding))
    gaps = similarities - similarities.gather(1, labels.unsqueeze(1)) + loss.margin
    assert gaps.abs().min() > clear
    assert (gaps > 0).any()
    assert (gaps < 0).any()
    assert (embedding[:, None, None] - prototypes).abs().min() > clear
    if m > 1:
        power = 2 if distance == "squared_l2" else 1
        two = (embedding[:, None, None] - prototypes).abs().pow(power).sum(3).topk(2, largest=False).values
        assert (two[..., 1] - two[..., 0]).min() > clear

    check_gradients(loss, embedding, labels)


# Diversity


def test_diversity_of_three_points():
    # 0, 1 and 3 on a line: squared distances 1, 9, 4, mean 14/3; R = (121 + 169 + 4) / 27.
    assert diversity(torch.tensor([[0.0], [1.0], [3.0]])).item() == pytest.approx(294 / 27)


@pytest.mark.parametrize("scale", [0.1, 1, 30])
def test_equidistant_prototypes_have_no_diversity_loss(scale):
    simplex = (scale * torch.eye(6, dtype=torch.float64) + 5).requires_grad_()
    spread = diversity(simplex)
    assert spread.item() == pytest.approx(0, abs=1e-20 * scale**4)
    assert gradients(spread, simplex)[0].abs().max() < 1e-9 * scale**3
    with torch.no_grad():
        assert diversity(simplex * torch.linspace(1, 1.2, 6).unsqueeze(1)) > 1e-4 * scale**4


def test_any_triangle_with_equal_sides_has_no_diversity_loss():
    triangle = torch.tensor([[0, 0], [2, 0], [1, 3**0.5]], dtype=torch.float64)
    assert diversity(triangle).item() == pytest.approx(0, abs=1e-25)


def test_no_pairs_and_no_wrong_class():
    loss = affinity(torch.randn(1, 1, 3))
    embedding = torch.randn(2, 3, requires_grad=True)
    terms = loss(embedding, torch.tensor([0, 0]))
    assert [terms[key].item() for key in ("loss", "hinge", "diversity")] == [0, 0, 0]
    assert all(not gradient.any() for gradient in gradients(terms["loss"], embedding, loss.prototypes))


# Invariances and limits


@pytest.mark.parametrize("similarity", ["gaussian", "inverse"])
def test_rotating_and_moving_everything_changes_nothing(similarity):
    generator = torch.Generator().manual_seed(0)
    embedding = torch.randn(8, 4, generator=generator, dtype=torch.float64)
    prototypes = torch.randn(3, 2, 4, generator=generator, dtype=torch.float64)
    labels = torch.arange(8) % 3
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=generator, dtype=torch.float64)).Q
    here = affinity(prototypes, similarity=similarity)(embedding, labels)
    there = affinity(prototypes @ rotation + 7, similarity=similarity)(embedding @ rotation + 7, labels)
    for term, value in here.items():
        assert there[term].item() == pytest.approx(value.item(), rel=1e-11), term


def test_copies_of_a_prototype_change_neither_hinge_nor_scores():
    prototypes, embedding, labels = torch.randn(4, 1, 3), torch.randn(5, 3), torch.tensor([0, 1, 2, 3, 0])
    one, three = affinity(prototypes), affinity(prototypes.repeat(1, 3, 1))
    torch.testing.assert_close(one(embedding, labels)["hinge"], three(embedding, labels)["hinge"])
    torch.testing.assert_close(one.scores(embedding), three.scores(embedding))


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**31),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4), st.integers(1, 6)),
    scale=st.floats(0.01, 100),
    distance=st.sampled_from(["squared_l2", "l1"]),
)
def test_prediction_is_the_class_of_the_nearest_prototype(seed, shape, scale, distance):
    batch, classes, m, dimension = shape
    generator = torch.Generator().manual_seed(seed)
    embedding = scale * torch.randn(batch, dimension, generator=generator)
    loss = affinity(scale * torch.randn(classes, m, dimension, generator=generator), distance=distance, sigma=1e-3)
    prediction = loss.scores(embedding).argmax(1).tolist()
    _, _, nearest = oracle(loss, embedding, torch.zeros(batch, dtype=torch.long))
    for predicted, distances in zip(prediction, nearest, strict=True):
        assert distances[predicted] <= min(distances) + 1e-4 * max(distances)


def test_scores_still_rank_where_similarities_underflow():
    loss = affinity(single([0, 0], [1, 0], [2, 0]), sigma=0.1)
    far = torch.tensor([[40.0, 0.0]])
    assert loss._similarity(-loss.scores(far)).tolist() == [[0, 0, 0]]
    assert loss.scores(far).argsort(1, descending=True).tolist() == [[2, 1, 0]]


def test_infinite_spread_leaves_the_margin_alone():
    loss = affinity(torch.randn(5, 2, 3), sigma=1e30, margin=0.3)
    assert loss(torch.randn(7, 3), torch.arange(7) % 5)["hinge"].item() == pytest.approx(0.3 * 4)


def test_separated_classes_cost_nothing():
    prototypes = 100 * torch.eye(10).unsqueeze(1)
    loss = affinity(prototypes, sigma=10.0, margin=0.9, diversity=0.0)
    embedding = (prototypes[:, 0] + 0.05).requires_grad_()
    terms = loss(embedding, torch.arange(10))
    assert terms["hinge"].item() == 0
    assert not gradients(terms["hinge"], embedding)[0].any()


# Numerical safety


@pytest.mark.parametrize(("distance", "similarity"), COMBINATIONS)
@pytest.mark.parametrize("sigma", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("magnitude", [0.0, 1e6, 1e18, 1e25])
def test_far_features_stay_finite(distance, similarity, sigma, magnitude):
    loss = affinity(torch.randn(10, 3, 128), sigma=sigma, margin=0.5, distance=distance, similarity=similarity)
    embedding = (magnitude * torch.randn(4, 128)).requires_grad_()
    terms = loss(embedding, torch.arange(4))
    assert torch.stack(list(terms.values())).isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients(terms["loss"], embedding, loss.prototypes))
    assert not loss.scores(embedding).isnan().any()
    if magnitude >= 1e18:
        assert terms["hinge"].item() == pytest.approx(0.5 * 9)


@pytest.mark.parametrize("sigma", [1e-3, 1.0, 1e6])
def test_far_prototypes_stay_finite(sigma):
    loss = affinity(1e6 * torch.randn(10, 3, 128), sigma=sigma)
    embedding = torch.randn(4, 128, requires_grad=True)
    total = loss(embedding, torch.arange(4))["loss"]
    assert total.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients(total, embedding, loss.prototypes))


def test_far_from_the_origin_distances_keep_their_digits():
    generator = torch.Generator().manual_seed(0)
    a, b = (1e4 + torch.randn(n, 16, generator=generator) for n in (20, 30))
    exact = (a.double()[:, None] - b.double()).square().sum(2)
    torch.testing.assert_close(squared_l2(a, b).double(), exact, rtol=1e-5, atol=1e-5)


def test_distance_to_itself_is_not_negative():
    points = 100 * torch.randn(200, 64)
    assert squared_l2(points, points).min() >= 0
    loss = affinity(points.unsqueeze(1), sigma=1e-3)
    assert loss._similarity(-loss.scores(points)).max() <= 1


@pytest.mark.parametrize("distance", ["squared_l2", "l1"])
def test_autocast_lowers_nothing(distance):
    loss = affinity(torch.randn(5, 2, 32), sigma=32.0, distance=distance)
    embedding, labels = torch.randn(6, 32).bfloat16().requires_grad_(), torch.arange(6) % 5
    with torch.autocast("cpu", torch.bfloat16):
        terms, scores = loss(embedding, labels), loss.scores(embedding)
    assert gradients(terms["loss"], embedding)[0].isfinite().all()
    for term, value in loss(embedding.float(), labels).items():
        assert terms[term].dtype == torch.float32
        assert torch.equal(terms[term], value), term
    assert torch.equal(scores, loss.scores(embedding.float()))


# Size and reach


class Seen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes every operation and the largest tensor that one returns."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.largest = 0
        self.operations: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        self.operations.append(func.__name__.split(".")[0])
        for tensor in out if isinstance(out, tuple | list) else [out]:
            if isinstance(tensor, Tensor):
                self.largest = max(self.largest, tensor.numel())
        return out


@pytest.mark.parametrize("distance", ["squared_l2", "l1"])
def test_nothing_of_size_batch_times_prototypes_times_dimension(distance):
    batch, classes, m, dimension = 17, 5, 3, 23
    loss = affinity(torch.randn(classes, m, dimension), distance=distance)
    embedding = torch.randn(batch, dimension, requires_grad=True)
    with Seen() as seen:
        gradients(loss(embedding, torch.arange(batch) % classes)["loss"], embedding, loss.prototypes)
    n = classes * m
    assert seen.largest == max(batch * n, batch * dimension, n * dimension, n * n)


def test_one_matrix_product_for_the_hinge_and_one_for_the_diversity():
    loss = affinity(torch.randn(5, 3, 8))
    with Seen() as seen:
        loss(torch.randn(4, 8), torch.arange(4))
    assert [name for name in seen.operations if name in {"mm", "addmm", "bmm", "baddbmm"}] == ["addmm"] * 2


@pytest.mark.parametrize(("distance", "similarity"), COMBINATIONS)
@pytest.mark.parametrize(("m", "weight"), [(1, 0.0), (3, 1.0)])
def test_every_prototype_receives_a_gradient(distance, similarity, m, weight):
    loss = affinity(torch.randn(4, m, 6), sigma=20.0, distance=distance, similarity=similarity, diversity=weight)
    embedding = torch.randn(8, 6, requires_grad=True)
    to_embedding, to_prototypes = gradients(loss(embedding, torch.arange(8) % 4)["loss"], embedding, loss.prototypes)
    assert [name for name, _ in loss.named_parameters()] == ["prototypes"]
    assert to_embedding.any(dim=1).all()
    assert to_prototypes.any(dim=2).all()


def test_class_vectors_are_the_prototypes():
    loss = AffinityLoss(7, 4, sigma=1.0, margin=0.5, prototypes=3)
    assert loss.class_vectors().shape == (4, 3, 7)
    assert torch.equal(loss.class_vectors(), loss.prototypes)
    assert not loss.class_vectors().requires_grad


@pytest.mark.parametrize("dimension", [2, 128])
def test_initial_norm_does_not_depend_on_the_dimension(dimension):
    torch.manual_seed(0)
    prototypes = AffinityLoss(dimension, 4000, sigma=1.0, margin=0.5, initial_scale=3.0).class_vectors()
    assert prototypes.square().sum(2).mean().item() == pytest.approx(9, rel=0.1)
    assert prototypes.mean().item() == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("distance", ["squared_l2", "l1"])
@pytest.mark.parametrize(("similarity", "reached"), [("gaussian", 2 * log(2)), ("inverse", 1)])
def test_by_default_two_prototypes_start_where_their_similarity_is_one_half(distance, similarity, reached):
    torch.manual_seed(0)
    loss = AffinityLoss(64, 200, sigma=2.0, margin=0.5, distance=distance, similarity=similarity)
    prototypes = loss.class_vectors()[:, 0]
    apart = torch.cdist(prototypes, prototypes, p=1 if distance == "l1" else 2)
    mean = (apart if distance == "l1" else apart.square()).sum() / (200 * 199)
    assert mean.item() == pytest.approx(reached, rel=0.05)


# Options


def test_options_build_the_loss():
    loss = Affinity(sigma=10, margin=0.75, prototypes=5, distance="l1", diversity=0.1).build(128, 10)
    assert isinstance(loss, AffinityLoss)
    assert loss.prototypes.shape == (10, 5, 128)
    assert (loss.sigma, loss.margin, loss.diversity, loss.distance) == (10, 0.75, 0.1, "l1")
    assert loss.similarity == "gaussian"


@pytest.mark.parametrize(
    "wrong",
    [
        {"margin": 0},
        {"margin": 1},
        {"sigma": 0},
        {"sigma": -1},
        {"sigma": float("nan")},
        {"prototypes": 0},
        {"diversity": -0.1},
        {"distance": "l3"},
        {"similarity": "cosine"},
        {"initial_scale": 0},
        {"sigmma": 1},
        {"name": "softmax"},
    ],
)
def test_options_reject(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Affinity.model_validate({"sigma": 10, "margin": 0.5, **wrong})


@pytest.mark.parametrize("missing", ["sigma", "margin"])
def test_what_the_paper_leaves_open_must_be_said(missing):
    with pytest.raises(ValidationError, match=missing):
        Affinity.model_validate({key: 0.5 for key in ("sigma", "margin") if key != missing})
