"""Pairs of classes that no run trains on: rates in closed form, folds that have no class in common."""

import numpy as np
import pytest

from shared.errors import UserError
from shared.evaluation.output import Output
from shared.evaluation.unseen_pairs import FOLDS, UnseenPairs, balanced

CLASSES, EACH = 25, 4


def output(embeddings, labels) -> Output:
    return Output(
        np.asarray(embeddings, np.float32),
        np.asarray(labels),
        np.zeros(len(labels), int),
        np.zeros((1, 1, 1), np.float32),
        (),
    )


def test_classes_in_directions_of_their_own_are_all_told_apart():
    labels = np.repeat(np.arange(100, 100 + CLASSES), EACH)
    measured = UnseenPairs()(output(np.eye(CLASSES)[labels - 100], labels))
    # 4,800 impostor pairs are too few for a rate of 1e-4.
    assert measured == {"tar@1e-1": 100, "tar@1e-2": 100, "tar@1e-3": 100, "eer": 0, "accuracy": 100}


def test_a_class_that_looks_like_another_costs_its_share():
    """All images of the classes 0 and 1 are alike: 16 impostor pairs are as near as genuine ones."""
    labels = np.repeat(np.arange(CLASSES), EACH)
    measured = UnseenPairs()(output(np.eye(CLASSES)[np.maximum(labels, 1)], labels))
    impostors = EACH**2 * CLASSES * (CLASSES - 1) / 2
    assert measured["eer"] == pytest.approx(50 * EACH**2 / impostors)
    assert measured["tar@1e-2"] == 100
    assert measured["tar@1e-3"] == 0


def test_noise_tells_nothing():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(60), 10)
    measured = UnseenPairs()(output(rng.normal(size=(600, 32)), labels))
    assert measured["eer"] == pytest.approx(50, abs=2)
    assert measured["accuracy"] == pytest.approx(50, abs=2)
    assert measured["tar@1e-1"] == pytest.approx(10, abs=2)
    # Of 177,000 impostor pairs.
    assert list(measured) == [*(f"tar@1e-{power}" for power in range(1, 6)), "eer", "accuracy"]


def test_folds_have_as_many_pairs_of_two_classes_as_of_one_and_no_class_in_common():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(CLASSES), EACH))
    first, second = np.triu_indices(len(labels), 1)
    pairs, folds = balanced(labels, first, second)
    one, other = labels[first[pairs]], labels[second[pairs]]
    assert len(np.unique(pairs)) == len(pairs)
    assert (one == other).sum() == CLASSES * EACH * (EACH - 1) / 2
    members = [set(one[folds == fold]) | set(other[folds == fold]) for fold in range(FOLDS)]
    assert sorted(label for fold in members for label in fold) == list(range(CLASSES))
    for fold in range(FOLDS):
        same = (one == other)[folds == fold]
        assert same.sum() == (~same).sum()


def test_pairs_of_two_classes_are_drawn_from_all_images_of_a_fold():
    labels = np.repeat(np.arange(6 * FOLDS), EACH)
    first, second = np.triu_indices(len(labels), 1)
    pairs, folds = balanced(labels, first, second)
    two = pairs[(labels[first[pairs]] != labels[second[pairs]]) & (folds == 0)]
    assert len(two) == 36
    # Of 24 images each is in three of them on average; the first pairs of the fold all have one of two images.
    assert np.bincount(np.concatenate([first[two], second[two]])).max() < 9


@pytest.mark.parametrize("labels", [np.repeat(np.arange(19), 2), [*np.repeat(np.arange(30), 2), 30]])
def test_too_few_classes_or_images_are_refused(labels):
    with pytest.raises(UserError, match="take 20 classes of two images or more"):
        UnseenPairs()(output(np.ones((len(labels), 2)), labels))
