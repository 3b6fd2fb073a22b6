"""The papers' own numbers put to the tests of their claims."""

from __future__ import annotations

from typing import Any

import pytest

from shared.runs.claims import Claim
from shared.runs.reference import Erratum, Reference, Value
from shared.runs.registry import papers
from shared.verdicts.consistency import Consistency, consistency
from tests.verdicts.samples import CITATION, printed

ACCURACY = "mnist-test/accuracy"
LOWER = {"kind": "lower", "less": {"runs": "a", "metric": ACCURACY}, "than": {"runs": "b", "metric": ACCURACY}}
MISPRINT = Erratum(id="E1", where="Table 1", problem="a is above b", reading="below")


def judged(values: list[Value], test: dict[str, Any], **changes: Any) -> list[Consistency]:
    claim = Claim.model_validate({"id": "C", "says": "so", "where": "Sec. 1", "test": test, **changes})
    return consistency(Reference(CITATION, tuple(values), (claim,), (MISPRINT,)))


@pytest.mark.parametrize(
    ("a", "b", "verdict"), [(98.9, 99.0, "matched"), (99.0, 99.0, "inconclusive"), (99.1, 99.0, "contradicted")]
)
def test_printed_numbers_are_judged_as_measured_ones(a: float, b: float, verdict: str) -> None:
    values = [printed(value=a, run="a"), printed(row="b", value=b, run="b")]
    unexplained, explained = judged(values, LOWER)[0], judged(values, LOWER, erratum="E1")[0]
    assert unexplained.verdict == explained.verdict == verdict
    assert (unexplained.is_explained, explained.is_explained) == (verdict == "matched", verdict != "matched")


def test_a_claim_of_which_not_all_is_printed_is_left_out() -> None:
    assert judged([printed(run="a")], LOWER) == []
    assert judged([printed(run="a"), printed(row="b", value=1.0, run="b", minus=98.0)], LOWER) == []


def test_of_a_number_that_is_printed_twice_the_one_of_the_claims_own_table_counts() -> None:
    values = [printed(target="table1", value=99.5, run="a"), printed(target="table2", value=98.5, run="a")]
    values.append(printed(row="b", run="b"))
    assert judged(values, LOWER, targets=["table1"])[0].verdict == "contradicted"
    assert judged(values, LOWER, targets=["table2"])[0].verdict == "matched"


def test_folds_that_a_number_is_printed_for_have_it_each() -> None:
    values = [printed(run="a/{0,1}"), printed(row="b", value=99.1, run="b")]
    assert judged(values, LOWER | {"less": {"runs": "a/{0,1}", "metric": ACCURACY}})[0].verdict == "matched"


@pytest.mark.parametrize("key", papers())
def test_each_papers_claims_are_those_of_its_numbers_or_name_the_erratum(key: str) -> None:
    reference = papers()[key].reference
    found = consistency(reference)
    assert not [str(result) for result in found if not result.is_explained]
    assert {claim.id for claim in reference.claims if claim.erratum} <= {result.claim.id for result in found}
