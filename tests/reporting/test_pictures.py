"""The small pictures of READMEs: what they show, how large they are, and how they tell what they were drawn from."""

from __future__ import annotations

import io
from dataclasses import replace

import pandas as pd
from PIL import Image

from shared.reporting.figure import Figure, drawing
from shared.reporting.pictures import mark, marked, picture


def figure() -> Figure:
    empty = drawing(width=7.2, height=3.0)
    empty.axes[0].plot([0, 1], [1, 3], color="#0072B2")
    return Figure(empty, pd.DataFrame({"x": [0, 1], "y": [1.0, 3.0]}), "Caption", ["A note."])


def test_a_picture_is_small_and_carries_its_mark(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(picture("figure1", figure()))
    assert path.stat().st_size < 20_000
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert image.size == (900, 375)
        colours = {colour for _, colour in image.convert("RGB").getcolors(1000) or ()}
    assert {(255, 255, 255), (0, 114, 178)} <= colours
    assert marked(path) == mark("figure1", figure())


def test_another_target_other_data_and_other_words_have_another_mark():
    same = figure()
    others = [
        replace(same, data=same.data.assign(y=[1.0, 3.001])),
        replace(same, caption="Another"),
        replace(same, notes=[]),
    ]
    marks = [mark("figure1", same), mark("figure2", same), *(mark("figure1", other) for other in others)]
    assert len(set(marks)) == len(marks)
    assert mark("figure1", replace(same, data=same.data.assign(y=[1.0, 3.0 + 1e-9]))) == marks[0]


def test_what_is_no_picture_or_is_not_there_has_no_mark(tmp_path):
    assert marked(tmp_path / "none.png") is None
    (tmp_path / "text.png").write_text("no picture")
    assert marked(tmp_path / "text.png") is None
    Image.new("RGB", (2, 2)).save(tmp_path / "plain.png")
    assert marked(tmp_path / "plain.png") is None
