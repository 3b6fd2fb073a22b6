"""Try a loss or a sampler of one's own: the contract first, then the papers' experiments, then a report."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from shared.commands.running import run_workflow
from shared.errors import UserError
from shared.records.results import Results
from shared.records.trials import Attempt, Library
from shared.runs.catalogue import at_hand
from shared.runs.config import Run
from shared.runs.experiments import Experiment
from shared.runs.own_code import OwnSampler

STOPPED = 143
CLASSES, DIMENSION = 4, 3
"""Of the loss that the contract is held against: small, so that it takes seconds."""


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
    keep_contract(attempt)
    there = [experiment for experiment in attempt.experiments if not _lacks(experiment, root)]
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


def keep_contract(attempt: Attempt) -> None:
    """Hold the loss of one's own against the contract of all losses, and a sampler's order against its own.

    Raises:
        UserError: it cannot be imported or built, or keeps one of them not.

    """
    for code in attempt.trial.own_code:
        code.found()
    _order_is_kept(attempt)
    loss = attempt.trial.own_loss
    if loss is None:
        return
    from shared.losses.contract import breaches  # noqa: PLC0415 - imports torch

    found = breaches(lambda classes, dimension: loss.build(dimension, classes), classes=CLASSES, dimension=DIMENSION)
    for breach in found[1:]:
        _say(f"also: {breach}")
    if found:
        raise UserError(f"{loss.name} breaks the contract of losses: {found[0]}")


def _order_is_kept(attempt: Attempt) -> None:
    for code in attempt.trial.own_code:
        if isinstance(code, OwnSampler):
            from shared.training.own_order import checked_order  # noqa: PLC0415 - imports torch

            labels = np.repeat(np.arange(CLASSES), (40, 20, 5, 1))
            checked_order(code.build(labels, CLASSES, 8), len(labels), 0, 1, code.name)


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
