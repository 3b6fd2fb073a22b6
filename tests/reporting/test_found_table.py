"""The small table of what was found, from made-up numbers and claims of every verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.reporting.findings import in_short
from shared.reporting.found_table import EXPLAINED, claims_table, found_table
from shared.reporting.site import ClaimRow, Effect, Ground, PaperPage, TargetSection, ValueRow
from shared.reporting.table import table_cells
from shared.verdicts.words import Word


def page(claims: Sequence[ClaimRow] = (), values: Sequence[ValueRow] = ()) -> PaperPage:
    return PaperPage("a", "A", "c", "s", [TargetSection("table1", "Table 1: t", "done", values=values)], claims)


def claim(id_: str, verdict: Word, *effects: Effect, **more: object) -> ClaimRow:
    return ClaimRow(id_, f"So says {id_}.", "Sec. 1", verdict, effects=effects, unit="degrees", **more)  # type: ignore[arg-type]


def value(row: str, verdict: Word, measured: float, *, off: float, tried: str = "", seeds: int = 5) -> ValueRow:
    return ValueRow(
        row=row,
        column="ours",
        printed="99.3",
        measured=f"{measured:.2f}",
        interval="" if seeds == 1 else f"{measured - 0.1:.2f} to {measured + 0.1:.2f}",
        seeds=str(seeds),
        unit="%",
        verdict=verdict,
        where="Table 1",
        off=off,
        detectable="" if seeds == 1 else "0.12",
        tried=tried,
    )


def rows(text: str) -> list[list[str]]:
    return [table_cells(line) for line in text.splitlines() if line.startswith("|")][2:]


def test_a_decided_claim_has_its_effect_interval_seeds_and_power():
    one = Effect("w", 2.264, (1.9, 2.63), seeds=[2.2, 2.3, 2.2, 2.3, 2.3])
    text = found_table(page([claim("C1", "matched", one, detectable=0.417, seeds_needed=3)]))
    [row] = rows(text)
    assert row == ["✓ matched", "So says C1. (C1)", "+2.26 degrees [1.9, 2.63]", "5", "0.42 degrees"]
    assert text.endswith(EXPLAINED)


def test_data_that_stand_for_the_papers_are_named():
    grounds = [Ground("full", "MNIST", own=True), Ground("lite", "Characters, some", own=False)]
    one = replace(claim("C1", "matched", Effect("w", 2.0, seeds=[2.0])), grounds=grounds)
    [row] = rows(found_table(page([one])))
    assert row[1] == "So says C1. (C1) Here on Characters (some)."
    assert in_short(one) == "it goes as claimed, 1 seed, on Characters (some)"


def test_of_several_comparisons_the_span_of_their_effects_is_told():
    effects = [Effect("a", -0.5, seeds=[-0.5] * 3), Effect("b", 1.25, seeds=[1.25] * 5), Effect("c")]
    [row] = rows(found_table(page([claim("C1", "inconclusive", *effects, detectable=2.0, seeds_needed=12)])))
    assert row[2:] == [
        "1 of 2 as claimed, −0.5 to +1.25 degrees",
        "3 to 5",
        "2 degrees; 12 would show what is observed",
    ]
    printed = [Effect("a", 0.5, seeds=[0.5] * 3, printed=2.0)]
    [row] = rows(claims_table([claim("C1", "inconclusive", *printed, detectable=2.5, seeds_needed=4)]))
    assert row[4] == "2.5 degrees; 4 would show what is printed"
    [row] = rows(found_table(page([claim("C1", "contradicted", *effects[:1] * 2)])))
    assert row[:3] == ["✗ contradicted", "So says C1. (C1)", "0 of 2 as claimed, −0.5 degrees"]


def test_of_a_claim_that_a_seed_bears_out_or_does_not_it_is_counted_in_how_many():
    shares = Effect("w", 5.0, (-19.7, 28.5), seeds=[75, -25, -25, -25, 75])
    one = replace(claim("C1", "contradicted", shares), unit="percentage points of the seeds")
    [row] = rows(found_table(page([one])))
    assert row[2:4] == ["as claimed in 2 of 5 seeds", "5"]
    assert in_short(one) == "as claimed in 2 of 5 seeds"


def test_one_seed_shows_nothing_and_a_run_that_is_not_trained_says_why():
    one = claim("C1", "inconclusive", Effect("w", 1.0, seeds=[1.0]))
    [row] = rows(found_table(page([one])))
    assert row[2:] == ["+1 degrees", "1", "none: one seed tells no spread"]
    reason = "a/b is not trained: at chance: its loss is that of a guess; a/c is not trained: collapsed"
    lost = claim("C2", "not trained", reason=reason)
    [row] = rows(found_table(page([lost])))
    assert row == [
        "† not trained",
        "So says C2. (C2)",
        "",
        "",
        "none: a/b is not trained: at chance: its loss is that of a guess",
    ]
    assert [row[0] for row in rows(found_table(page([one, lost])))] == ["? inconclusive"]


def test_of_a_claim_that_no_number_of_seeds_would_decide_the_reason_is_told():
    reason = "saturated: a and b are both at most 0.1, where their measure tells nothing; as claimed in 5 of 5 seeds"
    one = claim("C1", "inconclusive", Effect("w", 0.971, (0.836, 1.11), seeds=[1.0] * 5), reason=reason)
    [row] = rows(claims_table([one]))
    assert row[4] == "none: saturated: a and b are both at most 0.1, where their measure tells nothing"


def test_contradicted_claims_come_first_and_the_rest_is_counted():
    matched = [claim(f"M{n}", "matched", Effect("w", 1.0, seeds=[1.0] * 5)) for n in range(5)]
    wrong = [claim(f"W{n}", "contradicted", Effect("w", -1.0, seeds=[-1.0] * 5)) for n in range(2)]
    text = found_table(page([*matched, *wrong, claim("I", "inconclusive"), claim("N", "not run")]))
    assert [row[1][-3:-1] for row in rows(text)] == ["W0", "W1", "M0", "M1", "M2"]
    assert "The report has 3 more claims with a verdict." in text


def test_numbers_follow_the_claims_those_that_are_off_first():
    values = [
        value("a", "matched", 99.28, off=-0.1),
        value("b", "worse", 98.4, off=-4.0),
        value("c", "better", 99.9, off=5.0),
        value("d", "inconclusive", 90.0, off=-90.0, seeds=1),
        ValueRow("e", "ours", "99.3", verdict="not run"),
    ]
    told = rows(found_table(page([claim("C1", "matched", Effect("w", 1.0, seeds=[1.0] * 5))], values)))
    assert [row[0] for row in told] == ["✓ matched", "▲ better", "▼ worse", "? inconclusive", "✓ matched"]
    assert told[1] == ["▲ better", "c · ours: 99.3 % (Table 1)", "99.90 % [99.80, 100.00]", "5", "0.12 %"]
    assert told[3][2:] == ["90.00 %", "1", "none: one seed tells no spread"]


def test_seeds_that_do_not_vary_are_not_taken_for_one():
    alike = replace(value("a", "matched", 99.3, off=0.0), detectable="")
    assert rows(found_table(page((), [alike])))[0][3:] == ["5", ""]


def test_of_each_number_that_is_off_it_is_said_what_was_tried_or_that_nothing_was():
    why = "ten times the epochs (long/1) came to 98.5."
    values = [
        value("a", "worse", 98.4, off=-4.0, tried=why),
        value("b", "worse", 98.3, off=-5.0, tried=why),
        value("c", "better", 99.9, off=5.0),
        value("d", "matched", 99.3, off=0.0, tried=why),
    ]
    assert found_table(page((), values)).split("\n\n")[-2:] == [
        f"Off the printed number: Table 1, a · ours; Table 1, b · ours. Tried: {why}",
        "Off the printed number: Table 1, c · ours. Nothing was tried yet to explain it.",
    ]


def test_without_a_verdict_there_is_no_table():
    assert found_table(page([claim("N", "not run")], [ValueRow("e", "ours", "99.3", verdict="not run")])) == ""
