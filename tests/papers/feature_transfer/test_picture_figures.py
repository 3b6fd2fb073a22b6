"""Figures 6 to 8 from records that are made up: what is drawn where, and what the data and the notes say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from papers.feature_transfer import picture_figures
from papers.feature_transfer.picture_figures import CREDIT, PHOTOGRAPHS, RUN
from shared.errors import UserError
from shared.records.kept import ARRAYS
from shared.records.records import Record, Records
from shared.runs.registry import paper
from tests.records.samples import record
from tests.reporting.legible import too_small

FT = paper("feature_transfer")
FIGURES = {6: picture_figures.figure6, 7: picture_figures.figure7, 8: picture_figures.figure8}
METRICS = {
    "energy": 95.0,
    "identity_kept": 90.0,
    "variance_ratio": 0.9,
    "variance_ratio_before": 0.4,
    "center_symmetry": 0.9,
    "mean_symmetry": 0.8,
    "center_identity": 75.0,
    "sample_symmetry": 0.5,
    "evenness_plain": 1.5,
    "evenness_variation": 1.25,
    "evenness_identity": 1.125,
}


def kept(folder: Path, *, pairs: int = 2, side: int = 12, yaw: bool = True) -> dict[str, np.ndarray]:
    """Keep pictures each of one grey, which says what it is."""

    def greys(*shape: int, first: int) -> np.ndarray:
        values = first + np.arange(int(np.prod(shape)), dtype=np.uint8).reshape(*shape, 1, 1)
        return np.broadcast_to(values, (*shape, side, side)).astype(np.uint8)

    angles = np.array([-40.4, 38.6, -30, 31, 10, 12, -5, 7, 3, 4], np.float32) if yaw else np.full(10, np.nan)
    arrays = {
        "samples": greys(3, first=10),
        "centers": greys(3, first=20),
        "sample_classes": np.array([4, 7, 9]),
        "sample_yaw": angles[:3],
        "inputs": greys(pairs, 2, first=40),
        "reconstructed": greys(pairs, 2, first=60),
        "moved": greys(pairs, 2, first=80),
        "pair_classes": np.arange(2 * pairs).reshape(pairs, 2),
        "pair_yaw": angles[: 2 * pairs].reshape(pairs, 2),
        "weights": np.linspace(0, 1, 5, dtype=np.float32),
        "plain": greys(5, first=100),
        "variation": 2 * greys(5, first=50),
        "identity": 3 * greys(5, first=40),
    }
    np.savez(folder / ARRAYS.format(benchmark="transfer"), **arrays)  # type: ignore[arg-type]
    return arrays


def made_up(folder: Path, seed: int = 0, data: str = "ms1m", **changes: float) -> tuple[Record, Path]:
    config: dict[str, Any] = {"data": {"name": data}}
    metrics = {"transfer": METRICS | changes}
    return record(RUN, seed).model_copy(update={"config": config, "axes": {}, "metrics": metrics}), folder


def photographs(folder: Path, **changes: float) -> tuple[Record, Path]:
    run, _ = made_up(folder, 0, "olivetti", **changes)
    return run.model_copy(update={"run": PHOTOGRAPHS}), folder


def of(*rows: tuple[Record, Path]) -> Records:
    return Records(rows, FT.reference)


def rows_of(figure, block: int = 0) -> list[list[int]]:
    """Return the greys of the pictures of a block as they lie, row by row."""
    axes = figure.drawing.axes[block]
    places = [(image.get_extent()[3], image.get_extent()[0], int(image.get_array().mean())) for image in axes.images]
    tops = sorted({top for top, _, _ in places})
    return [[grey for at, _, grey in sorted(places) if at == top] for top in tops]


def headings(figure) -> list[str]:
    [axes] = figure.drawing.axes
    return [label.get_text() for label in axes.get_xticklabels()]


def heads(figure) -> str:
    """Return what the headings are said to be."""
    [axes] = figure.drawing.axes
    [said] = axes.texts
    return str(said.get_text())


def test_figure6_has_each_sample_above_its_center(tmp_path):
    kept(tmp_path)
    figure = FIGURES[6](of(made_up(tmp_path)))
    assert rows_of(figure) == [[10, 11, 12], [20, 21, 22]]
    assert headings(figure) == ["4\n−40°", "7\n+39°", "9\n−30°"]
    assert heads(figure) == "class\nyaw"
    shown = figure.data[figure.data["what"] == "sample"]
    assert shown[["column", "class", "yaw"]].values.tolist() == [[1, 4, -40.4], [2, 7, 38.6], [3, 9, -30]]


def test_photographs_stand_below_in_figure6_and_alone_where_there_is_no_other_record(tmp_path):
    for name in ("drawn", "photographs"):
        (tmp_path / name).mkdir()
        kept(tmp_path / name, yaw=name == "drawn")
    drawn = made_up(tmp_path / "drawn", data="faces-drawn")
    below = photographs(tmp_path / "photographs", center_identity=50)
    figure = FIGURES[6](of(below, drawn))
    assert [axes.get_title(loc="left") for axes in figure.drawing.axes] == ["drawn faces", "photographs"]
    assert rows_of(figure) == rows_of(figure, 1) == [[10, 11, 12], [20, 21, 22]]
    drawings = [axes.get_xticklabels()[0].get_text() for axes in figure.drawing.axes]
    assert drawings == ["4\n−40°", "4"]
    rows = figure.data[figure.data["what"] == "center_identity"]
    assert dict(zip(rows["data"], rows["value"], strict=True)) == {"faces-drawn": 75, "olivetti": 50}
    # What is told of each stands together, with the credit where it is due.
    told = [note.partition(":")[0] for note in figure.notes]
    assert told[: len(told) // 2] == told[len(told) // 2 : -1]
    assert figure.notes[-1] == CREDIT
    assert "centers nearest to the one they come from, % 50.00" in figure.notes[-2]
    alone = FIGURES[6](of(below))
    assert rows_of(alone) == [[10, 11, 12], [20, 21, 22]]
    assert set(alone.data["data"]) == {"olivetti"}
    assert FIGURES[7](of(below)).data.empty


def test_the_blocks_of_figure6_leave_no_band_between_them(tmp_path):
    kept(tmp_path, yaw=False)
    figure = FIGURES[6](of(made_up(tmp_path, data="faces-drawn"), photographs(tmp_path)))
    figure.write(tmp_path / "figure", no_evidence=False)
    renderer = FigureCanvasAgg(figure.drawing).get_renderer()  # type: ignore[no-untyped-call]
    first, second = (axes.get_tightbbox(renderer) for axes in figure.drawing.axes)
    assert first is not None
    assert second is not None
    assert second.y1 < first.y0
    assert first.height + second.height > 0.8 * figure.drawing.bbox.height


def test_figure7_has_every_two_columns_for_a_pair(tmp_path):
    kept(tmp_path)
    figure = FIGURES[7](of(made_up(tmp_path)))
    assert rows_of(figure) == [[40, 41, 42, 43], [60, 61, 62, 63], [80, 81, 82, 83]]
    assert headings(figure) == ["0\n−40°", "1\n+39°", "2\n−30°", "3\n+31°"]
    [axes] = figure.drawing.axes
    lefts = sorted({image.get_extent()[0] for image in axes.images})
    between = np.diff(lefts)
    assert between[0] == pytest.approx(between[2])
    assert between[1] > between[0] + 0.2
    # What is moved has the class of its new home and the yaw that it came with.
    moved = figure.data[figure.data["what"] == "transferred"]
    assert moved["class"].tolist() == [1, 0, 3, 2]
    assert moved["yaw"].tolist() == [-40.4, 38.6, -30, 31]


def test_figure8_has_a_row_for_each_interpolation_and_its_steps_as_data(tmp_path):
    kept(tmp_path)
    figure = FIGURES[8](of(made_up(tmp_path)))
    assert rows_of(figure) == [[100, 101, 102, 103, 104], [100, 102, 104, 106, 108], [120, 123, 126, 129, 132]]
    assert headings(figure) == ["0\n0", "0.25\n", "0.5\n", "0.75\n", "1\n1"]
    assert heads(figure) == "α\nclass"
    steps = figure.data[figure.data["what"].str.contains("step")]
    assert steps["value"].tolist() == [1] * 4 + [2] * 4 + [3] * 4
    ends = figure.data[figure.data["what"] == "class 1, class 2"]
    assert ends[["class", "yaw"]].values.tolist() == [[0, -40.4], [1, 38.6]]


def test_metrics_are_told_over_all_seeds_and_the_first_is_drawn(tmp_path):
    folders = [tmp_path / str(seed) for seed in range(2)]
    for folder in folders:
        folder.mkdir()
    kept(folders[0])
    figure = FIGURES[6](of(made_up(folders[1], 1, center_symmetry=0.7), made_up(folders[0])))
    told = "\n".join(figure.notes)
    assert "first is drawn, 0." in told
    # (0.9 + 0.7) / 2, and the deviation of two is their difference over the root of 2.
    assert "mirror image: decoded centers 0.80 ± 0.14 (2); decoded mean features without mirror images" in told
    assert "encoded again: centers nearest to the one they come from, % 75.00 ± 0.00 (2);" in told
    measured = figure.data[figure.data["what"] == "center_symmetry"]
    assert dict(zip(measured["seed"], measured["value"], strict=True)) == {0: 0.9, 1: 0.7}


def test_what_was_not_measured_is_not_told(tmp_path):
    kept(tmp_path)
    row = made_up(tmp_path)
    for name in ("identity_kept", "variance_ratio", "variance_ratio_before"):
        del row[0].metrics["transfer"][name]
    figure = FIGURES[7](of(row))
    assert "moved to under-represented" not in "\n".join(figure.notes)


@pytest.mark.parametrize("number", FIGURES)
def test_the_owner_of_the_faces_is_credited(tmp_path, number):
    kept(tmp_path, yaw=False)
    assert CREDIT in FIGURES[number](of(made_up(tmp_path, data="olivetti"))).notes
    assert CREDIT not in FIGURES[number](of(made_up(tmp_path))).notes


def test_of_unknown_yaw_nothing_is_said(tmp_path):
    kept(tmp_path, yaw=False)
    figure = FIGURES[6](of(made_up(tmp_path)))
    assert (heads(figure), headings(figure)) == ("class", ["4", "7", "9"])
    assert headings(FIGURES[7](of(made_up(tmp_path)))) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("number", FIGURES)
def test_without_a_record_there_is_an_empty_figure_that_says_so(tmp_path, number):
    figure = FIGURES[number](of())
    [axes] = figure.drawing.axes
    assert [text.get_text() for text in axes.texts] == ["not run"]
    assert figure.data.empty
    assert figure.caption.startswith(f"Figure {number}. ")
    figure.write(tmp_path / "figure", no_evidence=False)


@pytest.mark.parametrize("number", FIGURES)
def test_a_record_without_its_pictures_is_an_error(tmp_path, number):
    with pytest.raises(UserError, match="arrays cannot be read"):
        FIGURES[number](of(made_up(tmp_path)))


@pytest.mark.parametrize("number", FIGURES)
@pytest.mark.parametrize("pairs", [1, 5])
def test_no_heading_or_label_covers_another_or_is_cut_off(tmp_path, number, pairs):
    kept(tmp_path, pairs=pairs)
    figure = FIGURES[number](of(made_up(tmp_path)))
    png, *_ = figure.write(tmp_path / "figure", no_evidence=True)
    assert np.asarray(Image.open(png).convert("L")).std() > 0
    [axes] = figure.drawing.axes
    assert not too_small(figure)
    texts = [*axes.get_xticklabels(), *axes.get_yticklabels(), *axes.texts]
    renderer = FigureCanvasAgg(figure.drawing).get_renderer()  # type: ignore[no-untyped-call]
    whole = axes.get_tightbbox(renderer)
    assert whole is not None
    assert whole.height > 0.75 * figure.drawing.bbox.height
    boxes = [text.get_window_extent() for text in texts if text.get_text()]
    pictures = axes.get_window_extent()
    inside = figure.drawing.bbox
    for index, box in enumerate(boxes):
        assert not box.overlaps(pictures)
        assert inside.x0 <= box.x0
        assert box.x1 <= inside.x1
        assert inside.y0 <= box.y0
        assert box.y1 <= inside.y1
        assert not any(box.overlaps(other) for other in boxes[index + 1 :])
