"""DiscFace's tables and figures, drawn from made-up records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from papers.discface import comparison, targets
from papers.discface.comparison import FAR
from shared.commands.render import render
from shared.errors import UserError
from shared.records.kept import CURVE, FEATURES
from shared.records.records import Record, Records, find_records
from shared.records.results import Results
from shared.reporting.figure import Figure
from shared.runs.registry import paper
from tests.records.samples import record, write
from tests.reporting.legible import cut_off, too_small

DF = paper("discface")
DISPLACEMENT = [
    "own_angle",
    "displacement_cosine",
    "directional_within",
    "radial",
    "radial_within",
    "displacement_spread",
    "displacement_length",
    "positive_angle",
    "probe",
    "chance",
]
METRICS = {
    "qmul-survface": ["accuracy", "tar@1e-1", "tar@1e-2", "tar@1e-3"],
    "unseen-pairs": ["accuracy", "eer", *(f"tar@{far}" for far in FAR)],
    "ijb-b": ["tar@1e-5"],
    "ijb-c": [f"tar@{far}" for far in FAR],
    "ijb-b-no-detector": ["tar@1e-5"],
    "ijb-c-no-detector": [f"tar@{far}" for far in FAR],
    "following": ["rank_correlation"],
    "improvement": ["verification_per_point"],
    "megaface": ["rank1", "tar@1e-6"],
    "training-discrepancy": DISPLACEMENT,
    "discrepancy": DISPLACEMENT,
    "class-discrepancy": ["displacement_cosine"],
    "pair-angles": ["positive_angle_class3", "negative_angle", "overlap"],
}
"""What each benchmark measures, the accuracy where nothing is said."""


def made_up(run_name: str, scale: str, seed: int, random: np.random.Generator, folder: Path) -> Path:
    """Write a record of a run with random metrics, its features and its curve, and return its path."""
    run = DF.run(run_name, scale)
    entry = record(run.name, seed)
    entry.axes.clear()
    entry.axes.update(run.axes)
    entry.config.clear()
    entry.config.update(run.config.plain())
    entry.metrics.clear()
    for benchmark in run.config.benchmarks:
        entry.metrics[benchmark] = {
            metric: round(float(random.uniform(40, 99)), 2) for metric in METRICS.get(benchmark, ["accuracy"])
        }
    of_run = {"paper": DF.key, "scale": scale, "config_hash": run.hash}
    path: Path = write(folder, entry.model_copy(update=of_run))
    if run.config.keep_features:
        labels = np.repeat(np.arange(4), 20)
        vectors = np.array([[1, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]], np.float32)
        np.savez(
            path.parent / FEATURES.format(split="train"),
            embeddings=vectors[labels] + random.normal(size=(80, 3), scale=0.3).astype(np.float32),
            labels=labels.astype(np.uint8),
            predictions=labels.astype(np.uint8),
            class_vectors=vectors[:, None],
        )
    if run.config.along_training:
        accuracy = np.sort(random.uniform(40, 99, size=5))
        pd.DataFrame(
            {
                "epoch": np.arange(1.0, 6),
                "step": np.arange(10.0, 60, 10) * (1 + seed),  # as draws of other size have it
                "loss": 0.02 - 0.0002 * np.arange(5),
                "held_out_error": 100 - accuracy,
                f"{run.config.along_training[0]}/accuracy": accuracy / 2 + 45,
            }
        ).to_csv(path.parent / CURVE, index=False)
    return path


@pytest.fixture(scope="module", params=["smoke", "lite"])
def made(request, tmp_path_factory) -> tuple[str, Results]:
    """Return a scale and made-up records of every run of the paper at that scale."""
    scale, results = request.param, Results(tmp_path_factory.mktemp(request.param))
    random = np.random.default_rng(0)
    for run in DF.runs(scale).values():
        for seed in range(run.seeds):
            made_up(run.name, scale, seed, random, results.paper(scale, DF.key))
    return scale, results


@pytest.mark.parametrize("name", list(DF.targets))
def test_every_target_draws_from_records_alone(made, name):
    scale, results = made
    paths = render(DF, name, scale, results)
    assert all(path.stat().st_size > 100 for path in paths)
    csv = pd.read_csv(next(path for path in paths if path.suffix == ".csv"))
    assert not csv.empty


@pytest.mark.parametrize("name", list(DF.targets))
def test_every_target_draws_from_few_records_or_none(tmp_path, name):
    target = getattr(targets, name)
    none = target(Records([], DF.reference))
    none.write(tmp_path / "none", no_evidence=False)
    runs = DF.target_runs(name, "lite")
    path = made_up(runs[0].name, "lite", 0, np.random.default_rng(0), tmp_path)
    one = target(Records.read([path], DF.reference))
    one.write(tmp_path / "one", no_evidence=False)
    if not isinstance(one, Figure):
        assert "not run" in none.display.to_string()


def one_record(run: str, seed: int, **metrics: dict[str, float]) -> tuple[Record, Path]:
    entry = record(run, seed)
    entry.metrics.clear()
    entry.metrics.update({name.replace("_", "-"): values for name, values in metrics.items()})
    entry.config["data"] = {"name": "omniglot"}
    return entry, Path()


def test_table1_shows_what_is_measured_beside_what_is_printed():
    rows = [
        one_record("qmul/softmax", seed, qmul_survface={"accuracy": 86 + seed, "tar@1e-3": 17.5}) for seed in range(2)
    ]
    table = targets.table1(Records(rows, DF.reference)).display.set_index("Method")
    assert table.loc["Softmax", "TAR @ FAR 0.1% (printed)"] == "17.8"
    assert table.loc["Softmax", "TAR @ FAR 0.1% (measured)"] == "17.5 ± 0.0 (2)"
    assert table.loc["Softmax", "Accuracy (measured)"] == "86.5 ± 0.7 (2)"
    assert table.loc["Soft-DiscFace", "Accuracy (measured)"] == "not run"
    assert table.loc["FaceNet [3]", "Accuracy (printed)"] == "85.3"
    assert table.loc["FaceNet [3]", "Accuracy (measured)"] == "–"


def test_what_is_measured_on_characters_has_columns_of_its_own():
    rows = [one_record("casia/0", 0, unseen_pairs={"accuracy": 90.0, "tar@1e-5": 12.0})]
    table = targets.table2(Records(rows, DF.reference))
    shown = table.display.set_index("Method")
    assert shown.loc["CosFace", "Characters, accuracy (measured)"] == "90.00 (1)"
    assert shown.loc["CosFace", "Characters, TAR @ FAR 0.001% (measured)"] == "12.00 (1)"
    assert "Characters, equal error (measured)" not in shown
    assert shown.loc["CosFace", "LFW (printed)"] == "99.42"
    assert "LFW (measured)" not in shown
    assert comparison.ON_CHARACTERS in table.notes
    assert shown.loc["FaceNet [3]", "Dataset"] == "200M"
    assert shown.loc["ArcFace [8]", "Dataset"] == "MS1M"


def test_ijb_is_shown_with_and_without_the_detector():
    with_it, without = {"tar@1e-5": 90.0, "tar@1e-1": 99.0}, {"tar@1e-5": 88.0}
    rows = [one_record("ms1m-lt/arcface", 0, ijb_c=with_it, ijb_c_no_detector=without)]
    table = targets.table4(Records(rows, DF.reference))
    shown = table.display.set_index("Method")
    assert shown.loc["ArcFace", "FAR 1e-5 (printed)"] == "90.48"
    assert shown.loc["ArcFace", "FAR 1e-5 (measured)"] == "90.00 (1)"
    assert shown.loc["ArcFace", "FAR 1e-5, without detector (measured)"] == "88.00 (1)"
    assert "FAR 1e-5, without detector (printed)" not in shown
    assert comparison.NO_DETECTOR in table.notes
    assert comparison.ON_CHARACTERS not in table.notes


def test_table3_has_the_controls_on_batches_of_pairs():
    rows = [one_record("ms1m/arcface-paired", 0, cplfw={"accuracy": 92.5})]
    shown = targets.table3(Records(rows, DF.reference)).display.set_index("Method")
    assert shown.loc["ArcFace, batches of pairs", "CPLFW (measured)"] == "92.50 (1)"
    assert shown.loc["ArcFace, batches of pairs", "CPLFW (printed)"] == "–"
    assert shown.loc["Arc-DiscFace, batches of pairs", "CPLFW (measured)"] == "not run"


def test_table5_has_a_row_for_each_benchmark_and_columns_for_each_weight():
    rows = [one_record("casia/0.2", 0, lfw={"accuracy": 99.0}), one_record("casia/1", 0, lfw={"accuracy": 98.0})]
    table = targets.table5(Records(rows, DF.reference)).display.set_index("Benchmark")
    assert list(table.index) == ["LFW", "AgeDB-30", "CFP-FP", "CPLFW", "CALFW"]
    assert table.loc["LFW", "λ = 0.2 (measured)"] == "99.00 (1)"
    assert table.loc["LFW", "λ = 0 (printed)"] == "99.23"
    assert table.loc["CFP-FP", "λ = 1 (measured)"] == "–"
    assert "λ = 0 (measured)" not in table


def test_table_characters_compares_over_the_seeds_that_both_have():
    accuracies = {"casia/0": [90.0, 91.0, 92.0, 95.0], "casia/0.2": [91.0, 93.0, 95.0]}
    rows = [
        one_record(run, seed, unseen_pairs={"accuracy": accuracy})
        for run, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]
    table = targets.table_characters(Records(rows, DF.reference))
    [row] = table.display.to_dict("records")
    # Differences 1, 2, 3: mean 2, standard deviation 1, t = 2 sqrt(3) with two degrees of freedom.
    assert row["Difference (measured)"] == "+2.00"
    assert row["95% interval"] == "[\N{MINUS SIGN}0.48, +4.48]"
    assert row["p"] == "0.074"
    assert row["seeds"] == "3"
    assert row["Base (measured)"] == "92.00 ± 2.16 (4)"
    assert (row["Trained on"], row["Metric"]) == ("omniglot", "Characters, accuracy")
    assert any("paired Student t-test" in note for note in table.notes)


def test_table_discrepancy_shows_the_norm_of_the_basis_where_it_is_recorded():
    rows = [
        one_record(
            "figure4/one-basis",
            0,
            training_discrepancy={"probe": 40.0, "chance": 25.0},
            training={"loss": 1.0, "basis_norm": 0.05},
        ),
        one_record("figure6/cosface", 0, discrepancy={"probe": 60.0, "chance": 10.0}),
    ]
    shown = targets.table_discrepancy(Records(rows, DF.reference)).display.set_index("Run")
    assert shown.loc["figure 4, Cos-DiscFace", "Probe, % (measured)"] == "40.0 (1)"
    assert shown.loc["figure 4, Cos-DiscFace", "Basis, length (measured)"] == "0.050 (1)"
    assert shown.loc["figure 6, CosFace", "Chance, % (measured)"] == "10.0 (1)"
    assert shown.loc["figure 6, CosFace", "Basis, length (measured)"] == "–"
    assert shown.loc["figure 6, CosFace", "Overlap, % (measured)"] == "–"
    assert shown.loc["figure 5, center loss", "Probe, % (measured)"] == "not run"


def test_figure6_gives_the_rank_correlation_of_the_two_curves(made):
    scale, results = made
    folder = results.paper(scale, DF.key)
    paths = [path for path in find_records(folder) if "figure6" in str(path)]
    figure = targets.figure6(Records.read(paths, DF.reference))
    titles = [axes.get_title() for axes in figure.drawing.axes[:4]]
    assert titles[:2] == ["(a) CosFace", "(b) Cos-DiscFace"]
    assert all("rank correlation 1.00" in title for title in titles[2:])
    first = figure.data[(figure.data["run"] == "figure6/cosface") & (figure.data["seed"] == 0)]
    assert len(first) == 5
    assert set(first["verified_on"]) == {"CFP-FP" if scale == "smoke" else "unseen alphabets"}


def test_figure6_names_a_curve_that_lacks_what_it_draws(tmp_path):
    path = made_up("figure6/cosface", "smoke", 0, np.random.default_rng(0), tmp_path)
    curve = path.parent / CURVE
    pd.read_csv(curve)[["epoch", "step", "loss"]].to_csv(curve, index=False)
    with pytest.raises(UserError, match=f"{curve}: not every epoch has a number 'held_out_error'"):
        targets.figure6(Records.read([path], DF.reference))


def test_figure6_takes_the_mean_over_seeds_epoch_by_epoch(made):
    scale, results = made
    paths = [path for path in find_records(results.paper(scale, DF.key)) if "figure6" in str(path)]
    figure = targets.figure6(Records.read(paths, DF.reference))
    of_run = figure.data[figure.data["run"] == "figure6/cosface"]
    [line] = figure.drawing.axes[0].lines
    assert np.array_equal(line.get_xdata(), np.arange(1, 6))
    assert line.get_ydata() == pytest.approx(of_run.groupby("epoch")["classification"].mean())


def test_figure6_clips_no_band_and_shows_both_methods_on_one_scale(made):
    scale, results = made
    paths = [path for path in find_records(results.paper(scale, DF.key)) if "figure6" in str(path)]
    axes = targets.figure6(Records.read(paths, DF.reference)).drawing.axes
    assert len(axes) == 6
    for one, other in ((0, 1), (2, 3), (4, 5)):
        assert axes[one].get_ylim() == axes[other].get_ylim()
    assert axes[2].get_xlim() == axes[3].get_xlim()
    for panel in axes:
        low, high = panel.get_ylim()
        shown = [np.asarray(path.vertices)[:, 1] for part in panel.collections for path in part.get_paths()]
        if panel in (axes[0], axes[1], axes[4], axes[5]):
            assert all(low <= heights.min() and heights.max() <= high for heights in shown)


def test_figure6_draws_bands_below_both_lines_and_says_what_markers_and_shades_are(made):
    scale, results = made
    paths = [path for path in find_records(results.paper(scale, DF.key)) if "figure6" in str(path)]
    figure = targets.figure6(Records.read(paths, DF.reference))
    axes = figure.drawing.axes
    # The axis to the right is drawn over the other: a band in it would lie on the other's line.
    assert not axes[4].collections
    assert len(axes[0].collections) == (0 if scale == "smoke" else 2)
    legends = [legend for panel in axes[2:4] if (legend := panel.get_legend()) is not None]
    said = [[text.get_text() for text in legend.get_texts()] for legend in legends]
    seeds = sorted(figure.data["seed"].unique())
    assert said == [[f"seed {seed}" for seed in seeds], ["first epoch", "last epoch"]]
    assert "a marker for each seed" in figure.caption
    assert not too_small(figure)
    assert not cut_off(figure)


@pytest.mark.parametrize("figure", [targets.figure4, targets.figure5])
def test_the_caption_says_whose_the_embeddings_are(made, figure):
    scale, results = made
    paths = [path for path in find_records(results.paper(scale, DF.key)) if figure.__name__ in str(path)]
    drawn = figure(Records.read(paths, DF.reference))
    classes, data = ("people", "VGGFace2, rendered") if scale == "smoke" else ("digits", "MNIST")
    assert f"Embeddings of four {classes} in" in drawn.caption
    assert f"Data: {data}." in drawn.notes[-1]
    assert ("people" in drawn.caption) == (scale == "smoke")


def test_each_sphere_tells_the_mean_angle_to_the_own_weight(made):
    scale, results = made
    paths = [path for path in find_records(results.paper(scale, DF.key)) if "figure4" in str(path)]
    records = Records.read(paths, DF.reference)
    figure = targets.figure4(records)
    assert not too_small(figure)
    assert not cut_off(figure)
    axes = [axes for axes in figure.drawing.axes if axes.get_title()]
    for column, name in enumerate(("cosface", "center", "one-basis", "two-bases")):
        assert axes[column].get_title().startswith(f"({'abcd'[column]}) ")
        arrays = records.features[f"figure4/{name}", 0].load("train")
        own = arrays["class_vectors"][:, 0][arrays["labels"]]
        images = arrays["embeddings"]
        cosines = (own * images).sum(1) / np.linalg.norm(own, axis=1) / np.linalg.norm(images, axis=1)
        *letters, text = (text.get_text() for text in axes[column].texts)
        assert sorted(letters) == list("ABCD")
        assert text == f"{np.degrees(np.arccos(cosines)).mean():.0f}° to own weight"
