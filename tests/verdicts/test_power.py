"""What the seeds could have shown, against simulated repetitions of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from shared.runs.claims import Claim
from shared.runs.reference import Reference
from shared.verdicts.claims import ClaimVerdict, judge_claims
from shared.verdicts.findings import Finding, as_claimed, corrected, examined, sense
from shared.verdicts.power import POWER, chance, detectable_difference, gained, together, with_power
from shared.verdicts.statistics import equivalence_test, t_test_against_a_run
from tests.verdicts.samples import BEST, CITATION, ERROR, LOWER, printed, records
from tests.verdicts.test_values import judge

REPEATED, NEAR = 1000, 0.04
SPREAD = 0.5
TOLERANCE = 4.0


def plain(effects: list[float]) -> Finding:
    return examined("so it is", effects, "t")


def equivalent(effects: list[float]) -> Finding:
    return examined("so it is", effects, "t", partial(equivalence_test, tolerance=TOLERANCE))


def one_of_three(effects: list[float]) -> Finding:
    return corrected(plain(effects), for_better=3, for_worse=1)


def beside_a_run(effects: list[float]) -> Finding:
    return examined("so it is", effects, "t", t_test_against_a_run)


def sample(n: int, mean: float = 0.0) -> list[float]:
    """Return seeds whose standard deviation is exactly that of the simulation."""
    steps = np.arange(n) - (n - 1) / 2
    return [float(value) for value in mean + SPREAD * steps / steps.std(ddof=1)]


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize(
    ("examine", "shown"),
    [
        (plain, as_claimed),
        (one_of_three, lambda found: sense(found) > 0),
        (equivalent, as_claimed),
        (beside_a_run, as_claimed),
    ],
    ids=["t-test", "one of three candidates", "equivalence", "beside the result of one run"],
)
def test_the_detectable_effect_is_shown_in_four_repetitions_of_five(
    examine: Callable[[list[float]], Finding], shown: Callable[[Finding], bool], n: int
) -> None:
    found = with_power(examine(sample(n, 0.1)), None)
    assert found.detectable is not None
    mean = found.detectable if examine is not equivalent else TOLERANCE - found.detectable
    stream = np.random.default_rng(n)
    repeated = stream.normal(mean, SPREAD, (REPEATED, n))
    if examine is beside_a_run:
        repeated += stream.normal(0, SPREAD, (REPEATED, 1))  # the one run varies too
    assert np.mean([shown(examine(list(map(float, seeds)))) for seeds in repeated]) == pytest.approx(POWER, abs=NEAR)


@pytest.mark.parametrize(("n", "theirs"), [(2, None), (3, None), (10, None), (3, 0.01), (3, 2.0)])
def test_a_detectable_difference_from_a_printed_number_is_found_as_often(n: int, theirs: float | None) -> None:
    difference = detectable_difference(SPREAD, n, 0.05, theirs)
    assert difference is not None
    repeated = np.random.default_rng(n).normal(99.0 + difference, SPREAD, (200, n))
    number = printed() if theirs is None else printed(spread=10 * theirs, repeats=100)
    words = [judge(number, records({"a": list(map(float, seeds))})).verdict for seeds in repeated]
    assert words.count("better") / len(words) == pytest.approx(POWER, abs=0.09)
    assert words.count("better") + words.count("matched") + words.count("worse") == len(words)


def test_a_number_without_noise_or_with_one_seed_has_no_detectable_difference() -> None:
    assert detectable_difference(0.0, 3, 0.05, None) is None
    assert judge(printed(), records({"a": [99.0]})).detectable is None
    assert "is found in 80 % of repetitions" in judge(printed(), records({"a": [99.0, 99.2]})).reason


@pytest.mark.parametrize(("examine", "effect"), [(plain, 0.4), (equivalent, 3.5)])
def test_as_many_seeds_as_are_needed_show_the_effect_and_one_less_does_not(
    examine: Callable[[list[float]], Finding], effect: float
) -> None:
    found = with_power(examine(sample(3)), effect)
    assert found.seeds_needed is not None
    assert chance(found, effect, found.seeds_needed) >= POWER
    assert found.seeds_needed == 2 or chance(found, effect, found.seeds_needed - 1) < POWER


def test_seeds_too_noisy_for_their_tolerance_do_not_even_show_that_equal_ones_are_equal() -> None:
    noisy = examined("", sample(3), "t", partial(equivalence_test, tolerance=0.3))
    assert with_power(noisy, None).detectable is None


def test_no_number_of_seeds_shows_an_effect_the_other_way() -> None:
    found = with_power(plain(sample(3, -0.1)), None)
    assert found.seeds_needed is None
    assert together([found]).seeds_needed is None
    without_spread = with_power(plain([-1.0, -1.0, -1.0]), None)
    assert together([without_spread, with_power(plain(sample(3, 0.4)), None)]).seeds_needed is None


def test_two_seeds_are_enough_for_what_is_large_beside_its_spread() -> None:
    assert with_power(plain(sample(3)), 100.0).seeds_needed == 2


def test_all_that_must_hold_is_as_hard_as_the_hardest() -> None:
    easy, hard = with_power(plain([2.0, 2.1, 2.05]), 3.0), with_power(plain([2.0, 4.1, 0.5]), 3.0)
    power = together([easy, hard])
    assert (power.detectable, power.seeds_needed) == (hard.detectable, hard.seeds_needed)
    assert (together([easy]).within_reach, power.within_reach) == (True, False)
    assert together([easy, plain([1.0])]).detectable is None


def judged(noise: float, level: float = 1.0) -> ClaimVerdict:
    test = LOWER | {"levels": [1]}
    claim = Claim.model_validate({"id": "C", "says": "so it is", "where": "Sec. 1", "test": test})
    values = (printed(run="1/ours", value=1.0, metric=ERROR), printed(row="b", run="1/theirs", value=1.5, metric=ERROR))
    ours = [level + noise, level - noise, level]
    table = records({"1/ours": ours, "1/theirs": [1.5, 1.5, 1.6]}, ERROR)
    return judge_claims(Reference(CITATION, values, (claim,), ()), table, "full")[0]


def test_a_claim_says_whether_what_is_printed_was_within_reach() -> None:
    quiet, noisy = judged(0.01), judged(1.0)
    assert (quiet.verdict, quiet.within_reach) == ("matched", True)
    assert "what is printed is within reach" in quiet.reason
    assert (noisy.verdict, noisy.within_reach) == ("inconclusive", False)
    assert f"about {noisy.seeds_needed} would show the printed effect" in noisy.reason
    assert noisy.findings[0].printed == pytest.approx(0.5)


def test_what_is_printed_and_would_have_been_seen_takes_no_more_seeds() -> None:
    missed = judged(0.01, level=1.53)
    assert (missed.verdict, missed.within_reach, missed.seeds_needed) == ("inconclusive", True, 3)
    assert missed.reason.endswith("what is printed is within reach and was not found")


@pytest.mark.parametrize(("best", "other"), [(5, 20), (20, 5)])
def test_the_best_of_some_levels_is_as_hard_as_its_best_candidate(best: int, other: int) -> None:
    levels = {1: [5.0, 5.1, 5.2], best: [1.0, 1.1, 0.9], other: [3.0, 9.0, 1.0], 50: [6.0, 6.1, 6.3]}
    claim = Claim.model_validate({"id": "C", "says": "so it is", "where": "Sec. 1", "test": BEST})
    table = records({f"s/{level}": seeds for level, seeds in levels.items()}, ERROR)
    found = judge_claims(Reference(CITATION, (), (claim,), ()), table, "full")[0]
    of_it = [finding.detectable for finding in found.findings if finding.what.startswith(f"{best} ")]
    assert found.detectable == max(of_it, key=lambda detectable: detectable or 0.0)


def test_more_seeds_gain_the_difference_of_the_chances() -> None:
    found = with_power(plain(sample(3, 0.4)), None)
    assert gained([found], 5) == pytest.approx(chance(found, 0.4, 5) - chance(found, 0.4, 3))
    assert gained([found], 3) == 0
    printed_effect = with_power(plain(sample(3, 0.4)), 1.0)
    assert gained([printed_effect], 5) == pytest.approx(chance(found, 1.0, 5) - chance(found, 1.0, 3))


def test_all_that_must_hold_gains_as_the_hardest_does() -> None:
    easy, hard = (with_power(plain(sample(3, mean)), None) for mean in (2.0, 0.4))
    assert gained([easy, hard], 5) == pytest.approx(gained([hard], 5))


def test_what_is_unknown_gains_all_that_is_asked_for() -> None:
    one_seed = plain([0.4])
    assert (
        gained([], 5)
        == gained([one_seed], 5)
        == gained([with_power(plain(sample(3, 0.4)), None), one_seed], 5)
        == POWER
    )


def test_what_is_shown_together_takes_more_than_each_by_itself() -> None:
    alone = with_power(plain(sample(5, 1.0)), None)
    assert alone.detectable
    one = with_power(plain(sample(5, 1.0)), 1.05 * alone.detectable)
    assert together([one]).within_reach
    five = together([one] * 5)
    assert not five.within_reach
    assert five.seeds_needed
    assert chance(one, one.printed or 0.0, five.seeds_needed) ** 5 >= POWER
    assert chance(one, one.printed or 0.0, five.seeds_needed - 1) ** 5 < POWER
