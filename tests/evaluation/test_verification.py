"""Verification accuracy over folds, cosine similarity, joined mirror images: by hand and against plain loops."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.data.image_source import ArraySource
from shared.errors import UserError
from shared.evaluation import cosine
from shared.evaluation.cosine import cosines
from shared.evaluation.flip import embedded
from shared.evaluation.verification import fold_accuracies


def right(scores: Sequence[float], same: Sequence[bool], threshold: float) -> int:
    return sum((score >= threshold) == truth for score, truth in zip(scores, same, strict=True))


def slow_threshold(scores: Sequence[float], same: Sequence[bool]) -> float:
    """Return the largest of the thresholds that judge most pairs right: a score or one above all."""
    candidates = sorted({*scores, float("inf")}, reverse=True)
    return max(candidates, key=lambda threshold: right(scores, same, threshold))  # the first, where several are best


def slow_fold_accuracies(scores: Sequence[float], same: Sequence[bool], folds: Sequence[int]) -> list[float]:
    accuracies = []
    for fold in sorted(set(folds)):
        inside = [place for place, number in enumerate(folds) if number == fold]
        outside = [place for place, number in enumerate(folds) if number != fold]
        threshold = slow_threshold([scores[place] for place in outside], [same[place] for place in outside])
        judged = right([scores[place] for place in inside], [same[place] for place in inside], threshold)
        accuracies.append(100 * judged / len(inside))
    return accuracies


def test_accuracies_by_hand():
    scores = np.array([0.9, 0.6, 0.4, 0.3, 0.8, 0.5, 0.5, 0.1])
    same = np.array([True, True, False, False, True, True, False, False])
    folds = np.array([7, 7, 7, 7, 9, 9, 9, 9])
    # On fold 9 the best thresholds are 0.8 and 0.5, each with three of four right: 0.8, under which one of fold 7's two
    # pairs of one person passes. On fold 7 it is 0.6, under which fold 9 loses the pair at 0.5.
    assert fold_accuracies(scores, same, folds).tolist() == [75.0, 75.0]


pairs = st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40)


@given(pairs.filter(lambda rows: len({fold for *_, fold in rows}) > 1))
def test_accuracies_are_those_of_trying_every_threshold(rows):
    scores, same, folds = zip(*rows, strict=True)
    expected = slow_fold_accuracies(scores, same, folds)
    assert fold_accuracies(np.array(scores, float), np.array(same), np.array(folds)).tolist() == expected


def cosine_at(distance: float) -> float:
    """Return the cosine of two unit vectors at a squared distance."""
    return 1 - distance / 2


def test_on_the_grid_a_maximum_between_two_steps_is_missed():
    # Only a threshold between 0.423 and 0.427 tells the pairs of a fold apart: no multiple of 0.01 is there, and 0.42
    # and 0.43 misjudge one of two. The first of all is taken, 0, which accepts no pair.
    scores = np.array([cosine_at(distance) for distance in (0.423, 0.427, 0.423, 0.427)])
    same, folds = np.array([True, False] * 2), np.array([0, 0, 1, 1])
    assert fold_accuracies(scores, same, folds).tolist() == [100, 100]
    assert fold_accuracies(scores, same, folds, "grid").tolist() == [50, 50]


def test_on_the_grid_the_strictest_threshold_accepts_no_pair():
    alike = np.full(4, cosine_at(0.005))
    assert fold_accuracies(alike, np.zeros(4, bool), np.array([0, 0, 1, 1]), "grid").tolist() == [100, 100]


def test_on_the_grid_a_pair_is_accepted_below_the_threshold_and_not_at_it():
    # Genuine at 0.5 exactly in the fold that is chosen on, so that 0.51 is the first threshold that accepts it; in the
    # other fold 0.505 is accepted then, and 0.515 is not.
    scores = np.array([cosine_at(distance) for distance in (0.5, 3, 0.505, 0.515)])
    same = np.array([True, False, True, True])
    accuracies = fold_accuracies(scores, same, np.array([0, 0, 1, 1]), "grid")
    assert accuracies[1] == 50


def insightface_accuracies(scores: np.ndarray, same: np.ndarray, folds: np.ndarray) -> list[float]:
    """Return what InsightFace's `calculate_roc` does, with its 400 thresholds and numpy's first maximum."""
    distances, accuracies = 2 - 2 * scores, []
    thresholds = np.arange(0, 4, 0.01)
    for fold in np.unique(folds):
        inside = folds == fold
        of_training = [np.mean((distances[~inside] < threshold) == same[~inside]) for threshold in thresholds]
        threshold = thresholds[int(np.argmax(of_training))]
        accuracies.append(100 * float(np.mean((distances[inside] < threshold) == same[inside])))
    return accuracies


@pytest.mark.parametrize("seed", range(5))
def test_accuracies_on_the_grid_are_those_of_insightface(seed):
    random = np.random.default_rng(seed)
    same = random.random(200) < 0.5
    scores = np.clip(random.normal(np.where(same, 0.4, 0.0), 0.3), -1, 1)
    folds = np.arange(200) // 20
    assert fold_accuracies(scores, same, folds, "grid").tolist() == pytest.approx(
        insightface_accuracies(scores, same, folds), abs=1e-9
    )


def test_scores_of_the_fold_itself_do_not_move_its_threshold():
    same = np.array([True, False, True, False])
    folds = np.array([0, 0, 1, 1])
    for tested in (0.55, 0.69, 0.7):
        accuracies = fold_accuracies(np.array([0.7, 0.4, tested, 0.1]), same, folds)
        assert accuracies[1] == (100.0 if tested >= 0.7 else 50.0)


def test_none_may_be_accepted():
    same = np.array([False, False, True, False, False, True])
    scores = np.array([0.9, 0.8, 0.1, 0.7, 0.6, 0.2])
    assert fold_accuracies(scores, same, np.arange(6) // 3) == pytest.approx([200 / 3, 200 / 3])


def test_one_fold_has_no_others():
    with pytest.raises(UserError, match="two folds"):
        fold_accuracies(np.array([0.1, 0.2]), np.array([True, False]), np.array([0, 0]))


def test_cosines_by_hand():
    first = np.array([[3, 4], [0, 0], [1e-30, 0], [1e30, 1e30]], np.float32)
    second = np.array([[4, 3], [-6, -8]], np.float32)
    result = cosines(first, np.array([0, 0, 1, 2, 3]), second, np.array([0, 1, 0, 0, 1]))
    assert result == pytest.approx([24 / 25, -1, 0, 0.8, -14 / (10 * np.sqrt(2))], abs=1e-7)
    assert cosines(first, np.empty(0, int), second, np.empty(0, int)).shape == (0,)


@pytest.mark.parametrize("dimensions", [1, 7, 64, 512, 1000])
def test_a_cosine_depends_on_its_pair_alone(dimensions, monkeypatch):
    points = np.random.default_rng(3).normal(size=(60, dimensions)).astype(np.float32)
    first, second = np.divmod(np.arange(3600), 60)
    together = cosines(points, first, points, second).reshape(60, 60)
    alone = [cosines(points, first[[place]], points, second[[place]])[0] for place in range(0, 3600, 97)]
    assert together.ravel()[::97].tolist() == alone
    assert np.array_equal(together, together.T)
    monkeypatch.setattr(cosine, "BLOCK", 77)
    assert np.array_equal(cosines(points, first, points, second), together.ravel())


def embed(images, mirrored):
    values = images.read(np.arange(len(images))).astype(np.float32)
    return (values[:, :, ::-1] if mirrored else values).reshape(len(values), -1)


def test_mirror_images_are_joined_as_asked():
    images = ArraySource(np.array([[[1, 2]], [[5, 3]]], np.uint8))
    assert embedded(images, embed, "none").tolist() == [[1, 2], [5, 3]]
    assert embedded(images, embed, "sum").tolist() == [[3, 3], [8, 8]]
    assert embedded(images, embed, "concatenate").tolist() == [[1, 2, 2, 1], [5, 3, 3, 5]]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_embeddings_that_are_not_finite_are_refused(value):
    images = ArraySource(np.zeros((2, 1, 2), np.uint8))
    with pytest.raises(UserError, match="not finite"):
        embedded(images, lambda images, mirrored: np.array([[0, 1], [value, 0]], np.float32), "none")


def test_embeddings_can_be_worked_on_whatever_the_network_returns():
    images = ArraySource(np.zeros((3, 1, 2), np.uint8))
    shown = np.broadcast_to(np.float32(2), (3, 4))
    result = embedded(images, lambda images, mirrored: shown, "none")
    assert result.flags.writeable
    assert result.flags.c_contiguous
    assert np.array_equal(result, shown)
