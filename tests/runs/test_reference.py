"""The transcription of a paper: what its file may say, how a mistake in it is reported, and the real one."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.errors import UserError
from shared.runs.claims import BestWithin, Lower, OneFails, Within, listed
from shared.runs.reference import Reference, Value, read_reference
from tests.conftest import ROOT

MINIMAL: dict[str, Any] = {
    "citation": {"title": "A paper", "authors": ["A. Author"], "year": 2019, "venue": "A venue"},
    "values": [
        {
            "target": "table1",
            "where": "Table 1, row '{row}', column '{column}'",
            "column": "Ours",
            "unit": "%",
            "decimals": 1,
            "source": "own",
            "metric": "mnist-test/accuracy",
            "entries": [
                {"row": "a", "value": 99.5, "run": "table1/a"},
                {"row": "b", "value": 98, "decimals": 0, "source": "quoted"},
            ],
        }
    ],
    "claims": [{"id": "C1", "says": "it works", "where": "Sec. 1", "untestable": "nobody can"}],
}


def write(tmp_path: Path, data: dict[str, Any]) -> Path:
    path = tmp_path / "reference.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


def problem(tmp_path: Path, data: dict[str, Any]) -> str:
    with pytest.raises(UserError) as error:
        read_reference(write(tmp_path, data))
    message = str(error.value)
    assert message.startswith(str(tmp_path / "reference.yaml") + ":")
    return message.removeprefix(str(tmp_path / "reference.yaml") + ":")


def line_of(tmp_path: Path, text: str) -> str:
    lines = (tmp_path / "reference.yaml").read_text(encoding="utf-8").splitlines()
    return str(next(number for number, line in enumerate(lines, start=1) if text in line))


@pytest.fixture
def data() -> dict[str, Any]:
    return copy.deepcopy(MINIMAL)


def test_entries_are_laid_over_the_defaults_of_their_group(tmp_path: Path, data: dict[str, Any]) -> None:
    own, quoted = read_reference(write(tmp_path, data)).values
    assert own == Value(
        target="table1",
        row="a",
        column="Ours",
        value=99.5,
        unit="%",
        decimals=1,
        where="Table 1, row 'a', column 'Ours'",
        source="own",
        run="table1/a",
        metric="mnist-test/accuracy",
    )
    assert (quoted.row, quoted.decimals, quoted.source, quoted.run) == ("b", 0, "quoted", None)


def test_an_unknown_key_of_an_entry_is_named_with_its_line_and_the_nearest_valid_one(
    tmp_path: Path, data: dict[str, Any]
) -> None:
    data["values"][0]["entries"][1]["vlaue"] = data["values"][0]["entries"][1].pop("value")
    message = problem(tmp_path, data)
    assert message.startswith(line_of(tmp_path, "vlaue:") + ": values.0.entries.1.vlaue:")
    assert "did you mean 'value'?" in message


def test_an_unknown_key_of_a_group_is_reported_on_the_line_of_the_group(tmp_path: Path, data: dict[str, Any]) -> None:
    data["values"][0]["wheer"] = data["values"][0].pop("where")
    message = problem(tmp_path, data)
    assert message.startswith(line_of(tmp_path, "wheer:") + ": values.0.wheer:")
    assert "did you mean 'where'?" in message


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        ({"source": "qouted"}, "source: qouted", "did you mean 'quoted'?"),
        ({"value": "high"}, "value: high", "valid number"),
        ({"value": 98.25}, "row: b", "98.25 has more decimals than the 0 printed"),
        ({"run": "table1/b"}, "row: b", "is never scored and has no run"),
        ({"spread": -1}, "spread: -1", "greater than or equal to 0"),
        ({"metric": "accuracy"}, "metric: accuracy", "match pattern"),
        ({"claim": "C2"}, "claim: C2", "did you mean 'C1'?"),
        ({"row": "a"}, "row: a", "table1 / a / Ours is given twice"),
    ],
)
def test_a_wrong_entry_is_reported_where_it_stands(
    tmp_path: Path, data: dict[str, Any], change: dict[str, Any], line: str, says: str
) -> None:
    data["values"][0]["entries"][1] |= change
    message = problem(tmp_path, data)
    numbers = [
        str(number)
        for number, text in enumerate((tmp_path / "reference.yaml").read_text().splitlines(), start=1)
        if line in text
    ]
    assert message.split(":")[0] == numbers[-1]
    assert says in message


@pytest.mark.parametrize(
    ("without", "says"),
    [("run", "an own result needs a run"), ("row", "row: is missing"), ("value", "value: is missing")],
)
def test_an_entry_that_lacks_something_is_refused(
    tmp_path: Path, data: dict[str, Any], without: str, says: str
) -> None:
    del data["values"][0]["entries"][0][without]
    assert says in problem(tmp_path, data)


def test_an_own_dash_needs_a_claim_that_judges_it(tmp_path: Path, data: dict[str, Any]) -> None:
    data["values"][0]["entries"][0]["value"] = None
    assert "no number needs a claim" in problem(tmp_path, data)
    data["values"][0]["entries"][0]["claim"] = "C1"
    assert read_reference(write(tmp_path, data)).values[0].value is None


def test_a_group_without_entries_is_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    del data["values"][0]["entries"]
    assert "values.0.entries: is missing" in problem(tmp_path, data)


@pytest.mark.parametrize(
    ("name", "runs"),
    [
        ("table2/five/affinity/{0,1,2}", [f"table2/five/affinity/{fold}" for fold in range(3)]),
        ("table2/{five,ten}/0", ["table2/five/0", "table2/ten/0"]),
        ("table1/standard/affinity", ["table1/standard/affinity"]),
        ("{lfw,cfp-fp}/accuracy", ["lfw/accuracy", "cfp-fp/accuracy"]),
        ("", [""]),
    ],
)
def test_braces_list_names(name: str, runs: list[str]) -> None:
    assert list(listed(name)) == runs


RUNS = {"runs": "figure6/*", "metric": "mnist-test/error"}


@pytest.mark.parametrize(
    ("test", "says"),
    [
        ({"kind": "lowr"}, "did you mean 'lower'?"),
        ({"kind": "lower", "less": RUNS, "then": RUNS}, "did you mean 'than'?"),
        (
            {"kind": "lower", "less": {"column": "x"}, "than": {"number": 1}},
            "one of less and than needs runs",
        ),
        ({"kind": "lower", "less": {"runs": "a"}, "than": RUNS}, "give either runs and metric"),
        ({"kind": "lower", "less": {**RUNS, "number": 1}, "than": RUNS}, "give either runs and metric"),
        (
            {"kind": "within", "one": {"column": "x"}, "other": {"number": 1}, "tolerance": 1},
            "one of one and other needs runs",
        ),
        ({"kind": "within", "one": RUNS, "other": RUNS, "tolerance": 0}, "greater than 0"),
        ({"kind": "within", "one": RUNS, "other": RUNS}, "tolerance: is missing"),
        ({"kind": "best_within", **RUNS, "levels": [1, 2], "best": [3]}, "'3' is not among the levels 1, 2"),
        ({"kind": "best_within", **RUNS, "levels": [1, 2], "best": [2, 1]}, "nothing is claimed"),
        ({"kind": "plateau", **RUNS, "levels": [1, 2, 3], "begins": 3, "tolerance": 1}, "two on it"),
        ({"kind": "plateau", **RUNS, "levels": [1, 2, 3], "begins": 2}, "tolerance: is missing"),
        ({"kind": "one_fails", **RUNS, "levels": [1, 2], "among": [3], "below": 50}, "'3' is not among"),
        ({"kind": "rises", "runs": ["a/*"], "metric": "b/error", "levels": [1]}, "at least 2 items"),
    ],
)
def test_a_wrong_test_of_a_claim_is_reported(
    tmp_path: Path, data: dict[str, Any], test: dict[str, Any], says: str
) -> None:
    data["claims"].append({"id": "C2", "says": "it works", "where": "Sec. 2", "test": test})
    message = problem(tmp_path, data)
    assert says in message
    assert "claims.1" in message
    assert int(message.split(":")[0]) >= int(line_of(tmp_path, "id: C2"))


def test_a_wrong_setting_of_a_test_is_reported_on_its_line(tmp_path: Path, data: dict[str, Any]) -> None:
    quantity = {"runs": "a/*", "metric": "b/error"}
    test = {"kind": "within", "one": quantity, "other": quantity, "tolerance": -1}
    data["claims"].append({"id": "C2", "says": "it works", "where": "Sec. 2", "test": test})
    message = problem(tmp_path, data)
    assert message.startswith(f"{line_of(tmp_path, 'tolerance: -1')}: claims.1.test.tolerance: input should be greater")


def test_a_claim_has_either_a_test_or_a_reason(tmp_path: Path, data: dict[str, Any]) -> None:
    data["claims"][0].pop("untestable")
    assert "either a test or the reason" in problem(tmp_path, data)


def test_a_claim_names_an_erratum_that_there_is(tmp_path: Path, data: dict[str, Any]) -> None:
    data["claims"][0]["erratum"] = "E9"
    assert "claims.0.erratum: no erratum 'E9'" in problem(tmp_path, data)


def test_two_claims_of_one_name_are_refused(tmp_path: Path, data: dict[str, Any]) -> None:
    data["claims"].append({"id": "C1", "says": "again", "where": "Sec. 2", "untestable": "no"})
    assert "claims.1.id: 'C1' is given twice" in problem(tmp_path, data)


@pytest.mark.parametrize("name", ["", "a b/c<d>", ".a", "C1\n"])
def test_the_id_of_a_claim_or_an_erratum_is_a_plain_name(tmp_path: Path, data: dict[str, Any], name: str) -> None:
    data["claims"][0]["id"] = name
    message = problem(tmp_path, data)
    assert message.startswith(f"{line_of(tmp_path, 'id:')}: claims.0.id: string should match pattern")
    data["claims"][0]["id"] = "C1"
    data["errata"] = [{"id": name, "where": "Sec. 1", "problem": "a slip", "reading": "as meant"}]
    assert "errata.0.id: string should match pattern" in problem(tmp_path, data)


def test_a_missing_file_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        read_reference(tmp_path / "reference.yaml")


@pytest.fixture(scope="module")
def affinity() -> Reference:
    return read_reference(ROOT / "papers/gaussian_affinity/reference.yaml")


@pytest.fixture(scope="module")
def cells(affinity: Reference) -> dict[tuple[str, str, str], Value]:
    return {(value.target, value.row, value.column): value for value in affinity.values}


@pytest.mark.parametrize(
    ("cell", "printed", "source"),
    [
        (("table1", "Stand. split", "Affinity Loss"), 99.6, "own"),
        (("table1", "25% of even digits", "Affinity Loss"), 99.5, "own"),
        (("table1", "10% of even digits", "CoSen CNN [24]"), 98.4, "quoted"),
        (("table1", "Maxout NIN [6]", "Performances"), 99.8, "quoted"),
        (("table2", "Affinity Loss", "Exp#2 (10-classes)"), 80.3, "own"),
        (("table2", "Hierarchical-Bayes [1]", "Exp#2 (10-classes)"), 63.1, "quoted"),
        (("table3", "Affinity Loss", "LFW"), 99.65, "own"),
        (("table3", "Marginal Loss [11]", "YTF"), 95.98, "quoted"),
        (("table3", "DeepID2+ [48]", "#Models"), 25, "setting"),
        (("table3", "FaceNet [43]", "Train Data"), 200, "setting"),
        (("table4", "squared l2, 1/(1+d)", "Performance"), 99.1, "own"),
        (("table_text", "CFP-FP", "Affinity Loss"), 96.0, "own"),
        (("text", "DIL, Exp#1", "absolute gain over CoSen CNN [24]"), 10.9, "own"),
        (("text", "mean frames", "YTF"), 181.3, "setting"),
    ],
)
def test_numbers_are_those_of_the_paper(
    cells: dict[tuple[str, str, str], Value], cell: tuple[str, str, str], printed: float, source: str
) -> None:
    value = cells[cell]
    assert (value.value, value.source) == (printed, source)


def test_every_table_is_complete(affinity: Reference) -> None:
    counts = Counter(value.target for value in affinity.values)
    del counts["text"]
    assert counts == {"table1": 3 + 2 * 5, "table2": 2 * 5, "table3": 4 * 21, "table4": 4, "table_text": 3}


def test_gains_in_the_text_are_the_differences_in_table2(cells: dict[tuple[str, str, str], Value]) -> None:
    for experiment, column in (("DIL, Exp#1", "Exp#1 (5-classes)"), ("DIL, Exp#2", "Exp#2 (10-classes)")):
        ours, theirs = cells["table2", "Affinity Loss", column], cells["table2", "CoSen CNN [24]", column]
        gain = cells["text", experiment, "absolute gain over CoSen CNN [24]"]
        assert ours.value is not None
        assert theirs.value is not None
        assert ours.value - theirs.value == pytest.approx(gain.value)


def test_the_dash_of_table4_and_the_word_webface_are_no_numbers(
    cells: dict[tuple[str, str, str], Value],
) -> None:
    dash = cells["table4", "l1, 1/(1+d)", "Performance"]
    assert (dash.value, dash.run, dash.claim) == (None, "table4/l1-inverse", "GA-C8c")
    assert cells["table3", "CosFace [54]", "Train Data"].text == "WebFace"


def test_a_number_says_where_it_is_printed(cells: dict[tuple[str, str, str], Value]) -> None:
    assert cells["table1", "10% of odd digits", "Affinity Loss"].where == "Table 1, row '10% of odd digits'"
    assert cells["text", "identities", "VGG2"].where == "Sec. 4.1, text on VGG2"


def test_claims_name_the_runs_of_their_levels(affinity: Reference) -> None:
    claims = {claim.id: claim for claim in affinity.claims}
    imbalance, sigma, text = claims["GA-C1"].test, claims["GA-C5"].test, claims["GA-C8b"].test
    assert isinstance(imbalance, Lower)
    assert [imbalance.less.at(level)[0] for level in imbalance.levels] == [
        f"figure6/{kept}/affinity" for kept in ("1", "0.5", "0.25", "0.1", "0.05", "0.025")
    ]
    assert isinstance(sigma, BestWithin)
    assert sigma.best == (5, 10, 20)
    assert isinstance(text, OneFails)
    assert (text.among, text.below) == (("l1-gaussian",), 50)


@pytest.fixture(scope="module")
def polytope() -> Reference:
    return read_reference(ROOT / "papers/regular_polytope/reference.yaml")


def test_the_accuracies_of_the_polytope_paper_are_as_printed(polytope: Reference) -> None:
    own = {(value.row, value.column): (value.value, value.run) for value in polytope.values if value.source == "own"}
    assert own == {
        **{
            (f"MNIST, {name}", column): (printed, f"figure4/{name}/{column}")
            for name in ("simplex", "orthoplex", "cube")
            for column, printed in (("fixed", 99.45), ("learnable", 99.47))
        },
        ("EMNIST, cube", "fixed"): (88.31, "emnist/fixed"),
        ("EMNIST, cube", "learnable"): (88.39, "emnist/learnable"),
    }
    settings = {(value.column, value.row): value.value for value in polytope.values if value.source == "setting"}
    assert settings["training", "kappa"] == 30
    assert settings["MNIST", "training images"] == 50_000
    assert settings["EMNIST balanced", "training images"] == 112_800


def test_that_two_classifiers_are_equally_accurate_is_claimed_within_a_tolerance(polytope: Reference) -> None:
    test = next(claim.test for claim in polytope.claims if claim.id == "RP-C1")
    assert isinstance(test, Within)
    assert [(test.one.at(level)[0], test.other.at(level)[0]) for level in test.levels] == [
        (f"figure4/{name}/fixed", f"figure4/{name}/learnable") for name in ("simplex", "orthoplex", "cube")
    ]
