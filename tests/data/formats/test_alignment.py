"""The similarity of five landmarks against known ones and against linear least squares; the pixels of the warp."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from shared.data.formats.alignment import SIDE, AlignedSource, align, similarity, warp
from shared.data.reading.pictures import opened
from shared.data.rendered.faces import render
from shared.errors import UserError
from tests.data.samples import TEMPLATE


def known(scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])


def moved(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    found: np.ndarray = points @ transform[:, :2].T + transform[:, 2]
    return found


def least_squares(points: np.ndarray, template: np.ndarray) -> np.ndarray:
    """The similarity without reflection, linear in a, b, x, y: (a p - b q + x, b p + a q + y)."""
    (p, q), one, zero = points.T, np.ones(len(points)), np.zeros(len(points))
    system = np.concatenate([np.stack([p, -q, one, zero], 1), np.stack([q, p, zero, one], 1)])
    (a, b, x, y), *_ = np.linalg.lstsq(system, np.concatenate(template.T))
    return np.array([[a, -b, x], [b, a, y]])


def test_a_known_similarity_is_recovered():
    transforms = [known(0.4, -170, (3, 4)), known(1, 0, (0, 0)), known(2.5, 33, (-100, 7)), known(9, 90, (0, 1000))]
    points = np.stack([(TEMPLATE - t[:, 2]) @ np.linalg.inv(t[:, :2]).T for t in transforms])
    np.testing.assert_allclose(similarity(points), transforms, atol=1e-9)
    np.testing.assert_allclose(similarity(points[2]), transforms[2], atol=1e-9)


def test_worked_example():
    # A unit square turned by a right angle, twice as large, moved by (5, 1): (x, y) goes to (5 - 2y, 1 + 2x).
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
    target = np.array([[5, 1], [5, 3], [3, 3], [3, 1]], float)
    np.testing.assert_allclose(similarity(square, target), [[0, -2, 5], [2, 0, 1]], atol=1e-12)


def test_a_mirrored_face_is_not_mirrored_back():
    mirrored = TEMPLATE * [-1, 1] + [SIDE, 0]
    found = similarity(mirrored)
    assert np.linalg.det(found[:, :2]) > 0
    np.testing.assert_allclose(found, least_squares(mirrored, TEMPLATE), atol=1e-9)
    # Of a reflection of points that are alike in both directions no rotation is better than another: its size is none.
    cross = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], float)
    np.testing.assert_allclose(similarity(cross * [-1, 1], cross + 2), [[0, 0, 2], [0, 0, 2]], atol=1e-12)


@given(points=arrays(float, (5, 2), elements=st.floats(-200, 200)))
@settings(deadline=None)
def test_nearest_of_all_similarities(points):
    if np.ptp(points, axis=0).max() < 1e-3:
        return
    found, reference = similarity(points), least_squares(points, TEMPLATE)
    errors = [((moved(transform, points) - TEMPLATE) ** 2).sum() for transform in (found, reference)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-6)
    np.testing.assert_allclose(found[:, :2], [[found[0, 0], -found[1, 0]], [found[1, 0], found[0, 0]]], atol=1e-9)


def test_points_in_the_template_leave_the_image_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    np.testing.assert_allclose(align(Image.fromarray(image), TEMPLATE).astype(int), image, atol=1)


def test_pixels_are_moved_by_whole_and_half_steps():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    across = warp(Image.fromarray(image), known(1, 0, (3, 2)), 40)
    np.testing.assert_array_equal(across[2:, 3:], image[:-2, :-3])
    assert not across[:2].any()
    assert not across[:, :3].any()
    half = warp(Image.fromarray(image), known(1, 0, (0.5, 0)), 40).astype(float)
    between = (image[:, :-1].astype(float) + image[:, 1:]) / 2
    np.testing.assert_allclose(half[:, 1:], between, atol=0.51)


def test_a_quarter_turn_about_the_middle_turns_the_pixels():
    image = np.random.default_rng(0).integers(0, 256, (21, 21, 3), dtype=np.uint8)
    # The middle pixel's centre is (10, 10): (x, y) goes to (20 - y, x), clockwise as one looks at it.
    turned = warp(Image.fromarray(image), known(1, 90, (20, 0)), 21)
    np.testing.assert_allclose(turned.astype(int), np.rot90(image, -1), atol=1)


def test_a_face_warped_away_is_aligned_back(tmp_path: Path):
    faces = render(np.array([3, 4]), np.array([0, 0]), nuisance=0)
    away = known(1.4, 24, (60, -10))
    names = []
    for number, image in enumerate(faces.images):
        padded = np.pad(image, ((60, 60), (60, 60), (0, 0)), mode="edge")
        shifted = known(1, 0, (-60, -60))
        both = np.vstack([away, [0, 0, 1]]) @ np.vstack([shifted, [0, 0, 1]])
        Image.fromarray(warp(Image.fromarray(padded), both[:2], 260)).save(tmp_path / f"{number}.png")
        names.append(f"{number}.png")
    landmarks = np.stack([moved(away, points) for points in faces.landmarks])
    source = AlignedSource(tmp_path, names, landmarks)
    assert (len(source), source.shape) == (2, (3, SIDE, SIDE))
    back = source.read(np.array([1, 0]))[::-1].astype(float)
    for image, points, found in zip(faces.images, faces.landmarks, back, strict=True):
        direct = align(Image.fromarray(image), points).astype(float)
        inner = slice(12, -12)
        assert np.abs(found - direct)[inner, inner].mean() < 2
        assert np.abs(np.roll(found, 3, 1) - direct)[inner, inner].mean() > 4


def test_grey_images_become_colours(tmp_path: Path):
    Image.new("L", (30, 20), 77).save(tmp_path / "grey.jpg")
    image = opened(tmp_path / "grey.jpg")
    assert (image.mode, image.size) == ("RGB", (30, 20))


def test_unreadable_files_are_named(tmp_path: Path):
    Image.effect_noise((64, 64), 90).save(tmp_path / "cut.jpg")
    content = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "text.jpg").write_text("<html>")
    source = AlignedSource(tmp_path, ["cut.jpg", "text.jpg", "absent.jpg"], np.stack([TEMPLATE] * 3))
    for place, message in enumerate(
        [
            r"cut\.jpg cannot be decoded as an image",
            r"text\.jpg cannot be decoded as an image",
            r"absent\.jpg cannot be read: No such file",
        ]
    ):
        with pytest.raises(UserError, match=message):
            source.read(np.array([place]))
