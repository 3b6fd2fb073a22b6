"""Where methods stand over many experiments: ranks, differences, exact tests, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from shared.verdicts.standing import family_differences, family_lead, sign_flip, standings


def seeds(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_flipped_signs_give_the_share_of_means_as_far_from_zero():
    # Of the eight choices of signs of 1, 2, 3 only all plus and all minus reach the sum of 6.
    assert sign_flip([1, 2, 3]) == 2 / 8
    # 1 + 2 - 3 = 0, which every choice reaches.
    assert sign_flip([1, 2, -3]) == 1
    assert sign_flip([1, 1, 1, 1, 1, 1]) == 2 ** (1 - 6)


def test_many_flips_drawn_agree_with_all_of_them():
    effects = np.random.default_rng(1).normal(0.3, 1, 17)
    signs = 1 - 2 * ((np.arange(2**17)[:, None] >> np.arange(17)) & 1)
    exact = np.mean(np.abs(signs @ effects) >= abs(effects.sum()))
    assert 0.01 < exact < 0.9
    assert sign_flip(effects) == pytest.approx(exact, abs=0.01)


def test_conditions_of_a_family_are_averaged_before_families_are():
    scores = {
        "noise": {str(level): {"softmax": seeds(0, 0), "mine": seeds(level, level)} for level in (1, 2, 3)},
        "tails": {"": {"softmax": seeds(5, 7), "mine": seeds(1, 3)}},
    }
    assert family_differences(scores, "mine", "softmax") == {"noise": 2, "tails": -4}
    mine = next(standing for standing in standings(scores, "softmax") if standing.method == "mine")
    assert mine.difference == -1
    half = stats.t.ppf(0.975, 1) * 3
    assert mine.interval == pytest.approx((-1 - half, -1 + half))
    # First in all of one family, last in the other: 1.5, whatever the number of conditions.
    assert mine.rank == 1.5
    assert mine.p == 1


def test_six_families_of_which_all_agree_are_significant_and_holm_counts_the_methods():
    scores = {
        str(family): {"": {"softmax": seeds(0.0), "better": seeds(2.0), "alike": seeds(1.0 if family % 2 else -1.0)}}
        for family in range(6)
    }
    best, *others = standings(scores, "softmax")
    assert (best.method, best.rank, best.ranked) == ("better", 1, 6)
    assert best.p == 2 / 64
    assert best.p_adjusted == 2 * best.p
    assert {standing.method: standing.p_adjusted for standing in others} == {"softmax": None, "alike": 1}


def test_one_that_was_tried_in_few_experiments_takes_none_from_the_others_and_ties_share_a_rank():
    scores = {
        "one": {"": {"softmax": seeds(1), "mine": seeds(1), "other": seeds(0)}},
        "two": {"": {"softmax": seeds(1), "mine": seeds(2)}},
        "three": {"": {"softmax": seeds(1)}},
    }
    found = {standing.method: standing for standing in standings(scores, "softmax")}
    assert (found["mine"].rank, found["mine"].ranked, found["mine"].compared) == (1.25, 2, 2)
    assert (found["softmax"].rank, found["softmax"].ranked) == (1.75, 2)
    assert (found["other"].rank, found["other"].difference, found["other"].compared) == (None, -1, 1)


def test_an_interval_of_ranks_stays_within_the_ranks_that_there_are():
    scores = {str(family): {"": {"softmax": seeds(0), "mine": seeds(value)}} for family, value in enumerate((1, 1, -1))}
    mine = next(standing for standing in standings(scores, "softmax") if standing.method == "mine")
    assert mine.rank_interval == (1, 2)


def test_pairs_are_of_the_same_seed():
    scores = {"one": {"": {"softmax": {0: 1.0, 1: 10.0}, "mine": {1: 12.0, 2: math.pi}}}}
    assert family_differences(scores, "mine", "softmax") == {"one": 2}


def test_a_family_in_which_few_were_tried_yet_takes_none_of_the_others_from_the_table():
    def level(*methods: str) -> dict[str, dict[str, dict[int, float]]]:
        return {"": {method: seeds(place) for place, method in enumerate(("softmax", *methods))}}

    scores = {"noise": level("a", "b", "c"), "tails": level("a", "b", "c"), "new": level("a")}
    found = {entry.method: entry for entry in standings(scores, "softmax")}
    assert {name: (entry.rank, entry.ranked) for name, entry in found.items()} == {
        "c": (1, 2),
        "b": (2, 2),
        "a": (3, 2),
        "softmax": (4, 2),
    }
    assert (found["a"].compared, found["b"].compared) == (3, 2)
    # Two methods in three families, where no family has them alone.
    mixed = {"noise": level("a", "b"), "tails": level("a", "c"), "new": level("a", "d")}
    assert {entry.method for entry in standings(mixed, "softmax") if entry.ranked == 3} == {"a", "softmax"}


def test_where_nothing_is_compared_nothing_is_ranked():
    [mine] = standings({"one": {"": {"mine": seeds(1)}}}, "softmax")
    assert (mine.rank, mine.ranked, mine.difference, mine.p) == (None, 0, None, None)
    assert standings({}, "softmax") == []


def test_a_method_of_which_no_seed_was_trained_is_named_with_how_many_were_not():
    scores = {"one": {"": {"softmax": seeds(1.0), "mine": seeds(2.0)}}}
    found = {entry.method: entry for entry in standings(scores, "softmax", {"mine": 2, "diverging": 5, "softmax": 0})}
    assert {name: entry.aside for name, entry in found.items()} == {"mine": 2, "diverging": 5, "softmax": 0}
    assert (found["diverging"].rank, found["diverging"].difference, found["diverging"].p) == (None, None, None)


def test_where_none_of_its_seeds_was_trained_a_method_is_the_last():
    all_there, lost = {"softmax": seeds(1.0), "failing": seeds(9.0), "diverging": seeds(0.0)}, seeds(math.nan)
    scores = {"one": {"": {"softmax": seeds(1.0), "failing": lost, "diverging": lost}}, "two": {"": all_there}}
    found = {entry.method: entry for entry in standings(scores, "softmax", {"failing": 5, "diverging": 5})}
    # Both last of three in the first, which is a rank of 2.5; first and last in the second.
    assert {name: entry.rank for name, entry in found.items()} == {"softmax": 1.5, "failing": 1.75, "diverging": 2.75}
    assert {entry.ranked for entry in found.values()} == {2}
    assert (found["failing"].difference, found["failing"].compared) == (8.0, 1)


def test_a_seed_that_was_set_aside_is_the_last_of_its_seed_and_behind_in_it():
    """The hard start that it lost made the others look worse in their means."""
    hard = {"softmax": seeds(9.0, 9.0, 1.0), "mine": seeds(8.9, 8.9, math.nan), "third": seeds(0.0, 0.0, 0.0)}
    scores = {"one": {"": hard}}
    found = {entry.method: entry for entry in standings(scores, "softmax")}
    assert {name: entry.rank for name, entry in found.items()} == pytest.approx(
        {"softmax": 1.0, "mine": 7 / 3, "third": 8 / 3}
    )
    assert family_lead(scores, "mine", "softmax") == {"one": -1}
    assert family_differences(scores, "mine", "softmax") == {"one": pytest.approx(-0.1)}


def test_a_lead_counts_seeds_and_nothing_of_any_other_method():
    level = {"softmax": seeds(1, 2, math.nan, math.nan), "mine": seeds(2, 2, 5, math.nan)}
    alone, among = {"one": {"": level}}, {"one": {"": level | {"other": seeds(9, 9, 9, 9)}}}
    # Ahead in the first and, since softmax was set aside, in the third; even in the others.
    assert family_lead(alone, "mine", "softmax") == family_lead(among, "mine", "softmax") == {"one": 0.5}


def test_of_seeds_that_not_all_methods_were_trained_with_none_has_a_rank():
    scores = {"one": {"": {"softmax": seeds(1.0, 5.0), "mine": seeds(2.0)}}}
    assert {entry.method: entry.rank for entry in standings(scores, "softmax")} == {"mine": 1, "softmax": 2}
