"""The vertices of the three polytopes against the geometry, and the paper's targets drawn from made-up records."""

from __future__ import annotations

import itertools
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from math import acos, ceil, comb, degrees, log2, pi, radians, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.regular_polytope import targets
from papers.regular_polytope.polytope import Name, Vertices, angle, dimension, vertices
from shared.evaluation.angles import Angles
from shared.evaluation.output import Output
from shared.records.kept import FEATURES
from shared.records.records import Records
from shared.runs.registry import paper
from tests.records.samples import record

RP = paper("regular_polytope")
POLYTOPES: tuple[Name, ...] = ("simplex", "orthoplex", "cube")
CLASSES = st.integers(2, 200)


def angles(points: Vertices) -> Vertices:
    """Return the angles [n, n] in radians between unit vectors; pi on the diagonal, so that it is never the nearest."""
    first, second = points[:, None], points[None]
    between: Vertices = 2 * np.arctan2(np.linalg.norm(first - second, axis=2), np.linalg.norm(first + second, axis=2))
    np.fill_diagonal(between, pi)
    return between


# By hand


def test_the_dimensions_of_the_paper() -> None:
    assert [dimension(name, 10) for name in POLYTOPES] == [9, 5, 4]
    assert dimension("cube", 47) == 6


def test_small_polytopes_are_those_of_the_plane_and_of_space() -> None:
    third = radians(120)
    np.testing.assert_allclose(angles(vertices("simplex", 3))[np.triu_indices(3, 1)], third)
    assert {tuple(corner) for corner in vertices("orthoplex", 4)} == {(1, 0), (-1, 0), (0, 1), (0, -1)}
    corners = {tuple(corner) for corner in np.sign(vertices("cube", 8)).astype(int)}
    assert corners == set(itertools.product((-1, 1), repeat=3))


def test_the_angles_of_the_paper_in_degrees() -> None:
    assert degrees(angle("simplex", 9)) == pytest.approx(96.379, abs=5e-4)
    assert degrees(angle("orthoplex", 5)) == pytest.approx(90)
    assert degrees(angle("cube", 4)) == pytest.approx(60)
    assert degrees(angle("cube", 6)) == pytest.approx(48.190, abs=5e-4)


@pytest.mark.parametrize("polytope", POLYTOPES)
def test_two_classes_are_opposite(polytope: Name) -> None:
    assert sorted(vertices(polytope, 2).ravel()) == [-1, 1]
    assert angle(polytope, 1) == pi


def test_eq_3_taken_literally_would_not_be_regular() -> None:
    # d - 1 basis vectors and alpha times their sum, with the printed alpha, for d = 4.
    d = 4
    literal = np.vstack([np.eye(d - 1), np.full(d - 1, (1 - sqrt(d + 1)) / d)])
    assert len(literal) == d
    lengths = [np.linalg.norm(a - b) for a, b in itertools.combinations(literal, 2)]
    assert max(lengths) - min(lengths) > 0.01


# For any number of classes


@settings(deadline=None)
@given(CLASSES, st.sampled_from(POLYTOPES))
def test_as_many_distinct_unit_vectors_as_classes(classes: int, polytope: Name) -> None:
    corners = vertices(polytope, classes)
    assert corners.shape == (classes, dimension(polytope, classes))
    np.testing.assert_allclose(np.linalg.norm(corners, axis=1), 1, rtol=1e-12)
    assert len(np.unique(corners.round(9), axis=0)) == classes


@settings(deadline=None)
@given(CLASSES)
def test_the_dimension_is_the_least_with_enough_vertices(classes: int) -> None:
    assert dimension("simplex", classes) == classes - 1
    assert dimension("orthoplex", classes) == ceil(classes / 2)
    assert dimension("cube", classes) == ceil(log2(classes))
    d = dimension("orthoplex", classes)
    assert 2 * d >= classes > 2 * (d - 1)
    d = dimension("cube", classes)
    assert 2**d >= classes > 2 ** (d - 1)


@pytest.mark.parametrize("exponent", [20, 49, 60])
def test_the_dimension_of_the_cube_is_exact_beyond_the_precision_of_a_logarithm(exponent: int) -> None:
    assert [dimension("cube", 2**exponent + more) for more in (-1, 0, 1)] == [exponent, exponent, exponent + 1]


