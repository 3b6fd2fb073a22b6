"""What a loss is for one who knows nothing of the image: what the losses themselves give, and no more than need be."""

from __future__ import annotations

from itertools import product
from math import exp, log

import pytest
import torch

from papers.feature_transfer import MetricL2, SoftmaxL2
from papers.gaussian_affinity import Affinity, CoSen
from papers.gaussian_affinity.affinity import max_margin
from papers.regular_polytope import Polytope
from shared.losses import (
    ArcFace,
    ASoftmax,
    BalancedSoftmax,
    Center,
    ClassBalanced,
    CosFace,
    DiscrepancyTerm,
    Focal,
    GeneralisedCrossEntropy,
    Joint,
    LabelSmoothing,
    Ldam,
    LogitAdjusted,
    ModifiedSoftmax,
    NormalisedSoftmax,
    NormFace,
    Softmax,
    SupCon,
    TauNormalised,
)
from shared.losses.knowing_nothing import cross_entropy
from shared.runs.components import Loss

CLASSES = 4
EVEN = [1 / CLASSES] * CLASSES
COSFACE = CosFace(scale=8, margin=0.25)
LOSSES = [
    Softmax(bias=False),
    Center(weight=0.1, alpha=0.5, bias=False),
    ModifiedSoftmax(),
    ASoftmax(margin=4),
    NormFace(scale=8),
    COSFACE,
    *(ArcFace(scale=8, margin=0.5, continuation=name) for name in ("smooth", "at-pi", "linear", "easy", "none")),
    NormalisedSoftmax(bias=False),
    Joint(base=COSFACE, term=DiscrepancyTerm(weight=0.2)),
    MetricL2(weight=0.25),
    SoftmaxL2(weight=0.1),
    Polytope(polytope="simplex"),
    Polytope(polytope="simplex", scale=8, margin=1),
    SupCon(bias=False),
    ClassBalanced(bias=False),
    Focal(bias=False),
    Ldam(),
    BalancedSoftmax(bias=False),
    LogitAdjusted(bias=False),
    LabelSmoothing(bias=False),
    GeneralisedCrossEntropy(bias=False),
    TauNormalised(bias=False),
]


@pytest.mark.parametrize("options", LOSSES, ids=lambda options: options.name)
def test_of_even_classes_it_is_the_loss_of_embeddings_without_length(options: Loss) -> None:
    module = options.build(CLASSES - 1, CLASSES).eval()
    with torch.no_grad():
        terms = module(torch.zeros(CLASSES, CLASSES - 1), torch.arange(CLASSES))
    assert options.knowing_nothing(EVEN) == pytest.approx(float(terms[options.judged_by]), rel=1e-5)


def test_without_a_margin_it_is_the_entropy_of_the_shares() -> None:
    assert cross_entropy(EVEN) == pytest.approx(log(CLASSES))
    assert cross_entropy([1.0, 0.0]) == 0
    assert cross_entropy([0.75, 0.25]) == pytest.approx(-0.75 * log(0.75) - 0.25 * log(0.25))


def test_of_prototypes_that_are_one_it_is_the_hinge() -> None:
    options = Affinity(sigma=10, margin=0.75)
    module = options.build(3, 10)
    torch.nn.init.zeros_(module.prototypes)
    hinge = module(torch.randn(10, 3), torch.arange(10))[options.judged_by].detach()
    assert options.knowing_nothing([0.1] * 10) == pytest.approx(float(hinge)) == pytest.approx(6.75)


@pytest.mark.parametrize("shares", [(0.25, 0.25, 0.25, 0.25), (0.4, 0.4, 0.1, 0.1), (0.9, 0.05, 0.05)])
def test_no_similarities_that_are_one_for_all_images_have_less_of_a_hinge(shares: tuple[float, ...]) -> None:
    labels, weights = torch.arange(len(shares)), torch.tensor(shares, dtype=torch.float64)
    tried = torch.tensor(list(product([0.0, 0.25, 0.5, 0.75, 1.0], repeat=len(shares))), dtype=torch.float64)
    by_class = [[max_margin(row.unsqueeze(0), label.unsqueeze(0), 0.5) for label in labels] for row in tried]
    least = (torch.tensor(by_class, dtype=torch.float64) @ weights).min()
    assert Affinity(sigma=10, margin=0.5).knowing_nothing(shares) == pytest.approx(float(least))


def test_a_loss_of_learned_costs_has_no_such_number() -> None:
    assert CoSen(period=10).knowing_nothing(EVEN) is None


SHARES = (0.6, 0.3, 0.1)


def test_balanced_logits_of_no_image_have_the_entropy_of_the_shares() -> None:
    for options in (BalancedSoftmax(bias=False), LogitAdjusted(bias=False)):
        module = options.build(3, 3)
        module.inform(torch.tensor([6, 3, 1]), 0.0)
        labels = torch.tensor([0] * 6 + [1] * 3 + [2])
        value = float(module(torch.zeros(10, 3), labels)["loss"].detach())
        assert options.knowing_nothing(SHARES) == pytest.approx(value, rel=1e-5)


def test_the_margins_of_ldam_are_each_off_the_own_logit() -> None:
    # Of sizes 16 to 1 the margins are 1/2 and 1; with s = 1 the logits of the shares lose 1/2 and 1.
    p, q = 16 / 17, 1 / 17
    expected = -p * log(p * exp(-0.5) / (p * exp(-0.5) + q)) - q * log(q * exp(-1) / (q * exp(-1) + p))
    assert Ldam(scale=1, margin=1).knowing_nothing([p, q]) == pytest.approx(expected)


@pytest.mark.parametrize("power", [0.3, 0.7, 0.999, 1.0])
def test_no_probabilities_that_are_one_for_all_images_have_less_generalised_cross_entropy(power: float) -> None:
    nothing = GeneralisedCrossEntropy(power=power).knowing_nothing(SHARES)
    steps = [step / 200 for step in range(201)]
    tried = [(p, q, 1 - p - q) for p, q in product(steps, repeat=2) if p + q <= 1]
    losses = [sum(w * (1 - max(p, 0.0) ** power) / power for w, p in zip(SHARES, ps, strict=True)) for ps in tried]
    assert nothing <= min(losses) + 1e-12
    assert nothing == pytest.approx(min(losses), abs=1e-3)


def test_smoothed_shares_have_their_entropy() -> None:
    smoothed = [0.9 * share + 0.1 / 3 for share in SHARES]
    assert LabelSmoothing().knowing_nothing(SHARES) == pytest.approx(-sum(p * log(p) for p in smoothed))


def test_a_focused_loss_of_the_shares() -> None:
    expected = -sum((1 - p) ** 2 * p * log(p) for p in SHARES)
    assert Focal(gamma=2).knowing_nothing(SHARES) == pytest.approx(expected)
