"""Every kind of claim is judged, and those of the papers rest on runs and benchmarks that there are."""

from __future__ import annotations

import re
from typing import Any, get_args

import pandas as pd
import pytest

from shared.runs.claims import Claim, Test
from shared.runs.reference import Reference
from shared.runs.registry import paper
from shared.verdicts.claims import JUDGES, judge_claims
from tests.verdicts.samples import (
    BEST,
    CITATION,
    ERROR,
    LARGER_GAP,
    LOWER,
    ONE_FAILS,
    PLATEAU,
    RISES,
    WITHIN,
    judge_claim,
    records,
)


def test_every_kind_of_claim_has_a_judge() -> None:
    kinds, _ = get_args(Test)
    assert set(get_args(kinds)) == set(JUDGES)


@pytest.mark.parametrize("test", [LOWER, WITHIN, LARGER_GAP, RISES, BEST, PLATEAU, ONE_FAILS])
def test_no_claim_is_judged_at_smoke_scale_or_without_records(test: dict[str, Any]) -> None:
    levels = ["0.5", "1", "0.025"]
    runs = [f"{level}/{loss}" for level in levels for loss in ("ours", "theirs")]
    runs += [f"{name}/{level}" for name in "absm" for level in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)]
    runs += [f"t/{level}" for level in "wxyz"]
    seeds = {run: [1.0 + index, 2.0 + index**2] for index, run in enumerate(runs)}
    table = pd.concat([records(seeds), records(seeds, ERROR)])
    assert judge_claim(test, table, "smoke").verdict == "no evidence"
    assert judge_claim(test, table, "full").verdict in ("matched", "contradicted", "inconclusive")
    assert judge_claim(test, records({}), "full").verdict == "not run"


def test_an_untestable_claim_is_not_runnable() -> None:
    claim = Claim(id="C", says="so it is", where="Sec. 1", untestable="nobody can")
    found = judge_claims(Reference(CITATION, (), (claim,), ()), records({}), "full")[0]
    assert (found.verdict, found.reason) == ("not runnable", "nobody can")


def test_a_claim_on_the_papers_data_is_not_judged_by_runs_on_other_data() -> None:
    test = {"kind": "lower", "less": {"number": 1}, "than": {"runs": "a", "metric": "mnist-test/accuracy"}}
    claim = Claim.model_validate({"id": "C", "says": "so it is", "where": "Sec. 1", "test": test, "on_its_data": True})
    reference, table = Reference(CITATION, (), (claim,), ()), records({"a": [2.0, 2.1, 2.2]})
    assert judge_claims(reference, table, "lite", {"b": "digits"})[0].verdict == "matched"
    found = judge_claims(reference, table, "lite", {"a": "digits"})[0]
    assert (found.verdict, found.reason) == ("not run", "trained on other data than the paper's (digits)")
    anyhow = Reference(CITATION, (), (claim.model_copy(update={"on_its_data": False}),), ())
    assert judge_claims(anyhow, table, "lite", {"a": "digits"})[0].verdict == "matched"


@pytest.mark.parametrize("key", ["gaussian_affinity", "regular_polytope", "feature_transfer"])
def test_every_claim_rests_on_runs_and_benchmarks_that_the_paper_has(key: str) -> None:
    runs = paper(key).runs("full")
    known = {
        (name, benchmark)
        for scale in ("lite", "full")
        for name, run in paper(key).runs(scale).items()
        for benchmark in run.config.benchmarks
    }
    for verdict in judge_claims(paper(key).reference, records({}), "full"):
        assert set(verdict.runs) <= set(runs), verdict.id
        # Where nothing is recorded, the reason names what is missing: "<benchmark>/<metric> of <run>, ...".
        named = re.findall(r"(\S+)/\S+ of (\S+?)(?:,| and |$)", verdict.reason.partition("no record of ")[2])
        assert bool(named) == bool(verdict.runs)
        assert {(run, benchmark) for benchmark, run in named} <= known, verdict.id


def test_seeds_without_a_finite_number_are_counted_and_named_at_every_scale() -> None:
    test = {"kind": "lower", "less": {"number": 1}, "than": {"runs": "a", "metric": "mnist-test/accuracy"}}
    table = records({"a": [2.0, float("nan"), 2.2, 2.1, float("inf")]})
    for scale, verdict in (("full", "matched"), ("smoke", "no evidence")):
        found = judge_claim(test, table, scale)
        assert found.verdict == verdict
        assert found.reason.endswith("; no finite number: 2 seeds of mnist-test/accuracy of a")
