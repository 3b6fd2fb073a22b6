"""Pooling of images to templates, and the scores of pairs of templates: by hand and against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.errors import UserError
from shared.evaluation import templates
from shared.evaluation.templates import media_weights, pair_scores, places_of, pooled, products


def slow_pooled(embeddings: NDArray[np.float32], template: list[int], media: list[int]) -> NDArray[np.float64]:
    """Average the images of each medium of a template, sum the averages, divide by the length."""
    directions = []
    for number in sorted(set(template)):
        total = np.zeros(embeddings.shape[1])
        for medium in sorted({m for t, m in zip(template, media, strict=True) if t == number}):
            mine = [place for place in range(len(template)) if (template[place], media[place]) == (number, medium)]
            total += np.mean([embeddings[place].astype(np.float64) for place in mine], axis=0)
        directions.append(total / max(float(np.linalg.norm(total)), 1e-12))
    return np.array(directions)


def test_a_video_counts_as_much_as_a_still():
    embeddings = np.array([[3, 0], [0, 2], [0, 6], [5, 12]], np.float32)
    template, media = np.array([20, 20, 20, 10]), np.array([1, 7, 7, 7])
    weights = media_weights(template, media)
    assert weights.tolist() == [1, 0.5, 0.5, 1]  # medium 7 of template 10 is not that of template 20
    numbers, directions = pooled(embeddings, template, weights)
    assert numbers.tolist() == [10, 20]
    assert directions == pytest.approx(np.array([[5 / 13, 12 / 13], [3 / 5, 4 / 5]]), abs=1e-7)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-2, 2)), min_size=1, max_size=30), st.integers(0, 99))
def test_pooling_is_that_of_plain_loops(rows, seed):
    template, media = (np.array(column) for column in zip(*rows, strict=True))
    embeddings = np.random.default_rng(seed).normal(1, 2, size=(len(rows), 5)).astype(np.float32)
    _, directions = pooled(embeddings, template, media_weights(template, media))
    assert directions == pytest.approx(slow_pooled(embeddings, template.tolist(), media.tolist()), abs=1e-4)


def test_what_cancels_has_no_direction():
    embeddings = np.array([[1, 2], [-1, -2]], np.float32)
    _, directions = pooled(embeddings, np.zeros(2, int), np.ones(2, np.float32))
    assert directions.tolist() == [[0, 0]]


def test_places_of_templates():
    assert places_of(np.array([30, 5, 30]), np.array([5, 12, 30])).tolist() == [2, 0, 2]
    for absent in (4, 13, 31):
        with pytest.raises(UserError, match=f"number {absent} "):
            places_of(np.array([5, absent]), np.array([5, 12, 30]))


@pytest.mark.parametrize("block", [1, 2, 3, 1024])
def test_scores_of_pairs_are_those_of_plain_loops(block, monkeypatch):
    monkeypatch.setattr(templates, "BLOCK", block)
    generator = np.random.default_rng(block)
    directions = generator.integers(-4, 5, size=(9, 6)).astype(np.float32)  # whole numbers: no sum is rounded
    first, second = generator.integers(0, 9, size=(2, 200))
    first[first == 4] = 5  # one is in no pair
    expected = [float(sum(directions[a] * directions[b])) for a, b in zip(first, second, strict=True)]
    assert pair_scores(directions, first, second).tolist() == expected
    assert pair_scores(directions, np.sort(first), second).tolist() == [
        float(sum(directions[a] * directions[b])) for a, b in zip(np.sort(first), second, strict=True)
    ]


def test_no_pairs_have_no_scores():
    assert pair_scores(np.eye(3, dtype=np.float32), np.empty(0, int), np.empty(0, int)).shape == (0,)


def test_products_of_all_rows():
    assert products(np.eye(2, dtype=np.float32), np.array([[1, 2], [3, 4], [5, 6]], np.float32)).tolist() == [
        [1, 3, 5],
        [2, 4, 6],
    ]
