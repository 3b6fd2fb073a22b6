"""Verdicts on made-up records, and the statistics under them, against numbers worked out by hand."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from shared.errors import UserError
from shared.evaluation import spread
from shared.runs.reference import Citation, Claim, Reference, Value, read_reference
from shared.runs.registry import paper
from shared.verdicts import statistics
from shared.verdicts.verdicts import ClaimVerdict, ValueVerdict, judge_claims, judge_values, verdicts
from tests.conftest import ROOT

CITATION = Citation(title="A paper", authors=("A. Author",), year=2019, venue="A venue")
Records = Mapping[str, Sequence[float] | Mapping[int, float]]


def records(values: Records, metric: str = "mnist-test/accuracy") -> pd.DataFrame:
    """Return the tidy table of runs with one value a seed."""
    benchmark, name = metric.split("/")
    rows = [
        (run, seed, benchmark, name, value)
        for run, seeds in values.items()
        for seed, value in (seeds if isinstance(seeds, Mapping) else dict(enumerate(seeds))).items()
    ]
    return pd.DataFrame(rows, columns=["run", "seed", "benchmark", "metric", "value"])


def printed(**changes: Any) -> Value:
    cell: dict[str, Any] = {
        "target": "table1",
        "row": "a",
        "column": "Ours",
        "value": 99.0,
        "decimals": 1,
        "unit": "%",
        "where": "Table 1",
        "source": "own",
        "run": "a",
        "metric": "mnist-test/accuracy",
    }
    return Value.model_validate({key: value for key, value in (cell | changes).items() if value is not ...})


def judge(value: Value, table: pd.DataFrame, scale: str = "full") -> ValueVerdict:
    return judge_values(Reference(CITATION, (value,), (), ()), table, scale)[0]


def test_a_run_on_other_data_is_not_compared_with_what_is_printed():
    reference = Reference(CITATION, (printed(), printed(column="Theirs", run="b")), (), ())
    table = records({"a": [99, 99.1], "b": [99, 99.1]})
    other, same = judge_values(reference, table, "lite", {"a": "olivetti"})
    assert (other.verdict, other.mean, other.n) == ("not run", None, 0)
    assert other.reason == "trained on other data than the paper's (olivetti)"
    assert (same.verdict, same.n) == ("matched", 2)
    assert verdicts(reference, table, "lite", {"a": "olivetti"})["values"][0]["verdict"] == "not run"


def judge_claim(
    test: dict[str, Any], table: pd.DataFrame, scale: str = "full", values: tuple[Value, ...] = ()
) -> ClaimVerdict:
    claim = Claim.model_validate({"id": "C", "says": "so it is", "where": "Sec. 1", "test": test})
    return judge_claims(Reference(CITATION, values, (claim,), ()), table, scale)[0]


def test_sd_divides_by_n_minus_one() -> None:
    assert spread.sd([1.0, 2.0, 6.0]) == pytest.approx(math.sqrt(7))
    assert statistics.standard_error([1.0, 2.0, 6.0]) == pytest.approx(math.sqrt(7 / 3))
    assert spread.sd([1.0]) is None
    assert statistics.standard_error([1.0]) is None
    assert statistics.t_interval([1.0]) is None


def test_t_interval_of_three_values_by_the_table_of_student() -> None:
    low, high = statistics.t_interval([1.0, 2.0, 6.0]) or (0, 0)
    assert (low, high) == pytest.approx((3 - 4.302653 * math.sqrt(7 / 3), 3 + 4.302653 * math.sqrt(7 / 3)))


def test_t_test_of_two_effects_by_hand() -> None:
    result = statistics.t_test([1.0, 3.0], "paired Student t-test")
    assert (result.n, result.effect, result.test) == (2, 2.0, "paired Student t-test")
    assert result.p == pytest.approx(1 - 2 / math.pi * math.atan(2))


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=12).filter(lambda v: max(v) - min(v) > 1e-3))
def test_t_test_agrees_with_scipy(effects: list[float]) -> None:
    ours, theirs = statistics.t_test(effects), stats.ttest_1samp(effects, 0.0)
    assert ours.p == pytest.approx(float(theirs.pvalue), rel=1e-6, abs=1e-12)
    assert ours.interval == pytest.approx(tuple(theirs.confidence_interval()), rel=1e-6, abs=1e-9)


def test_equal_effects_are_not_certain() -> None:
    result = statistics.t_test([99.3 - 99.1, 99.1 - 98.9, 98.8 - 98.6])
    assert (result.p, result.interval) == (0.25, None)
    assert result.test.startswith("exact sign test")
    assert statistics.t_test([0.0, 0.0]).p == 1.0
    assert statistics.t_test([0.2]).p is None


def test_holm_by_hand() -> None:
    assert statistics.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert statistics.holm([0.9, 0.8]) == [1.0, 1.0]
    assert statistics.holm([]) == []


def test_differences_are_of_common_seeds_only() -> None:
    assert statistics.paired_differences({3: 5.0, 1: 2.0, 7: 0.0}, {1: 1.0, 3: 1.0, 9: 0.0}) == [1.0, 4.0]


def test_binomial_test_by_hand() -> None:
    result = statistics.binomial_test(2, 2, 1 / 8)
    assert result.effect == 1.0
    assert result.p == pytest.approx(1 / 64)
    assert result.interval == pytest.approx((math.sqrt(0.025), 1.0))


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
        ([98.0, 99.0], {}, "matched", 2 * math.sqrt(0.5 / 2 + 0.5)),
        ([101.0, 102.0], {}, "better", 2 * math.sqrt(0.5 / 2 + 0.5)),
        ([98.0, 99.0], {"spread": 0.1}, "matched", 2 * math.sqrt(0.5 / 2 + 0.01)),
        ([97.0, 98.0], {"spread": 0.4, "repeats": 4}, "worse", 2 * math.sqrt(0.5 / 2 + 0.04)),
    ],
)
def test_the_tolerance_is_two_sided(
    seeds: list[float], changes: dict[str, Any], verdict: str, tolerance: float
) -> None:
    found = judge(printed(**changes), records({"a": seeds}, changes.get("metric", "mnist-test/accuracy")))
    assert found.verdict == verdict
    assert found.tolerance == pytest.approx(tolerance)


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


FOLDS = "t/{0,1,2}"


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


def test_a_claim_compares_the_means_over_folds() -> None:
    test = {
        "kind": "lower",
        "less": {"runs": "*/theirs/{0,1}", "metric": "mnist-test/accuracy"},
        "than": {"runs": "*/ours/{0,1}", "metric": "mnist-test/accuracy"},
        "levels": ["five"],
    }
    table = {"five/theirs/0": [80.0, 82.0, 83.0], "five/theirs/1": [84.0, 82.0, 82.0]}
    table |= {"five/ours/0": [90.0, 93.0, 92.0], "five/ours/1": [89.0, 91.0, 92.0]}
    found = judge_claim(test, records(table))
    # By seed: 89.5 - 82, 92 - 82, 92 - 82.5.
    assert (found.verdict, found.findings[0].n) == ("matched", 3)
    assert found.findings[0].effect == pytest.approx((7.5 + 10 + 9.5) / 3)
    assert found.runs == ("five/theirs/0", "five/theirs/1", "five/ours/0", "five/ours/1")
    del table["five/ours/1"]
    lacking = judge_claim(test, records(table))
    assert lacking.verdict == "not run"
    assert lacking.reason.endswith("no record of mnist-test/accuracy of five/ours/1")


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
    table = records({"a": [10.0, 9.8], "b": [99.0, 99.0]})
    found = judge_values(Reference(CITATION, (printed(value=None, claim="C"),), (claim,), ()), table, "full")[0]
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


ERROR = "mnist-test/error"
LOWER = {
    "kind": "lower",
    "less": {"runs": "*/ours", "metric": ERROR},
    "than": {"runs": "*/theirs", "metric": ERROR},
    "levels": [0.5, 1],
}
OURS, THEIRS = [1.0, 1.1, 1.2, 1.0], [2.0, 2.2, 2.1, 2.12]


def pairs(low: Sequence[float], high: Sequence[float], levels: Sequence[str] = ("0.5", "1")) -> pd.DataFrame:
    return records(
        {f"{level}/{loss}": seeds for level in levels for loss, seeds in (("ours", low), ("theirs", high))},
        ERROR,
    )


def test_lower_is_matched_where_every_pair_is_surely_lower() -> None:
    found = judge_claim(LOWER, pairs(OURS, THEIRS))
    assert found.verdict == "matched"
    assert [one.n for one in found.findings] == [4, 4]
    assert [one.effect for one in found.findings] == pytest.approx([1.03, 1.03])
    p = float(stats.ttest_rel(THEIRS, OURS).pvalue)
    assert [one.p for one in found.findings] == pytest.approx([p, p])
    assert [one.p_adjusted for one in found.findings] == pytest.approx([2 * p, 2 * p])
    assert found.runs == ("0.5/ours", "0.5/theirs", "1/ours", "1/theirs")
    for part in ("2 of 2 comparisons", "paired Student t-test", "Holm", "4 seeds", "+1.03"):
        assert part in found.reason


def test_lower_is_contradicted_by_one_pair_the_other_way() -> None:
    table = pd.concat([pairs(OURS, THEIRS, ["0.5"]), pairs(THEIRS, OURS, ["1"])])
    assert judge_claim(LOWER, table).verdict == "contradicted"


def test_lower_is_inconclusive_where_one_pair_is_within_noise() -> None:
    table = pd.concat([pairs(OURS, THEIRS, ["0.5"]), pairs(OURS, OURS[::-1], ["1"])])
    found = judge_claim(LOWER, table)
    assert found.verdict == "inconclusive"
    assert "1 with p < 0.05" in found.reason


def test_lower_with_one_seed_says_the_direction_only() -> None:
    found = judge_claim(LOWER, pairs([1.0], [2.0]))
    assert found.verdict == "inconclusive"
    assert "one seed: its spread is unknown; 2 of 2 comparisons go as claimed" in found.reason
    assert [(one.p, one.interval) for one in found.findings] == [(None, None)] * 2


def test_lower_with_a_missing_level_names_it() -> None:
    found = judge_claim(LOWER, pairs(OURS, THEIRS, ["0.5"]))
    assert found.verdict == "inconclusive"
    assert "1 of 2 comparisons were not run" in found.reason
    assert "mnist-test/error of 1/ours" in found.reason
    assert judge_claim(LOWER, pairs(THEIRS, OURS, ["0.5"])).verdict == "contradicted"


def test_lower_without_a_common_seed_is_not_run() -> None:
    seeds = {"0.5/ours": {1: 1.0}, "0.5/theirs": {2: 2.0}, "1/ours": {1: 1.0}}
    assert judge_claim(LOWER, records(seeds, ERROR)).verdict == "not run"


def test_pairs_use_the_common_seeds_and_leave_out_what_is_not_finite() -> None:
    ours = {0: 1.0, 1: 1.1, 2: 1.3, 5: 7.0, 8: 1.0}
    theirs = {0: 2.0, 1: 2.2, 2: 2.1, 4: 0.0, 8: math.nan}
    seeds = {
        f"{level}/{loss}": values for level in ("0.5", "1") for loss, values in (("ours", ours), ("theirs", theirs))
    }
    found = judge_claim(LOWER, records(seeds, ERROR))
    assert [one.n for one in found.findings] == [3, 3]
    assert [one.effect for one in found.findings] == pytest.approx([2.9 / 3, 2.9 / 3])


def test_two_equal_differences_do_not_make_a_claim_certain() -> None:
    found = judge_claim(LOWER, pairs([1.0, 1.1], [2.0, 2.1]))
    assert found.verdict == "inconclusive"
    assert "exact sign test" in found.reason


def test_lower_compares_with_a_quoted_column_of_the_same_row() -> None:
    cells = (printed(run="x/ours"), printed(column="Quoted", value=98.4, source="quoted", run=...))
    test = {
        "kind": "lower",
        "less": {"column": "Quoted"},
        "than": {"runs": "*/ours", "metric": "mnist-test/accuracy"},
        "levels": ["x"],
    }
    found = judge_claim(test, records({"x/ours": [99.0, 99.2, 99.1]}), values=cells)
    assert found.verdict == "matched"
    assert found.findings[0].effect == pytest.approx(0.7)
    assert found.findings[0].test == "one-sample Student t-test"
    lower = records({"x/ours": [98.0, 98.1, 98.05]})
    assert judge_claim(test, lower, values=cells).verdict == "contradicted"
    with pytest.raises(UserError, match="column 'Quoted', which has no number beside it"):
        judge_claim(test, records({"x/ours": [99.0]}), values=cells[:1])


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([1.1, 0.9, 1.0, 1.05], [2.0, 2.1, 1.9, 2.2], "matched"),
        ([1.1, 0.9, 1.0, 1.05], [0.5, 0.48, 0.52, 0.45], "matched"),
        ([0.2, 0.25, 0.22, 0.21], [1.5, 1.6, 1.4, 1.5], "contradicted"),
        ([2.0, 2.1, 1.9, 2.2], [0.5, 0.48, 0.52, 0.45], "inconclusive"),
    ],
)
def test_nearer_to_one_measures_ratios_on_both_sides(ours: list[float], theirs: list[float], verdict: str) -> None:
    metric = "mnist-geometry/variance_ratio"
    test = {
        "kind": "lower",
        "less": {"runs": "ours", "metric": metric},
        "than": {"runs": "theirs", "metric": metric},
        "distance_from_one": True,
    }
    assert judge_claim(test, records({"ours": ours, "theirs": theirs}, metric)).verdict == verdict


def test_the_level_may_stand_in_the_metric_and_a_side_may_be_a_number() -> None:
    table = pd.concat(
        [
            records({"a": [1.0, 1.1, 1.2]}, "g/minority_norm"),
            records({"a": [2.0, 2.2, 2.1]}, "g/majority_norm"),
        ]
    )
    test = {
        "kind": "lower",
        "less": {"runs": "a", "metric": "g/minority_*"},
        "than": {"runs": "a", "metric": "g/majority_*"},
        "levels": ["norm"],
    }
    assert judge_claim(test, table).verdict == "matched"
    number = {"kind": "lower", "less": {"runs": "a", "metric": "g/minority_norm"}, "than": {"number": 1.05}}
    assert judge_claim(number, table).verdict == "inconclusive"
    assert judge_claim({**number, "than": {"number": 1.9}}, table).verdict == "matched"


WITHIN = {
    "kind": "within",
    "one": {"runs": "*/ours", "metric": ERROR},
    "other": {"runs": "*/theirs", "metric": ERROR},
    "tolerance": 0.2,
    "levels": ["0.5", "1"],
}
NEAR, BEYOND = [1.05, 1.05, 1.25, 1.02], [1.5, 1.62, 1.66, 1.54]


@pytest.mark.parametrize(
    ("theirs", "verdict"),
    [
        (NEAR, "matched"),
        ([0.8, 1.4, 1.2, 0.9], "inconclusive"),  # equal on average, but the seeds differ too much to tell
        ([1.1, 1.35, 1.3, 1.2], "inconclusive"),  # within the tolerance, but not surely so
        ([1.3, 1.3, 1.5, 1.2], "inconclusive"),  # beyond it, but not surely so
        (BEYOND, "contradicted"),
        ([2 * ours - beyond for ours, beyond in zip(OURS, BEYOND, strict=True)], "contradicted"),
        (NEAR[:1], "inconclusive"),
        ([], "not run"),
    ],
)
def test_within_needs_to_show_that_the_difference_is_small(theirs: list[float], verdict: str) -> None:
    assert judge_claim(WITHIN, pairs(OURS, theirs)).verdict == verdict
    assert judge_claim(WITHIN, pairs(theirs, OURS)).verdict == verdict


def test_within_is_two_one_sided_tests() -> None:
    found = judge_claim({**WITHIN, "levels": ["1"]}, pairs(OURS, NEAR, ["1"])).findings[0]
    differences = [ours - near for ours, near in zip(OURS, NEAR, strict=True)]
    p = max(
        float(stats.ttest_1samp(differences, -0.2, alternative="greater").pvalue),
        float(stats.ttest_1samp(differences, 0.2, alternative="less").pvalue),
    )
    assert found.p == pytest.approx(p)
    assert found.effect == pytest.approx(0.2 - abs(sum(differences)) / 4)
    assert found.test == "two one-sided paired Student t-tests"
    assert found.what.startswith("1/ours mnist-test/error within 0.2 of 1/theirs mnist-test/error")


def test_within_two_sided_beyond_the_tolerance() -> None:
    found = judge_claim({**WITHIN, "levels": ["1"]}, pairs(OURS, BEYOND, ["1"])).findings[0]
    excess = [beyond - ours - 0.2 for ours, beyond in zip(OURS, BEYOND, strict=True)]
    assert found.p == pytest.approx(float(stats.ttest_1samp(excess, 0.0).pvalue))
    assert found.effect == pytest.approx(-sum(excess) / 4)


def test_within_is_contradicted_by_one_level_and_needs_all() -> None:
    near, beyond = pairs(OURS, NEAR, ["0.5"]), pairs(OURS, BEYOND, ["1"])
    assert judge_claim(WITHIN, pd.concat([near, beyond])).verdict == "contradicted"
    assert judge_claim(WITHIN, near).verdict == "inconclusive"


def test_within_of_a_number_and_of_two_metrics_of_one_run() -> None:
    table = pd.concat([records({"a": [5.0, 5.1, 4.9]}, "g/share"), records({"a": [5.1, 5.1, 5.1]}, "g/accuracy")])
    share = {"runs": "a", "metric": "g/share"}
    test: dict[str, Any] = {"kind": "within", "one": share, "other": {"number": 5}, "tolerance": 0.5}
    found = judge_claim(test, table)
    assert (found.verdict, found.findings[0].test) == ("matched", "two one-sided Student t-tests")
    assert judge_claim({**test, "other": {"number": 7}}, table).verdict == "contradicted"
    assert judge_claim({**test, "other": {"runs": "a", "metric": "g/accuracy"}}, table).verdict == "matched"


@settings(deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=8), st.floats(0.01, 1), st.floats(1, 10))
def test_what_is_within_a_tolerance_is_within_a_wider_one(
    differences: list[float], tolerance: float, factor: float
) -> None:
    def word(width: float) -> str:
        table = records({"1/ours": differences, "1/theirs": [0.0] * len(differences)}, ERROR)
        return judge_claim({**WITHIN, "levels": ["1"], "tolerance": width}, table).verdict

    order = ["contradicted", "inconclusive", "matched"]
    assert order.index(word(tolerance)) <= order.index(word(tolerance * factor))


def test_equal_differences_within_a_tolerance_are_not_certain_of_few_seeds() -> None:
    for n, verdict in ((3, "inconclusive"), (5, "matched")):
        found = judge_claim({**WITHIN, "levels": ["1"]}, pairs([1.0] * n, [1.1] * n, ["1"]))
        assert (found.verdict, found.findings[0].p) == (verdict, 0.5**n)


LARGER_GAP = {
    "kind": "larger_gap",
    "of": {"runs": "*/theirs", "metric": ERROR},
    "over": {"runs": "*/ours", "metric": ERROR},
    "at": [0.025],
    "base": 1,
}


@pytest.mark.parametrize(
    ("at_end", "verdict"),
    [
        ([4.0, 4.2, 4.3, 4.0], "matched"),
        ([2.0, 2.3, 2.0, 2.15], "inconclusive"),
        ([1.1, 1.3, 1.2, 1.0], "contradicted"),
        ([4.0], "inconclusive"),
        ([], "not run"),
    ],
)
def test_larger_gap(at_end: list[float], verdict: str) -> None:
    table = records({"1/ours": OURS, "1/theirs": THEIRS, "0.025/ours": OURS, "0.025/theirs": at_end}, ERROR)
    found = judge_claim(LARGER_GAP, table)
    assert found.verdict == verdict
    if verdict == "matched":
        assert found.findings[0].effect == pytest.approx(2.02)


RISES = {"kind": "rises", "runs": ["a/*", "b/*"], "metric": ERROR, "levels": [0.1, 0.2, 0.5]}
UP = {0.1: [1.0, 1.1, 0.9], 0.2: [2.0, 2.2, 2.1], 0.5: [3.0, 3.3, 3.1]}


@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        (UP, "matched"),
        ({level: [-value for value in seeds] for level, seeds in UP.items()}, "contradicted"),
        ({0.1: [1.0, 1.1, 0.9], 0.2: [1.0, 1.1, 0.9], 0.5: [1.1, 1.0, 0.9]}, "inconclusive"),
        ({level: seeds[:1] for level, seeds in UP.items()}, "inconclusive"),
        ({0.1: [1.0, 1.1, 0.9]}, "inconclusive"),
    ],
)
def test_rises(second: dict[float, list[float]], verdict: str) -> None:
    seeds = {f"{name}/{level}": values for name, runs in (("a", UP), ("b", second)) for level, values in runs.items()}
    assert judge_claim(RISES, records(seeds, ERROR)).verdict == verdict


def test_rises_tests_the_slope_of_each_seed_by_rank() -> None:
    found = judge_claim({**RISES, "runs": ["a/*"]}, records({f"a/{k}": v for k, v in UP.items()}, ERROR))
    assert found.findings[0].effect == pytest.approx((1.0 + 1.1 + 1.1) / 3)
    assert found.findings[0].test == "Student t-test on the slopes of the seeds"
    assert judge_claim(RISES, records({})).verdict == "not run"


BEST = {"kind": "best_within", "runs": "s/*", "metric": ERROR, "levels": [1, 5, 20, 50], "best": [5, 20]}
GOOD, FAIR, BAD = [1.0, 1.1, 0.9, 1.0], [1.05, 0.95, 1.1, 0.9], [5.0, 5.3, 5.1, 4.9]


@pytest.mark.parametrize(
    ("levels", "verdict", "says"),
    [
        ((BAD, GOOD, FAIR, BAD), "matched", "5 has the best mean"),
        ((BAD, BAD, GOOD, BAD), "matched", "20 has the best mean"),
        ((GOOD, BAD, BAD, BAD), "contradicted", "1 has the best mean"),
        ((FAIR, GOOD, BAD, BAD), "inconclusive", "do not tell the levels apart"),
        ((BAD[:1], GOOD[:1], FAIR[:1], BAD[:1]), "inconclusive", "one seed"),
        (([], [], GOOD, []), "not run", "no seed"),
        ((BAD, GOOD, GOOD, []), "inconclusive", "2 of 4 comparisons were not run"),
    ],
)
def test_best_within(levels: tuple[list[float], ...], verdict: str, says: str) -> None:
    table = records({f"s/{level}": seeds for level, seeds in zip((1, 5, 20, 50), levels, strict=True)}, ERROR)
    found = judge_claim(BEST, table)
    assert found.verdict == verdict
    assert says in found.reason


def test_best_within_knows_that_more_accuracy_is_better() -> None:
    table = records({f"s/{level}": seeds for level, seeds in zip((1, 5, 20, 50), (GOOD, BAD, GOOD, FAIR), strict=True)})
    assert judge_claim({**BEST, "metric": "mnist-test/accuracy"}, table).verdict == "matched"


PLATEAU = {"kind": "plateau", "runs": "m/*", "metric": ERROR, "levels": [1, 2, 5, 10, 20], "begins": 5}


@pytest.mark.parametrize(
    ("levels", "verdict", "says"),
    [
        ((BAD, BAD, GOOD, FAIR, GOOD), "matched", "even within seed noise"),
        ((BAD, FAIR, GOOD, FAIR, GOOD), "inconclusive", "not all clearly worse"),
        ((GOOD, GOOD, BAD, BAD, BAD), "contradicted", "a level before 5 is better"),
        (
            ([8.0, 8.1, 8.3, 8.2], [9.0, 9.1, 9.3, 9.1], GOOD, GOOD, BAD),
            "contradicted",
            "differ beyond seed noise",
        ),
        ((BAD[:1], BAD[:1], GOOD[:1], GOOD[:1], GOOD[:1]), "inconclusive", "one seed"),
        ((BAD, [], GOOD, GOOD, GOOD), "inconclusive", "comparisons were not run"),
        ((BAD, [], [], [], []), "not run", "no seed"),
    ],
)
def test_plateau(levels: tuple[list[float], ...], verdict: str, says: str) -> None:
    table = records({f"m/{level}": seeds for level, seeds in zip((1, 2, 5, 10, 20), levels, strict=True)}, ERROR)
    found = judge_claim(PLATEAU, table)
    assert found.verdict == verdict
    assert says in found.reason


ONE_FAILS = {
    "kind": "one_fails",
    "runs": "t/*",
    "metric": "mnist-test/accuracy",
    "levels": ["w", "x", "y", "z"],
    "among": ["w", "y"],
    "below": 50,
}
WORKS, FAILS = [99.1, 99.2], [9.8, 9.8]


@pytest.mark.parametrize(
    ("levels", "verdict", "says"),
    [
        ((FAILS, WORKS, WORKS, WORKS), "matched", "as claimed in 2"),
        ((WORKS, WORKS, [math.nan, 49.9], WORKS), "matched", "y in 2"),
        ((WORKS, FAILS, WORKS, WORKS), "contradicted", "as claimed in 0"),
        ((WORKS, WORKS, WORKS, WORKS), "contradicted", "as claimed in 0"),
        (([50.0, 50.0], WORKS, WORKS, WORKS), "contradicted", "w in 0"),
        ((FAILS, WORKS, FAILS, WORKS), "contradicted", "w in 2"),
        (([9.8, 99.0], WORKS, WORKS, WORKS), "inconclusive", "as claimed in 1"),
        (([9.8], WORKS, WORKS, WORKS), "inconclusive", "one seed"),
        (([], WORKS, WORKS, WORKS), "not run", "no record of mnist-test/accuracy of t/w"),
    ],
)
def test_one_fails(levels: tuple[list[float], ...], verdict: str, says: str) -> None:
    found = judge_claim(ONE_FAILS, records({f"t/{k}": v for k, v in zip("wxyz", levels, strict=True)}))
    assert found.verdict == verdict
    assert says in found.reason


def test_one_fails_reports_an_exact_test() -> None:
    found = judge_claim(ONE_FAILS, records({"t/w": FAILS, "t/x": WORKS, "t/y": WORKS, "t/z": WORKS}))
    assert found.findings[0].p == pytest.approx((2 / 16) ** 2)
    assert found.findings[0].interval == pytest.approx((math.sqrt(0.025), 1.0))


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


def test_the_verdicts_of_the_real_paper_are_json_and_cover_everything() -> None:
    reference = read_reference(ROOT / "papers/gaussian_affinity/reference.yaml")
    splits = ("standard", "odd-10", "even-10", "odd-25", "even-25")
    table = pd.concat(
        [
            records({f"table1/{split}/affinity": [99.5, 99.55, 99.6] for split in splits}),
            records({f"table1/{split}/affinity": [0.5, 0.45, 0.4] for split in splits}, ERROR),
            records({f"table1/{split}/softmax": [0.9, 0.95, 0.85] for split in splits}, ERROR),
        ]
    )
    found = verdicts(reference, table, "full")
    assert json.loads(json.dumps(found, allow_nan=False))["scale"] == "full"
    assert len(found["values"]) == len(reference.values)
    cells = {(cell["target"], cell["row"], cell["column"]): cell for cell in found["values"]}
    standard = cells["table1", "Stand. split", "Affinity Loss"]
    assert (standard["printed"], standard["verdict"], standard["decimals"]) == (99.6, "matched", 1)
    assert cells["table1", "10% of odd digits", "Affinity Loss"]["verdict"] == "better"
    assert cells["table1", "10% of odd digits", "CoSen CNN [24]"]["verdict"] == "quoted"
    assert cells["table3", "Affinity Loss", "LFW"]["verdict"] == "not run"
    assert cells["text", "folds", "DIL"]["verdict"] == "setting"
    claims = {claim["id"]: claim for claim in found["claims"]}
    assert (claims["GA-C9"]["verdict"], claims["GA-C9"]["kind"]) == ("matched", "lower")
    assert claims["GA-C9b"]["verdict"] == "matched"
    assert claims["GA-C1"]["verdict"] == "not run"
    assert claims["GA-C11a"]["verdict"] == "not run"
    assert claims["GA-C22"]["verdict"] == "not runnable"
    assert {"printed", "spread", "mean", "sd", "n", "interval", "difference", "tolerance", "where"} <= set(standard)


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
