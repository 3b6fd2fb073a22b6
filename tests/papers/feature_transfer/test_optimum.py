"""What m-L2, summed over the classes, asks for: a bound from below, and the values of the faces."""

from math import exp, log, log1p
from typing import Any

import pytest
from scipy.optimize import minimize

from papers.feature_transfer import MetricL2
from shared.training.free_features import least


def metric_l2_bound(weight: float, dimension: int, classes: int) -> float:
    """The least of log(1 + (N - 1) e^(o - z)) + weight max(z^2 N / d, z^2 + (N - 1) o^2).

    z and o are the means of the logits of the own and of the other classes. The cross-entropy is convex in the logits,
    and the sum of squares of a matrix of rank d is at least its squared trace over d.
    """

    def value(x: Any) -> float:
        z, o = x
        squares = max(z**2 * classes / dimension, z**2 + (classes - 1) * o**2)
        return float(log1p((classes - 1) * exp(o - z)) + weight * squares)

    return min(float(minimize(value, (z, 0.0), method="Nelder-Mead", tol=1e-10).fun) for z in (0.01, 1.0, 5.0))


@pytest.mark.parametrize("classes", [40, 200])
def test_no_embeddings_have_a_lower_loss_than_the_bound(classes):
    options = MetricL2(weight=0.25)
    bound = metric_l2_bound(0.25, 5, classes)
    free = least(options, 5, classes, starts=1).value
    lengths = least(options, 5, classes, free_classes=0).value
    assert bound <= free + 1e-9
    assert free <= lengths
    assert lengths - bound < 0.05 * lengths


def test_sum_over_thousands_of_classes_leaves_nothing_to_gain():
    options, classes = MetricL2(weight=0.25), 2000
    assert metric_l2_bound(0.25, 20, classes) > 0.99 * log(classes)
    assert least(options, 20, classes).value > 0.99 * log(classes)


def test_ten_thousand_classes():
    minimum = least(MetricL2(weight=0.25), 320, 10_000)
    assert minimum.value == pytest.approx(9.179, abs=1e-3)
    assert minimum.terms["cross_entropy"] == pytest.approx(9.148, abs=1e-3)
