"""The sphere on which embeddings in three dimensions are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from papers.discface import sphere
from shared.reporting.figure import drawing


def test_the_view_is_a_rotation_with_the_last_two_classes_in_front():
    random = np.random.default_rng(0)
    for _ in range(20):
        vectors = random.normal(size=(4, 3))
        rotation = sphere.view(vectors)
        assert rotation @ rotation.T == pytest.approx(np.eye(3))
        assert np.linalg.det(rotation) == pytest.approx(1)
        third, last = (vectors[2:] / np.linalg.norm(vectors[2:], axis=1, keepdims=True)) @ rotation.T
        assert third == pytest.approx([-last[0], 0, last[2]])
        assert last[0] > 0
        assert last[2] > 0


@pytest.mark.parametrize("last", [[1, 0, 0], [-1, 0, 0], [0, 0, 0]])
def test_the_view_of_vectors_that_coincide_or_oppose_each_other_is_a_rotation_too(last):
    rotation = sphere.view(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], last]))
    assert rotation @ rotation.T == pytest.approx(np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_points_behind_the_sphere_are_paler():
    picture = drawing()
    rotation = np.eye(3)
    points = np.array([[0.0, 0, 1], [0, 0, -1]])
    sphere.scatter(picture.axes[0], points, np.array([0, 0]), np.eye(3), rotation=rotation)
    shown = [part for part in picture.axes[0].collections if np.size(part.get_offsets())]
    assert {part.get_alpha() for part in shown} == {0.22, 0.75}
