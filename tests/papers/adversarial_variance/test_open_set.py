"""Open-set rejection, by hand and against sklearn and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_curve

from papers.adversarial_variance.open_set import OpenSetRejection
from tests.papers.adversarial_variance.samples import clouds, output


def at(*degrees: float, length: float = 1.0) -> list[tuple[float, float]]:
    return [(length * float(np.cos(np.radians(d))), length * float(np.sin(np.radians(d)))) for d in degrees]


# Class directions 0 and 90 degrees: the means of normalised embeddings of unequal lengths.
TRAIN = output([*at(-10, length=9), *at(10), *at(80), *at(100, length=3)], [0, 0, 1, 1])


def test_rejection_by_hand():
    known = output(at(1, 92, -20, 110), [0, 1, 0, 1])  # 1, 2, 20 and 20 degrees from the nearest direction
    unseen = output([*at(45, 85, -40), *at(200, length=50)], [7, 8, 9, 9])  # 45, 5, 40 and 110 degrees
    result = OpenSetRejection()(TRAIN, known, unseen)
    # Of sixteen pairs the known image is the farther one in two: 20 degrees against 5.
    assert result["auroc"] == pytest.approx(100 * 14 / 16)
    assert result["fpr_at_95_tpr"] == pytest.approx(25)  # all known must be accepted, so 5 degrees is


def test_the_threshold_accepts_95_percent_of_the_known_and_no_more_than_needed():
    known = output(at(*range(1, 21)), [0] * 20)
    unseen = output(at(18.5, 19.5, 19.4, 45), [5] * 4)
    assert OpenSetRejection()(TRAIN, known, unseen)["fpr_at_95_tpr"] == pytest.approx(25)  # at 19 degrees: 18.5 alone


def test_perfect_and_reversed_and_tied_rejection():
    near, far = output(at(0, 90), [0, 1]), output(at(225, 220), [5, 5])
    assert OpenSetRejection()(TRAIN, near, far) == {"auroc": 100, "fpr_at_95_tpr": 0}
    assert OpenSetRejection()(TRAIN, far, near) == {"auroc": 0, "fpr_at_95_tpr": 100}
    assert OpenSetRejection()(TRAIN, near, near) == {"auroc": 50, "fpr_at_95_tpr": 100}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_rejection_as_sklearn_and_scipy_have_it(seed, dimension):
    random = np.random.default_rng(seed)
    points, labels = clouds(dimension, seed=seed)
    train, known = output(points[::2], labels[::2]), output(points[1::2][:37], labels[1::2][:37])
    unseen = output(4 * random.normal(size=(35, dimension)), [9] * 35)
    result = OpenSetRejection()(train, known, unseen)

    wide = [part.embeddings.astype(np.float64) for part in (train, known, unseen)]
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in wide]
    means = np.stack([unit[0][train.labels == label].mean(axis=0) for label in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    scores = [(part @ means.T).max(axis=1) for part in unit[1:]]
    u = mannwhitneyu(*scores).statistic / (len(scores[0]) * len(scores[1]))
    assert result["auroc"] == pytest.approx(100 * u)
    truth = np.repeat([1, 0], [len(part) for part in scores])
    fpr, tpr, _ = roc_curve(truth, np.concatenate(scores), drop_intermediate=False)
    assert result["fpr_at_95_tpr"] == pytest.approx(100 * fpr[tpr >= 0.95][0])


def test_only_directions_count():
    random = np.random.default_rng(1)
    points, labels = clouds()
    unseen = random.normal(size=(30, 2))
    before = OpenSetRejection()(output(points, labels), output(points, labels), output(unseen, [9] * 30))
    longer = [random.uniform(0.1, 9, size=(len(part), 1)) * part for part in (points, points, unseen)]
    after = OpenSetRejection()(
        *(output(part, names) for part, names in zip(longer, (labels, labels, [9] * 30), strict=True))
    )
    assert after == pytest.approx(before, abs=0.1)
