"""Lesions and faces of the Gaussian affinity paper: what its tables and figures make of records, worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle

from papers.gaussian_affinity import targets
from papers.gaussian_affinity.names import LESIONS
from shared.records.kept import FEATURES
from shared.records.records import Record, Records, TrainedOn
from shared.reporting.figure import Figure
from shared.reporting.health_marks import mark, marked
from shared.runs.registry import paper
from tests.records.samples import record
from tests.reporting.legible import cut_off, too_small

GA = paper("gaussian_affinity")


def made_up(
    name: str, seed: int = 0, *, folder: Path = Path(), scale: str = "full", **changes: Any
) -> tuple[Record, Path]:
    """Return a record of a run of the paper, as it is configured, with some parts set."""
    run = GA.run(name, scale)
    kept = {"axes": run.axes, "config": run.config.plain(), "metrics": {}, **changes}
    return record(name, seed).model_copy(update=kept), folder


def lesions(
    experiment: str, loss: str, fold: int, accuracy: float, seed: int = 0, *, scale: str = "full"
) -> tuple[Record, Path]:
    name = f"table2/{experiment}/{loss}/{fold}"
    benchmark = GA.run(name, scale).config.benchmarks[0]
    return made_up(name, seed, scale=scale, metrics={benchmark: {"accuracy": accuracy, "error": 100 - accuracy}})


def faces(loss: str, seed: int = 0, scale: str = "full", **accuracies: float) -> tuple[Record, Path]:
    metrics = {name.replace("_", "-"): {"accuracy": accuracy} for name, accuracy in accuracies.items()}
    return made_up(f"table3/{loss}", seed, scale=scale, metrics=metrics)


def of(rows: Sequence[tuple[Record, Path]]) -> Records:
    return Records(rows, GA.reference)


def test_table2_shows_the_mean_over_folds_and_their_deviation() -> None:
    rows = [lesions("five", "affinity", fold, accuracy) for fold, accuracy in enumerate([90.0, 91.0, 95.0])]
    rows += [lesions("ten", "cosen", 2, 70.0), lesions("ten", "cosen", 0, 72.0)]
    table = targets.table2(of(rows))
    shown = table.display.set_index("Methods")
    # (90 + 91 + 95) / 3 = 92; the deviations -2, -1, 3 give sqrt((4 + 1 + 9) / 2) = 2.646.
    assert shown.loc["Affinity Loss", "Exp#1 (measured)"] == "92.0 ± 2.6 (3)"
    assert shown.loc["CoSen CNN [24]", "Exp#2 (measured)"] == "71.0 ± 1.4 (2)"
    assert shown.loc["Softmax", "Exp#1 (measured)"] == "not run"
    assert len(table.data) == 5


def test_a_fold_of_table2_counts_with_the_mean_of_its_seeds() -> None:
    rows = [lesions("five", "softmax", 0, 80.0, seed) for seed in range(3)]
    rows += [lesions("five", "softmax", 1, accuracy, seed) for seed, accuracy in enumerate([81.0, 83.0])]
    shown = targets.table2(of(rows)).display.set_index("Methods")
    # The folds are 80 and 82 and differ by 2, whatever their seeds: 81 ± sqrt(2).
    assert shown.loc["Softmax", "Exp#1 (measured)"] == "81.0 ± 1.4 (2)"


def test_table2_keeps_what_is_quoted_apart_from_what_is_printed() -> None:
    shown = targets.table2(of([lesions("five", "affinity", 0, 90.0)])).display.set_index("Methods")
    five = [f"Exp#1 ({source})" for source in ("quoted", "printed", "measured")]
    assert list(shown.loc["Hierarchical-KNN [2]", five]) == ["74.3 ± 2.5", "", ""]
    assert list(shown.loc["CoSen CNN [24]", five]) == ["80.2 ± 2.5", "", "not run"]
    assert list(shown.loc["Affinity Loss", five]) == ["", "91.1 ± 1.7", "90.0 (1)"]
    assert list(shown.loc["Softmax", five]) == ["", "", "not run"]


def test_letters_have_columns_of_their_own_in_table2() -> None:
    each = [(fold, seed) for fold in range(3) for seed in (0, 1)]
    rows = [lesions("five", "affinity", fold, 90.0 + fold + 3 * seed, seed, scale="lite") for fold, seed in each]
    table = targets.table2(of(rows))
    shown = table.display.set_index("Methods")
    # The seeds are 91 and 94, whatever their folds: 92.5 ± 3 / sqrt(2).
    assert shown.loc["Affinity Loss", "Exp#1 (letters, measured)"] == "92.5 ± 2.1 (2)"
    assert shown.loc["Affinity Loss", "Exp#1 (measured)"] == "not run"
    assert shown.loc["Flat-KNN [2]", "Exp#2 (letters, measured)"] == ""
    assert len(table.data) == 6
    assert any("A to J" in note for note in table.notes)
    on_lesions = targets.table2(of([lesions("five", "affinity", 0, 90.0)]))
    assert not any("letters" in text for text in [*on_lesions.display.columns, *on_lesions.notes])


def test_table1_shows_cosen_as_quoted_and_as_measured() -> None:
    metrics = {"mnist-test": {"accuracy": 98.25, "error": 1.75}}
    shown = targets.table1(of([made_up("table1/odd-10/cosen", metrics=metrics)])).display.set_index("Imbalanced")
    assert shown.loc["10% of odd digits", "CoSen CNN (quoted)"] == "98.6"
    assert shown.loc["10% of odd digits", "CoSen CNN (measured)"] == "98.25 (1)"
    assert shown.loc["Stand. split", "CoSen CNN (measured)"] == "not run"


def test_table2_says_what_its_deviations_are_over_of_what_is_measured_alone() -> None:
    over_folds, over_seeds = "over the folds (number of folds)", "over the seeds (number of seeds)"
    for scale, said, unsaid in (("full", over_folds, over_seeds), ("lite", over_seeds, over_folds)):
        notes = " ".join(targets.table2(of([lesions("five", "affinity", 0, 90.0, scale=scale)])).notes)
        assert said in notes
        assert unsaid not in notes


def test_table1_begins_with_what_is_quoted_for_the_whole_set() -> None:
    metrics = {"mnist-test": {"accuracy": 99.5, "error": 0.5}}
    shown = targets.table1(of([made_up("table1/standard/affinity", metrics=metrics)])).display
    assert shown["Others (quoted)"].tolist() == ["99.6", "99.7", "99.8", *[""] * 5]
    assert shown["Imbalanced"].tolist()[2:4] == ["Stand. split: Maxout NIN [6]", "Stand. split"]
    assert set(shown.iloc[:3, 2:].to_numpy().ravel()) == {""}


def errors(group: str, by_level: dict[str, float]) -> Records:
    return of(
        [made_up(f"{group}/{level}", metrics={"mnist-test": {"error": error}}) for level, error in by_level.items()]
    )


def shaded(figure: Figure) -> tuple[float, float]:
    [patch] = figure.drawing.axes[0].patches
    assert isinstance(patch, Rectangle)
    return patch.get_x(), patch.get_x() + patch.get_width()


@pytest.mark.parametrize("found", [{"10": 0.7}, {"5": 0.65, "20": 0.9}, {"5": 0.5, "20": 2.1}, {"0.1": 40.0, "5": 0.7}])
def test_figure7_has_plain_numbers_that_differ_at_its_errors_however_near_they_lie(found) -> None:
    figure = targets.figure7(errors("figure7", found))
    figure.drawing.draw_without_rendering()
    axes = figure.drawing.axes[0]
    low, high = axes.get_ylim()
    ticks = [*axes.yaxis.get_major_ticks(), *axes.yaxis.get_minor_ticks()]
    told = {tick.get_loc(): tick.label1.get_text() for tick in ticks if low <= tick.get_loc() <= high}
    texts = [text for text in told.values() if text]
    assert len(texts) >= 2
    assert [float(text) for text in texts] == pytest.approx([place for place, text in told.items() if text])
    assert not any("e" in text for text in texts)


def test_figure7_of_a_single_level_has_a_scale_all_the_same_and_says_what_its_bar_is() -> None:
    runs = [made_up("figure7/10", seed, metrics={"mnist-test": {"error": 0.7 + seed / 100}}) for seed in range(3)]
    figure = targets.figure7(of(runs))
    axes = figure.drawing.axes[0]
    assert axes.get_xticks().tolist() == [5, 10, 20]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("cluster spread σ, log scale", "test error (%), log scale")
    assert "the bar is the 95% t interval" in figure.notes[0]


def test_figure7_shows_levels_that_fail_beside_the_printed_best() -> None:
    figure = targets.figure7(errors("figure7", {"0.1": 40.0, "5": 1.1, "20": 1.0, "50": 1.3}))
    axes = figure.drawing.axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    low, high = axes.get_ylim()
    assert 0 < low < 1
    assert high > 40
    assert shaded(figure) == (5, 20)
    assert "best, as printed" in axes.get_legend_handles_labels()[1]


def test_figure8_has_a_tick_at_every_measured_level() -> None:
    figure = targets.figure8(errors("figure8", {"1": 1.4, "2": 1.3, "3": 1.2, "5": 1.0, "20": 1.1}))
    axes = figure.drawing.axes[0]
    assert axes.get_xticks().tolist() == [1, 2, 3, 5, 20]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2", "3", "5", "20"]
    assert axes.get_ylim()[0] == 0
    assert shaded(figure) == (5, 20)


def test_table_recipes_shows_the_losses_side_by_side() -> None:
    used = record().data.model_copy(update={"counts": {"held_out": [1000] * 10}})
    rows = [
        made_up(f"search/recipe/{recipe}/{loss}", seed, metrics={"held-out": {"balanced_error": error}}, data=used)
        for recipe, loss, seed, error in [
            ("plain", "softmax", 0, 1.4),
            ("plain", "softmax", 1, 1.2),
            ("longer-shifted", "affinity", 0, 1.0),
        ]
    ]
    table = targets.table_recipes(of(rows))
    shown = table.display.set_index("Recipe")
    assert shown.loc["plain", "softmax (measured)"] == "1.30 ± 0.14 (2)"
    assert shown.loc["longer, moved by up to 2 pixels", "affinity (measured)"] == "1.00 (1)"
    assert shown.loc["longer", "affinity (measured)"] == "not run"
    assert shown["Epochs"].tolist() == [12, "", 36, ""]
    assert "judged on 10,000 training images" in table.notes[0]


def test_table_diversity_shows_what_is_measured_with_and_without() -> None:
    metrics = {
        "mnist-test": {"error": 1.0, "minority_error": 2.0},
        "mnist-geometry": {"prototype_spacing_cv": 0.125},
    }
    table = targets.table_diversity(of([made_up("table_diversity/0", metrics=metrics)]))
    shown = table.display.set_index("Weight of R")
    assert list(shown.loc["0"]) == ["1.00 (1)", "2.00 (1)", "0.12500 (1)"]
    assert set(shown.loc["1"]) == {"not run"}
    assert len(table.data) == 3


def test_each_recipe_is_the_one_that_the_table_calls_it_and_differs_in_nothing_else() -> None:
    plain = {name: run.config.plain() for name, run in GA.runs("full").items() if name.startswith("search/recipe/")}
    assert len(plain) == 4 * 2
    for loss in ("softmax", "affinity"):
        base = plain[f"search/recipe/plain/{loss}"]
        longer = plain[f"search/recipe/longer/{loss}"]
        assert (base["training"]["epochs"], longer["training"]["epochs"]) == (12, 36)
        assert longer == {**base, "training": {**base["training"], "epochs": 36}}
        shifted, dropout = (plain[f"search/recipe/longer-{what}/{loss}"] for what in ("shifted", "dropout"))
        assert shifted == {**longer, "training": {**longer["training"], "translate": 2}}
        assert dropout == {**longer, "backbone": {**longer["backbone"], "dropout": 0.5}}


def test_no_run_of_the_search_looks_at_a_test_image() -> None:
    searches = [run for name, run in GA.runs("full").items() if name.startswith("search/")]
    assert len(searches) == 9 + 3 + 8
    assert {run.config.benchmarks for run in searches} == {("held-out",)}
    assert not any(run.config.keep_features for run in searches)


def plane(folder: Path, loss: str) -> tuple[Record, Path]:
    """Return a record of figure 2 in which each digit lies on its centre, far from all others."""
    place = folder / loss
    place.mkdir()
    centres = np.stack([np.cos(np.arange(10)), np.sin(np.arange(10))], axis=1) * 5
    np.savez(
        place / FEATURES.format(split="test"),
        class_vectors=centres[:, None],
        embeddings=centres.repeat(3, axis=0),
        labels=np.arange(10).repeat(3),
    )
    return made_up(f"figure2/{loss}", folder=place)


def test_figure2_has_a_panel_a_loss_and_no_name_on_a_mark(tmp_path: Path) -> None:
    figure = targets.figure2(of([plane(tmp_path, "center"), plane(tmp_path, "affinity-m1-small-weight")]))
    titles = [axes.get_title() for axes in figure.drawing.axes]
    assert titles == [
        "(a) softmax",
        "(b) center loss",
        "(c) affinity, m = 1",
        "(d) affinity, m = 1, weight of R 0.001",
    ]
    panel = figure.drawing.axes[1]
    figure.drawing.draw_without_rendering()
    [marks] = [line for line in panel.lines if line.get_marker() == "+"]
    places = panel.transData.transform(marks.get_xydata())
    assert len(places) == len(panel.texts) == 10
    for name in panel.texts:
        box = name.get_window_extent()
        assert not any(box.contains(*place) for place in places)


def test_table3_has_every_method_of_the_paper_and_two_measured_rows() -> None:
    rows = [faces("affinity", lfw=99.5, ytf=96.5), faces("softmax", lfw=99.0), faces("softmax", 1, lfw=99.2)]
    table = targets.table3(of(rows))
    shown = table.display.set_index("Methods")
    assert len(shown) == 22
    assert list(shown.loc["Affinity Loss"]) == ["1", "VGG2", "", "99.65", "99.50 (1)", "", "97.3", "96.50 (1)"]
    assert list(shown.loc["Softmax"]) == ["", "", "", "", "99.10 ± 0.14 (2)", "", "", "not run"]
    assert list(shown.loc["Web-scale [50]"]) == ["4", "4.5M", "98.37", "", "", "–", "", ""]
    assert list(shown.loc["CosFace [54]", ["Train Data", "LFW (quoted)", "YTF (quoted)"]]) == [
        "WebFace",
        "99.33",
        "96.1",
    ]
    assert sorted(table.data["value"]) == [96.5, 99.0, 99.2, 99.5]


def test_face_tables_show_characters_where_these_are_measured_alone() -> None:
    rows = [faces("affinity", seed, "lite", unseen_pairs=90.0 + seed) for seed in range(3)]
    assert "Characters (measured)" not in targets.table3(of([faces("affinity", lfw=99.5)])).display.columns
    table3 = targets.table3(of(rows)).display.set_index("Methods")
    assert table3.loc["Affinity Loss", "Characters (measured)"] == "91.00 ± 1.00 (3)"
    assert table3.loc["Affinity Loss", "LFW (measured)"] == "not run"
    assert table3.loc["FaceNet [43]", "Characters (measured)"] == ""
    text = targets.table_text(of(rows)).display.set_index("Benchmark")
    assert list(text.loc["Characters"]) == ["", "91.00 ± 1.00 (3)", "not run"]


def test_face_tables_say_what_their_characters_are() -> None:
    for target in (targets.table3, targets.table_text):
        assert any("not faces: Omniglot" in note for note in target(of([faces("affinity", unseen_pairs=90.0)])).notes)
        assert not any("Omniglot" in note for note in target(of([faces("affinity", lfw=99.0)])).notes)


def test_at_lite_scale_characters_stand_for_lesions_and_faces() -> None:
    """No mirrored characters, and nothing but the loss and its own rate differs from run to run."""
    plain = {name: run.config.plain() for name, run in GA.runs("lite").items() if name[:7] in ("table2/", "table3/")}
    assert {config["data"]["name"] for config in plain.values()} == {"emnist-lesion-sizes", "omniglot"}
    assert not any(config["training"].get("flip") for config in plain.values())
    for name, config in plain.items():
        base = plain["/".join("softmax" if part in ("affinity", "cosen") else part for part in name.split("/"))]
        assert {**config, "loss": None, "optimizer": None} == {**base, "loss": None, "optimizer": None}


def test_table_text_puts_the_measured_beside_the_printed() -> None:
    table = targets.table_text(
        of([faces("affinity", agedb_30=95.0, cfp_ff=99.0, lfw=99.9), faces("softmax", cfp_fp=94.0)])
    )
    shown = table.display.set_index("Benchmark")
    assert list(shown.loc["AgeDB30"]) == ["95.9", "95.00 (1)", "not run"]
    assert list(shown.loc["CFP-FF"]) == ["99.5", "99.00 (1)", "not run"]
    assert list(shown.loc["CFP-FP"]) == ["96.0", "not run", "94.00 (1)"]
    assert 99.9 not in set(table.data["value"])


def counted(name: str, scale: str = "full", **counts: list[int]) -> tuple[Record, Path]:
    run = GA.run(name, scale)
    used = record().data.model_copy(update={"name": run.config.data.name, "counts": counts})
    return made_up(name, scale=scale, data=used)


def test_figure3_counts_the_images_of_every_class() -> None:
    train, test = [30, 160, 220, 58, 171, 52, 16, 64, 43, 50], [15, 79, 111, 30, 86, 26, 8, 33, 22, 26]
    rows = [counted("table2/ten/softmax/0", train=train, held_out=[0] * 10, test=test)]
    rows += [counted("table3/softmax", train=[80, 843, 362, 362], test=[9, 9])]
    figure = targets.figure3(of(rows))
    of_lesions = figure.data[figure.data["data"] == "dermofit"]
    # 30 + 15, 160 + 79, ...: the sizes of the data set; a test set of faces shows other people and does not count.
    assert dict(zip(of_lesions["class"], of_lesions["images"], strict=True)) == dict(
        zip(LESIONS, [45, 239, 331, 88, 257, 78, 24, 97, 65, 76], strict=True)
    )
    assert of_lesions["images"].is_monotonic_decreasing
    assert figure.data[figure.data["data"] == "vggface2"]["images"].tolist() == [843, 362, 362, 80]
    titles = [axes.get_title() for axes in figure.drawing.axes]
    assert titles == ["Dermofit Image Library\n1,300 images", "VGGFace2\n1,647 images"]
    assert (
        figure.caption == "Figure 3. Images per class of lesions and of people, from the largest class to the smallest"
    )
    texts = [text.get_text() for axes in figure.drawing.axes for text in axes.texts]
    assert "24 to 331\nmean 130, median 83" in texts
    assert "80 to 843\nmean 412, median 362" in texts


def test_figure3_names_letters_and_characters_where_they_stand_for_lesions_and_faces() -> None:
    rows = [counted("table2/ten/softmax/0", "lite", train=[2] * 10, held_out=[0] * 10, test=[1] * 10)]
    rows += [counted("table3/softmax", "lite", train=[20, 1], held_out=[0, 0])]
    figure = targets.figure3(of(rows))
    letters, characters = figure.drawing.axes
    assert [label.get_text() for label in letters.get_xticklabels()] == list("ABCDEFGHIJ")
    assert letters.get_title() == "Letters, Dermofit's sizes\n30 images"
    assert characters.get_title() == "Omniglot\n21 images"
    assert characters.get_xlabel() == "2 characters, from the largest"
    assert "of letters and of characters," in figure.caption
    assert figure.notes[0] == "Letters: all images, those of the test fold too. Characters: the training set."
    assert not too_small(figure)
    assert not cut_off(figure)
    assert sum("not lesions" in note or "not faces" in note for note in figure.notes) == 2


def test_the_health_of_a_training_touches_no_class_sizes() -> None:
    at_chance = TrainedOn(images=5000, classes=10, error=90.0, chance=90.0, predicted=1, spread=0.9)
    rows = [counted("table2/ten/softmax/0", "lite", train=[2] * 10, held_out=[0] * 10, test=[1] * 10)]
    records = of([(entry.model_copy(update={"health": at_chance}), folder) for entry, folder in rows])
    assert mark(records, ["table2/ten/softmax/0"]) == "†"
    assert not any(note.startswith("†") for note in marked(targets.figure3(records), records).notes)


def test_figure3_says_that_its_images_were_rendered() -> None:
    figure = targets.figure3(of([counted("table3/softmax", "smoke", train=[3, 2])]))
    assert [axes.get_title() for axes in figure.drawing.axes] == ["", "VGGFace2, rendered\n5 images"]
    assert "not run" in [text.get_text() for text in figure.drawing.axes[0].texts]


def predicted(
    folder: Path, loss: str, fold: int, pairs: Sequence[tuple[int, int]], seed: int = 0, *, scale: str = "full"
) -> tuple[Record, Path]:
    """Return a record of experiment 1 with kept features: a (label, prediction) for each test image."""
    place = folder / f"{loss}-{fold}-{seed}"
    place.mkdir()
    labels, predictions = np.array(pairs, dtype=np.uint8).T
    np.savez(place / FEATURES.format(split="test"), labels=labels, predictions=predictions)
    return made_up(f"table2/five/{loss}/{fold}", seed, folder=place, scale=scale)


def test_figure4_adds_up_the_folds_and_shows_the_shares_of_each_true_class(tmp_path: Path) -> None:
    rows = [
        predicted(tmp_path, "affinity", 0, [(0, 0), (0, 1), (1, 1), (4, 3)]),
        predicted(tmp_path, "affinity", 1, [(0, 0), (0, 0), (1, 1), (1, 2)]),
        predicted(tmp_path, "cosen", 0, [(2, 2)]),
    ]
    figure = targets.figure4(of(rows))
    cells = figure.data[figure.data["loss"] == "affinity"].pivot(index="true", columns="predicted")
    images = cells["images"].loc[list(LESIONS[:5]), list(LESIONS[:5])].to_numpy()
    assert images.tolist() == [[3, 1, 0, 0, 0], [0, 2, 1, 0, 0], [0] * 5, [0] * 5, [0, 0, 0, 1, 0]]
    percent = cells["percent"].loc[list(LESIONS[:5]), list(LESIONS[:5])].to_numpy()
    assert percent[0].tolist() == [75, 25, 0, 0, 0]
    assert percent[1] == pytest.approx([0, 66.667, 33.333, 0, 0])
    assert percent[4].tolist() == [0, 0, 0, 100, 0]
    assert [axes.get_title() for axes in figure.drawing.axes] == [
        "(a) CoSen CNN: 1 images, 1 seed",
        "(b) Affinity loss: 8 images, 1 seed",
    ]
    assert not cut_off(figure)


def test_figure4_counts_a_lesion_once_however_many_seeds_there_are(tmp_path: Path) -> None:
    rows = [
        predicted(tmp_path, "cosen", fold, [(0, 0), (1, 1), (2, 1)][: 2 + fold], seed)
        for fold in (0, 1)
        for seed in range(3)
    ]
    figure = targets.figure4(of(rows))
    assert figure.drawing.axes[0].get_title() == "(a) CoSen CNN: 5 images, 3 seeds"
    assert figure.data["images"].sum() == 15


def test_figure4_leaves_a_panel_empty_that_was_not_run(tmp_path: Path) -> None:
    figure = targets.figure4(of([predicted(tmp_path, "affinity", 2, [(0, 0)], seed=1)]))
    first, second = figure.drawing.axes
    assert (first.get_title(), [text.get_text() for text in first.texts]) == ("(a) CoSen CNN", ["not run"])
    assert len(second.texts) == 25


def test_figure4_names_letters_where_they_stand_for_lesions(tmp_path: Path) -> None:
    figure = targets.figure4(of([predicted(tmp_path, "cosen", 0, [(0, 0)], scale="lite")]))
    assert figure.data["true"].unique().tolist() == list("ABCDE")
    assert "on letters" in figure.caption
    assert not too_small(figure)
    assert not cut_off(figure)
    assert any("not lesions" in note for note in figure.notes)


def test_figure4_draws_from_the_runs_of_experiment_1() -> None:
    for scale in ("smoke", "full"):
        runs = GA.target_runs("figure4", scale)
        assert len(runs) == 2 * 3
        assert all(run.config.keep_features == ("test",) for run in runs)
        assert {tuple(run.config.plain()["data"]["sampling"]["classes"]) for run in runs} == {(0, 1, 2, 3, 4)}


def test_data_of_figures_is_tidy(tmp_path: Path) -> None:
    figure = targets.figure4(of([predicted(tmp_path, "cosen", 0, [(0, 0)])]))
    path = next(path for path in figure.write(tmp_path / "figure4", no_evidence=False) if path.suffix == ".csv")
    assert list(pd.read_csv(path).columns) == ["true", "predicted", "images", "percent", "loss"]
