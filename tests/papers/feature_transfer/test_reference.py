"""The transcription of feature transfer: its numbers, and what the errata and the notes of the claims say of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import product

import pytest

from shared.runs.claims import LargerGap, Lower, Quantity, Rises, Test, Within, listed
from shared.runs.reference import Value
from shared.runs.registry import TRAINED_SCALES, paper
from shared.runs.yaml_files import load

FT = paper("feature_transfer")
UNDER_REPRESENTED = ("10K10K", "10K30K", "10K50K")
SPLITS = ("10K0K", *UNDER_REPRESENTED, "60K0K")
COLUMNS = (
    "lfw/accuracy",
    "ijb-a/tar@1e-2",
    "ijb-a/tar@1e-3",
    "ijb-a/rank1",
    "ijb-a/rank5",
    "nearest-center/rank1_regular",
    "nearest-center/rank1_ur",
)
RICH = "lfw-rich/accuracy"

Printed = dict[tuple[str, str], float]


@pytest.fixture(scope="module")
def cells() -> dict[tuple[str, str, str], Value]:
    return {(value.target, value.row, value.column): value for value in FT.reference.values}


@pytest.fixture(scope="module")
def printed() -> Printed:
    """Every own number of the tables by run and metric."""
    return {
        (value.run, value.metric): value.value
        for value in FT.reference.values
        if value.run is not None and value.metric is not None and value.value is not None
    }


def gain(printed: Printed, split: str, of: str, over: str, metric: str) -> float:
    return round(printed[f"table1/{split}/{of}", metric] - printed[f"table1/{split}/{over}", metric], 2)


@pytest.mark.parametrize(
    ("cell", "number", "source"),
    [
        (("table1", "10K0K, sfmx", "LFW g"), 97.15, "own"),
        (("table1", "10K10K, sfmx", "LFW g"), None, "own"),
        (("table1", "10K30K, sfmx+m-L2", "IJB-A FAR .001"), 47.17, "own"),
        (("table1", "10K50K, FTL (Ours)", "IJB-A FAR .01"), 82.60, "own"),
        (("table1", "10K50K, FTL (Ours)", "MS1M UR"), 89.36, "own"),
        (("table1", "60K0K, sfmx+m-L2", "IJB-A Rank-5"), 94.65, "own"),
        (("table2", "MCSM [45]", "Novel"), 61.0, "quoted"),
        (("table2", "MCSM [45]", "Base"), None, "quoted"),
        (("table2", "Hybrid [44]", "#Models"), 2, "setting"),
        (("table2", "FTL (Ours)", "Base"), 99.21, "own"),
        (("table3", "sfmx+m-L2 (Ours)", "Acc"), 99.18, "own"),
        (("table3", "RangeLoss [50]", "Acc"), 99.53, "quoted"),
        (("table4", "TA [7]", "FAR 0.001"), None, "quoted"),
        (("table4", "NAN [46]", "FAR 0.001"), 88.1, "quoted"),
        (("table4", "FTL + MP + TA (Ours)", "Rank-10"), 98.7, "own"),
        (("text", "sfmx+m-L2", "LFW"), 99.37, "own"),
        (("text", "learning rate of the stages", "Sec. 4"), 1e-5, "setting"),
        (("text", "subjects of CASIA-WebFace with less than 20 images", "Sec. 1"), 39, "own"),
    ],
)
def test_numbers_are_those_of_the_paper(
    cells: dict[tuple[str, str, str], Value], cell: tuple[str, str, str], number: float | None, source: str
) -> None:
    assert (cells[cell].value, cells[cell].source) == (number, source)


def test_every_table_is_complete(cells: dict[tuple[str, str, str], Value]) -> None:
    counts = Counter(target for target, _, _ in cells)
    del counts["text"]
    assert counts == {"table1": 13 * 8, "table2": 7 * 4, "table3": 14, "table4": 11 * 5, "figure5": 4}
    assert cells["table2", "Choe et al. [6]", "Base"].text == "≥ 95.00"
    dashes = Counter(value.target for value in FT.reference.values if value.value is None and value.text is None)
    assert dashes == {"table1": 3, "table2": 2, "table4": 4}


def test_m_l2_improves_softmax_but_in_four_cells_and_one_tie(printed: Printed) -> None:
    """FT-E7."""
    both = [*product(SPLITS, COLUMNS), ("10K0K", RICH), ("60K0K", RICH)]
    gains = {(split, metric): gain(printed, split, "metric-l2", "softmax", metric) for split, metric in both}
    assert {place: value for place, value in gains.items() if value <= 0} == {
        ("10K0K", RICH): -0.15,
        ("10K10K", "lfw/accuracy"): 0.0,
        ("10K10K", "ijb-a/tar@1e-3"): -2.95,
        ("10K30K", "ijb-a/tar@1e-3"): -0.76,
        ("10K10K", "nearest-center/rank1_ur"): -1.15,
    }


def test_feature_transfer_improves_every_cell_of_f_and_none_of_g(printed: Printed) -> None:
    """FT-E8."""
    for split, over in product(UNDER_REPRESENTED, ("softmax", "metric-l2")):
        assert min(gain(printed, split, "ftl", over, metric) for metric in COLUMNS) > 0
    assert [gain(printed, split, "ftl", "metric-l2", RICH) for split in UNDER_REPRESENTED] == [-0.36, -0.26, -0.37]


def test_more_under_represented_classes_raise_five_columns_and_the_gain_in_one(printed: Printed) -> None:
    """FT-E9."""
    reached = {metric: [printed[f"table1/{split}/ftl", metric] for split in UNDER_REPRESENTED] for metric in COLUMNS}
    falling = {metric for metric, values in reached.items() if values != sorted(values)}
    assert falling == {"ijb-a/rank5", "nearest-center/rank1_regular"}
    growing = {
        metric
        for metric in COLUMNS
        if gain(printed, "10K50K", "ftl", "metric-l2", metric) > gain(printed, "10K10K", "ftl", "metric-l2", metric)
    }
    assert growing == {"ijb-a/tar@1e-3"}


def test_only_60k_with_m_l2_bounds_every_cell(printed: Printed) -> None:
    """FT-E10."""
    for (run, metric), value in printed.items():
        if run.startswith("table1/"):
            assert value <= printed["table1/60K0K/metric-l2", metric]
    above = {
        metric for metric in COLUMNS if printed["table1/10K50K/ftl", metric] > printed["table1/60K0K/softmax", metric]
    }
    assert above == {"lfw/accuracy", "ijb-a/tar@1e-3", "nearest-center/rank1_regular"}
    below = {
        metric
        for metric in COLUMNS
        if printed["table1/10K10K/metric-l2", metric] < printed["table1/10K0K/metric-l2", metric]
    }
    assert below == {"lfw/accuracy", "ijb-a/rank1", "nearest-center/rank1_regular", "nearest-center/rank1_ur"}


def test_the_gain_that_the_text_gives_feature_transfer_is_that_of_m_l2(
    cells: dict[tuple[str, str, str], Value], printed: Printed
) -> None:
    """FT-E2."""
    metrics = [f"ijb-a/{name}" for name in ("tar@1e-2", "tar@1e-3", "rank1", "rank5", "rank10")]

    def extremes(of: str, over: str) -> list[float]:
        gains = [round(printed[f"ms1m/{of}", metric] - printed[f"ms1m/{over}", metric], 1) for metric in metrics]
        return [min(gains), max(gains)]

    text = [cells["text", "FTL, IJB-A", f"{end} gain"].value for end in ("least", "greatest")]
    assert text == extremes("metric-l2", "softmax")
    assert extremes("ftl", "metric-l2") == [0.4, 2.7]
    assert extremes("ftl", "softmax") == [1.0, 5.5]


def test_f_is_better_than_g_in_all_ten_rows_that_have_both(printed: Printed) -> None:
    """FT-C1a."""
    rich = {run: value for (run, metric), value in printed.items() if metric == RICH}
    assert len(rich) == 10
    assert all(value < printed[run, "lfw/accuracy"] for run, value in rich.items())


def test_gains_in_the_notes_are_those_of_the_tables(printed: Printed) -> None:
    checked = 0
    for claim in FT.reference.claims:
        if not isinstance(claim.test, Lower) or not (claim.note or "").startswith("The printed gains are"):
            continue
        sides = [(claim.test.than.at(level), claim.test.less.at(level)) for level in claim.test.levels]
        gains = [printed[than] - printed[less] for than, less in sides]
        noted = [float(number) for number in re.findall(r"-?\d+\.\d+", (claim.note or "").split(" points")[0])]
        assert noted == pytest.approx(gains, abs=1e-6), claim.id
        checked += 1
    assert checked == 7 + 1 + 12 + 2 + 4


def test_photographs_are_trained_as_the_drawn_faces_at_lite_scale_alone_and_nothing_is_judged_by_them() -> None:
    assert [scale for scale in TRAINED_SCALES if "photographs/ftl" in FT.runs(scale)] == ["lite"]
    drawn, photographs = (FT.run(f"{name}/ftl", "lite").config.plain() for name in ("ms1m", "photographs"))
    assert {part for part in drawn if drawn[part] != photographs[part]} == {"data", "benchmarks"}
    assert photographs["benchmarks"] == ["transfer", "stage-turns"]
    for claim in FT.reference.claims:
        assert claim.test is None or not any(run.startswith("photographs") for run, _ in asked(claim.test)), claim.id


def test_every_own_number_is_measured_by_a_run_that_has_its_benchmark() -> None:
    runs = FT.runs("full")
    for value in FT.reference.values:
        if value.run is not None and value.metric is not None:
            assert value.metric.split("/")[0] in runs[value.run].config.benchmarks, value


def asked(test: Test) -> Iterator[tuple[str, str]]:
    """Yield each run and benchmark that a test compares."""
    match test:
        case Lower():
            sides, levels = [test.less, test.than], test.levels
        case Within():
            sides, levels = [test.one, test.other], test.levels
        case LargerGap():
            sides, levels = [test.of, test.over], (*test.at, test.base)
        case Rises():
            sides, levels = [Quantity(runs=runs, metric=test.metric) for runs in test.runs], test.levels
        case _:
            raise AssertionError(f"no claim of this paper has a test of kind {test.kind}")
    for side, level in product(sides, levels):
        if side.runs is not None:
            name, metric = side.at(level)
            yield from ((run, metric.split("/")[0]) for run in listed(name))


def test_every_claim_is_about_benchmarks_that_its_runs_have() -> None:
    evaluated = {
        (name, benchmark)
        for scale in ("lite", "full")
        for name, run in FT.runs(scale).items()
        for benchmark in run.config.benchmarks
    }
    for claim in FT.reference.claims:
        if claim.test is not None:
            assert set(asked(claim.test)) <= evaluated, claim.id


def test_deviations_and_claims_name_targets_that_there_are() -> None:
    for deviation in load(FT.folder / "runs.yaml").data["deviations"]:
        assert set(deviation["targets"]) <= set(FT.targets)
    for claim in FT.reference.claims:
        assert set(claim.targets) <= set(FT.targets)
