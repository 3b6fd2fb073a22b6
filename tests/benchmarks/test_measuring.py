"""What all benchmarks measure by: turns, ratios, operations, processes of their own, rows of a table."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.measuring import Row, apart, duration, gemm_rates, in_turn, peak_of, row, spread, training_operations


def test_the_operations_of_a_small_network_counted_by_hand():
    # Forward 2 F, backward 2 F for the weights and 2 (F - F1) for the inputs: the images need no gradient.
    network = nn.Sequential(
        nn.Conv2d(1, 2, 5, padding=2), nn.MaxPool2d(2), nn.Conv2d(2, 3, 5, padding=2), nn.Flatten(), nn.Linear(588, 5)
    )
    convolutions = 28 * 28 * 25 * 1 * 2, 14 * 14 * 25 * 2 * 3
    forward = sum(convolutions) + 588 * 5
    assert training_operations(network, torch.zeros(3, 1, 28, 28)) == 2 * (3 * forward - convolutions[0])


def test_ratios_are_taken_pair_by_pair_before_their_median():
    assert spread([10, 40, 90], [10, 20, 30]) == (2, 1, 3)
    assert spread([1, 100, 1], [1, 50, 0.25]) == (2, 1, 4)  # medians of each column would give 1
    with pytest.raises(ValueError, match="shorter"):
        spread([1, 2], [1])


def test_a_row_relates_each_repetition_to_the_others_measured_with_it():
    rates = gemm_rates(10, [1.0, 1.0, 2.0])
    assert rates == [2000, 2000, 1000]
    found = row("ours", [2.0, 2.0, 2.0], [4.0, 8.0, 6.0], count=100, unit="images", operations=1000, rates=rates)
    assert found == Row(part="ours", seconds=2, count=100, unit="images", ratio=(3, 2, 4), share=0.25)
    assert found.cells() == ["ours", "2 s", "50 images", "3 (2 to 4)", "25 %", "", ""]


def test_what_is_extrapolated_says_so():
    assert Row(part="more", seconds=1, peak_mib=1234, measured=False, note="n^2").cells()[-2:] == [
        "1,234",
        "extrapolated; n^2",
    ]


@pytest.mark.parametrize(
    ("seconds", "text"), [(4e-6, "4 µs"), (0.0123, "12.3 ms"), (6.781, "6.78 s"), (1234, "1,234 s")]
)
def test_a_time_has_a_unit_that_suits_it(seconds, text):
    assert duration(seconds) == text


def test_all_parts_take_turns_and_the_first_round_does_not_count():
    calls = []

    def part(name: str):
        def measure() -> float:
            calls.append(name)
            return float(len(calls))

        return measure

    assert in_turn({"a": part("a"), "b": part("b")}, 2) == {"a": [3, 5], "b": [4, 6]}
    assert calls == ["a", "b"] * 3


def allocating(mebibytes):
    return lambda: np.ones(mebibytes << 17)


def test_the_peak_is_that_of_a_process_of_its_own():
    # The kernel adds up the pages of a process some hundred at a time.
    assert 60 - 1 < peak_of(allocating, 60) < 62 + 2
    assert apart(int, "7") == 7
