"""Tables of feature transfer: their rows and columns are the printed ones, and what they make of records, by hand."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from papers.feature_transfer import tables
from shared.data.sampling import UnderRepresented
from shared.records.records import Record, Records
from shared.reporting.table import Table
from shared.runs.registry import paper
from tests.records.samples import record

FT = paper("feature_transfer")
PAPER = {
    "table1": tables.table1,
    "table2": tables.table2,
    "table3": tables.table3,
    "table4": tables.table4,
}


def made_up(
    run: str,
    seed: int = 0,
    data: str = "ms-celeb-1m",
    division: UnderRepresented | None = None,
    measured: dict[str, dict[str, float]] | None = None,
    **metrics: dict[str, float],
) -> tuple[Record, Path]:
    """Return a record of a run with some metrics, by benchmark; as a keyword it has "_" for "-"."""
    sampling = {} if division is None else {"under_represented": division.model_dump(mode="json")}
    config: dict[str, Any] = {"data": {"name": data, "sampling": sampling}}
    by_benchmark = (measured or {}) | {name.replace("_", "-"): values for name, values in metrics.items()}
    return record(run, seed).model_copy(update={"config": config, "metrics": by_benchmark}), Path()


def of(*rows: tuple[Record, Path]) -> Records:
    return Records(rows, FT.reference)


def by_row(table: Table) -> Any:
    return table.display.set_index(table.display.columns[0])


@pytest.mark.parametrize("name", PAPER)
def test_every_printed_number_has_its_place(name):
    shown = by_row(PAPER[name](of()))
    values = [value for value in FT.reference.values if value.target == name]
    for value in values:
        column = value.column if value.source == "setting" else f"{value.column} (printed)"
        number = "–" if value.value is None else f"{value.value:.{value.decimals}f}"
        assert shown.loc[value.row, column] == (value.text or number)
    rows = list(dict.fromkeys(value.row for value in values))
    ours = {"sfmx", "sfmx+m-L2"} if name == "table2" else set()
    assert [row for row in shown.index if row not in ours] == rows
    columns = list(dict.fromkeys(value.column for value in values))
    assert list(dict.fromkeys(column.partition(" (")[0] for column in shown)) == columns


@pytest.mark.parametrize("name", PAPER)
def test_every_own_number_stands_beside_what_its_run_measures(name):
    own = [value for value in FT.reference.values if value.target == name and value.run and value.metric]
    numbers = {(value.run, value.metric): float(number) for number, value in enumerate(own)}
    measured: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for (run, place), number in numbers.items():
        benchmark, _, metric = str(place).partition("/")
        measured[str(run)][benchmark][metric] = number
    table = PAPER[name](of(*[made_up(run, measured=metrics) for run, metrics in measured.items()]))
    shown = by_row(table)
    decimals = 1 if name == "table4" else 2
    for value in own:
        number = numbers[value.run, value.metric]
        assert shown.loc[value.row, f"{value.column} (measured)"] == f"{number:.{decimals}f} (1)"
    assert sorted(table.data["value"]) == list(range(len(own)))


@pytest.mark.parametrize("name", [*PAPER, "table_gain"])
def test_a_table_of_no_records_says_so_and_is_written(name, tmp_path):
    table = getattr(tables, name)(of())
    assert table.data.empty
    assert "not run" in table.display.to_string()
    assert all(path.stat().st_size for path in table.write(tmp_path / name, no_evidence=False))


def test_quoted_rows_are_not_measured():
    shown = by_row(tables.table4(of(made_up("ms1m/ftl", ijb_a={"rank1": 94.0}))))
    assert shown.loc["NAN [46]", "Rank-1 (printed)"] == "95.8"
    assert shown.loc["NAN [46]", "Rank-1 (measured)"] == "–"
    assert shown.loc["sfmx", "Rank-1 (measured)"] == "not run"


def test_table1_shows_mean_and_deviation_over_the_seeds():
    rows = [made_up("table1/10K10K/ftl", seed, lfw={"accuracy": 98.0 + seed}) for seed in range(3)]
    shown = by_row(tables.table1(of(*rows)))
    assert shown.loc["10K10K, FTL (Ours)", "LFW f (measured)"] == "99.00 ± 1.00 (3)"
    # The run has no measurement on IJB-A, the other no run.
    assert shown.loc["10K10K, FTL (Ours)", "IJB-A Rank-1 (measured)"] == "–"
    assert shown.loc["10K10K, sfmx", "IJB-A Rank-1 (measured)"] == "not run"


def test_held_out_images_found_by_rich_features_have_columns_of_ours():
    held_out = {"rank1_regular": 80.0, "rank1_ur": 70.0}
    row = made_up("table1/10K0K/softmax", lfw={"accuracy": 97.0}, nearest_center_rich=held_out)
    table = tables.table1(of(row))
    shown = by_row(table)
    assert shown.loc["10K0K, sfmx", "MS1M UR, g (measured)"] == "70.00 (1)"
    assert "MS1M UR, g (printed)" not in shown
    assert tables.HELD_OUT_BY_RICH.note in table.notes


CHARACTERS = made_up(
    "table1/10K10K/metric-l2",
    data="emnist-selection",
    division=UnderRepresented(regular=10, few=10, images=2, tested=(10, 10), test_images=3),
    nearest_center={"rank1_regular": 90.0, "rank1_ur": 60.0, "rank1_regular_fc": 88.0, "rank1_ur_fc": 30.0},
    nearest_center_rich={"rank1_regular": 85.0, "rank1_ur": 55.0},
)


def test_what_is_measured_elsewhere_stands_in_no_column_of_ms1m():
    table = tables.table1(of(CHARACTERS))
    shown = by_row(table)
    assert shown.loc["10K10K, sfmx+m-L2", "MS1M UR (printed)"] == "84.10"
    assert [column for column in shown if "(measured)" in column] == [
        "EMNIST Reg., f (measured)",
        "EMNIST UR, f (measured)",
        "EMNIST Reg., g (measured)",
        "EMNIST UR, g (measured)",
        "EMNIST Reg., FC (measured)",
        "EMNIST UR, FC (measured)",
    ]
    measured = ["90.00 (1)", "60.00 (1)", "85.00 (1)", "55.00 (1)", "88.00 (1)", "30.00 (1)"]
    assert list(shown.loc["10K10K, sfmx+m-L2"])[-6:] == measured
    assert any("the same training on handwritten characters" in note for note in table.notes)
    assert len(table.data) == 6


def test_table1_says_how_large_the_splits_are_where_not_as_in_the_paper():
    largest = UnderRepresented(regular=1040, few=0, images=2, tested=(10, 10), test_images=3)
    notes = tables.table1(of(made_up("table1/60K0K/softmax", division=largest), CHARACTERS)).notes
    assert (
        "Here the splits have so many regular and UR classes: 10K10K 10 and 10; 60K0K 1,040 and 0. Of a UR class 2 "
        "images are trained on; held out are 3 images of each of 10 regular and 10 UR classes."
    ) in notes
    as_printed = UnderRepresented(regular=10_000, few=30_000)
    notes = tables.table1(of(made_up("table1/10K30K/softmax", division=as_printed))).notes
    assert not any("Here the splits" in note for note in notes)


def test_table2_shows_two_methods_and_a_column_that_the_paper_does_not():
    metrics = {"rank1_base": 99.0, "coverage": 80.0, "rank1_novel": 85.0}
    shown = by_row(tables.table2(of(made_up("one-shot/softmax", one_shot=metrics))))
    assert list(shown.loc["sfmx"]) == ["–", "–", "–", "99.00 (1)", "–", "80.00 (1)", "85.00 (1)"]
    assert list(shown.loc["Choe et al. [6]"]) == ["NO", "1", "≥ 95.00", "–", "11.17", "–", "–"]
    trials = {"accuracy": 70.0}
    row = made_up("one-shot/softmax", data="omniglot", one_shot=metrics, one_shot_trials=trials)
    on_characters = by_row(tables.table2(of(row)))
    assert list(on_characters) == [
        "Ext",
        "#Models",
        "Base (printed)",
        "Novel (printed)",
        "Omniglot Base (measured)",
        "Omniglot Novel (measured)",
        "Omniglot Novel, rank-1 (measured)",
        "Omniglot trials (measured)",
    ]
    assert list(on_characters.loc["sfmx"])[4:] == ["99.00 (1)", "80.00 (1)", "85.00 (1)", "70.00 (1)"]


def test_table4_has_one_run_in_three_rows_by_how_templates_are_compared():
    run = made_up("ms1m/ftl", ijb_a={"rank1": 94.0}, ijb_a_media={"rank1": 95.04}, ijb_a_adapted={"rank1": 96.0})
    table = tables.table4(of(run))
    shown = by_row(table)["Rank-1 (measured)"]
    assert list(shown["FTL (Ours)":]) == ["94.0 (1)", "95.0 (1)", "96.0 (1)"]
    assert len(table.data) == 3


def test_the_gain_is_told_of_each_step_over_the_seeds_that_both_have():
    values = {"softmax": [60.0, 61.0, 62.0, 65.0], "metric-l2": [61.0, 63.0, 65.0], "ftl": [66.0]}
    rows = [
        made_up(f"table1/10K30K/{method}", seed, nearest_center={"rank1_ur": value})
        for method, of_method in values.items()
        for seed, value in enumerate(of_method)
    ]
    table = tables.table_gain(of(*rows))
    first, second = table.display.to_dict("records")
    # Differences 1, 2, 3: mean 2, standard deviation 1, t = 2 sqrt(3) with two degrees of freedom.
    assert first == {
        "Training set": "10K30K",
        "Base": "sfmx",
        "Method": "sfmx+m-L2",
        "Metric": "MS1M UR",
        "Base (measured)": "62.00 ± 2.16 (4)",
        "Method (measured)": "63.00 ± 2.00 (3)",
        "Difference (measured)": "+2.00",
        "95% interval": "[\N{MINUS SIGN}0.48, +4.48]",
        "p": "0.074",
        "seeds": "3",
    }
    assert (second["Base"], second["Method"], second["Difference (measured)"]) == ("sfmx+m-L2", "FTL (Ours)", "+5.00")
    assert (second["95% interval"], second["p"], second["seeds"]) == ("–", "–", "1")
    assert any("paired Student t-test" in note for note in table.notes)


def test_the_gain_elsewhere_is_that_of_the_other_set():
    base = made_up(
        "table1/10K10K/softmax", data="emnist-selection", nearest_center={"rank1_ur": 50.0, "rank1_regular": 95.0}
    )
    shown = tables.table_gain(of(base, CHARACTERS)).display
    assert list(shown["Metric"]) == ["EMNIST Reg., f", "EMNIST UR, f"]
    assert list(shown["Difference (measured)"]) == ["\N{MINUS SIGN}5.00", "+10.00"]


@pytest.mark.parametrize("on", ["ijb-a", "ijb-a-media"])
def test_table4_speaks_of_the_splits_of_ijb_a_only_where_they_are_measured(on):
    elsewhere = made_up("ms1m/ftl", data="faces-drawn", nearest_center={"rank1_regular": 80.0})
    assert not any("splits" in note for note in tables.table4(of(elsewhere)).notes)
    assert any(
        "ten splits" in note for note in tables.table4(of(made_up("ms1m/ftl", measured={on: {"rank1": 94.0}}))).notes
    )


def test_the_gain_explains_the_benchmarks_of_faces_only_where_they_are_measured():
    assert not any("LFW" in note for note in tables.table_gain(of(CHARACTERS)).notes)
    faces = made_up("table1/10K0K/softmax", lfw={"accuracy": 97.0})
    assert tables.COLUMNS in tables.table_gain(of(faces)).notes
