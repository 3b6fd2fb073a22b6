"""How often each kind of claim is matched by chance, at the edge of what it denies, and where it is plainly true."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import stats

from shared.runs.claims import Claim
from shared.runs.reference import Reference
from shared.verdicts.claims import JUDGES
from shared.verdicts.evidence import Evidence
from shared.verdicts.measurements import Measurements
from tests.verdicts.samples import BEST, CITATION, ERROR, LARGER_GAP, LOWER, ONE_FAILS, PLATEAU, RISES, WITHIN

SIMULATED = 300
MOST = int(stats.binom.ppf(0.999, SIMULATED, 0.05))
SPREAD = 0.1
SAME = {f"{level}/{loss}": 1.0 for level in (0.5, 1, 0.025) for loss in ("ours", "theirs")}
EVEN = {f"{kind}/{level}": 1.0 for kind in "ab" for level in (0.1, 0.2, 0.5)}
Draw = Callable[[np.random.Generator, int], Measurements]


def seeds_around(means: dict[str, float]) -> Draw:
    """Draw seeds with what they share and what each run has of its own."""

    def draw(random: np.random.Generator, seeds: int) -> Measurements:
        shared = random.normal(0, SPREAD, seeds)
        values = {run: mean + shared + random.normal(0, SPREAD, seeds) for run, mean in means.items()}
        return {(run, ERROR): dict(enumerate(map(float, of_run))) for run, of_run in values.items()}

    return draw


def coins(random: np.random.Generator, seeds: int, levels: str = "wxyz") -> Measurements:
    """Draw levels that fail by coin toss."""
    return {
        (f"t/{level}", "mnist-test/accuracy"): dict(enumerate(map(float, random.choice([10, 99], seeds))))
        for level in levels
    }


def matched(test: dict[str, Any], draw: Draw, seeds: int, times: int) -> int:
    """Return how often a claim is matched by drawn seeds."""
    claim = Claim.model_validate({"id": "C", "says": "so it is", "where": "Sec. 1", "test": test})
    random = np.random.default_rng(seeds)
    reference = Reference(CITATION, (), (claim,), ())
    judged = (JUDGES[type(claim.test)](claim.test, Evidence(reference, draw(random, seeds))) for _ in range(times))
    return sum(judgement.verdict == "matched" for judgement in judged)


FALSE = [
    pytest.param(LOWER | {"levels": [1]}, seeds_around(SAME), id="lower: equal"),
    pytest.param(LOWER, seeds_around(SAME | {"1/theirs": 9.0}), id="lower: equal at one level of two"),
    pytest.param(
        LOWER | {"tolerance": 1, "levels": [1]},
        seeds_around(SAME | {"1/ours": 2.0}),
        id="lower: worse by the tolerance",
    ),
    pytest.param(LOWER | {"ceiling": 1, "levels": [1]}, seeds_around(SAME), id="lower: equal, at the ceiling"),
    pytest.param(WITHIN | {"levels": ["1"]}, seeds_around(SAME | {"1/ours": 1.2}), id="within: apart by the tolerance"),
    pytest.param(
        WITHIN | {"tolerance": 2}, seeds_around(SAME | {"1/ours": 3.0}), id="within: apart at one level of two"
    ),
    pytest.param(LARGER_GAP, seeds_around(SAME), id="larger gap: equal"),
    pytest.param(RISES | {"runs": ["a/*"]}, seeds_around(EVEN), id="rises: even"),
    pytest.param(
        BEST,
        seeds_around({"s/1": 1.0, "s/5": 1.0, "s/20": 1.0, "s/50": 9.0}),
        id="best within: one besides is as good",
    ),
    pytest.param(
        PLATEAU,
        seeds_around({"m/1": 9.0, "m/2": 9.0, "m/5": 1.0, "m/10": 1.25, "m/20": 1.5}),
        id="plateau: it rises by the tolerance",
    ),
    pytest.param(
        PLATEAU | {"tolerance": 2},
        seeds_around({"m/1": 9.0, "m/2": 1.0, "m/5": 1.0, "m/10": 1.0, "m/20": 1.0}),
        id="plateau: one before is as good",
    ),
    pytest.param(ONE_FAILS, coins, id="one fails: by coin toss"),
    pytest.param(
        LOWER | {"distance_from_one": True, "levels": [1]},
        seeds_around(SAME | {"1/ours": 2.0, "1/theirs": 2.0}),
        id="lower: as far from one",
    ),
    pytest.param(
        LOWER | {"than": {"number": 1.0}, "levels": [1]}, seeds_around(SAME), id="lower: as great as a number"
    ),
    pytest.param(
        ONE_FAILS | {"levels": ["w", "x"], "among": ["w"]},
        partial(coins, levels="wx"),
        id="one fails: one of two by coin toss",
    ),
]
"""What is not so, of each kind of claim, and drawn seeds of it."""


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize(("test", "draw"), FALSE)
def test_what_is_not_so_is_rarely_matched(test: dict[str, Any], draw: Draw, seeds: int) -> None:
    assert matched(test, draw, seeds, SIMULATED) <= MOST


def test_each_kind_of_claim_is_simulated() -> None:
    claims = [Claim.model_validate({"id": "C", "says": "", "where": "", "test": case.values[0]}) for case in FALSE]
    assert {type(claim.test) for claim in claims} == set(JUDGES)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize(
    ("test", "means"),
    [
        (LOWER, SAME | {"0.5/theirs": 9.0, "1/theirs": 9.0}),
        (LOWER | {"tolerance": 9}, SAME),
        (WITHIN | {"tolerance": 9}, SAME),
        (LARGER_GAP, SAME | {"0.025/theirs": 9.0}),
        (RISES, {run: mean * 40 * float(run[2:]) for run, mean in EVEN.items()}),
        (BEST, {"s/1": 9.0, "s/5": 1.0, "s/20": 5.0, "s/50": 9.0}),
        (PLATEAU | {"tolerance": 4}, {"m/1": 20.0, "m/2": 19.0, "m/5": 1.0, "m/10": 1.0, "m/20": 1.0}),
    ],
    ids=lambda part: part.get("kind", "") if isinstance(part, dict) else "",
)
def test_what_is_plainly_so_is_matched_almost_always(test: dict[str, Any], means: dict[str, float], seeds: int) -> None:
    assert matched(test, seeds_around(means), seeds, 100) >= 95
