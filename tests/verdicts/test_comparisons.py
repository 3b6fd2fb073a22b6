"""Claims that make some comparisons, on made-up records."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from shared.errors import UserError
from tests.verdicts.samples import ERROR, LARGER_GAP, LOWER, RISES, WITHIN, judge_claim, printed, records

OURS, THEIRS = [1.0, 1.1, 1.2, 1.0], [2.0, 2.2, 2.1, 2.12]
NEAR, BEYOND = [1.05, 1.05, 1.25, 1.02], [1.5, 1.62, 1.66, 1.54]
UP = {0.1: [1.0, 1.1, 0.9], 0.2: [2.0, 2.2, 2.1], 0.5: [3.0, 3.3, 3.1]}


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
    assert [one.means for one in found.findings] == [pytest.approx((sum(OURS) / 4, sum(THEIRS) / 4))] * 2
    p = float(stats.ttest_rel(THEIRS, OURS).pvalue)
    assert [one.p for one in found.findings] == pytest.approx([p, p])
    assert [one.p_adjusted for one in found.findings] == pytest.approx([2 * p, 2 * p])
    assert found.runs == ("0.5/ours", "0.5/theirs", "1/ours", "1/theirs")
    for part in ("2 of 2 comparisons", "2 with p < 0.05", "paired Student t-test", "4 seeds", "+1.03"):
        assert part in found.reason


def test_lower_is_contradicted_by_one_pair_the_other_way() -> None:
    table = pd.concat([pairs(OURS, THEIRS, ["0.5"]), pairs(THEIRS, OURS, ["1"])])
    found = judge_claim(LOWER, table)
    assert found.verdict == "contradicted"
    says = "1 of 2 comparisons go as claimed, 1 with p < 0.05, and 1 against it with corrected p < 0.05"
    assert says in found.reason


def test_lower_is_inconclusive_where_one_pair_is_within_noise() -> None:
    table = pd.concat([pairs(OURS, THEIRS, ["0.5"]), pairs(OURS, OURS[::-1], ["1"])])
    found = judge_claim(LOWER, table)
    assert found.verdict == "inconclusive"
    assert "1 with p < 0.05" in found.reason


def test_a_claim_that_needs_all_of_its_comparisons_corrects_none_for_the_others() -> None:
    found = judge_claim(LOWER, pairs([1.0, 1.0, 1.0], [2.0, 2.5, 1.8]))
    assert [one.p_adjusted is not None and one.p_adjusted > 0.05 for one in found.findings] == [True, True]
    assert found.verdict == "matched"


def test_lower_with_one_seed_says_the_direction_only() -> None:
    found = judge_claim(LOWER, pairs([1.0], [2.0]))
    assert found.verdict == "inconclusive"
    assert "one seed: its spread is unknown; 2 of 2 comparisons go as claimed" in found.reason
    assert [(one.p, one.interval) for one in found.findings] == [(None, None)] * 2
    found = judge_claim(LOWER, pd.concat([pairs(OURS, THEIRS, ["0.5"]), pairs([1.0], [2.0], ["1"])]))
    assert found.verdict == "inconclusive"
    assert "one seed: its spread is unknown" in found.reason


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
    assert found.findings[0].means == pytest.approx((3.4 / 3, 6.3 / 3))


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
    assert found.findings[0].test == "Student t-test against the result of one run"
    # Of mean 99.1 and deviation 0.1 over three seeds: the printed one varies as a fourth would.
    error = 0.1 * (1 + 1 / 3) ** 0.5
    assert found.findings[0].p == pytest.approx(2 * stats.t.sf(0.7 / error, 2))
    half = stats.t.ppf(0.975, 2) * error
    assert found.findings[0].interval == pytest.approx((0.7 - half, 0.7 + half))
    assert judge_claim(test, records({"x/ours": [98.6, 98.8, 98.7]}), values=cells).verdict == "inconclusive"
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
    metric = "mnist-geometry/cluster_variance_ratio"
    test = {
        "kind": "lower",
        "less": {"runs": "ours", "metric": metric},
        "than": {"runs": "theirs", "metric": metric},
        "distance_from_one": True,
    }
    assert judge_claim(test, records({"ours": ours, "theirs": theirs}, metric)).verdict == verdict
    # A ratio of 0 lies infinitely far from one: a seed that has it is left out.
    with_nothing = records({"ours": [*ours, 0.0], "theirs": [*theirs, 1.3]}, metric)
    found = judge_claim(test, with_nothing)
    assert (found.verdict, found.findings[0].n) == (verdict, 4)


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


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [
        ([1.0, 1.1, 0.9, 1.0], "matched"),
        ([1.1, 1.2, 1.0, 1.1], "matched"),
        ([1.3, 1.1, 1.2, 1.2], "inconclusive"),
        ([1.9, 2.0, 1.8, 2.1], "contradicted"),
    ],
)
def test_no_worse_is_above_by_less_than_the_tolerance(ours: list[float], verdict: str) -> None:
    theirs = [1.0, 1.1, 0.9, 1.05]
    test = LOWER | {"tolerance": 0.25, "levels": [1]}
    found = judge_claim(test, records({"1/ours": ours, "1/theirs": theirs}, ERROR))
    assert found.verdict == verdict
    assert "less than 0.25 above" in found.findings[0].what


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [
        ([1.2, 1.1, 1.3, 1.2], [2.0, 2.2, 2.1, 2.1], "inconclusive"),  # lower beyond noise, and both at the ceiling
        ([1.0, 1.0, 1.0, 1.0], [2.0, 2.2, 2.1, 2.1], "inconclusive"),  # which is reached by what is as high
        ([2.0, 2.2, 2.1, 2.1], [1.2, 1.1, 1.3, 1.2], "inconclusive"),
        ([0.9, 0.8, 0.95, 0.9], [2.0, 2.2, 2.1, 2.1], "matched"),  # one alone reaches it
        ([2.0, 2.2, 2.1, 2.1], [0.9, 0.8, 0.95, 0.9], "contradicted"),
        ([], [], "not run"),
    ],
)
def test_what_is_saturated_tells_nothing(ours: list[float], theirs: list[float], verdict: str) -> None:
    test = LOWER | {"ceiling": 1, "levels": [1]}
    found = judge_claim(test, records({"1/ours": ours, "1/theirs": theirs}, ERROR))
    assert found.verdict == verdict
    assert ("saturated: 1/ours" in found.reason) == (verdict == "inconclusive")
    if verdict == "inconclusive":
        assert (found.seeds_needed, found.detectable) == (None, None)


def test_what_lies_at_the_floor_tells_nothing_either() -> None:
    low, high = [0.01, 0.02, 0.015, 0.01], [0.1, 0.09, 0.095, 0.1]
    found = judge_claim(LOWER | {"floor": 0.1, "levels": [1]}, records({"1/ours": low, "1/theirs": high}, ERROR))
    assert found.verdict == "inconclusive"
    assert "1/theirs mnist-test/error are both at most 0.1, where their measure tells nothing" in found.reason
    at = [0.1, 0.1, 0.1, 0.1]
    found = judge_claim(LOWER | {"floor": 0.1, "levels": [1]}, records({"1/ours": low, "1/theirs": at}, ERROR))
    assert found.verdict == "inconclusive"
    above = [2 * value for value in high]
    found = judge_claim(LOWER | {"floor": 0.1, "levels": [1]}, records({"1/ours": low, "1/theirs": above}, ERROR))
    assert found.verdict == "matched"


def test_one_saturated_level_leaves_the_claim_open() -> None:
    table = pd.concat([pairs([0.1, 0.2, 0.15], [0.5, 0.6, 0.5], ["0.5"]), pairs([3.0, 3.1, 3.2], [4, 4.2, 4.1], ["1"])])
    found = judge_claim(LOWER | {"ceiling": 2}, table)
    assert found.verdict == "inconclusive"
    assert "saturated: 1/ours mnist-test/error and 1/theirs mnist-test/error both reach 2" in found.reason


def test_a_claim_compares_the_mean_over_metrics() -> None:
    table = pd.concat([records({"a": [90.0, 90.1], "b": [91.0, 91.2]}, f"{name}/accuracy") for name in ("x", "y")])
    both = "{x,y}/accuracy"
    found = judge_claim(
        {"kind": "lower", "less": {"runs": "a", "metric": both}, "than": {"runs": "b", "metric": both}}, table
    )
    assert found.findings[0].effect == pytest.approx(1.05)
    less = judge_claim(
        {"kind": "lower", "less": {"runs": "a", "metric": "{x,z}/accuracy"}, "than": {"number": 1}}, table
    )
    assert less.verdict == "not run"
    assert "no record of z/accuracy of a" in less.reason


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
    assert found.p == pytest.approx(2 * p)
    assert found.effect == pytest.approx(0.2 - abs(sum(differences)) / 4)
    assert found.test == "two one-sided paired Student t-tests"
    assert found.means is not None
    assert found.means[0] - found.means[1] == pytest.approx(sum(differences) / 4)
    assert found.what.startswith("1/ours mnist-test/error within 0.2 of 1/theirs mnist-test/error")


def test_within_two_sided_beyond_the_tolerance() -> None:
    found = judge_claim({**WITHIN, "levels": ["1"]}, pairs(OURS, BEYOND, ["1"])).findings[0]
    excess = [beyond - ours - 0.2 for ours, beyond in zip(OURS, BEYOND, strict=True)]
    assert found.p == pytest.approx(float(stats.ttest_1samp(excess, 0.0).pvalue))
    assert found.effect == pytest.approx(-sum(excess) / 4)
    for one, other in ((OURS, BEYOND), (BEYOND, OURS)):
        found = judge_claim({**WITHIN, "levels": ["1"]}, pairs(one, other, ["1"])).findings[0]
        assert found.seeds == pytest.approx([-one for one in excess])
    assert found.test == "two one-sided paired Student t-tests, of a difference beyond the tolerance"


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


def test_a_result_varies_as_a_seed_does_and_a_threshold_does_not() -> None:
    ours = records({"a": [99.0, 99.2, 99.1]})
    test = {"kind": "lower", "than": {"runs": "a", "metric": "mnist-test/accuracy"}}
    threshold = judge_claim({**test, "less": {"number": 98.8}}, ours).findings[0]
    result = judge_claim({**test, "less": {"result": 98.8}}, ours).findings[0]
    assert (threshold.test, result.test) == (
        "one-sample Student t-test",
        "Student t-test against the result of one run",
    )
    assert threshold.p == pytest.approx(2 * stats.t.sf(0.3 / (0.1 / 3**0.5), 2))
    assert result.p == pytest.approx(2 * stats.t.sf(0.3 / (0.1 * (4 / 3) ** 0.5), 2))
    assert threshold.what == result.what


def test_a_gap_to_what_is_printed_is_as_uncertain_as_two_printed_results() -> None:
    cells = (
        printed(row="few", run="few/ours", value=98.0),
        printed(row="few", column="Quoted", value=97.0, source="quoted", run=...),
        printed(row="all", run="all/ours"),
        printed(row="all", column="Quoted", value=98.9, source="quoted", run=...),
    )
    test = {
        "kind": "larger_gap",
        "of": {"runs": "*/ours", "metric": "mnist-test/accuracy"},
        "over": {"column": "Quoted"},
        "at": ["few"],
        "base": "all",
    }
    found = judge_claim(test, records({"few/ours": [98.0, 98.2, 98.1], "all/ours": [99.0, 99.1, 98.9]}), values=cells)
    gaps = [few - 97.0 - (all_ - 98.9) for few, all_ in ((98.0, 99.0), (98.2, 99.1), (98.1, 98.9))]
    spread = float(np.std(gaps, ddof=1))
    assert found.findings[0].p == pytest.approx(2 * stats.t.sf(np.mean(gaps) / (spread * (4 / 3) ** 0.5), 2))


def test_what_a_level_contradicts_no_saturation_of_others_hides() -> None:
    high, over = [99.95, 99.96, 99.97], [99.97, 99.99, 99.98]
    table = records({"1/ours": [97.0, 97.4, 97.1], "1/theirs": [97.3, 97.8, 97.55], "2/ours": high, "2/theirs": over})
    test = {
        "kind": "lower",
        "less": {"runs": "*/theirs", "metric": "mnist-test/accuracy"},
        "than": {"runs": "*/ours", "metric": "mnist-test/accuracy"},
        "levels": ["1", "2"],
        "ceiling": 99.9,
    }
    found = judge_claim(test, table)
    assert found.verdict == "contradicted"
    assert len(found.findings) == 2
