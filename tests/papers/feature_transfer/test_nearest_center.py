"""Search by nearest center: worked by hand, against a plain search, and whatever the blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from papers.feature_transfer import nearest_center
from papers.feature_transfer.nearest_center import NearestCenters, centers, nearest_is_own
from shared.evaluation.output import Output
from shared.runs.registry import benchmarks


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
        patch.setattr(nearest_center, "BLOCK", block)
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


@pytest.mark.parametrize(("name", "method"), [("nearest-center", "embed"), ("nearest-center-rich", "embed_rich")])
def test_the_options_build_it_for_either_feature(name, method):
    option = benchmarks("feature_transfer")[name]
    assert isinstance(option.build(), NearestCenters)
    assert (option.embedding, option.splits) == (method, ("gallery", "test"))
