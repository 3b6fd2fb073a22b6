"""Claims on one metric along several levels, on made-up records."""

from __future__ import annotations

import math

import pytest

from tests.verdicts.samples import BEST, ERROR, ONE_FAILS, PLATEAU, judge_claim, records

GOOD, FAIR, BAD = [1.0, 1.1, 0.9, 1.0], [1.05, 0.95, 1.1, 0.9], [5.0, 5.3, 5.1, 4.9]
EVEN = [0.98, 1.02, 0.97, 1.06]
WORKS, FAILS = [99.1, 99.2], [9.8, 9.8]


def three(*levels: list[float]) -> tuple[list[float], ...]:
    """Return levels of three times as many seeds."""
    return tuple(3 * level for level in levels)


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


@pytest.mark.parametrize(
    ("levels", "verdict", "says"),
    [
        ((BAD, BAD, GOOD, FAIR, EVEN), "matched", "5 of 5 comparisons go as claimed"),
        ((BAD, FAIR, GOOD, FAIR, GOOD), "inconclusive", "not every comparison is beyond seed noise"),
        ((GOOD, GOOD, BAD, BAD, BAD), "contradicted", "3 of 5 comparisons go as claimed"),
        (
            ([8.0, 8.1, 8.3, 8.2], [9.0, 9.1, 9.3, 9.1], GOOD, GOOD, BAD),
            "contradicted",
            "3 of 5 comparisons go as claimed",
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


def test_levels_that_the_seeds_do_not_tell_apart_are_no_plateau() -> None:
    noisy = [[1.0, 2.0, 0.0, 1.2], [0.8, 1.1, 1.9, 0.2], [1.6, 0.3, 0.9, 1.2]]
    levels = dict(zip((1, 2, 5, 10, 20), ([30.0, 31, 29, 30], [30.0, 30, 31, 29], *noisy), strict=True))
    found = judge_claim(PLATEAU, records({f"m/{level}": seeds for level, seeds in levels.items()}, ERROR))
    assert found.verdict == "inconclusive"
    assert judge_claim(
        PLATEAU | {"tolerance": 5}, records({f"m/{k}": v for k, v in levels.items()}, ERROR)
    ).verdict == ("matched")


def test_a_best_level_need_not_be_corrected_for_those_that_it_beats() -> None:
    """Of two candidates each p value counts twice, however many levels there are besides."""
    levels = {1: BAD, 5: GOOD, 20: BAD, 50: [2.0, 1.4, 1.9, 1.6]}
    found = judge_claim(BEST, records({f"s/{level}": seeds for level, seeds in levels.items()}, ERROR))
    assert found.verdict == "matched"
    hardest = next(finding for finding in found.findings if finding.what == "5 better than 50")
    assert hardest.p is not None
    assert hardest.p_adjusted == pytest.approx(2 * hardest.p)


def test_one_level_must_beat_all_others_and_not_each_another() -> None:
    first, last = [2.0, 3.0, 4.0, 5.0], [5.0, 2.0, 4.0, 3.0]
    levels = {1: first, 5: [1.0, 2.1, 2.9, 4.0], 20: [4.0, 1.1, 2.9, 2.0], 50: last}
    found = judge_claim(BEST, records({f"s/{level}": seeds for level, seeds in levels.items()}, ERROR))
    assert found.verdict == "inconclusive"
    assert "2 with p < 0.05" in found.reason


def test_any_of_the_other_levels_may_beat_the_best_and_is_corrected_for_how_many_they_are() -> None:
    levels = {1: [4.0, 4.2, 4.1, 3.9], 5: BAD, 20: [5.1, 5.2, 5.3, 5.0], 50: [6.0, 6.2, 6.1, 6.3]}
    found = judge_claim(BEST | {"best": [5]}, records({f"s/{level}": seeds for level, seeds in levels.items()}, ERROR))
    p, corrected = zip(*((finding.p, finding.p_adjusted) for finding in found.findings), strict=True)
    assert corrected == pytest.approx((3 * p[0], p[1], p[2]))


@pytest.mark.parametrize(
    ("levels", "verdict", "says"),
    [
        ((FAILS, WORKS, WORKS, WORKS), "matched", "as claimed in 2"),
        ((WORKS, WORKS, [math.nan, 49.9], WORKS), "matched", "y in 2"),
        ((WORKS, FAILS, WORKS, WORKS), "inconclusive", "as claimed in 0 of 2"),
        (three(WORKS, FAILS, WORKS, WORKS), "contradicted", "as claimed in 0 of 6"),
        (three(WORKS, WORKS, WORKS, WORKS), "contradicted", "less than half of the trainings, p = 0.016"),
        (three([50.0, 50.0], WORKS, WORKS, WORKS), "contradicted", "w in 0"),
        (three(FAILS, WORKS, FAILS, WORKS), "contradicted", "w in 6"),
        (([9.8, 99.0], WORKS, WORKS, WORKS), "inconclusive", "as claimed in 1"),
        (([9.8], WORKS, WORKS, WORKS), "inconclusive", "one seed"),
        (([], WORKS, WORKS, WORKS), "not run", "no record of mnist-test/accuracy of t/w"),
    ],
)
def test_one_fails(levels: tuple[list[float], ...], verdict: str, says: str) -> None:
    found = judge_claim(ONE_FAILS, records({f"t/{k}": v for k, v in zip("wxyz", levels, strict=True)}))
    assert found.verdict == verdict
    assert says in found.reason


@pytest.mark.parametrize(
    ("seeds", "verdict", "says"),
    [
        (2, "inconclusive", "3 seeds could show it"),
        (3, "matched", "3 seeds show in 80 % of repetitions what is so in 93 % of trainings"),
    ],
)
def test_two_seeds_do_not_show_which_of_two_levels_fails(seeds: int, verdict: str, says: str) -> None:
    """Of two levels that fail by coin toss the claimed one alone does so in a quarter of the seeds."""
    test = ONE_FAILS | {"levels": ["w", "x"], "among": ["w"]}
    found = judge_claim(test, records({"t/w": [9.8] * seeds, "t/x": [99.1] * seeds}))
    assert found.verdict == verdict
    assert says in found.reason


def test_one_fails_reports_an_exact_test() -> None:
    """The effect is how many points more often than by coin toss a seed goes as claimed, with each seed's own."""
    found = judge_claim(ONE_FAILS, records({"t/w": FAILS, "t/x": WORKS, "t/y": WORKS, "t/z": WORKS})).findings[0]
    assert found.p == pytest.approx((2 / 16) ** 2)
    assert found.effect == pytest.approx(100 - 12.5)
    assert found.interval == pytest.approx((100 * math.sqrt(0.025) - 12.5, 100 - 12.5))
    assert found.seeds == pytest.approx((87.5, 87.5))


def test_a_level_that_never_fails_goes_against_the_claim_in_every_seed() -> None:
    test = ONE_FAILS | {"levels": ["w", "x"], "among": ["w"]}
    judged = judge_claim(test, records({"t/w": [99.0] * 5, "t/x": [99.1] * 5}))
    found = judged.findings[0]
    assert (judged.verdict, found.n) == ("contradicted", 5)
    assert found.effect == pytest.approx(-25)
    assert found.interval == pytest.approx((-25, 100 * (1 - 0.025 ** (1 / 5)) - 25))
    assert found.seeds == pytest.approx((-25,) * 5)
    assert judged.reason.startswith("as claimed in 0 of 5 seeds; below 50: w in 0 (mean 99), x in 0 (mean 99.1); ")
    assert "less than half of the trainings, p = 0.031" in judged.reason
    assert "−25 percentage points [−25, 27.2] more often as claimed than by coin toss" in judged.reason
