"""What is compared with a loss of one's own: by which measure, with which records, and corrected for how many."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shared.verdicts.outcomes import OWN, Outcome, all_compared, outcomes_of, standing_of, trials_of
from tests.verdicts.trial_folder import Folder

ACCURACY, TAR = "lfw/accuracy", "lfw/tar@1e-4"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def reasons(outcome: Outcome) -> dict[str, str]:
    return {versus.other.label: versus.reason for versus in outcome.versus}


def test_what_was_trained_without_the_measure_is_not_said_to_have_no_record(folder):
    attempt = folder.attempt("mine", "discface", "table4")
    for run in attempt.runs():
        folder.record(attempt.results, run, 0, {"ijb-c": {"tar@1e-2": 90.0}})
    [outcome] = outcomes_of(attempt)
    assert outcome.own.records
    assert reasons(outcome)["arcface"] == "mine: trained, but ijb-c/tar@1e-4 is not in its record"
    for run in outcome.experiment.rivals[0].runs:
        folder.record(folder.results, run, 0, {"ijb-c": {"tar@1e-2": 80.0}})
    [outcome] = outcomes_of(attempt)
    assert outcome.methods[1].lacks == "trained, but ijb-c/tar@1e-4 is not in its record"
    assert outcome.methods[2].lacks == ""


def test_compared_is_the_first_measure_that_all_methods_have(folder, monkeypatch):
    attempt = folder.attempt("mine", "gaussian_affinity", "table3")
    experiment = replace(attempt.experiments[0], metrics=(TAR, ACCURACY))
    monkeypatch.setitem(vars(attempt), "experiments", [experiment])
    for run in attempt.runs():
        folder.record(attempt.results, run, 0, {"lfw": {"accuracy": 90.0, "tar@1e-4": 50.0}})
    assert outcomes_of(attempt)[0].experiment.metric == TAR
    for rival in experiment.rivals:
        folder.record(folder.results, rival.runs[0], 0, {"lfw": {"accuracy": 80.0}})
    [outcome] = outcomes_of(attempt)
    assert outcome.experiment.metric == ACCURACY
    assert [versus.finding.effect for versus in outcome.versus] == [10.0, 10.0]
    # Another trial that lies in the folder has no say.
    for rival in experiment.rivals:
        folder.record(folder.results, rival.runs[0], 0, {"lfw": {"accuracy": 80.0, "tar@1e-4": 40.0}})
    other = folder.attempt("other", "gaussian_affinity", "table3")
    folder.record(other.results, other.runs()[0], 0, {"lfw": {"accuracy": 70.0}})
    [outcome] = outcomes_of(attempt)
    assert outcome.experiment.metric == TAR
    assert reasons(outcome)["other"] == f"other: trained, but {TAR} is not in its record"


def test_of_another_trial_only_what_it_is_now_is_compared(folder):
    mine, other = (
        folder.attempt("mine", "gaussian_affinity", "figure6"),
        folder.attempt("other", "gaussian_affinity", "figure6"),
    )
    folder.tried(mine, 5.0, 5.0)
    folder.tried(other, 8.0, 8.0, day=1)
    assert [list(outcome.methods[-1].seeds) for outcome in outcomes_of(mine)] == [[0, 1]] * 3
    # Its loss changes, and is trained again with one seed in the first of three experiments.
    edited = folder.attempt("other", "gaussian_affinity", "figure6", "{name: focal, gamma: 5}")
    folder.tried(edited, 9.0, day=2, runs=1)
    first, *rest = outcomes_of(mine)
    assert first.methods[-1].seeds == {0: 9.0}
    assert not any(outcome.methods[-1].label == "other" for outcome in rest)
    there = [method for entry in all_compared(folder.results, "smoke") for method in entry.methods if method.records]
    assert [(method.label, method.seeds) for method in there if method.label == "other"] == [("other", {0: 9.0})]


def test_of_another_trial_settings_of_the_optimizer_are_not_mixed(folder):
    mine, other = (
        folder.attempt("mine", "gaussian_affinity", "figure6"),
        folder.attempt("other", "gaussian_affinity", "figure6"),
    )
    folder.tried(mine, 5.0, 5.0)
    folder.tried(other, 8.0, 8.0)
    faster = folder.attempt(
        "other", "gaussian_affinity", "figure6", "{name: focal}\nset: {optimizer.learning_rate: 0.5}"
    )
    folder.tried(faster, 9.0, day=2)
    assert [outcome.methods[-1].seeds for outcome in outcomes_of(mine)] == [{0: 9.0}] * 3


def test_p_beside_the_papers_methods_is_the_same_whatever_other_trials_are_there(folder):
    mine = folder.attempt("mine", "gaussian_affinity", "figure6")
    folder.tried(mine, 5.0, 5.2)
    folder.rivals(mine, 6.0, 6.9)
    alone = [versus.finding.p_adjusted for outcome in outcomes_of(mine) for versus in outcome.versus]
    for name in ("one", "two"):
        folder.tried(folder.attempt(name, "gaussian_affinity", "figure6"), 7.0, 7.6)
    among = [versus for outcome in outcomes_of(mine) for versus in outcome.versus]
    assert [versus.finding.p_adjusted for versus in among if versus.other.label not in ("one", "two")] == alone
    # Another trial is a family of its own: its three comparisons are alike, and p is three times that of each.
    apart = [versus.finding for versus in among if versus.other.label == "one"]
    assert {found.p_adjusted for found in apart} == {min(1.0, 3 * (found.p or 0)) for found in apart}


def test_of_another_trial_seeds_that_did_not_stay_finite_are_set_aside_and_counted(folder):
    other = folder.attempt("other", "gaussian_affinity", "figure6")
    folder.tried(other, 8.0, runs=1)
    first, second, third = other.runs()
    for run, seed in ((first, 1), (second, 0), (third, 1)):
        folder.lost(other.results, run, seed, "the loss is no longer finite (epoch 1, by step 20)")
    compared = all_compared(folder.results, "smoke")
    aside = [method.aside for entry in compared for method in entry.methods if method.label == "other"]
    why = "not finite: the loss is no longer finite (epoch 1, by step 20)"
    assert aside == [{1: why}, {0: why}, {1: why}]
    _, standing = standing_of(compared, trials_of(compared))
    assert {entry.method: entry.aside for entry in standing} == {"other": 3}
    # Its loss changes, and is trained again: what was left by the old one is none of its own.
    edited = folder.attempt("other", "gaussian_affinity", "figure6", "{name: focal, gamma: 5}")
    folder.tried(edited, 9.0, 9.0, day=2)
    compared = all_compared(folder.results, "smoke")
    _, standing = standing_of(compared, trials_of(compared))
    assert {entry.method: entry.aside for entry in standing} == {"other": 0}


def test_where_a_paper_has_no_softmax_a_trial_of_it_is_what_others_stand_beside(folder):
    plain = folder.attempt("plain-softmax", "discface", "table4", "{name: softmax}")
    slower = "{name: softmax}\nset: {optimizer.learning_rate: 0.001}"
    mine, other = (
        folder.attempt(name, "discface", "table4", loss) for name, loss in (("mine", "{name: focal}"), ("slow", slower))
    )
    for attempt, rate in ((plain, 80.0), (mine, 83.0), (other, 99.0)):
        for run in attempt.runs():
            for seed in range(2):
                folder.record(attempt.results, run, seed, {"ijb-c": {"tar@1e-4": rate + seed}})
    [outcome] = outcomes_of(mine)
    assert outcome.softmax == "plain-softmax"
    [there] = [entry for entry in all_compared(folder.results, "smoke") if any(one.records for one in entry.methods)]
    assert trials_of([there]) == ["mine", "slow"]
    scores, standing = standing_of([there], ["mine"])
    assert scores["smoke/ms1m-lt/ijb-c"]["discface/long-tail"]["softmax"] == {0: 80.0, 1: 81.0}
    assert {entry.method: entry.difference for entry in standing} == {"softmax": None, "mine": 3.0}


def test_where_the_paper_has_softmax_it_is_that_and_not_a_trial(folder):
    plain = folder.attempt("plain-softmax", "gaussian_affinity", "figure6", "{name: softmax}")
    folder.tried(plain, 5.0, 5.0)
    compared = [entry for entry in all_compared(folder.results, "smoke") if any(one.records for one in entry.methods)]
    assert {entry.softmax for entry in compared} == {"softmax"}
    assert trials_of(compared) == ["plain-softmax"]


def test_the_papers_own_losses_stand_among_the_trials_as_one_method(folder):
    for paper, target, error, own in (
        ("gaussian_affinity", "figure6", 5.0, 4.0),
        ("feature_transfer", "figure5", 5.0, 6.0),
    ):
        trial = folder.attempt("mine", paper, target)
        folder.tried(trial, error)
        for experiment in trial.experiments:
            for rival in experiment.rivals:
                value = {experiment.own: own, "softmax": 7.0}.get(rival.label, 99.0)
                for run in rival.runs:
                    metrics = {name: {"error": value} for name in run.config.benchmarks}
                    folder.record(folder.results, run, 0, metrics)
    compared = all_compared(folder.results, "smoke")
    scores, standing = standing_of(compared, trials_of(compared))
    # In the other experiments, where no trial is, nothing is compared.
    assert {family: len(conditions) for family, conditions in scores.items()} == {"smoke/mnist-5k/mnist-test": 4}
    found = {entry.method: (entry.rank, entry.difference, entry.compared) for entry in standing}
    # Errors, of which less is better: 3 less than softmax and first in three conditions, 1 less and second in one.
    assert found[OWN] == (1.25, 2.5, 1)
    assert found["mine"] == (1.75, 2.0, 1)
    assert found["softmax"][0] == 3.0
