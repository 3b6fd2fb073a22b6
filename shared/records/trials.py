"""What a trial left behind in the experiments of the papers, and what is there to compare it with."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from pathlib import Path

from shared.errors import UserError, suggestion
from shared.records.records import Record, find_records, read_record
from shared.records.results import Results
from shared.records.target_records import found
from shared.runs.config import Run, Searched, Tried
from shared.runs.experiments import Experiment, experiments, no_experiment
from shared.runs.fields import MOST_SEEDS
from shared.runs.registry import paper, papers
from shared.runs.trial import CHOSEN_BY, Trial, read_trial

Recorded = Mapping[int, tuple[Record, Path]]
"""The record of each seed of a run, with its folder."""


@dataclass(frozen=True)
class Attempt:
    """A trial at a scale, with so many seeds in each experiment, and the folder of results that it lies in."""

    trial: Trial
    scale: str
    seeds: int
    results: Results
    papers: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: str | Path, scale: str, seeds: int, results: Results) -> Attempt:
        """Return the trial that a file describes, in all experiments of all papers.

        Raises:
            UserError: the file says something that cannot be.

        """
        if not 1 <= seeds <= MOST_SEEDS:
            raise UserError(f"--seeds {seeds}: at least one seed is trained, and at most {MOST_SEEDS}.")
        trial = read_trial(Path(path).resolve())
        found = cls(trial, scale, seeds, Results(results.root, trial.name))
        taken = {rival.label for experiment in found.experiments for rival in experiment.rivals}
        if trial.name in taken:
            raise UserError(f"{path}: '{trial.name}' is the name of a method of the papers; give the file another.")
        return found

    def require_own_name(self) -> None:
        """Refuse a file that is named as another one whose records are there: they would replace each other.

        A file that is no longer there has been moved; one that says the same of the same modules is a copy.

        Raises:
            UserError: there is such a file; names both.

        """
        folder = self.results.of_trial(self.scale)
        records = [read_record(path) for key in papers() for path in find_records(folder / key)]
        named = {record.provenance.command.partition(" --trial ")[2] for record in records}
        for words in sorted(named):
            other = self.results.root.resolve().parent.joinpath(*shlex.split(words))
            if other.is_file() and not other.samefile(self.trial.path) and not _alike(other, self.trial):
                raise UserError(
                    f"{self.trial.path}: '{self.trial.name}' is the name of {other.resolve()} too, whose records are "
                    f"in {folder}; rename this file, or remove that folder."
                )

    def among(self, keys: Collection[str], targets: Collection[str]) -> Attempt:
        """Return it in the experiments of some papers and targets alone, of all where none are named.

        Raises:
            UserError: there is no such paper, or no such target that an experiment is of.

        """
        named = [paper(key) for key in keys] or list(papers().values())
        known = {stand.target for entry in named for stand in entry.experiments.values()}
        for target in targets:
            if target not in known:
                raise no_experiment(target, named)
        return replace(self, papers=tuple(entry.key for entry in named), targets=tuple(targets))

    def run(self, key: str, name: str) -> Run:
        """Return a run of the trial by paper and name; raises UserError where it has none, or its search goes on."""
        named = {run.name: run for run in replace(self, papers=(paper(key).key,)).runs()}
        if name not in named:
            raise UserError(f"{self.trial.path} has no run '{name}' in {key}; {suggestion(name, named)}")
        return named[name]

    @property
    def library(self) -> Library:
        """The records of the papers' own runs that it is compared with."""
        return Library(Results(self.results.root), self.scale)

    @cached_property
    def experiments(self) -> list[Experiment]:
        """The experiments that it can stand in, of the papers and the targets asked for."""
        return [
            experiment
            for paper in papers().values()
            if not self.papers or paper.key in self.papers
            for experiment in experiments(paper, self.scale)
            if (not self.targets or set(self.targets) & set(experiment.targets)) and self.trial.stands_in(experiment)
        ]

    def runs(self) -> list[Run]:
        """Return all its runs that are known: those of searches, and, of experiments whose search has ended, its own.

        Raises:
            UserError: an option or a setting is wrong.

        """
        return [run for experiment in self.experiments for run in self.known(experiment)]

    def known(self, experiment: Experiment) -> list[Run]:
        """Return the runs of the search in an experiment, and all others there if that has ended."""
        search, searched = self.trial.search_runs(experiment), self.searched(experiment)
        if search and searched is None:
            return search
        weights = self.trial.weight_runs(experiment, self.seeds, searched)
        return [*search, *self.trial.runs(experiment, self.seeds, searched), *weights.values()]

    def searched(self, experiment: Experiment) -> Searched | None:
        """Return what the search in an experiment found; None where none is asked for, or it has not ended."""
        runs = self.trial.search_runs(experiment)
        ended = [found for run in runs if (found := self._held_out(run))]
        if not runs or len(ended) < len(runs):
            return None
        return Searched(
            tried=tuple(
                Tried(settings=settings, error=error)
                for settings, (error, _) in zip(self.trial.combinations, ended, strict=True)
            ),
            seconds=round(sum(seconds for _, seconds in ended), 3),
        )

    def _held_out(self, run: Run) -> tuple[float, float] | None:
        """Return the error of a run of a search, infinite where it did not stay finite, and its seconds."""
        if seeds := self.seeds_of(run):
            record, _ = seeds[0]
            benchmark, metric = CHOSEN_BY.split("/")
            error = math.inf if record.not_finite else record.metrics[benchmark][metric]
            return error, record.provenance.wall_seconds
        return None

    def seeds_of(self, run: Run) -> Recorded:
        """Return the records of a run of the trial, those of its present configuration and source."""
        paths = {seed: self.results.record(run.scale, run.paper, run.name, seed) for seed in range(run.seeds)}
        records = {seed: (read_record(path), path.parent) for seed, path in paths.items() if path.exists()}
        return {
            seed: (record, folder)
            for seed, (record, folder) in records.items()
            if (record.seed, record.config_hash) == (seed, run.hash)
        }


