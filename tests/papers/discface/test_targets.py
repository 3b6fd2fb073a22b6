"""DiscFace: its transcription, its runs, and its tables and figures drawn from made-up records."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from papers.discface import comparison, sphere, targets
from shared.commands.render import render
from shared.records.kept import CURVE, FEATURES
from shared.records.records import Record, Records, find_records
from shared.records.results import Results
from shared.reporting.figure import Figure, drawing
from shared.runs.reference import LargerGap, Plateau, Value
from shared.runs.registry import paper
from shared.runs.yaml_files import load
from tests.records.samples import record, write

DF = paper("discface")
DISPLACEMENT = ["displacement_cosine", "radial", "displacement_length", "positive_angle", "probe", "chance"]
METRICS = {
    "qmul-survface": ["accuracy", "tar@1e-1", "tar@1e-2", "tar@1e-3"],
    "olivetti": ["accuracy", "tar@1e-1", "tar@1e-2"],
    "ijb-b": ["tar@1e-5"],
    "ijb-c": [f"tar@{far}" for far in targets.FAR],
    "megaface": ["rank1", "tar@1e-6"],
    "training-discrepancy": [
        "displacement_cosine",
        "radial",
        "displacement_length",
        "positive_angle",
        "probe",
        "chance",
    ],
    "discrepancy": ["displacement_cosine", "radial", "displacement_length", "positive_angle", "probe", "chance"],
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
    path: Path = write(folder, entry)
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
                "step": np.arange(10.0, 60, 10),
                "loss": 1 / accuracy,
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
    entry.config["data"] = {"name": "olivetti"}
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


def test_what_is_measured_on_olivetti_has_columns_of_its_own():
    rows = [one_record("casia/0", 0, olivetti={"accuracy": 90.0})]
    table = targets.table2(Records(rows, DF.reference))
    shown = table.display.set_index("Method")
    assert shown.loc["CosFace", "Olivetti, accuracy (measured)"] == "90.00 (1)"
    assert shown.loc["CosFace", "LFW (printed)"] == "99.42"
    assert "LFW (measured)" not in shown
    assert comparison.ON_OLIVETTI in table.notes
    assert shown.loc["FaceNet [3]", "Dataset"] == "200M"
    assert shown.loc["ArcFace [8]", "Dataset"] == "MS1M"


def test_table5_has_a_row_for_each_benchmark_and_columns_for_each_weight():
    rows = [one_record("casia/0.2", 0, lfw={"accuracy": 99.0}), one_record("casia/1", 0, lfw={"accuracy": 98.0})]
    table = targets.table5(Records(rows, DF.reference)).display.set_index("Benchmark")
    assert list(table.index) == ["LFW", "AgeDB-30", "CFP-FP", "CPLFW", "CALFW"]
    assert table.loc["LFW", "λ = 0.2 (measured)"] == "99.00 (1)"
    assert table.loc["LFW", "λ = 0 (printed)"] == "99.23"
    assert table.loc["CFP-FP", "λ = 1 (measured)"] == "–"
    assert "λ = 0 (measured)" not in table


def test_table_faces_compares_over_the_seeds_that_both_have():
    accuracies = {"casia/0": [90.0, 91.0, 92.0, 95.0], "casia/0.2": [91.0, 93.0, 95.0]}
    rows = [
        one_record(run, seed, olivetti={"accuracy": accuracy})
        for run, values in accuracies.items()
        for seed, accuracy in enumerate(values)
    ]
    table = targets.table_faces(Records(rows, DF.reference))
    [row] = table.display.to_dict("records")
    # Differences 1, 2, 3: mean 2, standard deviation 1, t = 2 sqrt(3) with two degrees of freedom.
    assert row["Difference (measured)"] == "+2.00"
    assert row["95% interval"] == "[-0.48, +4.48]"
    assert row["p"] == "0.074"
    assert row["seeds"] == "3"
    assert row["Base (measured)"] == "92.00 ± 2.16 (4)"
    assert (row["Trained on"], row["Metric"]) == ("olivetti", "olivetti, accuracy")
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
    assert all("rank correlation 1.00" in axes.get_title() for axes in figure.drawing.axes)
    first = figure.data[(figure.data["run"] == "figure6/cosface") & (figure.data["seed"] == 0)]
    assert len(first) == 10
    assert set(first["verified_on"]) == {"CFP-FP" if scale == "smoke" else "Olivetti"}


def test_the_view_is_a_rotation_with_the_last_two_classes_in_front():
    random = np.random.default_rng(0)
    for _ in range(20):
        vectors = random.normal(size=(4, 3))
        rotation = sphere.view(vectors)
        assert rotation @ rotation.T == pytest.approx(np.eye(3))
        assert np.linalg.det(rotation) == pytest.approx(1)
        third, last = (vectors[2:] / np.linalg.norm(vectors[2:], axis=1, keepdims=True)) @ rotation.T
        assert third == pytest.approx([-last[0], 0, last[2]])
        assert last[0] > 0
        assert last[2] > 0


@pytest.mark.parametrize("last", [[1, 0, 0], [-1, 0, 0], [0, 0, 0]])
def test_the_view_of_vectors_that_coincide_or_oppose_each_other_is_a_rotation_too(last):
    rotation = sphere.view(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], last]))
    assert rotation @ rotation.T == pytest.approx(np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_points_behind_the_sphere_are_paler():
    picture = drawing()
    rotation = np.eye(3)
    points = np.array([[0.0, 0, 1], [0, 0, -1]])
    sphere.scatter(picture.axes[0], points, np.array([0, 0]), np.eye(3), rotation=rotation)
    shown = [part for part in picture.axes[0].collections if np.size(part.get_offsets())]
    assert {part.get_alpha() for part in shown} == {0.22, 0.75}


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, str, str], Value]:
    return {(value.target, value.row, value.column): value for value in DF.reference.values}


@pytest.mark.parametrize(
    ("cell", "printed", "source"),
    [
        (("table1", "DeepID2 [38]", "TAR @ FAR 0.1%"), 13.4, "quoted"),
        (("table1", "Cos-DiscFace", "TAR @ FAR 1%"), 44.7, "own"),
        (("table1", "Soft-DiscFace", "Accuracy"), 88.6, "own"),
        (("table2", "PFE-AMSoftmax [40]", "CFP-FP"), 95.92, "quoted"),
        (("table2", "ArcFace [8]", "CPLFW"), 92.08, "quoted"),
        (("table2", "Cos-DiscFace", "CALFW"), 93.3, "own"),
        (("table2", "OE-CNNs [39]", "Dataset"), 1.7, "setting"),
        (("table3", "ArcFace", "MF Ver."), 96.88, "own"),
        (("table3", "Arc-Triplet Loss", "MF Id."), 81.25, "own"),
        (("table3", "Arc-Center Loss", "IJB-C"), 92.34, "own"),
        (("table4", "Arc-Center Loss", "FAR 1e-3"), 96.07, "own"),
        (("table5", "AgeDB-30", "λ = 0.6"), 93.92, "own"),
        (("table5", "CPLFW", "λ = 1.0"), 89.23, "own"),
        (("text", "ArcFace", "MF Ver."), 96.98, "own"),
        (("text", "CosFace, m", "losses"), 30, "setting"),
        (("text", "QMUL-SurvFace", "identities"), 15573, "setting"),
    ],
)
def test_numbers_are_those_of_the_paper(cells, cell, printed, source):
    assert (cells[cell].value, cells[cell].source) == (printed, source)


def test_every_table_is_complete():
    counts = Counter(value.target for value in DF.reference.values if value.source != "setting")
    del counts["text"]
    assert counts == {"table1": 8 * 4, "table2": 15 + 6 + 4 + 4 + 4, "table3": 25, "table4": 15, "table5": 30}


def test_one_column_of_table5_is_a_row_of_table2_and_the_other_is_not(cells):
    benchmarks = ("LFW", "CFP-FP", "AgeDB-30", "CALFW", "CPLFW")
    for name in benchmarks:
        assert cells["table2", "Cos-DiscFace", name].value == cells["table5", name, "λ = 0.2"].value
    differences = [
        cells["table2", "CosFace", name].value - cells["table5", name, "λ = 0.0"].value for name in benchmarks
    ]
    assert differences == pytest.approx([0.19, -0.15, 0.18, -0.01, 0.18])


def test_every_own_number_is_measured_by_a_run_that_has_its_benchmark():
    runs = DF.runs("full")
    for value in DF.reference.values:
        if value.source == "own" and value.run is not None and value.metric is not None:
            assert value.metric.split("/")[0] in runs[value.run].config.benchmarks


def test_every_claim_is_about_runs_that_there_are():
    runs = {scale: DF.runs(scale) for scale in ("lite", "full")}
    for claim in DF.reference.claims:
        if claim.test is None:
            continue
        levels = claim.test.at if isinstance(claim.test, LargerGap) else claim.test.levels
        sides = claim.test.model_dump().values()
        asked = [side for side in sides if isinstance(side, dict) and side.get("runs")] or [claim.test.model_dump()]
        scale = "lite" if claim.id.startswith("DF-C21") else "full"
        for side in asked:
            for level in levels:
                run = runs[scale][side["runs"].replace("*", str(level))]
                assert side["metric"].replace("*", str(level)).split("/")[0] in run.config.benchmarks, claim.id


def test_that_the_weight_hardly_matters_is_claimed_as_a_plateau():
    claims = {claim.id: claim.test for claim in DF.reference.claims}
    test = claims["DF-C12d"]
    assert isinstance(test, Plateau)
    assert (test.metric, test.begins, test.levels) == ("cplfw/accuracy", 0.2, (0, 0.2, 0.4, 0.6, 0.8, 1))


def test_margin_and_scale_are_not_as_printed_but_as_meant():
    base = DF.run("ms1m/arc-discface", "full").config.plain()["loss"]["base"]
    assert (base["scale"], base["margin"]) == (64, 0.5)
    base = DF.run("casia/0.2", "full").config.plain()["loss"]["base"]
    assert (base["scale"], base["margin"]) == (30, 0.25)


def test_losses_that_compare_samples_have_batches_of_pairs_and_no_others():
    paired = {name for name, run in DF.runs("full").items() if run.config.plain()["scheme"].get("pairs")}
    assert paired == {"ms1m/arc-contrastive", "ms1m/arc-triplet"}


def test_the_schedules_are_those_of_the_paper():
    for run, steps, milestones in [
        ("ms1m/arcface", 360_000, [100_000, 160_000, 220_000]),
        ("casia/0", 32_000, [20_000, 28_000]),
        ("qmul/softmax", 26_000, [10_000, 15_000]),
    ]:
        training = DF.run(run, "full").config.training
        assert training.steps == steps
        assert [round(share * steps) for share in training.milestones] == milestones


def test_deviations_and_claims_name_targets_that_there_are():
    document = load(DF.folder / "runs.yaml").data
    for deviation in document["deviations"]:
        assert set(deviation["targets"]) <= set(DF.targets)
    for claim in DF.reference.claims:
        assert set(claim.targets) <= set(DF.targets)