@settings(deadline=None)
@given(CLASSES)
def test_all_angles_of_the_simplex_are_equal_to_eq_10(classes: int) -> None:
    corners = vertices("simplex", classes)
    between = angles(corners)[np.triu_indices(classes, 1)]
    np.testing.assert_allclose(between, acos(-1 / (classes - 1)), rtol=1e-9)
    np.testing.assert_allclose(between, angle("simplex", classes - 1), rtol=1e-9)


@settings(deadline=None)
@given(st.integers(2, 100))
def test_all_vertices_of_an_orthoplex_have_their_neighbours_at_eq_11_and_one_opposite(d: int) -> None:
    between = np.sort(angles(vertices("orthoplex", 2 * d)), axis=1)
    np.testing.assert_allclose(between[:, : 2 * d - 2], pi / 2, rtol=1e-12)
    np.testing.assert_allclose(between[:, 2 * d - 2 :], pi, rtol=1e-12)
    assert angle("orthoplex", d) == pytest.approx(pi / 2)


@pytest.mark.parametrize("d", range(2, 9))
def test_all_vertices_of_a_cube_have_d_neighbours_at_eq_12(d: int) -> None:
    between = angles(vertices("cube", 2**d))
    np.testing.assert_allclose(between.min(axis=1), angle("cube", d), rtol=1e-9)
    np.testing.assert_allclose(np.cos(between.min()), (d - 2) / d, atol=1e-12)
    for step in range(1, d + 1):
        at_step = np.isclose(between, acos(1 - 2 * step / d), atol=1e-7).sum(axis=1) - (step == d)
        assert set(at_step) == {comb(d, step)}


@settings(deadline=None)
@given(CLASSES, st.sampled_from(POLYTOPES))
def test_no_two_classes_are_nearer_than_connected_vertices(classes: int, polytope: Name) -> None:
    assert angles(vertices(polytope, classes)).min() >= angle(polytope, dimension(polytope, classes)) - 1e-9


@pytest.mark.parametrize(("polytope", "classes"), [("cube", 10), ("cube", 47), ("orthoplex", 10), ("simplex", 10)])
def test_every_class_of_the_paper_has_a_connected_one(polytope: Name, classes: int) -> None:
    nearest = angles(vertices(polytope, classes)).min(axis=1)
    np.testing.assert_allclose(nearest, angle(polytope, dimension(polytope, classes)), rtol=1e-9)


@settings(deadline=None)
@given(CLASSES, st.sampled_from(POLYTOPES))
def test_the_centroid_is_the_origin_but_for_the_odd_one_out(classes: int, polytope: Name) -> None:
    distance = np.linalg.norm(vertices(polytope, classes).mean(axis=0))
    assert distance <= (0 if polytope == "simplex" or classes % 2 == 0 else 1 / classes) + 1e-12


@pytest.mark.parametrize(("polytope", "classes"), [("cube", 20_000), ("orthoplex", 1_000), ("simplex", 1_000)])
def test_memory_is_that_of_the_vertices(polytope: Name, classes: int) -> None:
    tracemalloc.start()
    corners = vertices(polytope, classes)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert corners.nbytes == 8 * classes * dimension(polytope, classes)
    assert peak < 6 * corners.nbytes


# What "maximally separated" is true of (RP-E19)


def test_ten_directions_in_four_dimensions_can_be_farther_apart_than_vertices_of_the_cube() -> None:
    # The midpoints of the edges of a simplex with five vertices.
    simplex = vertices("simplex", 5)
    midpoints = np.array([first + second for first, second in itertools.combinations(simplex, 2)])
    midpoints /= np.linalg.norm(midpoints, axis=1, keepdims=True)
    assert midpoints.shape == (10, dimension("cube", 10))
    assert angles(midpoints).min() == pytest.approx(acos(1 / 6))
    assert degrees(acos(1 / 6)) == pytest.approx(80.4, abs=0.05)
    assert acos(1 / 6) > angle("cube", 4)


