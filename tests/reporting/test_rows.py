"""Verdicts as the rows that the report shows."""

from __future__ import annotations

import pytest

from shared.reporting.rows import claim_row
from tests.verdicts.samples import LOWER, judge_claim, records


@pytest.mark.parametrize(
    ("runs", "testable", "shown"),
    [
        ({}, True, "not run"),
        ({}, False, "not runnable"),
        ({"0.5/ours": [1.0, 1.1], "0.5/theirs": [2.0, 2.2]}, False, "inconclusive"),
    ],
)
def test_a_claim_without_verdict_is_not_run_where_it_could_be(runs, testable, shown):
    judged = judge_claim(LOWER, records(runs, "mnist-test/error"))
    assert claim_row(judged, (), testable=testable).verdict == shown
