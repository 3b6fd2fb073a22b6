"""The tables and figures of adversarial variance, drawn from made-up records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from papers.adversarial_variance import targets
from shared.records.kept import FEATURES
from shared.records.records import Record, Records
from shared.runs.registry import paper
from tests.papers.adversarial_variance.samples import clouds
from tests.records.samples import record
from tests.reporting.legible import cut_off, too_small

AV = paper("adversarial_variance")


def entry(
    run: str, seed: int, metrics: dict[str, dict[str, float]], folder: Path, scale: float = 1.0
) -> tuple[Record, Path]:
    """Return a record of a run as it is configured at lite scale, with made-up metrics and features."""
    configured = AV.run(run, "lite")
    given = {"axes": configured.axes, "config": configured.config.plain(), "metrics": metrics}
    made = record(run, seed).model_copy(update=given)
    place = folder / run.replace("/", "-") / str(seed)
    place.mkdir(parents=True)
    classes = len(configured.config.plain()["data"]["sampling"].get("classes") or range(10))
    points, labels = clouds(classes=classes, seed=seed)
    np.savez(
        place / FEATURES.format(split="test"),
        embeddings=(scale * points).astype(np.float32),
        labels=labels.astype(np.uint8),
        predictions=labels.astype(np.uint8),
        class_vectors=np.ones((classes, 1, 2), np.float32),
    )
    return made, place


def drawn_from(*entries: tuple[Record, Path]) -> Records:
    return Records(entries, AV.reference)


def test_table_variance_shows_seeds_classes_and_what_is_not_run(tmp_path):
    def variance(value: float) -> dict[str, dict[str, float]]:
        by_class = {"second_variance_class0": value / 2, "second_variance_class1": 3 * value / 2}
        return {"variance": {"second_variance": value, **by_class}, "mnist-test": {"accuracy": 90 + value}}

    records = drawn_from(*(entry("figure7/2", seed, variance(1.0 + seed), tmp_path) for seed in range(3)))
    table = targets.table_variance(records)
    rows = table.display.set_index(["Classes", "Training"])
    assert list(rows.index[:2]) == [("2", "vanilla"), ("2", "adversarial")]
    assert rows.loc[("2", "vanilla"), "Second variance"] == "2 ± 1 (3)"
    assert rows.loc[("2", "vanilla"), "by class"] == "1 to 3"
    assert rows.loc[("2", "vanilla"), "Accuracy (%)"] == "92.00 ± 1.00 (3)"
    assert rows.loc[("2", "vanilla"), "Angular sd"] == "not run"
    assert rows.loc[("8", "adversarial, weight 10"), "Second variance"] == "not run"
    kept = table.data[table.data["metric"] == "second_variance_class1"]
    assert kept["value"].tolist() == [1.5, 3.0, 4.5]


def test_table_openset_shows_each_method_on_digits_and_on_characters(tmp_path):
    def metrics(auroc: float, accuracy: str) -> dict[str, dict[str, float]]:
        return {"open-set": {"auroc": auroc, "fpr_at_95_tpr": 20.0}, accuracy: {"accuracy": 98.0}}

    digits = entry("openset/digits/center", 0, metrics(91.5, "mnist-test"), tmp_path)
    characters = entry("openset/characters/center", 0, metrics(71.5, "emnist-test"), tmp_path)
    display = targets.table_openset(drawn_from(digits, characters)).display
    images = ["digits 0 to 5, 6 to 9", "22 characters, 25 others"]
    methods = ["vanilla", "center loss", "angular softmax", "adversarial"]
    rows = display.to_numpy().tolist()
    assert [row[:2] for row in rows] == [[data, method] for data in images for method in methods]
    assert rows[1][2:5] == ["91.50 (1)", "20.00 (1)", "98.00 (1)"]
    assert rows[5][2:5] == ["71.50 (1)", "20.00 (1)", "98.00 (1)"]
    assert set(rows[3][2:]) == {"not run"}


def test_table_anchors_shows_the_classifier_and_how_well_the_adversary_knows_anchors(tmp_path):
    metrics = {
        "emnist-test": {"accuracy": 84.0},
        "angles": {"between_means": 90.5, "mean_angle": 21.0},
        "training": {"adversary_accuracy": 71.25, "adversary_two_way": 0.5, "adversarial": -0.0625, "loss": 3.0},
    }
    table = targets.table_anchors(drawn_from(entry("anchors/shared", 0, metrics, tmp_path)))
    rows = table.display.set_index("Anchors").T
    assert rows["shared"].tolist() == [
        "84.00 (1)",
        "90.5 (1)",
        "21.0 (1)",
        "71.25 (1)",
        "0.500 (1)",
        "\N{MINUS SIGN}0.062 (1)",
    ]
    assert rows["independent"].unique().tolist() == ["not run"]
    assert "loss" not in set(table.data["metric"])


def test_table_search_shows_each_loss_and_rate(tmp_path):
    def metrics(accuracy: float) -> dict[str, dict[str, float]]:
        return {"held-out": {"accuracy": accuracy, "error": 100 - accuracy}, "training": {"loss": accuracy / 100}}

    rates = {"search/center/0.003": 97.0, "search/center/0.0005": 98.0, "search/angular/0.003": 96.0}
    table = targets.table_search(drawn_from(*(entry(run, 0, metrics(value), tmp_path) for run, value in rates.items())))
    assert table.display.to_numpy().tolist() == [
        ["center loss, λ = 1", "0.0005", "98.00 (1)", "0.980 (1)"],
        ["center loss, λ = 1", "0.003", "97.00 (1)", "0.970 (1)"],
        ["angular softmax, m = 4", "0.0005", "not run", "not run"],
        ["angular softmax, m = 4", "0.003", "96.00 (1)", "0.960 (1)"],
    ]


def few_classes(tmp_path: Path, runs: dict[str, float]) -> Records:
    """Return records whose embeddings are made-up clouds, each run's multiplied by a number."""
    return drawn_from(*(entry(run, 0, {}, tmp_path, scale) for run, scale in runs.items()))


