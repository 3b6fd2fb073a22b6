"""The unit of a claim's effects, held against the units that the papers print."""

from __future__ import annotations

import pytest

from shared.reporting.units import DEGREES, PERCENT, effect_unit, unit
from shared.runs.claims import Claim
from shared.runs.registry import papers

PRINTED = {"%": PERCENT, "°": DEGREES}


def of_test(**test: object) -> str:
    return effect_unit(Claim.model_validate({"id": "c", "says": "So.", "where": "Sec. 1", "test": test}))


@pytest.mark.parametrize("key", sorted(papers()))
def test_a_metric_has_the_unit_that_its_printed_numbers_have(key):
    values = papers()[key].reference.values
    printed = {value.metric: PRINTED[value.unit] for value in values if value.metric and value.unit in PRINTED}
    assert {metric: unit(metric) for metric in printed} == printed


def test_effects_have_the_unit_of_all_that_is_compared():
    accuracy, angle = {"runs": "a", "metric": "mnist-test/accuracy"}, {"runs": "a", "metric": "angles/*"}
    assert of_test(kind="lower", less=accuracy, than={"number": 5}) == "percentage points"
    assert of_test(kind="lower", less=angle, than={"number": 5}, levels=["mean_angle", "angular_sd"]) == "degrees"
    assert of_test(kind="lower", less=angle, than={"number": 5}, levels=["mean_angle", "overlap"]) == ""
    assert of_test(kind="rises", runs=["a/*"], metric="mnist-test/error", levels=[1, 2]) == "percentage points a level"
    ratio = {"runs": "a", "metric": "mnist-geometry/cluster_variance_ratio"}
    assert of_test(kind="lower", less=ratio, than=ratio, distance_from_one=True) == "natural logarithms of ratios"
    assert of_test(kind="lower", less=ratio, than=ratio) == ""
    fails = {"runs": "a/*", "metric": "mnist-test/accuracy", "levels": [1, 2], "among": [1], "below": 50}
    assert of_test(kind="one_fails", **fails) == "percentage points of the seeds"
