"""The sentences on what was found, from made-up numbers and claims."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from shared.reporting.findings import findings
from shared.reporting.site import ClaimRow, Effect, Ground, PaperPage, ProvenanceRow, TargetSection, ValueRow
from shared.verdicts.words import Word
from tests.reporting.sample_site import sample_site

ON_DIGITS = [Ground("full", "MNIST", own=True)]
RECORDS = "There are records for 1 of its 1 tables and figures, in whole or in part, at full scale on MNIST"


def page(values: Sequence[ValueRow] = (), claims: Sequence[ClaimRow] = (), runs: int = 1) -> PaperPage:
    made = [ProvenanceRow("r", "full", "0", "c", "h", "d", "fp32", "1", "1 s", "1", "1 MiB")] * runs
    target = TargetSection("table1", "Table 1: t", "done", values=values, provenance=made)
    return PaperPage("a", "A", "c", "s", targets=[target], claims=claims, grounds=ON_DIGITS if runs else [])


def value(row: str, verdict: Word, off: float | None = None, measured: str = "98.73") -> ValueRow:
    return ValueRow(row, "", "99.3", measured, unit="%", verdict=verdict, off=off)


def claim(says: str, verdict: Word, *means: float, seeds: int = 3) -> ClaimRow:
    effects = [Effect("w", mean, seeds=[mean] * seeds) for mean in means]
    return ClaimRow(says[0], says, "Sec. 1", verdict, effects=effects)


def test_of_records_it_is_said_at_which_scale_and_on_which_data_and_whether_these_are_the_papers():
    grounds = [
        Ground("full", "MNIST", own=True),
        Ground("lite", "MNIST", own=True),
        Ground("lite", "Characters", own=False),
        Ground("lite", "Drawn faces", own=False),
    ]
    said = findings(replace(page([value("a", "matched", 0.1)]), grounds=grounds))[0]
    assert said.endswith(
        ", at full scale on MNIST, at lite scale on MNIST and on Characters and Drawn faces in place of its own data."
    )
    grounds[2:3] = [Ground("lite", "Characters, some", own=own) for own in (False, True)]
    said = findings(replace(page([value("a", "matched", 0.1)]), grounds=grounds))[0]
    assert said.endswith(
        "at lite scale on MNIST, on Characters (some), in part in place of its own data and on Drawn faces in place of "
        "its own data."
    )


def test_numbers_are_counted_and_the_farthest_of_those_that_are_off_is_named():
    values = [
        value("a", "matched", 0.5),
        value("b", "worse", -3.0),
        value("c", "inconclusive", -50.0),
        value("d", "not run", measured=""),
        value("e", "quoted", measured=""),
        replace(value("f", "not run", measured=""), printed="–"),
    ]
    assert findings(page(values)) == [
        f"{RECORDS}.",
        "Of its 4 printed numbers, 3 are measured, 1 within the tolerance, 1 off and 1 by one seed alone; "
        "farthest from print is b, 98.73 % where 99.3 % is printed.",
    ]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([], "The paper prints no number that could be measured again."),
        (
            [value("a", "not run", measured="")],
            "None of its 1 printed numbers is measured at the paper's size on its own data.",
        ),
        (
            [value("a", "not trained", measured=""), value("b", "not run", measured="")],
            "Of its 2 printed numbers, 1 rests on a run that is not trained, and none is measured.",
        ),
        (
            [value("a", "inconclusive", 2.0)],
            "Of its 1 printed numbers, 1 is measured, by one seed alone; it is a, 98.73 % where 99.3 % is printed.",
        ),
        (
            [value("a", "matched", 0.2), value("b", "matched", -0.4)],
            "Of its 2 printed numbers, 2 are measured, all within the tolerance; "
            "farthest from print is b, 98.73 % where 99.3 % is printed.",
        ),
    ],
)
def test_where_few_numbers_or_none_are_measured_that_is_said(values, says):
    assert findings(page(values, [claim("So it is.", "inconclusive", 1.0)]))[-1] == says


def test_of_claims_those_are_quoted_that_say_most():
    claims = [
        claim("A weak one.", "matched", 1.0),
        claim("A strong one.", "matched", 1.0, 2.0, 3.0),
        claim("Wrong.", "contradicted", -1.0, 1.0),
        claim("Unclear.", "inconclusive", 1.0),
        claim("Lost.", "not trained"),
        claim("Never run.", "not run"),
        claim("On faces.", "not runnable"),
        claim("Of beauty.", "not runnable"),
    ]
    assert findings(page(claims=claims)) == [
        f"{RECORDS}.",
        "Of its 8 claims, 2 are borne out, 1 is contradicted, 1 is open (at most 3 seeds), 1 rests on a run that is "
        "not trained, 1 waits to be run and 2 cannot be tested here, for want of data that anyone can have or of "
        "anything to measure.",
        "Contradicted is “Wrong” (1 of 2 comparisons go as claimed, 3 seeds); "
        "borne out most clearly is “A strong one” (3 of 3 comparisons go as claimed, 3 seeds).",
        "The paper prints no number that could be measured again.",
    ]


def test_a_difference_beyond_our_tolerance_is_no_reversal_and_not_what_is_told_first():
    far = replace(claim("They are equal.", "contradicted"), unit="percentage points")
    far = replace(far, effects=[Effect("w", -10.66, seeds=[-10.0, -11.0], tolerance=5.0)])
    assert findings(page(claims=[far]))[2] == (
        "Contradicted is “They are equal” (the difference is 15.7 percentage points, where 5 would be none, 2 seeds)."
    )
    assert findings(page(claims=[far, claim("It is more.", "contradicted", -1.0, 1.0)]))[2] == (
        "Contradicted is “It is more” (1 of 2 comparisons go as claimed, 3 seeds)."
    )


def test_tables_and_figures_of_the_paper_and_of_ours_are_counted_apart():
    of_paper = page([value("a", "matched", 0.1)])
    more = [replace(of_paper.targets[0], key="ours", ours=True), replace(of_paper.targets[0], key="b", provenance=())]
    said = findings(replace(of_paper, targets=[*of_paper.targets, *more]))[0]
    assert said.startswith(
        "There are records for 1 of its 2 tables and figures and 1 of 1 of ours, in whole or in part"
    )


def test_where_all_is_open_the_nearest_to_a_verdict_is_quoted_and_the_seeds_are_to_blame():
    claims = [claim("Other way.", "inconclusive", -1.0, seeds=1), claim("So it is.", "inconclusive", 2.0, seeds=1)]
    assert findings(page(claims=claims))[1:3] == [
        "All of its 2 claims are open (one seed).",
        "The nearest to a verdict is “So it is” (it goes as claimed, 1 seed).",
    ]


def test_one_claim_alone_is_told_in_the_singular():
    assert findings(page(claims=[claim("So it is.", "inconclusive", 2.0, seeds=2)]))[1] == (
        "Its one claim is open (at most 2 seeds)."
    )
    assert findings(page(claims=[claim("So it is.", "not trained")]))[2] == "Nothing can be read yet of “So it is”."


def test_what_is_left_comes_last_and_no_more_than_five_sentences_are_told():
    claims = [claim("Wrong.", "contradicted", -1.0), claim("So it is.", "matched", 1.0)]
    told = findings(replace(page([value("a", "matched", 0.5)], claims), outlook="Much is left."))
    assert len(told) == 5
    assert told[-1] == "Much is left."


def test_without_records_the_claims_are_counted_all_the_same():
    waiting = replace(
        page(claims=[claim("So.", "not run"), claim("Or so.", "not run")], runs=0), outlook="Much is left."
    )
    assert findings(waiting) == [
        "There is no record yet for any of its 1 tables and figures.",
        "All of its 2 claims wait to be run.",
        "Much is left.",
    ]


def test_where_records_are_of_searches_alone_it_is_said_that_nothing_is_judged_by_them():
    told = findings(page([value("a", "not run", measured="")], [claim("So.", "not run"), claim("Or so.", "not run")]))
    assert told == [
        f"{RECORDS}; no claim and no printed number is judged by them.",
        "All of its 2 claims wait to be run.",
    ]


def test_at_a_scale_that_is_no_evidence_nothing_is_counted(tmp_path):
    smoke = sample_site(tmp_path, no_evidence=True)
    assert findings(smoke.papers[0]) == [
        "There are records for 2 of its 4 tables and figures and 1 of 1 of ours, in whole or in part; "
        "no claim and no printed number is judged by them."
    ]