def test_figures_7_and_8_are_in_mean_lengths_on_the_same_axes_for_the_same_number_of_classes(tmp_path):
    records = few_classes(tmp_path, {"figure7/2": 1.0, "figure8/2": 0.1, "figure7/8": 0.01, "figure8/8": 3.0})
    figures = [figure(records) for figure in (targets.figure7, targets.figure8)]
    panels = [figure.drawing.axes for figure in figures]
    for one, other in zip(*panels, strict=True):
        assert one.get_xlim() == other.get_xlim()
        assert one.get_ylim() == other.get_ylim()
    points, _ = clouds(classes=8)
    low, high = panels[0][2].get_xlim()
    reach = points[:, 0] / np.hypot(*points.T).mean()
    assert low < reach.min()
    assert reach.max() < high < 1.5 * reach.max()
    assert np.ptp(panels[0][0].get_xlim()) == pytest.approx(np.ptp(panels[0][0].get_ylim()))
    assert [text.get_text() for text in panels[0][1].texts] == ["not run"]
    assert all("mean length" in axes.get_xlabel() for axes in panels[0])


def test_figures_7_and_8_show_no_shorter_embedding_as_more_compact(tmp_path):
    records = few_classes(tmp_path, {"figure7/3": 50.0, "figure8/3": 0.5})
    one, other = (figure(records).data for figure in (targets.figure7, targets.figure8))
    assert np.allclose(one[["x", "y"]], other[["x", "y"]], rtol=1e-4)
    assert np.hypot(one["x"], one["y"]).mean() == pytest.approx(1)
    assert one["mean_length"].iloc[0] == pytest.approx(100 * other["mean_length"].iloc[0], rel=1e-4)


def test_figures_say_in_their_panels_what_was_found(tmp_path):
    metrics = {
        "mnist-test": {"accuracy": 98.25},
        "angles": {"mean_angle": 0.4, "angular_sd": 3.25, "overlap": 4.5},
        "variance": {"second_share": 5.125},
        "compactness": {"gap": -12.0, "relative_variance": 0.0625},
    }
    angles = "mean angle 0.4°, angular sd 3.2°"
    shown = {
        "figure3/0.1": (targets.figure3, 0, "λ = 0.1\nvariance 0.062, accuracy 98.2 %"),
        "figure4/modified": (targets.figure4, 1, "modified softmax\noverlap 4.5 %, gap -12°"),
        "figure5/angular": (targets.figure5, 1, f"angular softmax, m = 4\n{angles}\naccuracy 98.2 %"),
        "figure8/3": (targets.figure8, 1, f"3 classes\n{angles}\nsecond share 5.1 %\naccuracy 98.2 %"),
    }
    for run, (figure, panel, title) in shown.items():
        drawn = figure(drawn_from(entry(run, 0, metrics, tmp_path)))
        assert drawn.drawing.axes[panel].get_title() == title
        assert not too_small(drawn)
        assert not cut_off(drawn)


def test_a_figure_of_two_classes_says_on_itself_what_they_are(tmp_path):
    digits = entry("figure4/softmax", 0, {}, tmp_path / "digits")
    figure = targets.figure4(drawn_from(digits))
    assert figure.drawing.get_supxlabel() == "Data: two digits, 4 and 9; no faces at hand"
    assert set(figure.data["class"]) == {"4", "9"}
    faces = entry("figure4/softmax", 0, {}, tmp_path / "faces")
    faces[0].config["data"] = AV.run("figure4/softmax", "full").config.plain()["data"]
    figure = targets.figure4(drawn_from(faces))
    assert figure.drawing.get_supxlabel() == "Data: two identities of CASIA-WebFace, A and B"
    assert set(figure.data["class"]) == {"A", "B"}


def test_of_several_seeds_the_first_is_drawn(tmp_path):
    records = drawn_from(*(entry("figure3/0.1", seed, {}, tmp_path) for seed in (2, 1)))
    figure = targets.figure3(records)
    assert set(figure.data["seed"]) == {1}
    assert "figure3/0.1: 1" in figure.notes[0]
