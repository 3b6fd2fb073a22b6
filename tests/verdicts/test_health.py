"""What ails a training, by losses and numbers made by hand."""

from __future__ import annotations

from math import nan
from typing import Any

import pytest

from shared.verdicts.health import Health, Numbers, fall, judge_health, of_runs

LEARNED = [2.0, 1.0, 0.5, 0.48, 0.46, 0.45]


def judged(losses: list[float], **numbers: Any) -> Health:
    given: dict[str, Any] = {"judged": losses, "nothing": 2.3, "alike": 2.3}
    return judge_health(Numbers(losses=losses, **(given | numbers)))


@pytest.mark.parametrize(
    ("losses", "share"),
    [
        ([2.0, 1.0], 0.5),
        ([9.0, 2.0, 1.9], 0.05),
        ([1.0, 2.0], -1.0),
        ([1.0, 0.5, 2.0, 0.48], 0.04),
        ([0.1, 3.0, 2.0, 1.5, 1.2], 0.2),
        ([4.0] * 10 + [3.0, 1.0] * 5 + [1.0, 1.0], 0.5),
    ],
)
def test_a_loss_falls_over_an_epoch_or_over_a_tenth_of_them(losses, share):
    assert fall(losses) == pytest.approx(share)


@pytest.mark.parametrize("losses", [[], [1.0], [0.0, 0.0]])
def test_of_too_few_epochs_or_no_loss_there_is_no_fall(losses):
    assert fall(losses) is None


def test_what_learned_and_came_to_rest_is_healthy():
    found = judged(LEARNED, cut=6, error=12.0, chance=90.0, classes=10, predicted=10, spread=0.8)
    assert (found.word, found.trained, found.reason) == ("healthy", True, "")
    assert found.told["error on images trained on"] == "12.00 %, by chance 90.00 %"
    assert found.told["loss of the last epoch"] == "0.45, knowing nothing 2.3"


@pytest.mark.parametrize(
    ("losses", "numbers", "word"),
    [
        (LEARNED, {"error": 81.0, "chance": 90.0}, "at chance"),
        (LEARNED, {"error": 80.0, "chance": 90.0}, "healthy"),
        ([2.4, 2.29], {}, "at chance, collapsed"),
        ([9.0, 5.0, 4.9], {}, "at chance"),
        ([9.0, 5.0, 4.9], {"error": 60.0, "chance": 90.0}, "at chance"),
        ([9.0, 5.0, 4.9], {"error": 10.0, "chance": 90.0}, "healthy"),
        ([7.0, 6.75], {"nothing": 3.68, "alike": 6.75}, "at chance, collapsed"),
        (LEARNED, {"classes": 10, "predicted": 1}, "collapsed"),
        (LEARNED, {"spread": 1e-7}, "collapsed"),
        (LEARNED, {"spread": nan}, "not finite"),
        ([2.0, nan], {}, "not finite"),
        ([2.0, 1.0, 0.5, 0.1, 0.1], {"cut": 3}, "cut while falling"),
        ([2.0, 1.0, 0.5, 0.1, 0.1], {"cut": 3, "error": 0.9, "chance": 90.0}, "cut while falling"),
        ([2.0, 1.0, 0.5, 0.1, 0.1], {"cut": 3, "error": 0.8, "chance": 90.0}, "healthy"),
        ([2.0, 1.0, 0.95, 0.1, 0.1], {"cut": 3}, "healthy"),
        ([2.0, 1.0, 0.5], {}, "cut while falling"),
        ([2.0, 0.002, 0.001, 0.001], {"error": 0.0, "chance": 90.0}, "saturated"),
        ([2.0, 0.002, 0.001, 0.001], {"error": 0.1, "chance": 90.0}, "healthy"),
        ([2.0, 0.002, 0.001, 0.5], {}, "healthy"),
        (LEARNED, {"judged": None, "nothing": None, "alike": None}, "healthy"),
        ([], {"judged": [], "error": 90.0, "chance": 90.0}, "at chance"),
    ],
)
def test_what_ails_a_training_is_named(losses, numbers, word):
    found = judged(losses, **numbers)
    assert found.word == word
    assert found.trained == (word in ("healthy", "saturated"))


def test_a_schedule_is_the_runs_so_that_no_seed_is_chosen_by_how_its_loss_fell():
    falling, rested = judged([2.0, 1.0, 0.5], cut=3), judged([2.0, 1.0, 0.95], cut=3)
    most = of_runs({("a", 0): falling, ("a", 1): rested, ("a", 2): falling, ("b", 0): rested, ("c", 0): falling})
    assert [health.trained for health in most.values()] == [False, False, False, True, False]
    assert most["a", 1].reason == "cut while falling: as most seeds of this run"
    assert most["a", 0] == falling
    half = of_runs({("a", 0): falling, ("a", 1): rested})
    assert [health.word for health in half.values()] == ["healthy", "healthy"]
    assert half["a", 0].told["fall of the loss before the rate was first cut"] == "50.0 %"


def test_a_seed_at_chance_stays_so_whatever_most_seeds_do():
    chance = judged(LEARNED, error=81.0, chance=90.0)
    found = of_runs({("a", 0): chance, ("a", 1): judged(LEARNED, cut=6), ("a", 2): judged(LEARNED, cut=6)})
    assert [health.word for health in found.values()] == ["at chance", "healthy", "healthy"]
