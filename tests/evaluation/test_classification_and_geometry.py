"""Benchmarks of a trained run against worked examples."""

from __future__ import annotations

import numpy as np
import pytest

from shared.evaluation.classification import Classification
from shared.evaluation.geometry import Geometry, sectors
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
    # Class means (3, 0), (0, 4), (-3, 0); their mean (0, 4/3).
    assert result["norm"] == pytest.approx((2 + 4 + 3 + 5 + 3 + 3) / 6)
    assert result["minority_norm"] == pytest.approx((3 + 4) / 2)
    assert result["majority_norm"] == pytest.approx(3)
    far, near = np.hypot(3, 4 / 3), 4 - 4 / 3
    assert result["minority_center_distance"] == pytest.approx((far + near) / 2)
    assert result["majority_center_distance"] == pytest.approx(far)
    assert result["center_spacing_cv"] == pytest.approx(0)  # every nearest mean is 5 away
    assert result["minority_weight_norm"] == pytest.approx(1.5)
    assert result["majority_weight_norm"] == pytest.approx(3)
    assert result["minority_confusion"] == pytest.approx(25)  # one of four, taken for the other reduced class
    # Class 0 has one rightly classified image and so no cluster; the clusters of the others have variances 1 and 0.
    assert result["cluster_variance"] == pytest.approx(1 / 2)
    assert result["minority_cluster_width"] == pytest.approx(0, abs=1e-5)
    assert "cluster_variance_ratio" not in result  # class 2 has no variance
    apart = np.array([np.sqrt(5), 4, np.sqrt(13)])
    assert result["prototype_spacing_cv"] == pytest.approx(apart.std() / apart.mean())


def test_width_is_the_angle_about_the_mean_direction():
    points = [(1, 1), (1, -1), (0, 1), (0, 1)]
    result = Geometry()(output(points, [0, 0, 1, 1], [0, 0, 1, 1], [[(1, 0)], [(0, 1)]], minority=(0,)))
    assert result["minority_cluster_width"] == pytest.approx(45)
    assert result["majority_cluster_width"] == pytest.approx(0, abs=1e-4)


def test_width_is_the_root_mean_square_whatever_the_lengths_of_the_embeddings():
    axis = np.degrees(np.arctan(0.5))
    labels = [0] * 3 + [1] * 2
    result = Geometry()(output([(5, 0), (1, 0), (0, 2), (2, 3), (2, 3)], labels, labels, VECTORS[:2], minority=(0,)))
    assert result["minority_cluster_width"] == pytest.approx(np.sqrt((2 * axis**2 + (90 - axis) ** 2) / 3))
    assert result["majority_cluster_width"] == pytest.approx(0, abs=1e-5)  # though their cosine is rounded above 1


def test_the_center_of_all_classes_is_no_nearer_to_those_of_more_images():
    points, labels = [(0, 0), (0, 0), (0, 0), (4, 0)], [0, 0, 0, 1]
    result = Geometry()(output(points, labels, labels, VECTORS[:2], minority=(1,)))
    assert (result["minority_center_distance"], result["majority_center_distance"]) == (2, 2)


def test_what_is_taken_for_another_class_is_no_part_of_a_cluster():
    """Both classes have a cluster of one size; of the reduced one, an image is lost to the other."""
    cluster = np.array([(0, 1), (0, -1), (1, 0), (-1, 0)])
    points = np.concatenate([np.add(cluster, (10, 0)), [(-10, 0)], np.add(cluster, (-10, 0))])
    labels, predictions = [0] * 5 + [1] * 4, [0] * 4 + [1] * 5
    result = Geometry()(output(points, labels, predictions, [[(10, 0)], [(-10, 0)]], minority=(0,)))
    assert result["cluster_variance"] == pytest.approx(1)
    assert result["cluster_variance_ratio"] == pytest.approx(1)
    assert result["minority_cluster_width"] == pytest.approx(result["majority_cluster_width"])


def test_elongation_is_that_of_the_axes_wherever_they_point():
    cross = np.array([(3, 0), (-3, 0), (0, 1), (0, -1)])
    turn = np.deg2rad(30)
    turned_cross = cross @ np.array([(np.cos(turn), np.sin(turn)), (-np.sin(turn), np.cos(turn))]) + (7, 2)
    points, labels = np.concatenate([turned_cross, cross]), [0] * 4 + [1] * 4
    result = Geometry()(output(points, labels, labels, [[(1, 0)], [(0, 1)]]))
    assert result["cluster_elongation"] == pytest.approx(3, rel=1e-5)


def test_neither_sector_nor_elongation_outside_the_plane():
    points = np.eye(3)[[0, 0, 1, 1]]
    result = Geometry()(output(points, [0, 0, 1, 1], [0, 0, 1, 1], np.eye(3)[:2, None], minority=(0,)))
    assert not [name for name in result if "sector" in name or "elongation" in name]


def turned(*degrees: float) -> np.ndarray:
    return np.stack([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], axis=1)


def test_vectors_of_one_length_win_up_to_the_middle_between_neighbours():
    directions = turned(0, 40, 90, 200)
    assert sectors(directions[:, None]) == pytest.approx([(40 + 160) / 2, 45, (50 + 110) / 2, (110 + 160) / 2])


def test_a_shorter_vector_wins_less_and_none_inside_the_others():
    lengths = np.array([1.0, 1.0, 1.0, 1.0])
    square = turned(0, 90, 180, 270)
    assert sectors((lengths[:, None] * square)[:, None]) == pytest.approx([90] * 4)
    lengths[0] = 0.5
    # The edges to (0, 1) and (0, -1) have normals atan(1 / 2) from the axis.
    assert sectors((lengths[:, None] * square)[:, None])[0] == pytest.approx(2 * np.degrees(np.arctan(0.5)))
    lengths[0] = -0.5
    assert sectors((lengths[:, None] * square)[:, None])[0] == 0


def test_two_vectors_halve_the_circle_and_one_has_it_all():
    assert sectors(np.array([[(3.0, 1.0)], [(1.0, 1.0)]])) == pytest.approx([180, 180])
    assert sectors(np.array([[(3.0, 1.0)]])) == pytest.approx([360])


def test_sectors_are_the_shares_of_directions_that_the_products_win():
    vectors = np.random.default_rng(0).normal(size=(6, 3, 2))
    won = sectors(vectors)
    directions = turned(*np.arange(0, 360, 0.01))
    sampled = np.bincount((vectors @ directions.T).max(axis=1).argmax(axis=0), minlength=6) / 100
    assert won.sum() == pytest.approx(360)
    assert won == pytest.approx(sampled, abs=0.05)


def test_the_sectors_of_reduced_classes_and_of_the_others():
    vectors = turned(0, 40, 90, 200)[:, None]
    result = Geometry()(output(vectors[:, 0], [0, 1, 2, 3], [0, 1, 2, 3], vectors, minority=(0, 1)))
    assert result["minority_sector"] == pytest.approx((100 + 45) / 2)
    assert result["majority_sector"] == pytest.approx((80 + 135) / 2)
