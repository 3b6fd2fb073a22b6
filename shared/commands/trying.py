"""Try a loss or a sampler of one's own: the contract first, then the papers' experiments, then a report."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shared.commands.own_contract import keep_contract
from shared.commands.running import run_workflow
from shared.errors import UserError
from shared.records.results import Results
from shared.records.trials import Attempt, Library
from shared.runs.catalogue import at_hand
from shared.runs.config import Run
from shared.runs.experiments import Experiment

STOPPED = 143


@dataclass(frozen=True)
class Bounds:
    """How many processors the experiments may take, for how many hours, None for no end, and what else is trained."""

    cores: int
    hours: float | None
    train_others: bool


def try_out(attempt: Attempt, bounds: Bounds, root: Path) -> int:
    """Try out a loss or a sampler; return 0 where all is trained, 143 where the time was over before.

    Raises:
        UserError: it breaks the contract, an experiment failed, or there is none to stand in.

    """
    if not attempt.experiments:
        raise UserError(f"{attempt.trial.path}: there is no experiment that it could stand in; name other targets.")
    began = time.monotonic()
    attempt.runs()  # whatever is wrong with the options shows before anything is computed
    there = [experiment for experiment in attempt.experiments if not _lacks(experiment, root)]
    keep_contract(attempt.trial, there)
    for experiment in attempt.experiments:
        if lacking := _lacks(experiment, root):
            _say(f"{experiment.key}: left out: {lacking}")
    workflow = Workflow(attempt, bounds, root, began)
    done = workflow.make(_paths(attempt, attempt.trial.search_runs(experiment)) for experiment in there)
    searched = [experiment for experiment in there if attempt.known(experiment)]
    asked = [_paths(attempt, attempt.known(experiment)) for experiment in searched]
    library = Library(Results(attempt.results.root), attempt.scale)
    missing = _once(run for experiment in there for run in library.missing(experiment, attempt.seeds))
    if missing and not bounds.train_others:
        _say(f"{_trainings(missing)} of other losses are not there; --train-others trains them")
    elif missing:
        asked.append(_paths(replace(attempt, results=library.results), missing))
    done = done and workflow.make(asked)
    from shared.commands.trial_report import write_trial_report  # noqa: PLC0415 - draws, which training does not

    if not done:
        _say("the time is over; the same command goes on from here")
    _say(str(write_trial_report(attempt)))
    return 0 if done else STOPPED


@dataclass(frozen=True)
class Workflow:
    """The suite's own workflow, by which all is trained, until the time is over."""

    attempt: Attempt
    bounds: Bounds
    root: Path
    began: float

    def make(self, asked: Iterable[Sequence[Path]]) -> bool:
        """Train what is not there of some records, and return whether all are; False where the time was over.

        Raises:
            UserError: a training failed.

        """
        missing = [path for paths in asked for path in paths]
        if not missing:
            return True
        left = None if self.bounds.hours is None else self.bounds.hours * 3600 - (time.monotonic() - self.began)
        if left is not None and left <= 0:
            return False
        results, cores = Results(self.attempt.results.root), self.bounds.cores
        status = run_workflow(results, missing, self.root, cores=cores, seconds=left, options=self._options())
        if status is None:
            return False
        if status:
            raise UserError(
                f"an experiment failed, see its train.log below {self.attempt.results.of_trial(self.attempt.scale)} "
                "and the messages above; the same command goes on from there."
            )
        return True

    def _options(self) -> list[str]:
        trial = {
            "file": str(self.attempt.trial.path),
            "scale": self.attempt.scale,
            "seeds": self.attempt.seeds,
            "others": self.bounds.train_others,
        }
        return ["--config", f"trial={json.dumps(trial)}"]


def _paths(attempt: Attempt, runs: Iterable[Run]) -> list[Path]:
    """Return the records of some runs as the workflow names them."""
    below = attempt.results.root
    return [
        Path("results") / attempt.results.record(run.scale, run.paper, run.name, seed).relative_to(below)
        for run in runs
        for seed in run.asked_seeds
    ]


def _lacks(experiment: Experiment, root: Path) -> str:
    """Return which data set of an experiment cannot be had, and how it could; "" where it can."""
    data: Any = experiment.places[0].config.data
    if at_hand(data, root):
        return ""
    return f"{data.whose.title} is not in {data.place} under the data root; {data.whose.how_to_get}"


def _once(runs: Iterable[Run]) -> list[Run]:
    return list({(run.paper, run.name): run for run in runs}.values())


def _trainings(runs: Sequence[Run]) -> str:
    count = sum(len(run.asked_seeds) for run in runs)
    return f"{count} training{'' if count == 1 else 's'}"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201
