"""Search by nearest center and one-shot recognition: worked by hand, against plain ways, and whatever the blocks."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from papers.feature_transfer import OneShot, recognition
from papers.feature_transfer.recognition import (
    NearestCenters,
    OneShotRecognition,
    centers,
    coverage,
    most_likely,
    nearest_is_own,
)
from shared.evaluation.output import Output
from shared.runs.catalogue import benchmarks


def output(embeddings: ArrayLike, labels: ArrayLike, minority: tuple[int, ...] = ()) -> Output:
    """Return an output of which only embeddings, labels and minority matter."""
    of = np.asarray(labels, np.int64)
    vectors = np.zeros((1, 1, 1), np.float32)
    return Output(np.asarray(embeddings, np.float32), of, np.zeros_like(of), vectors, minority)


GALLERY = output([[3, 0], [1, 0], [0, 2], [-1, 1], [-3, -1]], [0, 0, 2, 5, 5])
"""Three classes, with centers (2, 0), (0, 2) and (-2, 0)."""


def test_centers_are_means_of_raw_embeddings_in_the_order_of_the_classes():
    points, classes = centers(output([[0, 2], [3, 0], [-1, 1], [1, 0], [-3, -1]], [2, 0, 5, 0, 5]))
    np.testing.assert_array_equal(points, [[2, 0], [0, 2], [-2, 0]])
    np.testing.assert_array_equal(classes, [0, 2, 5])
    assert points.dtype == np.float64


def test_the_share_found_is_told_of_regular_and_of_ur_images():
    # Of the classes 0 and 5, (9, 1) is nearest to (2, 0) and (-1, 0.9) to (-2, 0), as they should be, and (0.1, 0.2) to
    # (0, 2). Of the UR class 2, (0, 1) is nearest to (0, 2), and (1, 0.9) and (1, 0) to (2, 0).
    points: list[list[float]] = [[9, 1], [0.1, 0.2], [-1, 0.9], [0, 1], [1, 0.9], [1, 0]]
    metrics = NearestCenters()(GALLERY, output(points, [0, 0, 5, 2, 2, 2], minority=(2, 7)))
    assert metrics == pytest.approx({"rank1_regular": 200 / 3, "rank1_ur": 100 / 3})


def test_near_is_what_lies_at_a_small_angle_whatever_the_distance():
    # (2, 1.9) lies 2.1 from (1, 0) and 25 from (20, 20), at angles of 44 and of 1.5 degrees.
    assert NearestCenters()(output([[1, 0], [20, 20]], [0, 1]), output([[2, 1.9]], [1])) == {"rank1_regular": 100.0}


def test_a_tie_counts_against():
    # (1, 1) lies between (2, 0) and (0, 2).
    assert NearestCenters()(GALLERY, output([[1, 1], [1, 1]], [0, 2])) == {"rank1_regular": 0.0}
    # Two classes with one and the same center, at an angle whose cosine rounds, and 1,000 others.
    random = np.random.default_rng(0)
    same = random.normal(size=(1, 320))
    gallery = output(np.concatenate([same, random.normal(size=(1000, 320)), same]), np.arange(1002))
    assert NearestCenters()(gallery, output(np.repeat(same, 3, axis=0), [0, 1001, 0])) == {"rank1_regular": 0.0}


def test_an_embedding_without_length_is_as_far_from_all():
    assert NearestCenters()(GALLERY, output([[0, 0], [1, 0]], [0, 0])) == {"rank1_regular": 50.0}


def test_a_class_without_a_center_is_not_found():
    test = output([[2, 0], [0, 2], [-2, 0], [2, 0]], [1, 3, 9, 0], minority=(9,))
    assert NearestCenters()(GALLERY, test) == pytest.approx({"rank1_regular": 100 / 3, "rank1_ur": 0.0})


@pytest.mark.parametrize(("minority", "name"), [((), "rank1_regular"), ((0, 2, 5), "rank1_ur")])
def test_what_has_no_images_is_left_out(minority, name):
    assert NearestCenters()(GALLERY, output([[1, 0]], [0], minority)) == {name: 100.0}


@given(seed=st.integers(0, 10**6), block=st.integers(1, 40))
def test_it_is_the_plain_search_whatever_the_block(seed, block):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 8, size=30)
    # Whole numbers, so that ties occur.
    gallery = output(random.integers(-2, 3, size=(12, 2)), random.integers(0, 8, size=12))
    test = output(random.integers(-2, 3, size=(30, 2)), labels)
    points, classes = centers(gallery)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recognition, "BLOCK", block)
        found = nearest_is_own(points, classes, test)
    for embedding, label, is_found in zip(test.embeddings, labels, found, strict=True):
        if label not in classes:
            assert not is_found
            continue
        own = cosine(embedding, gallery.embeddings[gallery.labels == label].mean(axis=0, dtype=np.float64))
        others = [
            cosine(embedding, gallery.embeddings[gallery.labels == other].mean(axis=0, dtype=np.float64))
            for other in classes
            if other != label
        ]
        assert is_found == all(own - other > 1e-9 for other in others)


def cosine(first, second) -> float:
    lengths = np.hypot(*first.astype(float)) * np.hypot(*second)
    return float(np.dot(first.astype(float), second) / lengths) if lengths else 0.0


def test_fc_is_asked_of_the_classes_that_it_was_trained_on():
    # Trained on are the classes 0 to 2, of which 2 is UR, as is 3, which FC does not know.
    vectors = np.array([[[3, 4]], [[0, 2]], [[1, 0]]], np.float32)
    labels, predictions = np.array([0, 0, 1, 2, 2, 2, 3]), np.array([0, 1, 1, 2, 0, 1, 0])
    test = Output(np.ones((7, 2), np.float32), labels, predictions, vectors, minority=(2, 3))
    metrics = NearestCenters(classifier=True)(GALLERY, test)
    assert {name: value for name, value in metrics.items() if name.endswith("_fc")} == pytest.approx(
        {"rank1_regular_fc": 200 / 3, "rank1_ur_fc": 100 / 3, "norm_regular_fc": 3.5, "norm_ur_fc": 1.0}
    )
    of_regular = Output(test.embeddings, labels, predictions, vectors, minority=(3,))
    assert "norm_ur_fc" not in NearestCenters(classifier=True)(GALLERY, of_regular)
    assert "rank1_ur_fc" not in NearestCenters(classifier=True)(GALLERY, of_regular)


@pytest.mark.parametrize(("name", "method"), [("nearest-center", "embed"), ("nearest-center-rich", "embed_rich")])
def test_the_options_build_it_for_either_feature(name, method):
    option = benchmarks("feature_transfer")[name]
    protocol = option.build()
    assert isinstance(protocol, NearestCenters)
    assert protocol.classifier is (method == "embed")
    assert (option.embedding, option.splits) == (method, ("gallery", "test"))


def covered(confidence: list[float], right: list[int]) -> float:
    return coverage(np.array(confidence), np.array(right, bool))


def test_all_are_covered_where_one_in_a_hundred_is_wrong():
    confidence = list(np.linspace(0, 1, 100))
    right = [1] * 100
    right[0] = 0
    # 99 of 100 are right, which is 99 %, though the least confident is wrong.
    assert covered(confidence, right) == 100
    # A second wrong one, the next: 98 of 100 and 98 of 99 are too few, 98 of 98 are not.
    right[1] = 0
    assert covered(confidence, right) == 98


def test_precision_may_recover_at_a_lower_threshold():
    # The most confident of 100 is wrong: 0 of 1, 1 of 2, ... 98 of 99 are below 99 %, 99 of 100 reach it.
    confidence = list(np.linspace(1, 0, 100))
    assert covered(confidence, [0] + [1] * 99) == 100
    assert covered(confidence[:99], [0] + [1] * 98) == 0


def test_a_wrong_image_with_the_highest_confidence_of_few_leaves_nothing():
    assert covered([0.9, 0.8, 0.7], [0, 1, 1]) == 0
    assert covered([0.9, 0.8, 0.7], [0, 0, 0]) == 0
    assert covered([0.9], [1]) == 100


def test_images_of_one_confidence_pass_together():
    # The threshold 0.8 lets three images pass, of which one is wrong; only 0.9 is precise.
    assert covered([0.9, 0.8, 0.8, 0.7], [1, 1, 0, 1]) == 25
    assert covered([0.9, 0.8, 0.8, 0.7], [1, 0, 1, 1]) == 25
    # All of one confidence: all or none.
    assert covered([0.5, 0.5], [1, 0]) == 0
    assert covered([0.5, 0.5], [1, 1]) == 100


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 40)), min_size=1, max_size=300))
def test_coverage_is_the_best_of_all_thresholds(images):
    confidence = [score / 30 for score, _ in images]
    right = [int(luck > 0) for _, luck in images]
    best = 0
    for threshold in set(confidence):
        passed = [is_right for score, is_right in zip(confidence, right, strict=True) if score >= threshold]
        if Fraction(sum(passed), len(passed)) >= Fraction(99, 100):
            best = max(best, len(passed))
    assert covered(confidence, right) == 100 * best / len(images)


def test_confidence_is_that_of_the_softmax():
    random = np.random.default_rng(0)
    embeddings, weights = random.normal(size=(20, 6)), random.normal(size=(5, 6))
    named, confidence = most_likely(embeddings, weights)
    exponentials = np.exp(embeddings @ weights.T)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(named, probabilities.argmax(axis=1))
    np.testing.assert_allclose(1 / (1 + np.exp(-confidence)), probabilities.max(axis=1), rtol=1e-12)


def test_probabilities_that_round_to_one_keep_their_order():
    # Logits (100, 0, 0) and (200, 0, 0): log(p / (1 - p)) is 100 - log 2 and 200 - log 2.
    named, confidence = most_likely(np.array([[100.0, 0], [200.0, 0], [0, 1]]), np.array([[1.0, 0], [0, 0], [0, 0]]))
    np.testing.assert_array_equal(named, [0, 0, 0])
    np.testing.assert_allclose(confidence, [100 - math.log(2), 200 - math.log(2), -math.log(2)])


def test_what_is_most_likely_does_not_depend_on_the_blocks(monkeypatch):
    random = np.random.default_rng(1)
    embeddings = random.normal(size=(50, 4)).astype(np.float32)
    weights = random.normal(size=(7, 4)).astype(np.float32)
    whole = most_likely(embeddings, weights)
    monkeypatch.setattr(recognition, "BLOCK", 7)
    parts = most_likely(embeddings, weights)
    np.testing.assert_array_equal(whole[0], parts[0])
    np.testing.assert_allclose(whole[1], parts[1], rtol=1e-13)


def shown(embeddings: list[list[float]], labels: list[int], minority: tuple[int, ...]) -> Output:
    """Return an output whose logits are the embeddings: each class vector is a unit vector."""
    points = np.array(embeddings, np.float32)
    vectors = np.eye(points.shape[1], dtype=np.float32)[:, None]
    return Output(points, np.array(labels), np.zeros(len(labels), np.int64), vectors, minority)


def test_base_and_novel_images_are_told_apart():
    # The classes 0 and 1 are base, 2 is novel. Of the base images one of two is named rightly. Of the novel ones the
    # first two are, with the logits 9 and 5 against 0; the third is taken for the base class 0 with 7, the fourth named
    # rightly with 1. Precise is only the threshold above 7, which lets one of four pass.
    output = shown(
        [[3, 0, 0], [4, 0, 0], [0, 0, 9], [0, 0, 5], [7, 0, 0], [0, 0, 1]],
        [0, 1, 2, 2, 2, 2],
        minority=(2,),
    )
    assert OneShotRecognition()(output) == {"rank1_base": 50.0, "rank1_novel": 75.0, "coverage": 25.0}


def test_base_images_do_not_count_for_coverage():
    # The base image is wrong with the highest confidence.
    output = shown([[0, 9, 0], [0, 0, 5]], [0, 2], minority=(2,))
    assert OneShotRecognition()(output) == {"rank1_base": 0.0, "rank1_novel": 100.0, "coverage": 100.0}


def test_a_kind_of_class_without_images_is_left_out():
    assert OneShotRecognition()(shown([[1, 0]], [0], minority=())) == {"rank1_base": 100.0}
    assert OneShotRecognition()(shown([[1, 0]], [0], minority=(0,))) == {"rank1_novel": 100.0, "coverage": 100.0}


def test_the_option_builds_one_shot_recognition():
    assert isinstance(OneShot().build(), OneShotRecognition)
    assert OneShot().splits == ("test",)