def test_seventy_two_directions_in_six_dimensions_can_be_farther_apart_than_vertices_of_the_cube() -> None:
    # The roots of E6: those of E8 that are orthogonal to two roots at an angle of 120 degrees.
    integer = [
        first * np.eye(8)[i] + second * np.eye(8)[j]
        for i, j in itertools.combinations(range(8), 2)
        for first, second in itertools.product((1, -1), repeat=2)
    ]
    half = [np.array(signs) / 2 for signs in itertools.product((1, -1), repeat=8) if np.prod(signs) == 1]
    e8 = np.array([*integer, *half])
    first, second = np.eye(8)[0] - np.eye(8)[1], np.eye(8)[1] - np.eye(8)[2]
    e6 = e8[(np.abs(e8 @ first) < 1e-9) & (np.abs(e8 @ second) < 1e-9)] / sqrt(2)
    assert len(e6) == 72
    assert np.linalg.matrix_rank(e6) == dimension("cube", 47)
    assert angles(e6).min() == pytest.approx(radians(60))
    assert radians(60) > angle("cube", 6)


# The targets


def made_up(folder: Path, names: Iterable[str], accuracy: float = 99.0) -> Records:
    """Return records of runs whose embeddings lie around their class vectors."""
    random, entries = np.random.default_rng(0), []
    for name in names:
        run = RP.run(name, "full")
        loss = run.config.loss.model_dump()
        entry = record(name, accuracy=accuracy)
        entry.axes.clear()
        entry.axes.update(run.axes)
        entry.config.clear()
        entry.config.update(run.config.plain())
        classes = 47 if name.startswith("emnist") else 10
        entry.metrics["emnist-test" if classes == 47 else "mnist-test"] = {"accuracy": accuracy}
        vectors = vertices(loss["polytope"], classes)
        if loss["learnable"]:
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
    assert [axes.get_title() for axes in figure.drawing.axes[:-1]] == [
        f"d-{polytope}, {classifier}" for polytope in POLYTOPES for classifier in ("fixed", "learnable")
    ]
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


def test_each_panel_shows_its_two_coordinates(tmp_path: Path) -> None:
    figure = targets.figure2(made_up(tmp_path, ["figure2/simplex"]))
    axes = figure.drawing.axes[0]
    frame = figure.data[figure.data["what"] == "vertex"]
    shown = np.asarray(axes.lines[0].get_xydata())
    largest = float(axes.get_xlabel().split("±")[1])
    for column, row in ((0, 3), (8, 1)):
        for _, point in frame.iterrows():
            across = column + point[f"f{column + 1}"] / largest / 2
            up = row - point[f"f{row + 1}"] / largest / 2
            assert np.abs(shown - (across, up)).max(axis=1).min() < 5e-3


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


def test_what_is_missing_is_shown_as_not_run(tmp_path: Path) -> None:
    records = made_up(tmp_path, ["figure4/cube/fixed"])
    figure = targets.figure4(records)
    assert [len(axes.collections) for axes in figure.drawing.axes[:-1]] == [0, 0, 0, 0, 1, 0]
    assert [text.get_text() for text in figure.drawing.axes[0].texts] == ["not run"]
    accuracy = targets.table_accuracy(records).display.to_numpy().tolist()
    assert accuracy[2] == ["MNIST, cube", "4", "99.45", "99.00 (1)", "99.47", "not run"]
    assert accuracy[3] == ["EMNIST, cube", "6", "88.31", "not run", "88.39", "not run"]
    empty = Records([], RP.reference)
    assert set(targets.table_accuracy(empty).display["fixed (measured)"]) == {"not run"}
    assert len(targets.table_geometry(empty).display) == 19


def test_table_geometry_sets_every_run_beside_the_closed_form(tmp_path: Path) -> None:
    table = targets.table_geometry(made_up(tmp_path, RP.runs("full")))
    assert len(table.display) == len(RP.runs("full"))
    assert not (table.display == "not run").any(axis=None)
    rows = {(row["Polytope"], row["Classifier"]): row for row in table.display.to_dict("records")}
    cube = rows["EMNIST, cube, d = 6", "fixed, eq. 9"]
    assert cube["closed form"] == "48.2"
    assert float(cube["nearest class means (measured)"].split()[0]) == pytest.approx(48.2, abs=2)
    assert cube["accuracy, % (measured)"] == "99.00 (1)"
    assert float(cube["images to vector, mean (measured)"].split()[0]) < 5


def test_the_geometry_and_the_targets_import_no_torch() -> None:
    code = "import sys, papers.regular_polytope.targets; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
