"""The sphere on which embeddings in three dimensions are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from shared.reporting import sphere
from shared.reporting.figure import drawing


def test_the_view_keeps_lengths_with_the_last_two_classes_in_front_and_the_first_above_the_second():
    random = np.random.default_rng(0)
    for _ in range(20):
        vectors = random.normal(size=(4, 3))
        rotation = sphere.view(vectors)
        assert rotation @ rotation.T == pytest.approx(np.eye(3))
        first, second, third, last = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)) @ rotation.T
        assert first[1] >= second[1]
        assert third == pytest.approx([-last[0], 0, last[2]])
        assert last[0] > 0
        assert last[2] > 0


@pytest.mark.parametrize("last", [[1, 0, 0], [-1, 0, 0], [0, 0, 0]])
def test_the_view_of_vectors_that_coincide_or_oppose_each_other_keeps_lengths_too(last):
    rotation = sphere.view(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], last]))
    assert rotation @ rotation.T == pytest.approx(np.eye(3))


@pytest.mark.parametrize("turned", range(3))
def test_what_differs_by_a_rotation_or_a_reflection_is_drawn_alike(turned):
    random = np.random.default_rng(turned)
    vectors = random.normal(size=(4, 3))
    orthogonal, _ = np.linalg.qr(random.normal(size=(3, 3)))
    for mirrored in (orthogonal, -orthogonal):
        other = vectors @ mirrored.T
        assert other @ sphere.view(other).T == pytest.approx(vectors @ sphere.view(vectors).T)


def test_points_behind_the_sphere_are_paler():
    picture = drawing()
    rotation = np.eye(3)
    points = np.array([[0.0, 0, 1], [0, 0, -1]])
    sphere.scatter(picture.axes[0], points, np.array([0, 0]), np.eye(3), turned=rotation)
    shown = [part for part in picture.axes[0].collections if np.size(part.get_offsets())]
    assert {part.get_alpha() for part in shown} == {sphere.FAINT, 0.6}


def test_a_class_weight_has_the_colour_of_its_class():
    picture = drawing()
    vectors = np.array([[0.0, 0, 1], [0, 0, -1]])
    sphere.scatter(picture.axes[0], vectors, np.array([0, 1]), vectors, turned=np.eye(3))
    weights = [line for line in picture.axes[0].lines if line.get_marker() == "P"]
    # What is behind is drawn first.
    assert [line.get_color() for line in weights] == [sphere.PALETTE[1], sphere.PALETTE[0]]
    assert [line.get_markeredgecolor() for line in weights] == ["#7a7a7a", "black"]
    assert [text.get_text() for text in picture.axes[0].texts] == ["B", "A"]


def test_a_letter_stands_on_the_side_away_from_the_nearest_other_class():
    picture = drawing()
    vectors = np.array([[0.0, 0, 1], [0.1, 0, 1], [0, 0.9, 0.4], [0, 0, -1]])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    sphere.scatter(picture.axes[0], vectors, np.arange(4), vectors, turned=np.eye(3))
    places = {text.get_text(): text.get_position() for text in picture.axes[0].texts}
    assert places["B"] == pytest.approx((sphere.LETTER_AWAY, 0), abs=1e-6)
    assert places["C"][1] > 0
    # Behind A, at the same place: no direction leads away.
    assert places["D"] == pytest.approx((sphere.LETTER_AWAY / 2**0.5,) * 2)


def test_a_letter_at_the_lower_rim_stands_above_its_class():
    assert sphere._away_from_nearest(np.array([[0, 0.5], [0, -0.9]]), 1) == pytest.approx((0, sphere.LETTER_AWAY))
    assert sphere._away_from_nearest(np.array([[0, 0.5], [0, -0.7]]), 1) == pytest.approx((0, -sphere.LETTER_AWAY))
