"""What m-L2 asks for, averaged over the classes and summed: a bound from below, closed forms, and the faces' values."""

from math import exp, log, log1p
from typing import Any

import pytest
from scipy.optimize import brentq, minimize

from papers.feature_transfer import MetricL2
from shared.runs.registry import paper
from shared.training.free_features import least

SUMMED = MetricL2(weight=0.25, reduction="sum")


def metric_l2_bound(weight: float, dimension: int, classes: int) -> float:
    """The least of log(1 + (N - 1) e^(o - z)) + weight max(z^2 N / d, z^2 + (N - 1) o^2), for a sum over the classes.

    z and o are the means of the logits of the own and of the other classes. The cross-entropy is convex in the logits,
    and the sum of squares of a matrix of rank d is at least its squared trace over d.
    """

    def value(x: Any) -> float:
        z, o = x
        squares = max(z**2 * classes / dimension, z**2 + (classes - 1) * o**2)
        return float(log1p((classes - 1) * exp(o - z)) + weight * squares)

    return min(float(minimize(value, (z, 0.0), method="Nelder-Mead", tol=1e-10).fun) for z in (0.01, 1.0, 5.0))


def own_logit(weight: float, dimension: int, classes: int) -> tuple[float, float]:
    """Return z = (1 - p) / (2 weight (1 + N / d)) and p, for a sum over the classes and class weights at random.

    Logits of other classes are normal then, with variance z^2 / d, so that p = 1 / (1 + (N - 1) e^(z^2 / (2 d) - z)).
    """

    def probability(z: float) -> float:
        return 1 / (1 + (classes - 1) * exp(z**2 / (2 * dimension) - z))

    factor = 2 * weight * (1 + classes / dimension)
    z = brentq(lambda z: z * factor - (1 - probability(z)), 0, dimension)
    return float(z), probability(z)


@pytest.mark.parametrize("classes", [40, 200])
def test_no_embeddings_have_a_lower_loss_than_the_bound(classes):
    bound = metric_l2_bound(0.25, 5, classes)
    free = least(SUMMED, 5, classes, starts=1).value
    lengths = least(SUMMED, 5, classes, free_classes=0).value
    assert bound <= free + 1e-9
    assert free <= lengths
    assert lengths - bound < 0.05 * lengths


@pytest.mark.parametrize("classes", [40, 200])
def test_the_mean_is_the_sum_with_a_weight_that_the_classes_divide(classes):
    mean = least(MetricL2(weight=0.25), 5, classes, free_classes=0)
    summed = least(MetricL2(weight=0.25 / classes, reduction="sum"), 5, classes, free_classes=0)
    assert mean.value == pytest.approx(summed.value, rel=1e-9)


def test_sum_over_thousands_of_classes_leaves_nothing_to_gain():
    classes = 2000
    assert metric_l2_bound(0.25, 20, classes) > 0.99 * log(classes)
    assert least(SUMMED, 20, classes).value > 0.99 * log(classes)


@pytest.mark.parametrize(
    ("options", "loss", "cross_entropy"), [(SUMMED, 9.179, 9.148), (MetricL2(weight=0.25), 0.169, 0.024)]
)
def test_ten_thousand_classes(options, loss, cross_entropy):
    minimum = least(options, 320, 10_000)
    assert minimum.value == pytest.approx(loss, abs=1e-3)
    assert minimum.terms["cross_entropy"] == pytest.approx(cross_entropy, abs=1e-3)
    weight = options.weight / (10_000 if options.reduction == "mean" else 1)
    _, probability = own_logit(weight, 320, 10_000)
    assert exp(-minimum.terms["cross_entropy"]) == pytest.approx(probability, rel=0.01)


def of_metric_l2() -> dict[str, tuple[MetricL2, int, int]]:
    """Return the loss, dimensions and classes of every full run that is trained with m-L2, by its name."""
    configs = {name: run.config for name, run in paper("feature_transfer").runs("full").items()}
    return {
        name: (config.loss, config.backbone.embedding, config.data.trained_classes)
        for name, config in configs.items()
        if isinstance(config.loss, MetricL2)
    }


@pytest.mark.parametrize(("options", "dimension", "classes"), of_metric_l2().values(), ids=of_metric_l2())
def test_at_its_optimum_a_full_run_is_sure_of_the_own_class(options, dimension, classes):
    # Of the few digits no weights are at random in so few dimensions; there all is free.
    if classes < 100:
        assert exp(-least(options, dimension, classes, starts=2).terms["cross_entropy"]) > 0.5
    else:
        weight = options.weight / (classes if options.reduction == "mean" else 1)
        assert own_logit(weight, dimension, classes)[1] > 0.5


def test_of_the_sum_it_is_not():
    assert own_logit(0.25, 320, 60_000) == pytest.approx((0.0106, 1.7e-5), rel=0.02)
