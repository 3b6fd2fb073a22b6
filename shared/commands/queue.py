"""Train what is left at a scale by the suite's workflow, what decides most for its hours first, and go on later."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.commands.again import places
from shared.commands.failures import LOG
from shared.commands.output import say
from shared.commands.queued import UNKNOWN_HOURS, queue, waiting
from shared.commands.running import run_workflow
from shared.commands.scope import Scope
from shared.errors import UserError
from shared.records.results import Results
from shared.records.target_records import found
from shared.rehearsal.costs import in_words
from shared.rehearsal.left import Left
from shared.runs.registry import papers
from shared.verdicts.words import counted

SLICE_HOURS = 0.5
"""The workflow is given the next runs for so long: it has an order of its own within what it is given."""


def nothing_left(scope: Scope) -> str:
    """Return what to say where nothing is left: that trainings wait for their data, where some do."""
    count = waiting(scope)
    if not count:
        return "nothing is left to train"
    waits = f"{counted(count, 'training')} wait{'' if count > 1 else 's'}"
    given = places(scope.results, scope.root)
    return f"nothing can be trained here: {waits} for data, see python -m shared status --scale {scope.scale}{given}"


def work_off(scope: Scope, *, cores: int, hours: float | None, options: Sequence[str] = ()) -> None:
    """Train what is left, at most for so many hours, and say after each slice what has been done and what is left.

    Raises:
        UserError: trainings failed; the others are done all the same.

    """
    began = time.monotonic()
    failed: set[tuple[str, str]] = set()
    while left := [one for one in queue(scope) if one.place not in failed]:
        seconds = None if hours is None else 3600 * hours - (time.monotonic() - began)
        if seconds is not None and seconds <= 0:
            say(f"the time is over: {summary(left)} left; the same command goes on.")
            return
        say(f"{summary(left)} left; next {left[0].run.paper}/{left[0].run.name}")
        given = sliced(left, cores)
        status = run_workflow(
            scope.results, _records(given), scope.root, cores=cores, seconds=seconds, options=["--keep-going", *options]
        )
        if status is not None:  # what is left though the workflow ended would be left again and again
            still = {one.place for one in queue(scope)}
            failed |= {one.place for one in given if one.place in still}
    if failed:
        raise UserError(_not_trained(scope, sorted(failed)))
    say(nothing_left(scope))


def _not_trained(scope: Scope, failed: Sequence[tuple[str, str]]) -> str:
    """Say which runs failed, and where it stands why: a job that Snakemake did not begin has no log."""
    folders = {f"{key}/{run}": scope.results.paper(scope.scale, key) / "runs" / run for key, run in failed}
    if in_the_way := [told for key, run in failed for told in _in_the_way(scope, key, run)]:
        return f"not trained: {', '.join(folders)}; {in_the_way[0].rstrip('.')}."
    told = [name for name, folder in folders.items() if any(folder.rglob(LOG))]
    others = [name for name in folders if name not in told]
    below = scope.results.root / scope.scale
    logs = f"see the {LOG} of {'each' if not others else ', '.join(told)} below {below}" if told else ""
    above = f"{'of the others ' if told else ''}what is said above tells why they did not begin" if others else ""
    return f"not trained: {', '.join(folders)}; {'; '.join(filter(None, (logs, above)))}."


def _in_the_way(scope: Scope, key: str, run: str) -> Iterator[str]:
    """Yield what is wrong with the records of a run that the workflow takes for done."""
    entry = papers()[key]
    seeds = range(entry.run(run, scope.scale).seeds)
    there = found(
        entry, scope.scale, [scope.results.record(scope.scale, key, run, seed) for seed in seeds], scope.results
    )
    yield from there.damaged.values()
    yield from (
        f"{path}: this record is {why}; remove it, then give the command again" for path, why in there.other.items()
    )


def sliced(left: Sequence[Left], cores: int) -> list[Left]:
    """Return the first runs that keep all processors busy for a while: no fewer than there are processors."""
    given: list[Left] = []
    taken = 0.0
    for one in left:
        if len(given) >= cores and taken >= SLICE_HOURS * cores:
            break
        given.append(one)
        taken += one.hours
    return given


def lines(left: Sequence[Left]) -> Iterator[str]:
    """Yield a line for each run that is left, in order: its hours, those until it is done, its seeds."""
    until = 0.0
    for one in left:
        until += one.hours
        known = one.hours < UNKNOWN_HOURS
        cost = f"{one.hours:8.2f} h {until:8.2f} h" if known else f"{'not known':>10} {'':>10}"
        alike = f", {one.others} trained as another run's" if one.others else ""
        yield f"{cost}  {one.run.paper}/{one.run.name}, {len(one.seeds)} of {one.run.seeds} seeds{alike}"


def summary(left: Sequence[Left]) -> str:
    """Return how many trainings are left and about how long they take, one at a time."""
    count = sum(len(one.seeds) - one.others for one in left)
    known = sum(one.hours for one in left if one.hours < UNKNOWN_HOURS)
    return f"{counted(count, 'training')}, about {in_words(known)} of one processor or device,"


def default_cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _records(given: Sequence[Left]) -> list[Path]:
    results = Results()
    return [results.record(one.run.scale, one.run.paper, one.run.name, seed) for one in given for seed in one.seeds]
