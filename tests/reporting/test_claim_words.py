"""Each kind of test in words."""

from __future__ import annotations

import pytest

from shared.reporting.claim_words import AGAINST_A_RUN, ONE_SAMPLE, PAIRED, in_words
from shared.runs.claims import Claim
from shared.runs.registry import papers

ERROR = {"runs": "a/*", "metric": "test/error"}
OTHER = {"runs": "b/*", "metric": "test/error"}


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (
            {"kind": "lower", "less": ERROR, "than": OTHER, "levels": [1, 2, 3]},
            f"test/error of a/* is below test/error of b/* where * is 1, 2 and 3: {PAIRED} each.",
        ),
        (
            {"kind": "lower", "less": ERROR, "than": {"number": 5}, "tolerance": 0.5},
            f"test/error of a/* is below 5, or above it by less than 0.5: {ONE_SAMPLE}.",
        ),
        (
            {"kind": "lower", "less": ERROR, "than": {"column": "theirs"}, "distance_from_one": True},
            f"test/error of a/* is nearer to one, as a ratio, than what the paper prints as theirs: {AGAINST_A_RUN}.",
        ),
        (
            {"kind": "lower", "less": {"result": 5}, "than": ERROR, "levels": [1, 2]},
            f"5 is below test/error of a/* where * is 1 and 2: {AGAINST_A_RUN} each.",
        ),
        (
            {"kind": "within", "one": ERROR, "other": OTHER, "tolerance": 0.2, "levels": ["x"]},
            "test/error of a/* and test/error of b/* differ by less than 0.2 where * is x: "
            "two one-sided t-tests over paired seeds, with p < 0.05.",
        ),
        (
            {"kind": "larger_gap", "of": ERROR, "over": OTHER, "at": [1, 2], "base": 3},
            f"test/error of a/* less test/error of b/* is larger where * is 1 and 2 than where it is 3: {PAIRED} each.",
        ),
        (
            {"kind": "rises", "runs": ["a/*"], "metric": "test/error", "levels": [1, 2]},
            "test/error of a/* rises from 1 to 2: Student's t-test over the slopes of the seeds, with p < 0.05.",
        ),
        (
            {"kind": "best_within", "runs": "a/*", "metric": "test/error", "levels": [1, 2, 3], "best": [2, 3]},
            f"The best test/error of a/* is at 2 or 3, of 1, 2 and 3: {PAIRED}, corrected for how many may decide: "
            "one of those claimed must beat every other level.",
        ),
        (
            {
                "kind": "plateau",
                "runs": "a/*",
                "metric": "test/error",
                "levels": [1, 2, 3],
                "begins": 2,
                "tolerance": 0.1,
            },
            "test/error of a/* is worse before 2 and varies by less than 0.1 from there on: "
            "t-tests over paired seeds, two one-sided ones where levels are to be equal, with p < 0.05 each.",
        ),
        (
            {"kind": "one_fails", "runs": "a/*", "metric": "test/acc", "levels": [1, 2], "among": [1], "below": 9},
            "test/acc of a/* is below 9 at 1 alone, of 1 and 2: every seed must show it.",
        ),
    ],
)
def test_a_test_is_told_in_a_sentence(test, words):
    claim = Claim.model_validate({"id": "c", "says": "s", "where": "w", "test": test})
    assert in_words(claim) == words


def test_every_claim_of_every_paper_has_words_exactly_where_it_has_a_test():
    for entry in papers().values():
        for claim in entry.reference.claims:
            assert bool(in_words(claim)) is (claim.test is not None)
