"""True acceptance at a false acceptance rate: by hand, and against trying every threshold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.evaluation.roc import acceptable, equal_error, rates_at, share_above


def slow_rate(genuine: list[int], impostor: list[int], power: int) -> float | None:
    """Try every threshold between and beyond the scores; return the best share of `genuine`, or None of no impostor."""
    scores = sorted({*genuine, *impostor})
    rates = []
    for threshold in [scores[0] - 1, *scores]:
        false = sum(score > threshold for score in impostor)
        if false * 10**power <= len(impostor):
            rates.append(100 * (sum(score > threshold for score in genuine) / len(genuine)))
    return max(rates) if len(impostor) >= 10**power else None


def test_rates_by_hand():
    impostor = np.array([9.0, 8.0, 7.0, 7.0, 5.0, 5.0, 4.0, 3.0, 2.0, 1.0] * 2)  # of twenty, two may be accepted
    genuine = np.array([9.5, 9.0, 8.5, 8.0, 1.0])  # the two are at 9, so that pairs above 8 are accepted
    assert rates_at("tar", genuine, impostor, [1]) == {"tar@1e-1": 60.0}


def test_impostors_that_tie_are_rejected_together_and_genuine_pairs_with_them():
    impostor = np.array([9.0, 9.0, 9.0] + [0.0] * 17)
    assert rates_at("tar", np.array([9.1, 9.0, 8.0]), impostor, [1]) == {"tar@1e-1": pytest.approx(100 / 3)}


def test_a_rate_below_one_impostor_is_left_out():
    assert rates_at("tar", np.ones(3), np.arange(99.0), [1, 2, 3]).keys() == {"tar@1e-1"}
    assert rates_at("tar", np.ones(3), np.arange(100.0), [1, 2, 3]).keys() == {"tar@1e-1", "tar@1e-2"}
    assert rates_at("tar", np.ones(3), np.empty(0), [1]) == {}
    assert rates_at("tar", np.empty(0), np.arange(100.0), [1]) == {}


def test_impostors_that_may_be_accepted():
    assert acceptable(3_530_000_000, 6) == 3530
    assert [acceptable(impostors, 3) for impostors in (999, 1000, 1999, 2000)] == [0, 1, 1, 2]


def test_a_share_above_is_of_those_strictly_above():
    assert share_above(np.array([1.0, 2.0, 3.0, 4.0]), 3.0) == 25.0


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.lists(st.integers(0, 6), min_size=1, max_size=230),
    st.sampled_from([np.float32, np.float64]),
)
def test_rates_are_those_of_trying_every_threshold(genuine, impostor, dtype):
    expected = {f"tpir@1e-{power}": slow_rate(genuine, impostor, power) for power in (1, 2)}
    rates = rates_at("tpir", np.array(genuine, dtype), np.array(impostor, dtype), (1, 2))
    assert rates == {name: rate for name, rate in expected.items() if rate is not None}


def test_the_scores_are_left_as_they_were():
    impostor = np.arange(50.0)[::-1].copy()
    rates_at("tar", np.ones(2), impostor, [1])
    assert np.array_equal(impostor, np.arange(50.0)[::-1])


@pytest.mark.parametrize(
    ("genuine", "impostor", "expected"),
    [
        ([0.9, 0.8, 0.4], [0.7, 0.3, 0.2], 100 / 3),
        ([0.9, 0.8], [0.2, 0.1], 0),
        ([0.2, 0.1], [0.9, 0.8], 100),
        ([0.5, 0.5], [0.5, 0.5], 50),
        # At 0.6 a quarter of the genuine is rejected and a third of the impostors accepted.
        ([0.9, 0.8, 0.7, 0.5], [0.6, 0.4, 0.3], 50 * (1 / 4 + 1 / 3)),
    ],
)
def test_the_equal_error_rate_of_a_few_scores(genuine, impostor, expected):
    assert equal_error(np.array(genuine), np.array(impostor)) == pytest.approx(expected)
