"""What is compared with a loss of one's own: by which measure, with which records, and corrected for how many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from shared.records.records import write_json
from shared.records.results import Results
from shared.records.trials import Attempt
from shared.runs.config import Run
from shared.verdicts.outcomes import Outcome, outcomes_of
from tests.records.samples import of

ACCURACY, TAR = "lfw/accuracy", "lfw/tar@1e-4"


class Folder:
    """A folder of results, with trials of losses of the suite in it."""

    def __init__(self, root: Path) -> None:
        self.root, self.results = root, Results(root / "results")

    def attempt(self, name: str, paper: str, target: str, loss: str = "{name: focal}") -> Attempt:
        path = self.root / f"{name}.yaml"
        path.write_text(f"loss: {loss}\n")
        return Attempt.of(path, "smoke", 2, self.results).among([paper], [target])

    def tried(self, attempt: Attempt, *errors: float, day: int = 1, runs: int | None = None) -> None:
        """Leave the records of a trial behind, with the error of each seed."""
        for run in attempt.runs()[:runs]:
            for seed, error in enumerate(errors):
                self.record(attempt.results, run, seed, {name: {"error": error} for name in run.config.benchmarks}, day)

    def rivals(self, attempt: Attempt, *errors: float) -> None:
        """Leave those of the paper's methods behind."""
        for experiment in attempt.experiments:
            for rival in experiment.rivals:
                for run in rival.runs:
                    for seed, error in enumerate(errors):
                        self.record(self.results, run, seed, {name: {"error": error} for name in run.config.benchmarks})

    def record(
        self, results: Results, run: Run, seed: int, metrics: Mapping[str, Mapping[str, float]], day: int = 1
    ) -> None:
        plain = of(run, seed).model_dump(mode="json") | {"metrics": metrics}
        plain["provenance"]["started"] = f"2026-01-{day:02}T00:00:00+00:00"
        write_json(results.record(run.scale, run.paper, run.name, seed), plain)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def reasons(outcome: Outcome) -> dict[str, str]:
    return {versus.other.label: versus.reason for versus in outcome.versus}


def test_what_was_trained_without_the_measure_is_not_said_to_have_no_record(folder):
    attempt = folder.attempt("mine", "discface", "table4")
    for run in attempt.runs():
        folder.record(attempt.results, run, 0, {"ijb-c": {"tar@1e-1": 90.0}})
    [outcome] = outcomes_of(attempt)
    assert outcome.own.records
    assert reasons(outcome)["arcface"] == "mine: trained, but ijb-c/tar@1e-4 is not in its record"
    for run in outcome.experiment.rivals[0].runs:
        folder.record(folder.results, run, 0, {"ijb-c": {"tar@1e-1": 80.0}})
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
