"""Try a loss or a sampler of one's own: the contract first, then the papers' experiments, then a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from pathlib import Path
from typing import Any

from shared.commands.output import say
from shared.commands.own_contract import keep_contract
from shared.commands.trial_workflow import Bounds, Sources, Workflow
from shared.errors import UserError
from shared.records.one_seed import OneSeed
from shared.records.results import Results
from shared.records.trials import Attempt
from shared.rehearsal.costs import in_words, seed_hours
from shared.runs.catalogue import at_hand
from shared.runs.config import Run
from shared.runs.experiments import Experiment
from shared.verdicts.words import counted

STOPPED = 143


def try_out(attempt: Attempt, bounds: Bounds, root: Path) -> int:
    """Try out a loss or a sampler; return 0 where all is trained, 143 where the time was over before.

    What does not stay finite is trained, too: its report counts it.

    Raises:
        UserError: it breaks the contract, its name is another's, there is none to stand in, its source changed
            meanwhile, or trainings failed; then the rest is trained, and the report written.

    """
    if not attempt.experiments:
        raise UserError(f"{attempt.trial.path}: there is no experiment that it could stand in; name other targets.")
    attempt.require_own_name()
    sources = Sources.of(attempt)
    attempt.runs()  # whatever is wrong with the options shows before anything is computed
    there = [experiment for experiment in attempt.experiments if not _lacks(experiment, root)]
    keep_contract(attempt.trial, there)
    for experiment in attempt.experiments:
        if lacking := _lacks(experiment, root):
            say(f"{experiment.key}: left out: {lacking}")
    missing = _others(attempt, there)
    others = missing if bounds.train_others else []
    workflow = Workflow(attempt, bounds, root, sources, _announced(attempt, there, others))
    if missing and not others:
        say(f"{_trainings(missing)} of other losses are not there; --train-others trains them")
    try:
        searches = [run for experiment in there for run in attempt.trial.search_runs(experiment)]
        done = workflow.train(_seeds(searches, attempt.results))
        known = [run for experiment in there for run in attempt.known(experiment) if run not in searches]
        done = done and workflow.train([*_seeds(known, attempt.results), *others])
        from shared.commands.trial_report import write_trial_report  # noqa: PLC0415 - draws, which training does not

        if not done:
            say("the time is over; the same command goes on from here")
        for failure in workflow.failures:
            say(f"failed: {failure}")
        say(str(write_trial_report(attempt)))
    except (KeyboardInterrupt, SystemExit):
        say("stopped; the same command goes on from here")
        raise
    if workflow.failures:
        raise UserError(
            f"{_trainings(workflow.failures)} failed, as said above; mend what failed, and the same command goes on "
            "from there."
        )
    return 0 if done else STOPPED


def _announced(attempt: Attempt, there: Sequence[Experiment], others: Sequence[OneSeed]) -> int:
    """Say what is ahead: experiments, trainings of all, hours as far as they are known; return how many trainings."""
    own = [(experiment, one) for experiment in there for one in _own(attempt, experiment)]
    left = [(experiment, one) for experiment, one in own if not one.record()]
    hours = [_hours(attempt, experiment) for experiment, _ in left] + [seed_hours(one.run, {}) for one in others]
    known = [each for each in hours if each is not None]
    said = f"{counted(len(there), 'experiment')}, {len(left)} of {_trainings(own)} to do"
    said += f", {len(others)} of other losses" if others else ""
    if known:
        said += f"; about {in_words(sum(known))} of one processor or device"
    if len(known) < len(hours):
        said += f"; the hours of {len(hours) - len(known)} are not known"
    say(said)
    return len(hours)


def _own(attempt: Attempt, experiment: Experiment) -> list[OneSeed]:
    """Return all trainings of a trial in an experiment; what a search has not chosen yet is as in its file."""
    searched = attempt.searched(experiment)
    runs = [*attempt.trial.search_runs(experiment), *attempt.trial.runs(experiment, attempt.seeds, searched)]
    return _seeds([*runs, *attempt.trial.weight_runs(experiment, attempt.seeds, searched).values()], attempt.results)


def _hours(attempt: Attempt, experiment: Experiment) -> float | None:
    """Return the hours of a training in an experiment: those of the paper's own loss, from a record if there is one."""
    place = experiment.places[0]
    records = attempt.library.seeds_of(place)
    return seed_hours(place, {record.config_hash: record for record, _ in records.values()})


def _others(attempt: Attempt, there: Sequence[Experiment]) -> list[OneSeed]:
    """Return the trainings of the papers' losses in some experiments that have no record, each once."""
    library = attempt.library
    runs = {(run.paper, run.name): run for one in there for run in library.missing(one, attempt.seeds)}
    return _seeds(runs.values(), library.results)


def _lacks(experiment: Experiment, root: Path) -> str:
    """Return which data set of an experiment cannot be had, and how it could; "" where it can."""
    data: Any = experiment.places[0].config.data
    if at_hand(data, root):
        return ""
    return f"{data.whose.title} is not in {data.place} under the data root; {data.whose.how_to_get}"


def _seeds(runs: Iterable[Run], results: Results) -> list[OneSeed]:
    return [OneSeed(run, seed, results) for run in runs for seed in run.asked_seeds]


def _trainings(what: Sized) -> str:
    return counted(len(what), "training")
