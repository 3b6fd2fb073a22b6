"""What is left to train, each training once: runs configured alike share one, by which the others are measured."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from math import nan

from shared.records.records import Record
from shared.records.results import Results
from shared.rehearsal.costs import GPU, START_SECONDS, Device, seed_hours
from shared.runs.config import Run

MEASURED_HOURS = START_SECONDS / 3600
"""What a seed takes whose weights are there: to start and to be measured."""

Place = tuple[str, str]
"""A paper and a run of it."""
Training = tuple[str, str, int]
"""A paper, the hash of a configuration, a seed."""


@dataclass(frozen=True)
class Left:
    """A run, those of its seeds that have no record, and their hours; so many of the seeds are trained as another's."""

    run: Run
    seeds: tuple[int, ...]
    hours: float
    others: int = 0

    @property
    def place(self) -> Place:
        """The paper and the run."""
        return self.run.paper, self.run.name

    @property
    def trainings(self) -> frozenset[Training]:
        """The trainings that leave its records."""
        return frozenset((self.run.paper, self.run.hash, seed) for seed in self.seeds)


def lacking(
    runs: Iterable[Run], there: Collection[tuple[str, int]], measured: Mapping[str, Record], gpu: Device = GPU
) -> list[Left]:
    """Return the runs of which some seeds are not among those `there`, by run and seed; hours not known are NaN."""
    found = []
    for run in runs:
        if seeds := tuple(seed for seed in range(run.seeds) if (run.name, seed) not in there):
            hours = seed_hours(run, measured, gpu)
            found.append(Left(run, seeds, nan if hours is None else len(seeds) * hours))
    return found


def once(left: Iterable[Left], trained: Collection[Training] = ()) -> list[Left]:
    """Return runs with the hours of what neither one before trains nor has been trained; the rest is measured alone."""
    found, done = list[Left](), set(trained)
    for one in left:
        others = len(one.trainings & done)
        share = 1 - others / len(one.seeds)
        found.append(replace(one, hours=share * one.hours + others * MEASURED_HOURS, others=others))
        done |= one.trainings
    return found


def trained(records: Iterable[Record], results: Results) -> set[Training]:
    """Return the trainings of records whose checkpoints are there, by which a run configured alike is measured."""
    return {
        (record.paper, record.config_hash, record.seed)
        for record in records
        if results.checkpoints(
            record.scale, record.paper, record.config_hash, record.seed, record.provenance.code
        ).exists()
    }
