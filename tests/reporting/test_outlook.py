"""What anyone can still run of a paper: how much is left, and which claims that can decide."""

from __future__ import annotations

import pytest

from shared.rehearsal import left
from shared.reporting.outlook import as_can_be_run, can_be_tested, measured, outlook
from shared.runs.claims import Claim
from shared.runs.registry import Paper, paper
from shared.verdicts.verdicts import judge
from tests.records.samples import of
from tests.verdicts.samples import records

RP, DF, FT = paper("regular_polytope"), paper("discface"), paper("feature_transfer")


def trainings(entry: Paper, scale: str) -> int:
    """Return how many trainings the targets of a paper take at a scale, on data that anyone can have."""
    runs = [run for target in entry.targets for run in entry.target_runs(target, scale)]
    return len({(run.hash, seed) for run in runs if run.config.data.obtainable for seed in range(run.seeds)})


def claim(entry: Paper, id_: str) -> Claim:
    [found] = [claim for claim in entry.reference.claims if claim.id == id_]
    return found


@pytest.fixture
def of_an_hour(monkeypatch):
    """Let every training take an hour."""
    monkeypatch.setattr(left, "seed_hours", lambda run, *_: 1.0)


def test_seeds_of_todays_runs_that_have_records_are_not_left(of_an_hour):
    run, all_ = RP.run("figure4/cube/fixed", "full"), trainings(RP, "full")
    assert outlook(RP, ("full",), []) == (
        f"On data that anyone can have, {all_} trainings at full scale are left to run, "
        f"which takes some {float(f'{all_:.2g}'):g} device hours."
    )
    two = [of(run, 0), of(run, 1)]
    assert f"{all_ - 2} trainings" in outlook(RP, ("full",), two)
    other = of(run, 1).model_copy(update={"config_hash": "0" * 12})
    assert f"{all_ - 1} trainings" in outlook(RP, ("full",), [two[0], other])
    everything = {run.name: run for target in RP.targets for run in RP.target_runs(target, "full")}
    all_of_it = [of(run, seed) for run in everything.values() for seed in range(run.seeds)]
    assert outlook(RP, ("full",), all_of_it) == ""
    assert "1 training at full scale is left to run, which takes some 1 device hour." in outlook(
        RP, ("full",), all_of_it[1:]
    )
    assert outlook(RP, (), []) == ""


def test_a_run_is_left_at_the_first_scale_at_which_its_data_can_be_had(of_an_hour):
    assert trainings(DF, "full") == 0
    assert f"{trainings(DF, 'lite')} trainings at lite scale are left" in outlook(DF, ("full", "lite"), [])
    both = outlook(paper("adversarial_variance"), ("full", "lite"), [])
    faces = sum(run.seeds for run in paper("adversarial_variance").target_runs("figure4", "lite"))
    full = trainings(paper("adversarial_variance"), "full")
    assert f"{full} trainings at full scale and {faces} at lite are left" in both


def test_runs_of_unknown_length_are_counted_apart(monkeypatch):
    runs = len({run.name for target in RP.targets for run in RP.target_runs(target, "full")})
    monkeypatch.setattr(left, "seed_hours", lambda run, *_: 2.0 if run.name == "figure4/cube/fixed" else None)
    hours = 2 * RP.run("figure4/cube/fixed", "full").seeds
    assert f"some {hours} device hours and those of {runs - 1} runs of unknown length." in outlook(RP, ("full",), [])


def test_a_claim_can_be_tested_where_all_that_it_takes_is_measured_on_data_that_can_be_had():
    both = ("full", "lite")
    on_characters, on_faces, on_digits = claim(DF, "DF-C21a"), claim(DF, "DF-C1"), claim(RP, "RP-C13a")
    assert can_be_tested(DF, on_characters, both, {})
    assert not can_be_tested(DF, on_characters, ("full",), {})
    assert not can_be_tested(DF, on_faces, both, {})
    assert can_be_tested(RP, on_digits, ("full",), {})
    assert not can_be_tested(RP, on_digits, (), {})
    assert not can_be_tested(DF, on_characters.model_copy(update={"on_its_data": True}), both, {})
    assert not can_be_tested(RP, on_digits.model_copy(update={"test": None, "untestable": "why"}), both, {})


def test_what_a_benchmark_left_out_of_the_records_that_are_there_no_other_training_has():
    both, run = ("full", "lite"), FT.run("ms1m/metric-l2", "lite")
    of_ten, of_twenty = claim(FT, "FT-C10c"), claim(FT, "FT-C10d")
    assert can_be_tested(FT, of_twenty, both, {})
    names = ("avg_flip@10", "avg_all@10", "pick_one@10")
    there = measured([of(run).model_copy(update={"metrics": {"center-error": dict.fromkeys(names, 1.0)}})])
    assert can_be_tested(FT, of_ten, both, there)
    assert not can_be_tested(FT, of_twenty, both, there)
    skipped = measured([of(run).model_copy(update={"metrics": {"training": {"loss": 1.0}}})])
    assert can_be_tested(FT, of_twenty, both, skipped)


def test_what_is_not_run_is_not_runnable_where_no_data_that_anyone_can_have_suffice():
    nothing = records({})
    shown = as_can_be_run(judge(FT.reference, nothing, "published"), FT, [])
    assert {value.verdict for value in shown.values if value.run and "figure5" in value.run} == {"not run"}
    assert {value.verdict for value in shown.values if value.run and "10K10K" in value.run} == {"not runnable"}
    found = as_can_be_run(judge(DF.reference, nothing, "published"), DF, []).claims
    verdicts = {claim.id: claim.verdict for claim in found}
    assert (verdicts["DF-C21a"], verdicts["DF-C1"]) == ("not run", "not runnable")
    smoke = judge(DF.reference, nothing, "smoke")
    assert as_can_be_run(smoke, DF, []) == smoke
