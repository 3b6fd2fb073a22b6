"""A folder of made-up records of trials, for the tests of what compares and reports them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from shared.records.records import write_json
from shared.records.results import Results
from shared.records.trials import Attempt
from shared.runs.config import Run
from tests.records.samples import of


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

    def lost(self, results: Results, run: Run, seed: int, what: str) -> None:
        """Leave the record of a training that did not stay finite."""
        lost = of(run, seed).model_copy(update={"metrics": {}, "not_finite": what})
        write_json(results.record(run.scale, run.paper, run.name, seed), lost.model_dump(mode="json"))
