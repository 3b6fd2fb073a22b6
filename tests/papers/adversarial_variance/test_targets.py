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
    assert rows.loc[("8", "adversarial, anchors redrawn"), "Second variance"] == "not run"
    kept = table.data[table.data["metric"] == "second_variance_class1"]
    assert kept["value"].tolist() == [1.5, 3.0, 4.5]


def test_table_openset_shows_each_method(tmp_path):
    metrics = {"open-set": {"auroc": 91.5, "fpr_at_95_tpr": 20.0}, "mnist-test": {"accuracy": 98.0}}
    rows = targets.table_openset(drawn_from(entry("openset/center", 0, metrics, tmp_path))).display.set_index(
        "Training"
    )
    assert list(rows.index) == ["vanilla", "center loss", "angular softmax", "adversarial"]
    assert rows.T["center loss"].tolist()[:3] == ["91.50 (1)", "20.00 (1)", "98.00 (1)"]
    assert rows.T["adversarial"].unique().tolist() == ["not run"]


def test_figures_7_and_8_have_the_same_axes_for_the_same_number_of_classes(tmp_path):
    runs = {"figure7/2": 1.0, "figure8/2": 0.1, "figure7/8": 0.01, "figure8/8": 3.0}
    records = drawn_from(*(entry(run, 0, {}, tmp_path, scale) for run, scale in runs.items()))
    panels = [figure(records).drawing.axes for figure in (targets.figure7, targets.figure8)]
    for one, other in zip(*panels, strict=True):
        assert one.get_xlim() == other.get_xlim()
        assert one.get_ylim() == other.get_ylim()
    largest, _ = clouds(classes=8)
    low, high = panels[0][2].get_xlim()
    assert low < 3 * largest[:, 0].min()
    assert high > 3 * largest[:, 0].max()
    assert np.ptp(panels[0][0].get_xlim()) == pytest.approx(np.ptp(panels[0][0].get_ylim()))
    assert [text.get_text() for text in panels[0][1].texts] == ["not run"]


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
