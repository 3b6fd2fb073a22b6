"""A figure carries its caption, and is the same to the bit each time."""

from __future__ import annotations

import pandas as pd
from PIL import Image

from shared.reporting.figure import Figure, band, drawing


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


def test_a_band_is_drawn_only_where_seeds_differ():
    picture = drawing()
    band(picture.axes[0], [1, 2], [[1.0], [2.0]], "one seed", 0)
    assert not picture.axes[0].collections
    band(picture.axes[0], [1, 2], [[1.0, 1.5], [2.0, 2.5]], "two seeds", 1)
    assert len(picture.axes[0].collections) == 1
