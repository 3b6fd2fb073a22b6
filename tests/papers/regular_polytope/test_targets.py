"""The tables and figures of regular polytopes, drawn from made-up records."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import PathPatch

from papers.regular_polytope import scatter_plots, targets
from papers.regular_polytope.polytope import POLYTOPES, Name, vertices
from shared.evaluation.angles import Angles
from shared.evaluation.output import Output
from shared.records.kept import FEATURES
from shared.records.records import Records, TrainedOn
from shared.reporting.figure import Figure
from shared.runs.registry import paper
from tests.records.samples import record
from tests.reporting.legible import cut_off, too_small

RP = paper("regular_polytope")


# The targets
def made_up(folder: Path, names: Iterable[str], accuracy: float = 99.0) -> Records:
    """Return records of runs whose embeddings lie around their class vectors."""
    random, entries = np.random.default_rng(0), []
    for name in names:
        run = RP.run(name, "full")
        polytope: Name = next((known for known in POLYTOPES if known in name.split("/")), "cube")
        entry = record(name, accuracy=accuracy)
        entry.axes.clear()
        entry.axes.update(run.axes)
        entry.config.clear()
        entry.config.update(run.config.plain())
        entry.metrics.clear()
        classes = 47 if name.startswith("emnist") else 10
        for benchmark in {"mnist-test", "emnist-test", "held-out"} & set(run.config.benchmarks):
            entry.metrics[benchmark] = {"accuracy": accuracy}
        entry.metrics["training"] = {"loss": 1.5}
        vectors = vertices(polytope, classes)
        if name.endswith("learnable"):
            vectors = vectors[::-1]
        labels = np.arange(100) % classes
        embeddings = 7 * (vectors[labels] + 0.01 * random.normal(size=(100, vectors.shape[1])))
        arrays: dict[str, Any] = {"embeddings": embeddings, "labels": labels, "class_vectors": vectors[:, None]}
        found = Angles()(Output(**arrays, predictions=labels, minority=()))
        entry.metrics.update({"angles": found, "training-angles": found})
        place = folder / name
        place.mkdir(parents=True)
        for split in run.config.keep_features:
            np.savez(place / FEATURES.format(split=split), **arrays)
        entries.append((entry, place))
    return Records(entries, RP.reference)


def test_figure4_shows_images_and_class_vectors_of_the_six_runs(tmp_path: Path) -> None:
    figure = targets.figure4(made_up(tmp_path, [name for name in RP.runs("full") if name.startswith("figure4/")]))
    assert titles(figure) == [
        f"d-{polytope}, {classifier}" for polytope in POLYTOPES for classifier in ("fixed", "learnable")
    ]
    assert "Circles: the vertices" in figure.caption
    assert "lines: the directions of the learned weights" in figure.caption
    assert "Not run" not in figure.caption
    counts = figure.data.groupby(["run", "what"]).size().to_dict()
    assert len(counts) == 12
    assert (counts["figure4/cube/fixed", "image"], counts["figure4/cube/fixed", "vertex"]) == (100, 10)
    assert counts["figure4/cube/learnable", "learned weight"] == 10
    cube = figure.data[(figure.data["run"] == "figure4/cube/fixed") & (figure.data["what"] == "vertex")]
    drawn = cube[["f1", "f2", "f3", "f4"]].to_numpy()
    np.testing.assert_allclose(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), vertices("cube", 10), atol=1e-4)
    assert np.linalg.norm(drawn[0]) == pytest.approx(7, rel=0.01)
    assert cube["f5"].isna().all()
    assert cube["class"].tolist() == list("0123456789")


def titles(figure: Figure) -> list[str]:
    """Return the names of the matrices, without their ranges."""
    return [axes.get_title().split("\n")[0] for axes in figure.drawing.axes[:-1]]


def limits(said: str) -> tuple[float, float]:
    """Return the range of the panels that is said above a matrix."""
    low, high = said.split("\n")[1].replace("\N{MINUS SIGN}", "-").removeprefix("from ").split(" to ")
    return float(low), float(high)


def place_of(point: pd.Series, column: int, row: int, said: str) -> tuple[float, float]:
    """Return where a panel of the range that is said above the matrix shows a point, panels being 1 apart."""
    low, high = limits(said)
    across, up = ((point[f"f{index + 1}"] - low) / (high - low) - 0.5 for index in (column, row))
    return column + across, row - up


def test_each_panel_shows_its_two_coordinates(tmp_path: Path) -> None:
    figure = targets.figure2(made_up(tmp_path, ["figure2/simplex"]))
    assert not cut_off(targets.figure2(made_up(tmp_path / "all", [f"figure2/{polytope}" for polytope in POLYTOPES])))
    axes = figure.drawing.axes[0]
    frame = figure.data[figure.data["what"] == "vertex"]
    shown = np.asarray(axes.lines[0].get_xydata())
    for column, row in ((3, 0), (8, 1)):
        for _, point in frame.iterrows():
            place = place_of(point, column, row, axes.get_title())
            assert np.abs(shown - place).max(axis=1).min() < 5e-3


def test_panels_are_as_wide_as_what_is_drawn(tmp_path: Path) -> None:
    figure = targets.figure2(made_up(tmp_path, ["figure2/simplex"]))
    axes = figure.drawing.axes[0]
    low, high = limits(axes.get_title())
    coordinates = figure.data[[f"f{index}" for index in range(1, 10)]].to_numpy()
    extent = coordinates.max() - coordinates.min()
    # The simplex's vertices lie farther out on one side of the origin than on the other.
    assert high > 2 * -low
    assert extent < high - low < 1.2 * extent


def test_learned_weights_are_lines_from_the_origin_below_the_images(tmp_path: Path) -> None:
    figure = targets.figure4(made_up(tmp_path, ["figure4/cube/learnable"]))
    axes = figure.drawing.axes[0]
    weights = figure.data[figure.data["what"] == "learned weight"]
    origin = pd.Series({f"f{index}": 0.0 for index in range(1, 5)})
    [lines] = axes.lines
    drawn = np.asarray(lines.get_xydata()).reshape(10 * 6, 3, 2)
    assert np.isnan(drawn[:, 2]).all()
    for _, weight in weights.iterrows():
        line = [place_of(point, 2, 0, axes.get_title()) for point in (origin, weight)]
        assert np.abs(drawn[:, :2] - np.array(line)).max(axis=(1, 2)).min() < 5e-3
    assert lines.get_zorder() < axes.collections[0].get_zorder()


def test_names_stand_below_the_diagonal_at_their_medians_and_side_by_side_where_these_coincide() -> None:
    # Of two coordinates, in shares of a panel: one class alone, two at one place, and one at the origin.
    shares = np.array([[0.3, 0.2], [-0.3, -0.2], [-0.3, -0.2], [0.01, 0.0]])
    named = scatter_plots.named(shares, 0.0, size=0.1)
    assert [index for index, _, _ in named] == [1, 2, 0, 3]
    # The panel of the second row and the first column, whose y runs down; blocks are 0.08 wide a name and 0.1 high, and
    # stand outward by an eighth of that where they lie farthest out.
    np.testing.assert_allclose(named[2][1:], (0.3 + 0.01, 1 - 0.2 - 0.0125 * 2 / 3))
    below = 1 + 0.2 + 0.0125 * 2 / 3
    np.testing.assert_allclose([place for _, *place in named[:2]], [(-0.36, below), (-0.28, below)])


def test_a_class_that_is_close_to_the_origin_everywhere_is_named_once_where_it_lies_farthest_out() -> None:
    shares = np.array([[0.3, 0.3, 0.3], [0.01, 0.01, -0.1]])
    named = scatter_plots.named(shares, 0.0, size=0.1)
    assert [index for index, _, _ in named] == [0, 0, 0, 1]
    row, column = round(named[3][2]), round(named[3][1])
    assert (row, column) in ((2, 0), (2, 1))
    # Where others stand there is no room.
    crowded = np.array([[0.2, 0.2, 0.2], [0.05, 0.05, 0.05]])
    assert {index for index, _, _ in scatter_plots.named(crowded, 0.0, size=0.3)} == {0}


def test_a_name_gives_way_to_a_block_of_more_and_stays_within_its_panel() -> None:
    shares = np.array([[0.295, 0.0], [0.4, 0.0], [0.4, 0.0], [-0.5, 0.5]])
    named = scatter_plots.named(shares, 0.0, size=0.1)
    assert [index for index, _, _ in named] == [1, 2, 3]
    np.testing.assert_allclose(named[2][1:], (-0.45, 1 - 0.44))


def test_every_class_of_a_figure_is_named_where_it_lies(tmp_path: Path) -> None:
    figure = targets.figure4(made_up(tmp_path, ["figure4/orthoplex/fixed"]))
    [outlines] = [patch for patch in figure.drawing.axes[0].patches if isinstance(patch, PathPatch)]
    drawn = dict.fromkeys(zip(*np.tril_indices(5, -1), strict=True), 0)
    for part in outlines.get_path().to_polygons():
        column, row = np.round(np.mean(np.asarray(part), axis=0)).astype(int)
        drawn[row, column] += 1
    # In each panel four vertices lie off the origin; a name has an outline and one for each hole.
    assert min(drawn.values()) >= 4


def test_figure6_draws_the_normalised_embeddings_of_both_splits(tmp_path: Path) -> None:
    data = targets.figure6(made_up(tmp_path, ["emnist/fixed"])).data
    assert data.groupby(["split", "what"]).size().to_dict() == {
        ("train", "image"): 100,
        ("train", "vertex"): 47,
        ("test", "image"): 100,
        ("test", "vertex"): 47,
    }
    columns = [f"f{index}" for index in range(1, 7)]
    np.testing.assert_allclose(np.linalg.norm(data[columns].to_numpy(), axis=1), 1, atol=1e-3)
    np.testing.assert_allclose(np.abs(data[data["what"] == "vertex"][columns].to_numpy()), 1 / sqrt(6), atol=1e-4)


def test_figure6_shows_training_above_test_images_on_the_range_of_normalised_coordinates(tmp_path: Path) -> None:
    figure = targets.figure6(made_up(tmp_path, ["emnist/fixed"]))
    train, test, _ = figure.drawing.axes
    assert limits(train.get_title()) == limits(test.get_title()) == (-1, 1)
    np.testing.assert_array_equal(train.lines[0].get_xydata(), test.lines[0].get_xydata())
    figure.drawing.draw_without_rendering()
    assert train.get_title().startswith("training images")
    assert train.get_window_extent().y0 > test.get_window_extent().y1
    assert "whose coordinates are all 0.41 or -0.41" in figure.caption


def test_figure5_says_how_its_ranges_differ(tmp_path: Path) -> None:
    figure = targets.figure5(made_up(tmp_path, ["emnist/fixed", "emnist/learnable"]))
    extents = [np.ptp(limits(axes.get_title())) for axes in figure.drawing.axes[:2]]
    ratio = max(extents) / min(extents)
    assert f"the widest is {ratio:.1f} times the narrowest" in figure.caption
    alone = targets.figure5(made_up(tmp_path / "alone", ["emnist/fixed"]))
    assert "narrowest" not in alone.caption
    assert alone.caption.endswith("Not run: learnable.")


def test_names_of_classes_are_at_least_5_and_a_half_points_on_the_page(tmp_path: Path) -> None:
    figure = targets.figure5(made_up(tmp_path, ["emnist/fixed", "emnist/learnable"]))
    figure.drawing.draw_without_rendering()
    side = 72 * figure.drawing.axes[0].get_window_extent().width / figure.drawing.dpi
    assert side * scatter_plots.NAME >= 5.5
    assert not cut_off(figure)


def test_what_is_missing_takes_no_room_and_is_named(tmp_path: Path) -> None:
    records = made_up(tmp_path, ["figure4/cube/learnable"])
    figure = targets.figure4(records)
    assert titles(figure) == ["d-cube, learnable"]
    assert "Circles" not in figure.caption
    assert "Lines: the directions of the learned weights" in figure.caption
    assert "Not run: d-simplex, fixed; d-simplex, learnable; " in figure.caption
    assert not too_small(figure)
    assert not cut_off(figure)


def test_what_is_missing_beside_what_was_run_is_shown_as_not_run(tmp_path: Path) -> None:
    records = made_up(tmp_path, ["figure4/cube/fixed", "figure4/simplex/learnable"])
    figure = targets.figure4(records)
    assert titles(figure) == ["d-simplex, fixed", "d-simplex, learnable", "d-cube, fixed", "d-cube, learnable"]
    assert [len(axes.collections) for axes in figure.drawing.axes[:-1]] == [0, 1, 1, 0]
    assert [text.get_text() for text in figure.drawing.axes[3].texts] == ["not run"]
    accuracy = targets.table_accuracy(records).display.to_numpy().tolist()
    assert accuracy[2] == ["MNIST, cube", "4", "99.45", "99.00 (1)", "99.47", "not run"]
    assert accuracy[3] == ["EMNIST, cube", "6", "88.31", "not run", "88.39", "not run"]
    empty = Records([], RP.reference)
    assert set(targets.table_accuracy(empty).display["fixed (measured)"]) == {"not run"}
    assert len(targets.table_geometry(empty).display) == 30


def test_table_geometry_sets_every_run_beside_the_closed_form(tmp_path: Path) -> None:
    runs = [run.name for run in RP.target_runs("table_geometry", "full")]
    assert len(runs) == len(RP.runs("full")) - len(RP.target_runs("table_search", "full"))
    table = targets.table_geometry(made_up(tmp_path, runs))
    assert len(table.display) == len(runs)
    assert not (table.display == "not run").any(axis=None)
    rows = {(row["Polytope"], row["Classifier"]): row for row in table.display.to_dict("records")}
    cube = rows["EMNIST, cube, d = 6", "fixed, eq. 9"]
    assert cube["closed form"] == "48.2"
    assert float(cube["nearest class means (measured)"].split()[0]) == pytest.approx(48.2, abs=2)
    assert cube["accuracy, % (measured)"] == "99.00 (1)"
    assert float(cube["images to vector, mean (measured)"].split()[0]) < 5


def test_what_shows_characters_names_their_data_set_where_it_is_not_the_papers(tmp_path: Path) -> None:
    records = made_up(tmp_path, ["emnist/fixed", "emnist/learnable", "figure2/cube"])
    shown = (targets.figure5, targets.figure6, targets.table_accuracy, targets.table_geometry)
    assert not any("data set" in note for target in shown for note in target(records).notes)
    for elsewhere, _ in records.records:
        elsewhere.config["data"] = RP.run(elsewhere.run, "lite").config.plain()["data"]
    for target in shown:
        [note] = [note for note in target(records).notes if "data set" in note]
        assert "emnist-selection" in note


def test_at_lite_scale_the_cube_has_all_characters_and_six_dimensions_as_at_full() -> None:
    for scale in ("lite", "full"):
        run = RP.run("emnist/fixed", scale)
        config = run.config
        assert (run.seeds, config.data.trained_classes, config.backbone.embedding) == (5, 47, 6)


def test_the_runs_on_characters_differ_from_their_search_in_the_images_alone() -> None:
    for classifier in ("fixed", "learnable"):
        run = RP.run(f"emnist/{classifier}", "lite").config.plain()
        searched = RP.run(f"search/emnist/{classifier}/28", "lite").config.plain()
        assert searched["data"] | {"sampling": run["data"]["sampling"]} == run["data"]
        for part in ("backbone", "loss", "scheme", "optimizer", "training"):
            assert run[part] == searched[part]


def test_table_search_shows_the_epochs_in_their_order_with_the_error_on_the_images_trained_on(tmp_path: Path) -> None:
    records = made_up(
        tmp_path, ["search/emnist/learnable/7", "search/emnist/fixed/7", "search/epochs/8", "search/epochs/16"]
    )
    trained = TrainedOn(images=5000, classes=10, error=0.24, chance=90.0, predicted=10, spread=0.9)
    *others, (longer, place) = records.records
    longer = longer.model_copy(update={"health": trained})
    table = targets.table_search(Records([*others, (longer, place)], RP.reference))
    assert table.display.to_numpy().tolist() == [
        ["MNIST", "fixed", "8", "20", "99.00 (1)", "not run", "1.50 (1)"],
        ["MNIST", "fixed", "16", "20", "99.00 (1)", "0.24 (1)", "1.50 (1)"],
        ["EMNIST", "fixed", "7", "20", "99.00 (1)", "not run", "1.50 (1)"],
        ["EMNIST", "learnable", "7", "20", "99.00 (1)", "not run", "1.50 (1)"],
    ]
    assert table.data.set_index(["run", "metric"])["training_error"]["search/epochs/16", "accuracy"] == 0.24
