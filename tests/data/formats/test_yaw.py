"""The yaw of a head from five landmarks: a model that is known, faces that are drawn, and what must not matter."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.data.formats.yaw import EYES, MOUTH, NOSE, yaw_from_landmarks
from shared.data.rendered.faces import render
from tests.data.samples import TEMPLATE

MODEL = np.array(
    [[-EYES / 2, -30, 0], [EYES / 2, -30, 0], [0, 0, NOSE], [-MOUTH / 2, 30, 0], [MOUTH / 2, 30, 0]], np.float64
)
"""x to the right, y downwards, z towards the camera."""


def seen(yaw: float, pitch: float = 0.0) -> np.ndarray:
    """Return what a camera far away sees of the model, [5, 2], first turned to the right, then nodding."""
    yaw, pitch = np.radians([yaw, pitch])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    points: np.ndarray = MODEL @ (nod @ turn).T
    return points[:, :2]


def mirrored(points: np.ndarray) -> np.ndarray:
    """Return the points of the mirror image, left and right again as one looks at it."""
    return (points * [-1, 1])[..., [1, 0, 2, 4, 3], :]


@pytest.mark.parametrize("yaw", [-89, -60, -30, -1, 0, 15, 45, 75, 89])
def test_the_model_itself_is_measured_exactly(yaw):
    (found,) = yaw_from_landmarks(seen(yaw)[None])
    assert found == pytest.approx(yaw, abs=1e-4)


@given(
    st.floats(-85, 85),
    st.floats(-180, 180),
    st.floats(0.1, 20),
    st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
)
def test_rotation_in_the_image_scale_and_place_do_not_matter(yaw, roll, scale, shift):
    angle = np.radians(roll)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = scale * seen(yaw) @ rotation.T + shift
    assert yaw_from_landmarks(points[None])[0] == pytest.approx(yaw, abs=1e-3)


@given(st.lists(st.floats(-100, 100), min_size=10, max_size=10))
def test_a_mirror_image_has_the_opposite_yaw(numbers):
    points = np.reshape(numbers, (1, 5, 2))
    np.testing.assert_allclose(yaw_from_landmarks(mirrored(points)), -yaw_from_landmarks(points), atol=1e-4)


@pytest.mark.parametrize("pitch", [-20, 20])
@pytest.mark.parametrize("yaw", [-45, -20, 0, 20, 45])
def test_nodding_changes_little(yaw, pitch):
    (found,) = yaw_from_landmarks(seen(yaw, pitch)[None])
    assert found == pytest.approx(yaw, abs=7)


def test_the_template_of_arcface_is_frontal_and_a_face_is_turned_to_where_its_nose_points():
    right = TEMPLATE.copy()
    right[2, 0] += 6
    (frontal, turned) = yaw_from_landmarks(np.stack([TEMPLATE, right]))
    assert abs(frontal) < 1.5
    # By hand: 6 pixels sideways of a nose that would reach 37 / 121 of the 64.4 pixels that eyes and mouth are wide.
    assert turned - frontal == pytest.approx(np.degrees(np.arctan(6 / (37 / 121 * 64.4))), abs=1.0)


def test_what_has_no_width_or_is_not_known_has_no_yaw():
    points = np.stack([np.zeros((5, 2)), np.full((5, 2), 7.0), TEMPLATE])
    points[2, 2, 0] = np.nan
    found = yaw_from_landmarks(points)
    assert found.dtype == np.float32
    assert np.isnan(found).all()
    assert yaw_from_landmarks(np.empty((0, 5, 2))).shape == (0,)


def test_drawn_faces_are_measured_to_a_few_degrees_though_their_heads_are_not_the_model():
    count = 600
    yaw = np.random.default_rng(0).uniform(-80, 80, count).astype(np.float32)
    faces = render(np.arange(count), np.arange(count) % 7, yaw=yaw)
    found = yaw_from_landmarks(faces.landmarks)
    turned = abs(yaw)
    error = abs(found - yaw)
    assert np.all(np.sign(found) == np.sign(yaw))
    within = turned <= 45
    assert np.median(error[within]) < 3
    assert np.quantile(error[within], 0.9) < 8
    assert np.quantile(error[~within], 0.9) < 10
    assert np.corrcoef(found, yaw)[0, 1] > 0.99
