"""One-shot trials: queries among support images, worked by hand."""

import numpy as np
import pytest

from shared.data.evaluation_sets import OneShotTrials
from shared.data.image_source import ArraySource
from shared.evaluation.one_shot import OneShotAccuracy

IMAGES = ArraySource(np.zeros((12, 2, 2), np.uint8))


def accuracy(embeddings, answer=((0, 1, 2), (2, 0, 1))) -> float:
    """Two trials of three: the images 0 to 2 and 6 to 8 are queries, 3 to 5 and 9 to 11 the support."""
    trials = OneShotTrials(
        images=IMAGES,
        query=np.array([[0, 1, 2], [6, 7, 8]]),
        support=np.array([[3, 4, 5], [9, 10, 11]]),
        answer=np.array(answer),
        checksums={},
    )

    def embed(images, mirrored) -> np.ndarray:
        assert images is IMAGES
        assert not mirrored
        return np.asarray(embeddings, np.float32)

    [(name, found)] = OneShotAccuracy()(trials, embed).items()
    assert name == "accuracy"
    return found


def in_directions(*classes: int) -> np.ndarray:
    # Of different lengths, which the cosine leaves out.
    return np.eye(3)[list(classes)] * np.arange(1, 13)[:, None]


def test_each_query_is_found_by_its_direction():
    assert accuracy(in_directions(0, 1, 2, 0, 1, 2, 2, 0, 1, 0, 1, 2)) == 100


def test_a_query_is_searched_for_among_the_support_of_its_own_trial():
    # In the first trial the queries 0 and 1 are taken for each other; in the second all are right.
    assert accuracy(in_directions(1, 0, 2, 0, 1, 2, 2, 0, 1, 0, 1, 2)) == pytest.approx(400 / 6)


def test_a_tie_finds_nothing():
    assert accuracy(np.ones((12, 3))) == 0
    # Of one direction too, whose cosines are equal but for rounding.
    rng = np.random.default_rng(0)
    for lengths in rng.uniform(1, 9, size=(20, 12)):
        assert accuracy(np.outer(lengths, [1, 2, 3])) == 0


def test_noise_finds_a_share_of_one_in_so_many_classes():
    rng = np.random.default_rng(0)
    trials, classes = 100, 20
    images = ArraySource(np.zeros((2 * trials * classes, 1, 1), np.uint8))
    places = np.arange(2 * trials * classes).reshape(2, trials, classes)
    data = OneShotTrials(images, places[0], places[1], rng.integers(classes, size=(trials, classes)), {})
    found = OneShotAccuracy()(data, lambda _images, _mirrored: rng.normal(size=(len(images), 8)).astype(np.float32))
    assert found["accuracy"] == pytest.approx(100 / classes, abs=2)
