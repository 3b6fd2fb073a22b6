"""Variance within classes, by hand and against sklearn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from papers.adversarial_variance import OpenSet, Variance
from papers.adversarial_variance.open_set import OpenSetRejection
from papers.adversarial_variance.variance import PrincipalVariance
from tests.papers.adversarial_variance.samples import clouds, output


def test_the_benchmarks_are_what_their_options_build():
    assert isinstance(Variance().build(), PrincipalVariance)
    assert isinstance(OpenSet().build(), OpenSetRejection)
    assert Variance().splits == ("test",)
    assert OpenSet().splits == ("train", "test", "unseen")


def test_variance_by_hand():
    # Class 0 about (4, 0): +-2 along the radius, +-1 across. Class 1 about (0, 3): +-1 along the radius, +-3 across.
    points = [(6, 0), (2, 0), (4, 1), (4, -1), (0, 4), (0, 2), (3, 3), (-3, 3)]
    result = PrincipalVariance()(output(points, [0] * 4 + [1] * 4))
    assert result == pytest.approx(
        {
            "first_variance": (8 / 4 + 18 / 4) / 2,
            "second_variance": (2 / 4 + 2 / 4) / 2,
            "second_variance_class0": 0.5,
            "second_variance_class1": 0.5,
            "second_share": 100 * (2 / 10 + 2 / 20) / 2,
            "first_to_radius": (0 + 90) / 2,
            "spread": np.hypot(4, 3) / 2,  # either mean is half their distance from their mean
        },
        abs=1e-9,
    )


@pytest.mark.parametrize("dimension", [2, 5])
def test_variance_as_sklearn_has_it(dimension):
    points, labels = clouds(dimension)
    result = PrincipalVariance()(output(points, labels))
    fits = [PCA().fit(points[labels == label].astype(np.float32).astype(np.float64)) for label in range(3)]
    share = 39 / 40  # sklearn divides by n - 1
    assert result["first_variance"] == pytest.approx(np.mean([share * fit.explained_variance_[0] for fit in fits]))
    assert result["second_variance"] == pytest.approx(np.mean([share * fit.explained_variance_[1] for fit in fits]))
    assert result["second_share"] == pytest.approx(np.mean([100 * fit.explained_variance_ratio_[1] for fit in fits]))
    for label, fit in enumerate(fits):
        assert result[f"second_variance_class{label}"] == pytest.approx(share * fit.explained_variance_[1])
    angles = []
    for fit in fits:
        cosine = abs(fit.components_[0] @ fit.mean_) / np.linalg.norm(fit.mean_)
        angles.append(np.degrees(np.arccos(cosine)))
    assert result["first_to_radius"] == pytest.approx(np.mean(angles))


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100), st.floats(0, 2 * np.pi), st.integers(0, 1000))
def test_a_rotation_changes_nothing_and_a_scale_the_lengths_alone(scale, turn, seed):
    points, labels = clouds(seed=seed)
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    before = PrincipalVariance()(output(points, labels))
    after = PrincipalVariance()(output(points @ rotation.T, labels))
    powers = {"second_share": 0, "first_to_radius": 0, "spread": 1}
    for name, value in before.items():
        assert after[name] == pytest.approx(value * scale ** powers.get(name, 2), rel=1e-2, abs=1e-3 * scale**2)


def test_classes_fallen_together_have_no_spread_and_a_class_in_one_point_no_variance():
    result = PrincipalVariance()(output([(1, 2)] * 6, [0, 0, 0, 1, 1, 1]))
    for name in ("first_variance", "second_variance", "second_share", "spread", "second_variance_class1"):
        assert result[name] == pytest.approx(0, abs=1e-12)
    shifted = PrincipalVariance()(output([(0, 2), (2, 2), (1, 1), (1, 3), (-1, 2), (3, 2)], [0, 0, 1, 1, 2, 2]))
    assert shifted["spread"] == pytest.approx(0, abs=1e-12)


def test_only_classes_that_occur_count():
    points, labels = clouds()
    of_two = PrincipalVariance()(output(points[labels != 1], labels[labels != 1]))
    assert "second_variance_class1" not in of_two
    expected = (of_two["second_variance_class0"] + of_two["second_variance_class2"]) / 2
    assert of_two["second_variance"] == pytest.approx(expected)
