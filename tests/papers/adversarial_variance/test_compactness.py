"""The gap between classes in angle, and the variance within against that between them, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from papers.adversarial_variance import Compactness as Options
from papers.adversarial_variance.compactness import Compactness
from tests.papers.adversarial_variance.samples import clouds, output


def at(*degrees: float) -> list[tuple[float, float]]:
    return [(float(np.cos(np.radians(d))), float(np.sin(np.radians(d)))) for d in degrees]


def fan(middle: float, *offsets: float) -> list[tuple[float, float]]:
    """Directions on both sides of a middle, which is then their mean direction."""
    return at(*(middle + sign * offset for offset in offsets for sign in (-1, 1)))


def measured(points: object, labels: object) -> dict[str, float]:
    result: dict[str, float] = Compactness()(output(points, labels))
    return result


def test_the_options_build_it_on_test_images():
    assert isinstance(Options().build(), Compactness)
    assert Options().splits == ("test",)


def test_the_gap_by_hand():
    points = [*fan(0, 10), *fan(60, 20), *fan(200, 5)]
    assert measured(points, [0, 0, 1, 1, 2, 2])["gap"] == pytest.approx(60 - 10 - 20, abs=1e-4)


def test_classes_that_overlap_have_a_negative_gap_and_rays_the_whole_angle():
    assert measured([*fan(0, 30), *fan(40, 30)], [0, 0, 1, 1])["gap"] == pytest.approx(-20, abs=1e-4)
    assert measured([*at(10, 10), *at(100, 100)], [4, 4, 7, 7])["gap"] == pytest.approx(90, abs=1e-4)


def test_five_percent_of_a_class_may_lie_anywhere():
    near, far = fan(0, *range(1, 51)), fan(0, *range(1, 50), 89)  # of a hundred images the two farthest
    other = fan(120, 1)
    labels = [0] * 100 + [1] * 2
    gaps = [measured([*of, *other], labels)["gap"] for of in (near, far)]
    assert gaps[0] == pytest.approx(gaps[1], abs=1e-4)
    width = np.quantile(np.repeat(np.arange(1, 51), 2), 0.95)
    assert gaps[0] == pytest.approx(120 - width - 1, abs=1e-4)


def test_the_relative_variance_by_hand():
    # Means (4, 0) and (0, 3): 25 between them; mean squared distances 2.5 and 5 within.
    points = [(6, 0), (2, 0), (4, 1), (4, -1), (0, 4), (0, 2), (3, 3), (-3, 3)]
    assert measured(points, [0] * 4 + [1] * 4)["relative_variance"] == pytest.approx((2.5 + 5) / 2 / 25)


@pytest.mark.parametrize("dimension", [2, 5])
def test_a_scale_changes_neither(dimension):
    points, labels = clouds(dimension)
    assert measured(30 * points, labels) == pytest.approx(measured(points, labels), rel=1e-3)


def test_classes_in_one_place_have_no_relative_variance():
    assert "relative_variance" not in measured([(1, 0), (-1, 0), (0, 1), (0, -1)], [0, 0, 1, 1])
