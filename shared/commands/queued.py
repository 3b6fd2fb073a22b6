"""What is left to train at a scale, and in which order: what decides most for its hours comes first.

An undecided claim gains, by the seeds that its runs lack, in the chance that its test shows what the paper prints (or,
where nothing is printed, what was observed). So much for the hours that it takes, claim by claim, orders the runs; what
an earlier one takes, a later one has for nothing, also by a run that is configured alike. Runs that no undecided claim
rests on come last, the shortest first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from math import isnan
from pathlib import Path

from shared.commands.scope import Scope
from shared.records.records import Record, Records, find_records
from shared.records.target_records import found
from shared.rehearsal.left import Left, Place, Training, lacking, once, trained
from shared.reporting.judged import judged
from shared.runs.catalogue import at_hand
from shared.runs.config import Run
from shared.runs.registry import Paper
from shared.verdicts.claims import ClaimVerdict
from shared.verdicts.power import gained

UNKNOWN_HOURS = 1000.0
"""Of a run of which neither speed nor operations are known: it comes after all others."""
OPEN = ("not run", "inconclusive")


@dataclass(frozen=True)
class Question:
    """An undecided claim: what it gains in the chance of being shown, and the runs that it waits for."""

    claim: str
    gain: float
    runs: tuple[Place, ...]


def queue(scope: Scope) -> list[Left]:
    """Return what is left to train, in the order to train it.

    Runs on data that are neither at hand nor to be fetched or made are left out, and claims that rest on them.

    Raises:
        UserError: there is no such paper or target.

    """
    left: dict[Place, Left] = {}
    questions: list[Question] = []
    done: set[Training] = set()
    for entry in scope.papers:
        records = _records(entry, scope)
        waits = {one.place: one for one in _left(entry, scope.scale, records)}
        asked = _asked(entry, scope)
        here = {at: one for at, one in waits.items() if at in asked and at_hand(one.run.config.data, scope.root)}
        left |= here
        done |= trained((record for record, _ in records), scope.results)
        questions += [one for one in _questions(entry, scope.scale, records, waits) if set(one.runs) <= set(here)]
    return ordered(left, questions, done)


def waiting(scope: Scope) -> int:
    """Return how many trainings `queue` leaves out, as their data are neither at hand nor to be fetched or made."""
    left: list[Left] = []
    for entry in scope.papers:
        asked, waits = _asked(entry, scope), _left(entry, scope.scale, _records(entry, scope))
        left += [one for one in waits if one.place in asked and not at_hand(one.run.config.data, scope.root)]
    return sum(len(one.seeds) - one.others for one in once(left, ()))


def _asked(entry: Paper, scope: Scope) -> set[Place]:
    return {(run.paper, run.name) for run in scope.runs(entry)}


def ordered(
    left: Mapping[Place, Left], questions: Collection[Question], trained: Collection[Training] = ()
) -> list[Left]:
    """Return runs in the order to train them, given the questions that they decide and what has been trained."""
    rest, open_questions, order, done = dict(left), list(questions), list[Left](), set(trained)

    def taken(question: Question) -> list[Left]:
        return once((rest[place] for place in question.runs if place in rest), done)

    def worth(question: Question) -> float:
        return question.gain / sum(one.hours for one in taken(question))

    while open_questions := [one for one in open_questions if any(place in rest for place in one.runs)]:
        for one in taken(max(open_questions, key=worth)):
            order.append(rest.pop(one.place))
            done |= one.trainings
    return once([*order, *sorted(rest.values(), key=lambda one: one.hours)], trained)


def _records(entry: Paper, scope: Scope) -> list[tuple[Record, Path]]:
    """Return the records of today's runs of a scale, from its own folder or published, with their folders."""
    by_place: dict[tuple[str, int], tuple[Record, Path]] = {}
    for where in ("published", scope.scale):
        there = found(entry, where, find_records(scope.results.paper(where, entry.key)), scope.results)
        for path, record in there.current.items():
            if record.scale == scope.scale:
                by_place[record.run, record.seed] = record, path.parent
    return list(by_place.values())


def _left(entry: Paper, scale: str, records: list[tuple[Record, Path]]) -> list[Left]:
    there = {(record.run, record.seed) for record, _ in records}
    found = lacking(entry.runs(scale).values(), there, {record.config_hash: record for record, _ in records})
    return [replace(one, hours=len(one.seeds) * UNKNOWN_HOURS) if isnan(one.hours) else one for one in found]


def _questions(
    entry: Paper, scale: str, records: list[tuple[Record, Path]], left: Mapping[Place, Left]
) -> Iterator[Question]:
    verdicts, _ = judged(entry, scale, Records(records, entry.reference))
    for claim in verdicts.claims:
        places = tuple((entry.key, run) for run in claim.runs)
        waits = tuple(place for place in places if place in left)
        if claim.verdict in OPEN and waits and all(run in entry.runs(scale) for run in claim.runs):
            yield Question(claim.id, _gain(claim, entry.runs(scale)), waits)


def _gain(claim: ClaimVerdict, runs: Mapping[str, Run]) -> float:
    return gained(claim.findings, min(runs[run].seeds for run in claim.runs))
