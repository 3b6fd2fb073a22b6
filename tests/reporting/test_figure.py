"""A figure carries its caption, and is the same to the bit each time."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from shared.reporting.figure import PAIR_WIDTH, Figure, band, drawing, least_type, pairs


def test_a_figure_carries_its_caption_and_the_same_bits_each_time(tmp_path):
    bits = []
    for name in ("first", "second"):
        picture = drawing()
        band(picture.axes[0], [1, 2], [[1.0, 2.0], [2.0, 4.0]], "softmax", 0)
        figure = Figure(picture, pd.DataFrame({"x": [1]}), "What it shows", ["A note."])
        png, pdf, _ = figure.write(tmp_path / name, no_evidence=False)
        bits.append((png.read_bytes(), pdf.read_bytes()))
        with Image.open(png) as image:
            assert image.info["Description"] == "What it shows\nA note."
    assert bits[0] == bits[1]


def test_the_interval_of_a_single_position_is_a_bar_that_can_be_seen():
    picture = drawing()
    band(picture.axes[0], [0.1], [[1.0, 2.0, 3.0]], "softmax", 0)
    [bar] = picture.axes[0].collections
    ends = np.asarray(bar.get_paths()[0].vertices)
    half = stats.t.ppf(0.975, 2) / 3**0.5
    assert ends.tolist() == [[0.1, pytest.approx(2 - half)], [0.1, pytest.approx(2 + half)]]


def test_a_band_is_drawn_only_where_seeds_differ():
    picture = drawing()
    band(picture.axes[0], [1, 2], [[1.0], [2.0]], "one seed", 0)
    assert not picture.axes[0].collections
    band(picture.axes[0], [1, 2], [[1.0, 1.5], [2.0, 2.5]], "two seeds", 1)
    assert len(picture.axes[0].collections) == 1


def test_pairs_are_rows_of_two_and_an_odd_one_in_the_middle():
    picture = pairs(3, height=2.0)
    picture.draw_without_rendering()
    first, second, last = (axes.get_window_extent() for axes in picture.axes)
    assert first.y0 == second.y0
    assert first.width == pytest.approx(second.width)
    assert last.y1 < first.y0
    assert first.x0 < last.x0 < second.x0
    assert picture.get_size_inches().tolist() == [PAIR_WIDTH, 4.0]
    assert least_type(picture) <= 7
