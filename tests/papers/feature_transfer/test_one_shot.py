"""One-shot recognition: coverage at a precision of 0.99 worked by hand, and against trying every threshold."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from papers.feature_transfer import OneShot, one_shot
from papers.feature_transfer.one_shot import OneShotRecognition, coverage, most_likely
from shared.evaluation.output import Output


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
    monkeypatch.setattr(one_shot, "BLOCK", 7)
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


def test_what_has_no_images_is_left_out():
    assert OneShotRecognition()(shown([[1, 0]], [0], minority=())) == {"rank1_base": 100.0}
    assert OneShotRecognition()(shown([[1, 0]], [0], minority=(0,))) == {"rank1_novel": 100.0, "coverage": 100.0}


def test_the_option_builds_it():
    assert isinstance(OneShot().build(), OneShotRecognition)
    assert OneShot().splits == ("test",)
