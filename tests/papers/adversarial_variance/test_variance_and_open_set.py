"""Variance and open-set rejection by hand and against sklearn and scipy; the tables and figures that show them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu
from sklearn.decomposition import PCA
from sklearn.metrics import roc_curve

from papers.adversarial_variance import OpenSet, Variance, targets
from papers.adversarial_variance.open_set import OpenSetRejection
from papers.adversarial_variance.variance import PrincipalVariance
from shared.evaluation.output import Output
from shared.records.kept import FEATURES
from shared.records.records import Record, Records
from shared.runs.registry import paper
from tests.records.samples import record

AV = paper("adversarial_variance")


def output(embeddings, labels) -> Output:
    points = np.asarray(embeddings, np.float32)
    given_labels = np.asarray(labels, np.int64)
    vectors = np.zeros((int(given_labels.max()) + 1, 1, points.shape[1]), np.float32)
    return Output(points, given_labels, given_labels, vectors, ())


def clouds(dimension: int = 2, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), 40)
    spread = random.normal(size=(classes, dimension, dimension))
    points = np.einsum("nd,nde->ne", random.normal(size=(len(labels), dimension)), spread[labels])
    return points + 5 * random.normal(size=(classes, dimension))[labels], labels


def test_the_benchmarks_are_what_their_options_build():
    assert isinstance(Variance().build(), PrincipalVariance)
    assert isinstance(OpenSet().build(), OpenSetRejection)
    assert Variance.splits == ("test",)
    assert OpenSet.splits == ("train", "test", "unseen")


def test_variance_by_hand():
    # Class 0 about (4, 0): +-2 along the radius, +-1 across. Class 1 about (0, 3): +-1 along the radius, +-3 across.
    points = [(6, 0), (2, 0), (4, 1), (4, -1), (0, 4), (0, 2), (3, 3), (-3, 3)]
    result = PrincipalVariance()(output(points, [0] * 4 + [1] * 4))
    assert result == pytest.approx(
        {
            "first_variance": (8 / 4 + 18 / 4) / 2,
            "second_variance": (2 / 4 + 2 / 4) / 2,
            "second_variance_class0": 0.5,
            "second_variance_class1": 0.5,
            "second_share": 100 * (2 / 10 + 2 / 20) / 2,
            "first_to_radius": (0 + 90) / 2,
            "spread": np.hypot(4, 3) / 2,  # either mean is half their distance from their mean
        },
        abs=1e-9,
    )


@pytest.mark.parametrize("dimension", [2, 5])
def test_variance_as_sklearn_has_it(dimension):
    points, labels = clouds(dimension)
    result = PrincipalVariance()(output(points, labels))
    fits = [PCA().fit(points[labels == label].astype(np.float32).astype(np.float64)) for label in range(3)]
    share = 39 / 40  # sklearn divides by n - 1
    assert result["first_variance"] == pytest.approx(np.mean([share * fit.explained_variance_[0] for fit in fits]))
    assert result["second_variance"] == pytest.approx(np.mean([share * fit.explained_variance_[1] for fit in fits]))
    assert result["second_share"] == pytest.approx(np.mean([100 * fit.explained_variance_ratio_[1] for fit in fits]))
    for label, fit in enumerate(fits):
        assert result[f"second_variance_class{label}"] == pytest.approx(share * fit.explained_variance_[1])
    angles = []
    for fit in fits:
        cosine = abs(fit.components_[0] @ fit.mean_) / np.linalg.norm(fit.mean_)
        angles.append(np.degrees(np.arccos(cosine)))
    assert result["first_to_radius"] == pytest.approx(np.mean(angles))


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 100), st.floats(0, 2 * np.pi), st.integers(0, 1000))
def test_a_rotation_changes_nothing_and_a_scale_the_lengths_alone(scale, turn, seed):
    points, labels = clouds(seed=seed)
    rotation = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    before = PrincipalVariance()(output(points, labels))
    after = PrincipalVariance()(output(points @ rotation.T, labels))
    powers = {"second_share": 0, "first_to_radius": 0, "spread": 1}
    for name, value in before.items():
        assert after[name] == pytest.approx(value * scale ** powers.get(name, 2), rel=1e-2, abs=1e-3 * scale**2)


def test_classes_fallen_together_have_no_spread_and_a_class_in_one_point_no_variance():
    result = PrincipalVariance()(output([(1, 2)] * 6, [0, 0, 0, 1, 1, 1]))
    for name in ("first_variance", "second_variance", "second_share", "spread", "second_variance_class1"):
        assert result[name] == pytest.approx(0, abs=1e-12)
    shifted = PrincipalVariance()(output([(0, 2), (2, 2), (1, 1), (1, 3), (-1, 2), (3, 2)], [0, 0, 1, 1, 2, 2]))
    assert shifted["spread"] == pytest.approx(0, abs=1e-12)


def test_only_classes_that_occur_count():
    points, labels = clouds()
    of_two = PrincipalVariance()(output(points[labels != 1], labels[labels != 1]))
    assert "second_variance_class1" not in of_two
    expected = (of_two["second_variance_class0"] + of_two["second_variance_class2"]) / 2
    assert of_two["second_variance"] == pytest.approx(expected)


def at(*degrees: float, length: float = 1.0) -> list[tuple[float, float]]:
    return [(length * float(np.cos(np.radians(d))), length * float(np.sin(np.radians(d)))) for d in degrees]


# Class directions 0 and 90 degrees: the means of normalised embeddings of unequal lengths.
TRAIN = output([*at(-10, length=9), *at(10), *at(80), *at(100, length=3)], [0, 0, 1, 1])


def test_rejection_by_hand():
    known = output(at(1, 92, -20, 110), [0, 1, 0, 1])  # 1, 2, 20 and 20 degrees from the nearest direction
    unseen = output([*at(45, 85, -40), *at(200, length=50)], [7, 8, 9, 9])  # 45, 5, 40 and 110 degrees
    result = OpenSetRejection()(TRAIN, known, unseen)
    # Of sixteen pairs the known image is the farther one in two: 20 degrees against 5.
    assert result["auroc"] == pytest.approx(100 * 14 / 16)
    assert result["fpr_at_95_tpr"] == pytest.approx(25)  # all known must be accepted, so 5 degrees is


def test_the_threshold_accepts_95_percent_of_the_known_and_no_more_than_needed():
    known = output(at(*range(1, 21)), [0] * 20)
    unseen = output(at(18.5, 19.5, 19.4, 45), [5] * 4)
    assert OpenSetRejection()(TRAIN, known, unseen)["fpr_at_95_tpr"] == pytest.approx(25)  # at 19 degrees: 18.5 alone


def test_perfect_and_reversed_and_tied_rejection():
    near, far = output(at(0, 90), [0, 1]), output(at(225, 220), [5, 5])
    assert OpenSetRejection()(TRAIN, near, far) == {"auroc": 100, "fpr_at_95_tpr": 0}
    assert OpenSetRejection()(TRAIN, far, near) == {"auroc": 0, "fpr_at_95_tpr": 100}
    assert OpenSetRejection()(TRAIN, near, near) == {"auroc": 50, "fpr_at_95_tpr": 100}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_rejection_as_sklearn_and_scipy_have_it(seed, dimension):
    random = np.random.default_rng(seed)
    points, labels = clouds(dimension, seed=seed)
    train, known = output(points[::2], labels[::2]), output(points[1::2][:37], labels[1::2][:37])
    unseen = output(4 * random.normal(size=(35, dimension)), [9] * 35)
    result = OpenSetRejection()(train, known, unseen)

    wide = [part.embeddings.astype(np.float64) for part in (train, known, unseen)]
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in wide]
    means = np.stack([unit[0][train.labels == label].mean(axis=0) for label in range(3)])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    scores = [(part @ means.T).max(axis=1) for part in unit[1:]]
    u = mannwhitneyu(*scores).statistic / (len(scores[0]) * len(scores[1]))
    assert result["auroc"] == pytest.approx(100 * u)
    truth = np.repeat([1, 0], [len(part) for part in scores])
    fpr, tpr, _ = roc_curve(truth, np.concatenate(scores), drop_intermediate=False)
    assert result["fpr_at_95_tpr"] == pytest.approx(100 * fpr[tpr >= 0.95][0])


def test_only_directions_count():
    random = np.random.default_rng(1)
    points, labels = clouds()
    unseen = random.normal(size=(30, 2))
    before = OpenSetRejection()(output(points, labels), output(points, labels), output(unseen, [9] * 30))
    longer = [random.uniform(0.1, 9, size=(len(part), 1)) * part for part in (points, points, unseen)]
    after = OpenSetRejection()(
        *(output(part, names) for part, names in zip(longer, (labels, labels, [9] * 30), strict=True))
    )
    assert after == pytest.approx(before, abs=0.1)


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
