"""Figures 1, 3 and 4 drawn from made-up records: what they say, and that nothing lies on anything else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import Circle

from papers.feature_transfer import class_figures
from papers.feature_transfer.class_figures import figure1, figure3, figure4, samples_of, t_sne
from shared.errors import UserError
from shared.records.kept import ARRAYS
from shared.records.records import Records
from shared.reporting.figure import Figure
from shared.runs.registry import paper
from tests.records.samples import record, write
from tests.reporting.legible import cut_off, too_small

REFERENCE = paper("feature_transfer").reference
FIGURES: dict[str, Callable[[Records], Figure]] = {"figure1": figure1, "figure3": figure3, "figure4": figure4}
IMAGES = {"smoke": [*range(40, 22, -2), *range(10, 1, -1)], "full": [*range(803, 3, -1)]}


def kept(
    folder: Path, run: str, metrics: dict[str, dict[str, float]], *, seed: int = 0, **arrays: dict[str, np.ndarray]
) -> Path:
    """Write a record with the arrays of its benchmarks, by their names with _ for -."""
    entry = record(run, seed)
    entry.metrics.clear()
    entry.metrics.update(metrics)
    entry.config["data"] = {"name": "made-up"}
    path: Path = write(folder, entry)
    for benchmark, parts in arrays.items():
        np.savez(path.parent / ARRAYS.format(benchmark=benchmark.replace("_", "-")), **parts)  # type: ignore[arg-type]
    return path


def two_classes(sizes: list[int], *, unit: bool, seed: int = 0) -> dict[str, np.ndarray]:
    """Return arrays as the benchmark keeps them, of a classifier that is biased."""
    random = np.random.default_rng(seed)
    regular, ur = 2, len(sizes) - 2
    few = 20 if max(sizes) > 20 else int(np.median(sizes))
    weights = np.array([[3, 1, 0, 0], [0.3, 0, 1, 0]], np.float32)
    if unit:
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    centers = np.array([[2, 0, 0, 0], [0, 0, 2, 0]])
    shown = min(60, sizes[regular])
    return {
        "sizes": np.array(sizes),
        "norms": np.ones(len(sizes)) if unit else np.sqrt(sizes) + random.normal(size=len(sizes), scale=0.3),
        "few": np.array(few),
        "chosen": np.array([regular, ur]),
        "weights": weights,
        "regular": (centers[0] + random.normal(size=(shown, 4))).astype(np.float32),
        "ur": (centers[1] + random.normal(size=(sizes[ur], 4), scale=0.3)).astype(np.float32),
        "transferred": (centers[1] + random.normal(size=(shown, 4))).astype(np.float32),
    }


def nearest(classes: int, shape: tuple[int, ...], *, yaw: bool) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    gradient = np.broadcast_to(np.linspace(0, 255, shape[0]).reshape(-1, *[1] * (len(shape) - 1)), shape)
    arrays: dict[str, np.ndarray] = {}
    for place, side in enumerate(("largest", "smallest")):
        arrays[side] = np.stack([gradient] * classes).astype(np.uint8)
        arrays[f"classes_{side}"] = np.arange(classes) + place * classes
        arrays[f"sizes_{side}"] = np.full(classes, (800, 2)[place])
        if yaw:
            arrays[f"yaws_{side}"] = random.uniform(-60, 60, classes).astype(np.float32)
    return arrays


def center_errors(sizes: list[int], seed: int) -> dict[str, float]:
    metrics = {"intra_min": 0.31, "intra_mean": 0.52, "intra_max": 1.1, "inter_min": 0.8, "inter_mean": 1.4}
    metrics |= {"inter_max": 2.0 + seed / 100, "classes": 10.0}
    for index, estimator in enumerate(class_figures.ESTIMATORS):
        for size in sizes:
            spread = 0.5 / np.sqrt(1 if index == 0 else size) * (1 - 0.1 * index) + seed / 50
            metrics |= {f"{estimator}@{size}": spread, f"{estimator}_eq5@{size}": spread / 2}
    return metrics


def made(folder: Path, scale: str) -> Records:
    """Write records of all runs of the three figures, small ones at smoke scale, and return them."""
    sizes, smoke = IMAGES[scale], scale == "smoke"
    paths = [
        kept(
            folder,
            "figure1/softmax",
            {"two-classes": {"norm_correlation": 0.9}},
            two_classes=two_classes(sizes, unit=False),
        ),
        kept(
            folder,
            "figure3/softmax",
            {"nearest-samples": {}},
            nearest_samples=nearest(6 if smoke else 8, (32, 32) if smoke else (112, 112, 3), yaw=smoke),
        ),
        kept(folder, "figure1/unit-weights", {"two-classes": {}}, two_classes=two_classes(sizes, unit=True)),
    ]
    for seed in range(1 if smoke else 3):
        errors = center_errors([1, 5] if smoke else [1, 5, 10, 20], seed)
        metrics = {"center-error": errors, "center-error-rich": {name: 2 * value for name, value in errors.items()}}
        paths.append(kept(folder, "ms1m/metric-l2", metrics, seed=seed))
        for place, run in enumerate(class_figures.CLASSIFIERS.values()):
            recall = {"rank1_regular_fc": 90.0 - place + seed, "rank1_ur_fc": 60.0 + 5 * place - seed}
            arrays = {"two_classes": two_classes(sizes, unit=False, seed=seed)} if run.endswith("ftl") else {}
            paths.append(kept(folder, run, {"nearest-center": recall}, seed=seed, **arrays))
    return Records.read(paths, REFERENCE)


@pytest.fixture(scope="module", params=["smoke", "full"])
def drawn(request, tmp_path_factory) -> dict[str, Figure]:
    """Return the figures by name, drawn from records of a small and of a large scale."""
    records = made(tmp_path_factory.mktemp(request.param), request.param)
    return {name: draw(records) for name, draw in FIGURES.items()}


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_written_with_their_data_and_no_panel_lies_on_another_or_outside(drawn, name, tmp_path):
    assert not cut_off(drawn[name])
    assert name == "figure1" or not too_small(drawn[name])
    paths = drawn[name].write(tmp_path / name, no_evidence=True)
    assert all(path.stat().st_size > 100 for path in paths)
    assert not pd.read_csv(paths[-1]).empty
    assert "seed" in " ".join(drawn[name].notes)
    picture = drawn[name].drawing
    renderer = FigureCanvasAgg(picture).get_renderer()  # type: ignore[no-untyped-call]
    boxes = [axes.get_tightbbox(renderer) for axes in picture.get_axes() if axes.has_data()]
    assert len(boxes) >= 2
    for first, second in combinations(boxes, 2):
        assert not first.shrunk(0.98, 0.98).overlaps(second.shrunk(0.98, 0.98))
    for box in boxes:
        assert picture.bbox.padded(1).contains(box.x0, box.y0)
        assert picture.bbox.padded(1).contains(box.x1, box.y1)


@pytest.mark.parametrize("name", FIGURES)
def test_no_legend_lies_on_what_is_drawn(drawn, name):
    picture = drawn[name].drawing
    renderer = FigureCanvasAgg(picture).get_renderer()  # type: ignore[no-untyped-call]
    picture.draw(renderer)
    for axes in picture.axes:
        if (legend := axes.get_legend()) is None:
            continue
        box = legend.get_window_extent(renderer)
        for line in axes.lines:
            places = line.get_transform().transform(line.get_xydata())
            assert not any(box.contains(*place) for place in places)


@pytest.mark.parametrize("name", FIGURES)
def test_without_records_the_panels_say_so(name):
    figure = FIGURES[name](Records([], REFERENCE))
    assert "not run" in {text.get_text() for axes in figure.drawing.axes for text in axes.texts}


def test_of_figure1_one_run_is_drawn_alone(tmp_path):
    path = kept(tmp_path, "figure1/unit-weights", {}, two_classes=two_classes(IMAGES["smoke"], unit=True))
    figure = figure1(Records.read([path], REFERENCE))
    written = [[text.get_text() for text in axes.texts] for axes in figure.drawing.axes]
    # The classes of the run that is missing, a key, the planes, the other runs' recall, and the distances.
    assert [texts == ["not run"] for texts in written] == [True, True, False, True, False, True, True, False, True]
    assert set(figure.data["panel"]) == {"d"}


def test_figure1_shows_the_classes_from_the_largest_on(tmp_path):
    frame = figure1(made(tmp_path, "smoke")).data
    classes = frame[frame["panel"] == "ab"]
    assert classes["images"].tolist() == sorted(IMAGES["smoke"], reverse=True)
    assert classes["regular"].tolist() == [size > 20 for size in classes["images"]]
    assert frame[frame["panel"] == "c"]["kind"].value_counts().to_dict() == {"regular": 36, "ur": 3}
    assert frame[frame["panel"] == "d"]["kind"].value_counts()["transferred"] == 36
    assert frame[frame["panel"] == "e"]["kind"].value_counts().to_dict() == {"regular": 36, "ur": 3}
    recall = frame[(frame["panel"] == "f") & (frame["kind"] == "UR classes")]
    assert dict(zip(recall["classifier"], recall["recall"], strict=True)) == {
        "softmax": 60,
        "weights of length 1": 65,
        "FTL": 70,
    }


def test_few_samples_are_shown_across_the_boundary_and_many_by_t_sne():
    random = np.random.default_rng(0)
    weights = np.array([[3.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    few = {"weights": weights, "regular": random.normal(size=(20, 3)), "ur": random.normal(size=(9, 3))}
    samples = samples_of(few, ["regular", "ur"])
    np.testing.assert_allclose(samples["x"], samples["distance"])
    points = np.concatenate([few["regular"], few["ur"]])
    # The variance across the boundary is the greatest in any direction there.
    assert samples["y"].var() == pytest.approx(np.linalg.eigvalsh(np.cov(points[:, 1:].T)).max())
    virtual = {**few, "transferred": random.normal(size=(20, 3))}
    assert set(samples_of(virtual, ["regular", "ur", "transferred"])["plane"]) == {"boundary"}
    many = {**few, "ur": random.normal(size=(10, 3))}
    assert set(samples_of(many, ["regular", "ur"])["plane"]) == {"t-SNE"}


def test_the_boundary_is_where_both_logits_are_equal():
    weights = np.array([[3.0, 0.0], [0.0, 1.0]])
    points = np.array([[1.0, 3.0], [1.0, 1.0], [0.0, 2.0], [4.0, 0.5]])
    arrays = {"weights": weights, "regular": points[:2], "ur": points[2:]}
    samples = samples_of(arrays, ["regular", "ur"])
    # The logits are (3, 3), (3, 1), (0, 2) and (12, 0.5); the distance is their difference over the root of 10.
    np.testing.assert_allclose(samples["distance"], np.array([0, 2, -2, 11.5]) / np.sqrt(10), atol=1e-12)
    assert samples["right"].tolist() == [False, True, True, False]


@pytest.mark.parametrize("count", [3, 4, 60])
def test_t_sne_keeps_apart_what_is_apart_and_is_the_same_each_time(count):
    random = np.random.default_rng(0)
    points = random.normal(size=(count, 5)) + np.arange(count)[:, None] % 2 * 30
    places = t_sne(points)
    assert np.isfinite(places).all()
    np.testing.assert_array_equal(places, t_sne(points))
    if count == 60:
        first, second = places[::2], places[1::2]
        within = np.linalg.norm(first - first.mean(axis=0), axis=1).max()
        assert np.linalg.norm(first.mean(axis=0) - second.mean(axis=0)) > within


def test_figure3_says_how_far_heads_are_turned_where_it_is_known(tmp_path):
    arrays = nearest(2, (8, 8), yaw=True)
    arrays["yaws_smallest"] = np.array([-40, np.nan], np.float32)
    path = kept(tmp_path, "figure3/softmax", {}, nearest_samples=arrays)
    figure = figure3(Records.read([path], REFERENCE))
    left, right = figure.drawing.axes
    assert right.get_title() == "(b) smallest classes, mean |yaw| 40°"
    assert [text.get_text() for text in right.texts] == ["n = 2\n40°", "n = 2"]
    assert left.get_title().startswith("(a) largest classes, mean |yaw|")
    without = kept(tmp_path, "figure3/softmax", {}, nearest_samples=nearest(2, (8, 8), yaw=False))
    figure = figure3(Records.read([without], REFERENCE))
    assert [axes.get_title() for axes in figure.drawing.axes] == ["(a) largest classes", "(b) smallest classes"]
    assert "yaw" not in figure.caption


def test_figure4_draws_the_sizes_that_were_measured(tmp_path):
    errors, of_rich, circles = figure4(made(tmp_path, "smoke")).drawing.axes
    assert [label.get_text() for label in errors.get_xticklabels()] == ["1", "5"]
    np.testing.assert_allclose(np.asarray(errors.lines[0].get_ydata(), float), np.array([0.5, 0.5]))
    np.testing.assert_allclose(np.asarray(of_rich.lines[0].get_ydata(), float), np.array([1.0, 1.0]))
    dashed = [line for line in errors.lines if line.get_linestyle() == "--"]
    solid = errors.lines[::2][:3]
    assert len(dashed) == 3
    for above, below in zip(solid, dashed, strict=True):
        np.testing.assert_allclose(np.asarray(below.get_ydata(), float), np.asarray(above.get_ydata(), float) / 2)
    radii = [circle.get_radius() for circle in circles.patches if isinstance(circle, Circle)]
    assert radii == pytest.approx([0.31, 0.52, 1.1, 0.8, 1.4, 2.0])


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("norms", lambda found: found[1:], "'norms' is of 17 where [C] is meant"),
        ("weights", lambda found: found[:1], "'weights' is of 1 x 4 where [2, d] is meant"),
        ("ur", lambda found: found * np.nan, "'ur' has numbers that are not finite"),
        ("chosen", lambda found: found + 90, "'chosen' has numbers that are not from 0 to 17"),
    ],
)
def test_kept_arrays_that_do_not_fit_together_are_named(tmp_path: Path, name: str, change, says: str) -> None:
    arrays = two_classes(IMAGES["smoke"], unit=False)
    path = kept(tmp_path, class_figures.CLASSES_RUN, {}, two_classes=arrays | {name: change(arrays[name])})
    with pytest.raises(UserError) as error:
        figure1(Records.read([path], REFERENCE))
    assert str(error.value).startswith(f"{path.parent / ARRAYS.format(benchmark='two-classes')}: {says}; restore it")
