"""What rests on trainings that never got anywhere is not judged by them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from shared.runs.claims import Claim
from shared.runs.reference import Reference
from shared.verdicts.claims import ClaimVerdict, judge_claims
from shared.verdicts.verdicts import judge
from tests.verdicts.samples import BEST, CITATION, ERROR, LOWER, ONE_FAILS, printed, records

OURS, THEIRS = [1.0, 1.1, 1.2, 1.15], [2.0, 2.15, 2.2, 2.1]
TABLE = records({"0.5/ours": OURS, "0.5/theirs": THEIRS, "1/ours": OURS, "1/theirs": THEIRS}, ERROR)
AT_CHANCE = "at chance: 90 % error"


def claimed(test: dict[str, Any], table: pd.DataFrame, untrained: dict[tuple[str, int], str]) -> ClaimVerdict:
    claim = Claim.model_validate({"id": "C", "says": "so it is", "where": "Sec. 1", "test": test})
    return judge_claims(Reference(CITATION, (), (claim,), ()), table, "full", untrained=untrained)[0]


def test_a_claim_over_a_run_that_never_trained_is_neither_matched_nor_contradicted():
    assert claimed(LOWER, TABLE, {}).verdict == "matched"
    found = claimed(LOWER, TABLE, dict.fromkeys([("1/theirs", seed) for seed in range(4)], AT_CHANCE))
    assert (found.verdict, found.reason) == ("not trained", f"1/theirs is not trained: {AT_CHANCE}")


def test_a_claim_is_judged_by_the_seeds_that_trained_and_names_the_others():
    found = claimed(LOWER, TABLE, {("1/theirs", 0): AT_CHANCE, ("1/theirs", 2): AT_CHANCE, ("else", 0): AT_CHANCE})
    assert found.verdict != "not trained"
    assert min(finding.n for finding in found.findings) == 2
    assert found.reason.endswith("; not trained: seeds 0, 2 of 1/theirs")


def test_that_one_of_several_runs_fails_is_judged_by_its_failing():
    table = records({"t/w": [10.0] * 5, "t/x": [99.0] * 5, "t/y": [99.0] * 5, "t/z": [98.0] * 5})
    found = claimed(ONE_FAILS, table, {("t/w", seed): AT_CHANCE for seed in range(5)})
    assert found.verdict == "matched"


def test_of_the_levels_that_could_not_be_trained_none_is_the_best():
    good, worse, bad = [1.0, 1.1, 1.2], [2.0, 2.15, 2.2], [90.0] * 3
    table = records({"s/1": bad, "s/5": worse, "s/20": good, "s/50": worse}, ERROR)
    outside = {("s/1", seed): AT_CHANCE for seed in range(3)}
    found = claimed(BEST, table, outside)
    assert found.verdict == "matched"
    assert "; not trained, and so not the best: 1; " in f"{found.reason}; "
    assert found.runs == ("s/5", "s/20", "s/50")
    inside = {("s/5", seed): AT_CHANCE for seed in range(3)}
    assert claimed(BEST, table, outside | inside).verdict == "matched"
    # Where of one side none was trained, there is nothing to compare.
    others = {(run, seed): AT_CHANCE for run in ("s/1", "s/50") for seed in range(3)}
    assert claimed(BEST, table, others).verdict == "not trained"
    best = {(run, seed): AT_CHANCE for run in ("s/5", "s/20") for seed in range(3)}
    assert claimed(BEST, table, best).verdict == "not trained"
    # Of a level of which a seed was trained, the others alone are set aside.
    some = {("s/1", seed): AT_CHANCE for seed in range(2)}
    assert claimed(BEST, table, some).verdict == "inconclusive"


def test_a_level_that_was_only_cut_while_it_still_learned_may_be_the_best():
    good, worse = [1.0, 1.1, 1.2], [2.0, 2.15, 2.2]
    table = records({"s/1": good, "s/5": worse, "s/20": worse, "s/50": worse}, ERROR)
    cut = {("s/1", seed): "cut while falling: its loss fell by 20 % in the last epoch" for seed in range(3)}
    assert claimed(BEST, table, cut).verdict == "not trained"
    assert claimed(BEST, table, cut | {("s/1", 0): AT_CHANCE}).verdict == "not trained"


def test_where_most_seeds_of_a_run_were_not_trained_the_others_decide_nothing():
    lost = {("1/theirs", 0): AT_CHANCE, ("1/theirs", 2): AT_CHANCE}
    table = records(
        {
            run: [*seeds, seeds[0] + 0.05]
            for run, seeds in (("0.5/ours", OURS), ("0.5/theirs", THEIRS), ("1/ours", OURS), ("1/theirs", THEIRS))
        },
        ERROR,
    )
    assert claimed(LOWER, table, lost).verdict == "matched"
    found = claimed(LOWER, table, lost | {("1/theirs", 4): AT_CHANCE})
    assert found.verdict == "inconclusive"
    assert found.reason.startswith("half of the seeds or more were not trained, of 1/theirs; 2 of 2 ")


def test_a_printed_number_is_not_scored_by_what_never_trained():
    reference = Reference(CITATION, (printed(),), (), ())
    table = records({"a": [99.0, 99.1, 10.0]})
    one = judge(reference, table, "full", untrained={("a", 2): AT_CHANCE}).values[0]
    assert (one.verdict, one.n) == ("matched", 2)
    assert one.reason.endswith("; not trained: seed 2 of a")
    none = judge(reference, table, "full", untrained={("a", seed): AT_CHANCE for seed in range(3)}).values[0]
    assert (none.verdict, none.mean) == ("not trained", None)
    assert none.reason == f"a is not trained: {AT_CHANCE}"


def test_a_claim_says_what_else_ails_the_runs_that_it_is_judged_by():
    claim = Claim.model_validate({"id": "C", "says": "so it is", "where": "Sec. 1", "test": LOWER})
    warned = {("1/theirs", 2): "cut while falling", ("1/theirs", 0): "cut while falling", ("else", 0): "saturated"}
    found = judge_claims(Reference(CITATION, (), (claim,), ()), TABLE, "full", warned=warned)[0]
    assert found.verdict == "matched"
    assert found.reason.endswith("; cut while falling: 1/theirs seeds 0, 2")
    empty = records({"0.5/ours": OURS}, ERROR)
    missing = judge_claims(
        Reference(CITATION, (), (claim,), ()), empty, "full", warned=dict.fromkeys([("0.5/ours", 0)], "saturated")
    )
    assert (missing[0].verdict, "saturated" in missing[0].reason) == ("not run", False)


def test_a_printed_number_says_so_too():
    reference = Reference(CITATION, (printed(), printed(row="b", run="b")), (), ())
    found = judge(
        reference, records({"a": [99.0, 99.1]}), "full", warned={("a", 1): "saturated", ("b", 0): "saturated"}
    )
    assert found.values[0].reason.endswith("; saturated: a seed 1")
    assert found.values[1].reason == "no record of mnist-test/accuracy of b"


def test_a_number_that_was_not_measured_is_not_run_however_few_seeds_are_left():
    reference = Reference(CITATION, (printed(metric="mnist-test/error"),), (), ())
    table = records({"a": [99.0, 99.1, 10.0]})
    one = judge(reference, table, "full", untrained={("a", seed): AT_CHANCE for seed in (1, 2)}).values[0]
    assert one.verdict == "not run"
