"""Verdicts on printed numbers, on made-up records."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UserError
from shared.runs.claims import Claim
from shared.runs.reference import Reference, Value
from shared.verdicts import verdicts
from shared.verdicts.values import ValueVerdict
from tests.verdicts.samples import CITATION, printed, records

FOLDS = "t/{0,1,2}"


def judge(value: Value, table: pd.DataFrame, scale: str = "full") -> ValueVerdict:
    return verdicts.judge(Reference(CITATION, (value,), (), ()), table, scale).values[0]


def test_a_run_on_other_data_is_not_compared_with_what_is_printed():
    reference = Reference(CITATION, (printed(), printed(column="Theirs", run="b")), (), ())
    table = records({"a": [99, 99.1], "b": [99, 99.1]})
    other, same = verdicts.judge(reference, table, "lite", {"a": "faces-drawn"}).values
    assert (other.verdict, other.mean, other.n) == ("not run", None, 0)
    assert other.reason == "trained on other data than the paper's (faces-drawn)"
    assert (same.verdict, same.n) == ("matched", 2)
    shrunk, _ = verdicts.judge(reference, table, "lite", smaller={"a": "lite"}).values
    assert (shrunk.verdict, shrunk.n) == ("not run", 0)
    assert shrunk.reason == "trained smaller than in the paper, at lite scale"
    assert verdicts.judge(reference, table, "lite", {"a": "faces-drawn"}).as_dict()["values"][0]["verdict"] == "not run"


@pytest.mark.parametrize(
    ("seeds", "changes", "verdict", "tolerance"),
    [
        ([99.05, 99.05], {}, "matched", 0.05),
        ([98.95, 98.95, 98.95], {}, "matched", 0.05),
        ([99.0501, 99.0501], {}, "better", 0.05),
        ([98.9499, 98.9499], {}, "worse", 0.05),
        ([99.2, 99.2], {"floor": 0.2}, "matched", 0.2),
        ([99.21, 99.21], {"floor": 0.2}, "better", 0.2),
        ([0.7, 0.7], {"value": 0.6, "metric": "mnist-test/error"}, "worse", 0.05),
        ([0.5, 0.5], {"value": 0.6, "metric": "mnist-test/error"}, "better", 0.05),
        ([91.1, 91.1], {"value": 10.9, "minus": 80.2}, "matched", 0.05),
        ([81.3, 81.3], {"value": 10.9, "minus": 80.2}, "worse", 0.05),
        # Of two seeds Student's quantile is 12.71, of three 4.30.
        ([98.0, 99.0], {}, "matched", 12.7062 * math.sqrt(0.5 / 2 + 0.5)),
        ([101.0, 102.0, 101.5], {}, "better", 4.30265 * math.sqrt(0.25 / 3 + 0.25)),
        ([98.0, 99.0], {"spread": 0.1}, "matched", 12.7062 * math.sqrt(0.5 / 2 + 0.01)),
        ([90.0, 91.0], {"spread": 0.4, "repeats": 4}, "worse", 12.7062 * math.sqrt(0.5 / 2 + 0.04)),
    ],
)
def test_the_tolerance_is_two_sided(
    seeds: list[float], changes: dict[str, Any], verdict: str, tolerance: float
) -> None:
    found = judge(printed(**changes), records({"a": seeds}, changes.get("metric", "mnist-test/accuracy")))
    assert found.verdict == verdict
    assert found.tolerance == pytest.approx(tolerance, rel=1e-5)


@given(
    st.lists(st.floats(90, 100), min_size=2, max_size=6),
    st.floats(-5, 5).map(lambda value: round(value, 3)),
)
def test_moving_the_records_as_far_the_other_way_turns_better_into_worse(seeds: list[float], shift: float) -> None:
    centre = sum(seeds) / len(seeds)
    words = [
        judge(printed(), records({"a": [99 + value - centre + sign * shift for value in seeds]})).verdict
        for sign in (1, -1)
    ]
    assert sorted(words) in (["matched", "matched"], ["better", "worse"])


def test_a_scored_number_shows_what_it_rests_on() -> None:
    found = judge(printed(), records({"a": [98.0, 99.0, 98.6], "b": [10.0]}))
    assert found.n == 3
    assert found.mean == pytest.approx(98.533333)
    assert found.difference == pytest.approx(-0.466667)
    assert found.sd == pytest.approx(0.503322)
    assert found.interval == pytest.approx((97.283013, 99.783653))
    assert "the paper's taken as one run with our standard deviation" in found.reason
    assert "3 seeds" in found.reason


def test_one_seed_is_inconclusive_but_its_difference_is_shown() -> None:
    found = judge(printed(), records({"a": [99.0]}))
    assert (found.verdict, found.n, found.difference, found.tolerance) == ("inconclusive", 1, 0.0, None)
    assert (found.sd, found.interval) == (None, None)
    assert "one seed: its spread is unknown" in found.reason


def test_a_run_without_records_is_not_run() -> None:
    found = judge(printed(), records({"b": [99.0, 99.1]}))
    assert (found.verdict, found.n, found.mean) == ("not run", 0, None)
    assert "no record of mnist-test/accuracy of a" in found.reason


def test_numbers_that_are_not_finite_are_left_out_and_counted() -> None:
    found = judge(printed(), records({"a": [99.0, math.nan, 99.0]}))
    assert (found.verdict, found.n) == ("matched", 2)
    assert "1 more gave no finite number" in found.reason
    assert judge(printed(), records({"a": [math.inf, math.nan]})).verdict == "inconclusive"


def test_what_folds_measure_is_their_mean_seed_by_seed() -> None:
    table = records({"t/0": [99.0, 97.0], "t/1": [98.0, 98.0], "t/2": {1: 96.0, 0: 97.0, 2: 50.0}, "t/3": [10.0]})
    found = judge(printed(value=97.5, run=FOLDS), table)
    # Seed 0: (99 + 98 + 97) / 3 = 98; seed 1: (97 + 98 + 96) / 3 = 97; seed 2 has one fold of three.
    assert (found.n, found.mean, found.difference, found.verdict) == (2, 97.5, 0.0, "matched")
    assert found.sd == pytest.approx(math.sqrt(0.5))


def test_a_missing_fold_leaves_nothing_to_judge() -> None:
    found = judge(printed(run=FOLDS), records({"t/0": [99.0, 99.0], "t/2": [99.0, 99.0]}))
    assert (found.verdict, found.n) == ("not run", 0)
    assert found.reason == "no record of mnist-test/accuracy of every one of t/{0,1,2}"


def test_quoted_numbers_and_settings_are_never_scored() -> None:
    for source in ("quoted", "setting"):
        for scale in ("full", "smoke"):
            found = judge(printed(source=source, run=...), records({"a": [99.0, 99.0]}), scale)
            assert (found.verdict, found.n, found.difference) == (source, 0, None)


def test_what_no_run_measures_says_why() -> None:
    found = judge(printed(run=..., not_runnable="its data cannot be had"), records({"a": [99.0, 99.0]}))
    assert (found.verdict, found.reason) == ("not runnable", "its data cannot be had")


def test_a_dash_is_judged_by_its_claim_and_shows_the_measurement() -> None:
    claim = Claim.model_validate(
        {
            "id": "C",
            "says": "a fails",
            "where": "Table 4",
            "test": {
                "kind": "one_fails",
                "runs": "*",
                "metric": "mnist-test/accuracy",
                "levels": ["a", "b"],
                "among": ["a"],
                "below": 50,
            },
        }
    )
    table = records({"a": [10.0, 9.8, 9.9], "b": [99.0, 99.0, 99.1]})
    found = verdicts.judge(Reference(CITATION, (printed(value=None, claim="C"),), (claim,), ()), table, "full").values[
        0
    ]
    assert (found.verdict, found.difference) == ("matched", None)
    assert found.mean == pytest.approx(9.9)
    assert found.reason.startswith("as claim C: ")


def test_smoke_scale_is_no_evidence_but_shows_its_numbers() -> None:
    found = judge(printed(), records({"a": [99.0, 99.0]}), "smoke")
    assert (found.verdict, found.difference) == ("no evidence", 0.0)
    assert judge(printed(), records({}), "smoke").verdict == "not run"


def test_a_metric_of_unknown_direction_is_refused() -> None:
    with pytest.raises(UserError, match="no direction is known for the metric 'mnist-test/fun'"):
        judge(printed(metric="mnist-test/fun"), records({"a": [9.0, 9.0]}, "mnist-test/fun"))


def test_two_records_of_one_seed_are_refused() -> None:
    table = records({"a": [99.0]})
    with pytest.raises(ValueError, match="run a, seed 0 has two records of mnist-test/accuracy"):
        judge(printed(), pd.concat([table, table]))


@pytest.mark.parametrize(
    ("seeds", "reason"),
    [
        ([math.nan], "smoke scale: its numbers are no evidence; 0 seeds, 1 more gave no finite number"),
        ([99.0, math.inf], "smoke scale: its numbers are no evidence; 1 seed, 1 more gave no finite number"),
        ([99.0, 99.0], "smoke scale: its numbers are no evidence"),
    ],
)
def test_at_smoke_scale_what_is_not_finite_is_counted_and_is_no_evidence_all_the_same(seeds, reason):
    found = judge(printed(), records({"a": seeds}), "smoke")
    assert (found.verdict, found.reason) == ("no evidence", reason)
