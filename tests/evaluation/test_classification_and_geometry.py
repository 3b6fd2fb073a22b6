"""Benchmarks of a trained run against worked examples."""

from __future__ import annotations

import numpy as np
import pytest

from shared.evaluation.classification import Classification
from shared.evaluation.geometry import Geometry
from shared.evaluation.output import Output


def output(embeddings, labels, predictions, vectors, minority=()) -> Output:
    return Output(
        embeddings=np.array(embeddings, np.float32),
        labels=np.array(labels),
        predictions=np.array(predictions),
        class_vectors=np.array(vectors, np.float32),
        minority=minority,
    )


# Class 0 at (3 +- 1, 0), class 1 at (0, 4 +- 1), class 2 at (-3, 0) and (-3, 0): by hand below.
POINTS = [(2, 0), (4, 0), (0, 3), (0, 5), (-3, 0), (-3, 0)]
LABELS = [0, 0, 1, 1, 2, 2]
VECTORS = [[(1, 0)], [(0, 2)], [(-3, 0)]]


def test_errors_over_all_by_class_and_by_minority():
    result = Classification()(output(POINTS[:5], LABELS[:5], [0, 1, 1, 1, 0], VECTORS, minority=(0,)))
    assert result == pytest.approx(
        {
            "accuracy": 60,
            "error": 40,
            "balanced_error": 100 * (0.5 + 0 + 1) / 3,
            "minority_error": 50,
            "majority_error": 100 / 3,
        }
    )


def test_without_reduced_classes_there_is_no_minority():
    assert set(Classification()(output(POINTS, LABELS, LABELS, VECTORS))) == {"accuracy", "error", "balanced_error"}


def test_geometry_by_hand():
    result = Geometry()(output(POINTS, LABELS, [0, 1, 1, 1, 2, 2], VECTORS, minority=(0, 1)))
    # Class means (3, 0), (0, 4), (-3, 0); their mean (0, 4/3); variances 1, 1, 0.
    assert result["norm"] == pytest.approx((2 + 4 + 3 + 5 + 3 + 3) / 6)
    assert result["within_variance"] == pytest.approx(2 / 3)
    assert result["minority_norm"] == pytest.approx((3 + 4) / 2)
    assert result["majority_norm"] == pytest.approx(3)
    assert result["minority_width"] == pytest.approx(0, abs=1e-5)
    far, near = np.hypot(3, 4 / 3), 4 - 4 / 3
    assert result["minority_center_distance"] == pytest.approx((far + near) / 2)
    assert result["majority_center_distance"] == pytest.approx(far)
    assert result["center_spacing_cv"] == pytest.approx(0)  # every nearest mean is 5 away
    assert result["minority_weight_norm"] == pytest.approx(1.5)
    assert result["majority_weight_norm"] == pytest.approx(3)
    assert result["minority_confusion"] == pytest.approx(25)  # one of four, taken for the other reduced class
    assert "variance_ratio" not in result  # class 2 has no variance
    apart = np.array([np.sqrt(5), 4, np.sqrt(13)])
    assert result["prototype_spacing_cv"] == pytest.approx(apart.std() / apart.mean())


def test_width_is_the_angle_about_the_mean_direction():
    points = [(1, 1), (1, -1), (0, 1), (0, 1)]
    result = Geometry()(output(points, [0, 0, 1, 1], [0, 0, 1, 1], [[(1, 0)], [(0, 1)]], minority=(0,)))
    assert result["minority_width"] == pytest.approx(45)
    assert result["majority_width"] == pytest.approx(0, abs=1e-4)
