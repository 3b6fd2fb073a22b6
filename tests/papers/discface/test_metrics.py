"""Displacement vectors and angles of pairs, measured on embeddings for which the answer is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.discface.discrepancy import ClassDiscrepancy, Discrepancy, mean_cosine, mean_difference, probe_accuracy
from papers.discface.following import Following, Improvement
from papers.discface.pair_angles import PairAngles, pair_angles, positive_angles
from shared.evaluation.output import Output

AXES = np.eye(3)


def output(embeddings, labels, vectors=AXES) -> Output:
    labels = np.asarray(labels)
    return Output(
        np.asarray(embeddings, np.float32), labels, labels, np.asarray(vectors, np.float32)[:, None, :], minority=()
    )


def around(vector: np.ndarray, towards: np.ndarray, degrees: float) -> np.ndarray:
    """Return a unit vector turned by an angle towards another at right angles to it."""
    angle = np.radians(degrees)
    turned: np.ndarray = np.cos(angle) * vector + np.sin(angle) * towards
    return turned


def test_two_features_on_either_side_of_their_class_vector():
    # Figure 1: the same score in training, at twice the angle in evaluation.
    x, y, _ = AXES
    metrics = Discrepancy()(output([5 * around(x, y, 20), 2 * around(x, -y, 20)], [0, 0], 7 * AXES))
    assert metrics["positive_angle"] == pytest.approx(40, abs=1e-4)
    # The chord of 20 degrees, leaning inwards by half of them.
    assert metrics["displacement_length"] == pytest.approx(2 * np.sin(np.radians(10)), abs=1e-6)
    assert metrics["radial"] == pytest.approx(0, abs=1e-6)
    assert metrics["displacement_cosine"] == pytest.approx(np.cos(np.radians(160)), abs=1e-6)
    assert metrics["directional"] == pytest.approx(1 - np.cos(np.radians(160)), abs=1e-6)


def test_features_of_two_classes_displaced_alike_have_no_discrepancy():
    x, y, z = AXES
    metrics = Discrepancy()(output([around(x, z, 10), around(y, z, 10)] * 2, [0, 1, 0, 1]))
    chord = around(x, z, 10) - x, around(y, z, 10) - y
    cosine = chord[0] @ chord[1] / np.linalg.norm(chord[0]) ** 2
    assert metrics["displacement_cosine"] == pytest.approx((2 + 4 * cosine) / 6, abs=1e-5)
    assert metrics["positive_angle"] == pytest.approx(0, abs=1e-3)
    assert metrics["radial"] == pytest.approx(0, abs=1e-6)


def test_of_classes_the_mean_displacements_are_compared_however_alike_those_within_are():
    x, y, z = AXES
    aside = [around(x, -z, 60), around(x, -z, 61), around(y, -z, 60)]
    alike = ClassDiscrepancy()(output(aside, [0, 0, 1]))
    first, second = (aside[0] + aside[1]) / 2 - x, aside[2] - y
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    assert alike == {"displacement_cosine": pytest.approx(cosine, abs=1e-5)}
    # On either side of its vector each, both classes lean on the whole towards z.
    scattered = [around(x, side, 60) + around(x, z, 10) for side in (y, -y)]
    scattered += [around(y, side, 60) + around(y, z, 10) for side in (x, -x)]
    given = output(scattered, [0, 0, 1, 1])
    assert ClassDiscrepancy()(given)["displacement_cosine"] > 0
    assert Discrepancy()(given)["displacement_cosine"] < ClassDiscrepancy()(given)["displacement_cosine"]
    assert ClassDiscrepancy()(output(aside[:2], [0, 0])) == {}


def test_one_direction_and_two_lengths_is_a_radial_discrepancy_alone():
    x, y, _ = AXES
    lengths = [2 * np.sin(np.radians(angle / 2)) for angle in (10, 30)]
    metrics = Discrepancy()(output([around(x, y, 10), around(x, y, 30)], [0, 0]))
    assert metrics["radial"] == pytest.approx(lengths[1] - lengths[0], abs=1e-6)
    # The directions differ too: a chord leans inwards by half of its angle.
    assert metrics["displacement_cosine"] == pytest.approx(np.cos(np.radians(10)), abs=1e-6)


def test_what_is_within_classes_leaves_out_pairs_of_two():
    x, y, z = AXES
    # Within a class all alike; between the two, other directions and other lengths.
    metrics = Discrepancy()(output([around(x, y, 10)] * 2 + [around(z, y, 40)] * 3, [0, 0, 2, 2, 2]))
    assert metrics["directional_within"] == pytest.approx(0, abs=1e-6)
    assert metrics["radial_within"] == pytest.approx(0, abs=1e-6)
    assert metrics["directional"] > 0.01
    assert metrics["radial"] > 0.1
    assert metrics["own_angle"] == pytest.approx((2 * 10 + 3 * 40) / 5, abs=1e-4)
    # Figure 1 in one class, and in another a single image, which has no pair.
    metrics = Discrepancy()(output([around(x, y, 20), around(x, -y, 20), z], [0, 0, 1]))
    assert metrics["directional_within"] == pytest.approx(1 - np.cos(np.radians(160)), abs=1e-6)
    assert metrics["radial_within"] == pytest.approx(0, abs=1e-6)


def test_embeddings_far_to_one_side_of_their_vectors_are_no_success():
    # All embeddings in one place, as a training that gets nowhere leaves them, and the class vectors far from it.
    vectors = np.array([around(-AXES[0], AXES[1], 20), around(-AXES[0], -AXES[1], 20)])
    failed = Discrepancy()(output([AXES[0]] * 4, [0, 1, 0, 1], vectors))
    # Embeddings some degrees from their vectors, in any direction.
    near = [around(vector, side * AXES[2], 3) for vector in AXES[:2] for side in (1, -1)]
    succeeded = Discrepancy()(output(near, [0, 0, 1, 1]))
    assert failed["displacement_cosine"] > 0.9
    assert succeeded["displacement_cosine"] < 0
    assert failed["own_angle"] == pytest.approx(160, abs=1e-4)
    # Half the distance of the two class vectors, sin 20; and the chord of three degrees, a little less its mean.
    assert failed["displacement_spread"] == pytest.approx(np.sin(np.radians(20)), abs=1e-6)
    assert succeeded["displacement_spread"] == pytest.approx(2 * np.sin(np.radians(1.5)), rel=1e-3)


def test_verification_follows_classification_by_their_ranks_along_training():
    rows = [(60.0, 70.0), (50.0, 71.0), (30.0, 90.0), (40.0, 95.0)]
    curve = [{"epoch": 1.0, "held_out_error": error, "cfp-fp/accuracy": right} for error, right in rows]
    # Ranks of classification 1, 2, 4, 3, of verification 1, 2, 3, 4: 1 - 6 x 2 / (4 x 15).
    assert Following()(curve) == {"rank_correlation": pytest.approx(0.8)}
    assert Following()([row | {"cfp-fp/accuracy": 50.0} for row in curve]) == {}
    assert Following()(curve[:1]) == {}
    # From 40 to 60 % right, and from 70 to 95.
    assert Improvement()(curve) == {"verification_per_point": pytest.approx(1.25)}
    assert Improvement()(curve[:1]) == Improvement()(curve[::-1]) == {}


vectors = st.lists(st.lists(st.floats(-3, 3), min_size=3, max_size=3), min_size=2, max_size=12).map(np.array)


@given(vectors)
def test_the_mean_cosine_is_that_over_all_pairs(points):
    units = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    slow = np.mean([first @ second for first, second in combinations(units, 2)])
    assert mean_cosine(points) == pytest.approx(slow, abs=1e-9)


@given(st.lists(st.floats(0, 10), min_size=2, max_size=20).map(np.array))
def test_the_mean_difference_is_that_over_all_pairs(values):
    slow = np.mean([abs(first - second) for first, second in combinations(values, 2)])
    assert mean_difference(values) == pytest.approx(slow, abs=1e-9)


def test_of_one_image_a_class_what_is_not_defined_is_left_out():
    metrics = Discrepancy()(output([[1, 1, 0], [0, 1, 1]], [0, 1]))
    assert set(metrics) == {
        "own_angle",
        "displacement_cosine",
        "directional",
        "radial",
        "displacement_length",
        "displacement_spread",
    }
    assert set(PairAngles()(output([[1, 0, 0]], [0]))) == set()


def test_the_probe_tells_classes_where_displacement_differs_by_class_and_only_there():
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 25)
    noise = random.normal(size=(100, 3))
    of_class = 20 * np.concatenate([AXES, [[-1, -1, -1]]])
    accuracy, chance = probe_accuracy(noise + of_class[labels], labels)
    assert (accuracy, chance) == (100, 25)
    accuracy, _ = probe_accuracy(noise, labels)
    assert accuracy < 45


def test_the_probe_leaves_out_classes_of_two_images_and_all_beyond_the_fifty_largest():
    random = np.random.default_rng(0)
    labels = np.concatenate([np.repeat(np.arange(60), 3), [60, 60], np.repeat([61], 9)])
    _, chance = probe_accuracy(random.normal(size=(len(labels), 3)), labels)
    assert chance == pytest.approx(100 * 9 / (49 * 3 + 9))
    assert np.isnan(probe_accuracy(np.ones((6, 2)), np.array([0, 1, 2] * 2))).all()


def test_angles_of_pairs_by_hand():
    x, y, z = AXES
    directions = np.stack([x, around(x, y, 30), z, around(z, y, 50)])
    labels = np.array([0, 0, 1, 1])
    assert positive_angles(directions, labels) == pytest.approx({0: 30, 1: 50})
    positive, negative = pair_angles(directions, labels)
    assert sorted(positive) == pytest.approx([30, 50])
    last = np.degrees(np.arccos(np.sin(np.radians(30)) * np.sin(np.radians(50))))
    assert sorted(negative) == pytest.approx(sorted([90, 90, 90, last]))
    metrics = PairAngles()(output(directions, labels))
    assert metrics["positive_angle_class0"] == pytest.approx(30, abs=1e-4)
    assert metrics["positive_angle_class1"] == pytest.approx(50, abs=1e-4)
    assert metrics["negative_angle"] == pytest.approx((270 + last) / 4, abs=1e-4)
    assert metrics["overlap"] == 0


def test_the_overlap_is_what_two_distributions_have_in_common():
    x, y, _ = AXES
    # In one plane: both positive pairs at 20.5 degrees; the negative ones at 41.2 (twice), 61.7 and 20.7.
    directions = [around(x, y, angle) for angle in (0, 20.5, 41.2, 61.7)]
    assert PairAngles()(output(directions, [0, 0, 1, 1]))["overlap"] == pytest.approx(25)
    same = PairAngles()(output([x, x, x, x], [0, 0, 1, 1]))
    assert same["overlap"] == pytest.approx(100)
