"""The sentences on what was found, from made-up numbers and claims."""

from __future__ import annotations

from collections.abc import Sequence

from shared.reporting.findings import findings
from shared.reporting.site import ClaimRow, Effect, PaperPage, ProvenanceRow, TargetSection, ValueRow
from shared.verdicts.words import Word
from tests.reporting.sample_site import sample_site


def page(values: Sequence[ValueRow] = (), claims: Sequence[ClaimRow] = (), runs: int = 1) -> PaperPage:
    made = [ProvenanceRow("r", "full", "0", "c", "h", "d", "fp32", "1", "1 s", "1", "1 MiB")] * runs
    target = TargetSection("table1", "Table 1: t", "table", "done", values=values, provenance=made)
    return PaperPage("a", "A", "c", "s", targets=[target], claims=claims)


def value(row: str, verdict: Word, off: float | None = None) -> ValueRow:
    return ValueRow(row, "", "99.3", "98.73", unit="%", verdict=verdict, off=off)


def claim(says: str, verdict: Word, *means: float, seeds: int = 3) -> ClaimRow:
    effects = [Effect("w", mean, seeds=[mean] * seeds) for mean in means]
    return ClaimRow(says[0], says, "Sec. 1", verdict, effects=effects)


def test_numbers_are_counted_by_verdict_and_the_farthest_is_named():
    values = [value("a", "matched", 0.5), value("b", "worse", -3.0), value("c", "not run"), value("d", "quoted")]
    assert findings(page(values))[0] == (
        "2 of its 3 printed numbers are measured: 1 matched, 1 worse; "
        "farthest from print is b, 98.73 % where 99.3 % is printed."
    )


def test_of_claims_those_are_quoted_that_say_most():
    claims = [
        claim("A weak one.", "matched", 1.0),
        claim("A strong one.", "matched", 1.0, 2.0, 3.0),
        claim("Wrong.", "contradicted", -1.0, 1.0),
        claim("Unclear.", "inconclusive", 1.0),
        claim("Never run.", "not run"),
    ]
    assert findings(page(claims=claims)) == [
        "It prints no number that could be measured again.",
        "4 of its 5 claims have records: 2 matched, 1 contradicted, 1 inconclusive.",
        "Contradicted: “Wrong” (1 of 2 comparisons go as claimed, 3 seeds). "
        "Borne out: “A strong one” (3 of 3 comparisons go as claimed, 3 seeds).",
    ]


def test_where_all_is_open_the_nearest_to_a_verdict_is_quoted_and_the_seeds_are_to_blame():
    claims = [claim("Other way.", "inconclusive", -1.0, seeds=1), claim("So it is.", "inconclusive", 2.0, seeds=1)]
    assert findings(page(claims=claims))[1:] == [
        "2 of its 2 claims have records: all inconclusive, from one seed.",
        "Open: “So it is” (it goes as claimed, 1 seed).",
    ]


def test_one_claim_alone_is_told_in_the_singular_with_its_seeds():
    claims = [claim("So it is.", "inconclusive", 2.0, seeds=2), claim("Never run.", "not run")]
    assert findings(page(claims=claims))[1] == "1 of its 2 claims has records: inconclusive, from at most 2 seeds."


def test_nothing_scored_is_one_sentence(tmp_path):
    assert findings(page(runs=0)) == ["None of its tables and figures has a record at this scale."]
    smoke = sample_site(tmp_path, no_evidence=True)
    assert findings(smoke.papers[0]) == ["3 of its 5 tables and figures have records; nothing in them is scored."]
