"""Embeddings in two dimensions: the names of classes stand where they can be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation, Text
from numpy.typing import NDArray

from shared.reporting.figure import drawing
from shared.reporting.plane import apart, rays, scatter


def overlapping(centres: NDArray[np.float64], sizes: NDArray[np.float64]) -> int:
    """Return how many pairs of boxes cover each other."""
    distances = np.abs(centres[:, None] - centres)
    room = (sizes[:, None] + sizes) / 2
    return int(np.triu((distances < room - 1e-3).all(axis=2), 1).sum())


def test_two_boxes_one_upon_the_other_part_along_their_shorter_side() -> None:
    moved = apart(np.array([[50.0, 50.0], [50.0, 50.0], [10.0, 80.0]]), np.array([[8.0, 4.0]] * 3), 100)
    np.testing.assert_allclose(moved, np.array([[50, 47.5], [50, 52.5], [10, 80]]))


def test_centres_are_brought_inside() -> None:
    moved = apart(np.array([[-5.0, 50.0], [99.0, 103.0]]), np.array([[8.0, 4.0]] * 2), 100)
    np.testing.assert_allclose(moved, [[0, 50], [99, 100]])


@pytest.mark.parametrize("spread", [0.0, 1.0, 10.0])
def test_ten_crowded_boxes_part(spread: float) -> None:
    sizes = np.array([[7.0, 9.0]] * 9 + [[12.0, 9.0]])
    for corner in ((5, 5), (80, 75), (160, 3)):
        centres = np.array(corner) + spread * np.random.default_rng(0).normal(size=(10, 2))
        moved = apart(centres, sizes, 160)
        assert overlapping(centres, sizes) > 0
        assert overlapping(moved, sizes) == 0
        assert ((moved >= 0) & (moved <= 160)).all()


def test_names_of_classes_that_lie_close_do_not_cover_each_other() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": np.repeat([10.0, 10.2, 9.9, -30.0], 20) + random.normal(size=80) / 100,
            "y": np.repeat([5.0, 5.1, 5.2, -8.0], 20) + random.normal(size=80) / 100,
            "class": np.repeat(list("0123"), 20),
        }
    )
    picture = drawing(1, 1)
    [axes] = picture.axes
    scatter(axes, frame)
    picture.draw_without_rendering()
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == list("0123")
    centres = np.array([[(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2] for box in boxes])
    assert overlapping(centres, np.array([[box.width, box.height] for box in boxes])) == 0
    # One that stands alone is beside its median, without a line.
    assert [isinstance(text, Annotation) and text.arrow_patch is None for text in axes.texts][-1]


def test_a_mark_stays_where_it_is_and_the_name_over_it_moves():
    moved = apart(np.array([[50.0, 50.0]]), np.array([[8.0, 8.0]]), 100, np.array([[51.0, 50.0]]))
    assert (np.abs(moved - (51.0, 50.0)) >= 8 - 1e-6).any()
    np.testing.assert_array_equal(
        apart(np.array([[70.0, 50.0]]), np.array([[8.0, 8.0]]), 100, np.array([[50.0, 50.0]])), [[70, 50]]
    )


def test_each_centre_is_joined_to_the_median_of_its_class():
    frame = pd.DataFrame({"x": [1.0, 1, 1, -2], "y": [0.0, 0, 3, 2], "class": list("0001")})
    [axes] = drawing(1, 1).axes
    scatter(axes, frame, centres=np.array([[[5.0, 5.0]], [[-3.0, 3.0]]]))
    joined = [np.asarray(line.get_xydata()) for line in axes.lines if line.get_color() == "#444444"]
    np.testing.assert_array_equal(joined, [[(1, 0), (5, 5)], [(-2, 2), (-3, 3)]])


def test_classes_have_colours_of_their_own_and_the_reduced_other_marks():
    frame = pd.DataFrame({"x": range(10), "y": range(10), "class": list("0123456789")})
    [axes] = drawing(1, 1).axes
    scatter(axes, frame, reduced=["3", "7"])
    circles, triangles = axes.collections
    assert [np.shape(part.get_offsets())[0] for part in (circles, triangles)] == [8, 2]
    colours = np.concatenate([np.asarray(part.get_facecolor()) for part in (circles, triangles)])
    assert len(np.unique(colours, axis=0)) == 10


def test_rays_go_to_the_edge_and_have_the_names_of_their_classes_side_by_side():
    [axes] = drawing(1, 1).axes
    axes.set(xlim=(-2, 4), ylim=(-3, 3))
    rays(axes, np.array([[[0.5, 0.0]], [[-1.0, 1.0]], [[0.0, -7.0]], [[0.5, 0.001]]]), "abcd")
    ends = np.array([np.asarray(line.get_xydata())[1] for line in axes.lines])
    np.testing.assert_allclose(ends, [(4, 0), (-2, 2), (0, -3), (4, 0.008)])
    assert [text.get_text() for text in axes.texts] == ["$W_{a}$", "$W_{b}$", "$W_{c}$", "$W_{d}$"]
    first, last = (text.get_position() for text in (axes.texts[0], axes.texts[3]))
    assert abs(first[1] - last[1]) >= 9 - 1e-6
