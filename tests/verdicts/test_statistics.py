"""The statistics under the verdicts, against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.evaluation import spread
from shared.verdicts import statistics


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
    # Equal but for rounding, which grows with the number.
    assert statistics.t_test([3e5, math.nextafter(3e5, math.inf), 3e5]).p == 0.25
    assert statistics.t_test([0.2]).p is None


def test_holm_by_hand() -> None:
    assert statistics.holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert statistics.holm([0.9, 0.8]) == [1.0, 1.0]
    assert statistics.holm([]) == []


def test_differences_are_of_common_seeds_only() -> None:
    assert statistics.paired_differences({3: 5.0, 1: 2.0, 7: 0.0}, {1: 1.0, 3: 1.0, 9: 0.0}) == [1.0, 4.0]


def test_binomial_test_by_hand() -> None:
    result = statistics.binomial_test(2, 2, 1 / 8)
    assert result.effect == 87.5
    assert result.p == pytest.approx(1 / 64)
    assert result.interval == pytest.approx((100 * math.sqrt(0.025) - 12.5, 87.5))