@dataclass(frozen=True)
class Library:
    """The records that are there of the papers' own runs: below `results`/<scale>, else in `results`/published.

    With `published` only those in the latter.
    """

    results: Results
    scale: str
    published: bool = False

    def seeds_of(self, run: Run) -> Recorded:
        """Return the records of a run with its present configuration, by seed."""
        entry = papers()[run.paper]
        seeds: dict[int, tuple[Record, Path]] = {}
        for scale in self._scales:
            folder = self.results.paper(scale, run.paper) / "runs" / run.name
            paths = sorted(folder.glob("seed*/record.json"))
            for path, record in found(entry, scale, paths, self.results).current.items():
                if record.scale == self.scale:
                    seeds[record.seed] = record, path.parent
        return seeds

    def missing(self, experiment: Experiment, seeds: int) -> list[Run]:
        """Return the rivals' runs of which some of the first `seeds` seeds have no record, to be trained by those."""
        missing = []
        for rival in experiment.rivals:
            for run in rival.runs:
                left = tuple(seed for seed in range(seeds) if seed not in self.seeds_of(run))
                missing += [replace(run, only=left)] if left else []
        return missing

    def trials(self) -> Iterator[tuple[str, Record, Path]]:
        """Yield the records of all trials, with their names and folders."""
        trials = (self.results.root / scale / "trials" for scale in self._scales)
        for folder in chain.from_iterable(sorted(folder.glob("*/*/")) for folder in trials):
            for path in find_records(folder):
                record = read_record(path)
                if record.scale == self.scale:
                    yield folder.parent.name, record, path.parent

    @property
    def _scales(self) -> tuple[str, ...]:
        return ("published",) if self.published else ("published", self.scale)


def _alike(path: Path, trial: Trial) -> bool:
    try:
        other = read_trial(path)
        return other.file == trial.file and [code.source for code in other.own_code] == [
            code.source for code in trial.own_code
        ]
    except UserError:
        return False
