"""DiscFace's transcription, its claims and its runs."""

from __future__ import annotations

from collections import Counter

import pytest

from shared.data.sets.omniglot import Omniglot
from shared.runs.catalogue import benchmarks
from shared.runs.claims import LargerGap, Lower, Within, listed
from shared.runs.reference import Value
from shared.runs.registry import paper
from shared.runs.yaml_files import load

DF = paper("discface")
FIVE = {"lfw": "LFW", "cfp-fp": "CFP-FP", "agedb-30": "AgeDB-30", "calfw": "CALFW", "cplfw": "CPLFW"}
WEIGHTS = ("0.0", "0.2", "0.4", "0.6", "0.8", "1.0")


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
        for side in asked:
            scale = "lite" if side["metric"].startswith("unseen-pairs/") else "full"
            for level in levels:
                run = runs[scale][listed(side["runs"].replace("*", str(level)))[0]]
                for metric in listed(side["metric"].replace("*", str(level))):
                    assert metric.split("/")[0] in run.config.benchmarks, claim.id


def test_that_the_weight_hardly_matters_is_claimed_of_those_above_none():
    claims = {claim.id: claim.test for claim in DF.reference.claims}
    test = claims["DF-C12a"]
    assert isinstance(test, Within)
    assert test.levels == (0.2, 0.4, 0.6, 0.8, 1)
    assert sorted(listed(test.one.metric or "")) == sorted(f"{name}/accuracy" for name in FIVE)
    assert listed(test.other.runs or "") == tuple(f"casia/{level}" for level in test.levels)


def test_a_wider_tolerance_than_the_gain_would_make_every_weight_alike(cells):
    means = {level: sum(cells["table5", name, f"λ = {level}"].value for name in FIVE.values()) / 5 for level in WEIGHTS}
    above = [means[level] for level in WEIGHTS[1:]]
    middle = sum(above) / 5
    test = next(claim.test for claim in DF.reference.claims if claim.id == "DF-C12a")
    assert isinstance(test, Within)
    assert max(abs(mean - middle) for mean in above) < test.tolerance < middle - means["0.0"]


def test_the_best_quoted_number_of_each_training_set_is_compared_with(cells):
    on_casia = ("NormFace [5]", "SphereFace [6]", "RegularFace [9]", "AMSoftmax [13]", "PFE-AMSoftmax [40]")
    on_ms1m = ("Ring Loss [27]", "AdaptiveFace [41]", "CosFace [7]", "ArcFace [8]")
    columns = {f"{name}/accuracy": column for name, column in FIVE.items()}
    tests = [claim.test for claim in DF.reference.claims if claim.id.startswith("DF-C22")]
    assert len(tests) == 7
    for test in tests:
        assert isinstance(test, Lower)
        rows = on_casia if test.than.runs == "casia/0.2" else on_ms1m
        quoted = [cells.get(("table2", row, columns[test.than.metric or ""])) for row in rows]
        assert test.less.constant == max(value.value for value in quoted if value)


def test_margin_and_scale_are_not_as_printed_but_as_meant():
    base = DF.run("ms1m/arc-discface", "full").config.plain()["loss"]["base"]
    assert (base["scale"], base["margin"]) == (64, 0.5)
    base = DF.run("casia/0.2", "full").config.plain()["loss"]["base"]
    assert (base["scale"], base["margin"]) == (30, 0.25)


def test_losses_that_compare_samples_have_batches_of_pairs_and_no_others():
    paired = {name for name, run in DF.runs("full").items() if run.config.plain()["scheme"].get("pairs")}
    assert paired == {
        f"ms1m/{name}" for name in ("arc-contrastive", "arc-triplet", "arcface-paired", "arc-discface-paired")
    }


def test_controls_differ_in_their_batches_alone():
    for base in ("arcface", "arc-discface"):
        plain = DF.run(f"ms1m/{base}", "full").config.plain()
        control = DF.run(f"ms1m/{base}-paired", "full").config.plain()
        assert control["scheme"] == plain["scheme"] | {"pairs": True}
        assert control | {"scheme": plain["scheme"]} == plain


def test_on_characters_runs_differ_in_their_losses_alone_and_in_what_a_target_is_about():
    runs = {name: run for name, run in DF.runs("lite").items() if not name.startswith(("figure4/", "figure5/"))}
    common = runs["casia/0"].config.plain()
    assert common["data"]["name"] == "omniglot"
    assert not common["training"].get("flip")
    for name, run in runs.items():
        of_target = {
            "ms1m-lt": {"data": common["data"] | {"few": True}},
            "figure6": {
                "data": common["data"] | {"sampling": common["data"]["sampling"] | {"held_out": 0.3}},
                "along_training": ["unseen-pairs"],
                "benchmarks": ["held-out", "discrepancy", "following", "improvement", "unseen-pairs"],
            },
        }.get(name.split("/")[0], {})
        given = run.config.plain()
        scheme = {"scheme": given["scheme"]} if "paired" in name or name.endswith(("contrastive", "triplet")) else {}
        assert given == common | of_target | scheme | {"loss": given["loss"]}, name
        assert run.seeds == 5


def test_each_seed_draws_the_alphabets_that_it_does_not_train_on():
    data = DF.run("casia/0", "lite").config.data
    assert isinstance(data, Omniglot)
    unseen = [data.of_seed(seed).unseen for seed in range(10)]
    assert all(isinstance(names, tuple) and len(names) == 3 for names in unseen)
    assert len(set(unseen)) > 5


def test_faces_are_evaluated_as_insightface_does_by_default():
    known = benchmarks("discface")
    for name in FIVE:
        assert known[name].options == {"flip": "sum", "thresholds": "grid"}
    for name in ("ijb-b", "ijb-c"):
        assert known[name].options == {"flip": "sum", "norms": "kept", "detector": True}
        assert known[f"{name}-no-detector"].options == known[name].options | {"detector": False}
        assert known[f"{name}-no-detector"].on == name
    assert benchmarks("gaussian_affinity")["lfw"].options["thresholds"] == "exact"


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
