"""What the records say of each experiment of the papers: of one's own method, of the papers', and of other trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shared.records.records import Record
from shared.records.results import Results
from shared.records.trials import Attempt, Library, others
from shared.runs.config import Run
from shared.runs.experiments import MEASURED, OF_THE_METHOD, Experiment, experiments
from shared.runs.registry import papers
from shared.verdicts.standing import Scores, Standing, standings
from shared.verdicts.trials import (
    Measured,
    Recorded,
    Versus,
    has_measure,
    judged,
    measured,
    oriented,
    softmax_of,
)

SOFTMAX = "softmax"
Tried = Sequence[tuple[str, Record, Path]]
"""The records of trials, with the name of each and its folder."""
Methods = Mapping[str, Sequence[Recorded]]
"""The records of methods by their labels, fold by fold."""


@dataclass(frozen=True)
class Compared:
    """One experiment, and all methods that are there."""

    experiment: Experiment
    methods: Sequence[Measured]

    @property
    def family(self) -> str:
        """The name of the conditions that it is one of."""
        return "/".join(self.experiment.key.split("/")[:2])

    @property
    def condition(self) -> str:
        """Its condition, "" where it is the only one."""
        return self.experiment.key.removeprefix(self.family).strip("/")

    @property
    def softmax(self) -> str:
        """The label of softmax there, "" where it has none."""
        return softmax_of(self.experiment)

    def is_trial(self, method: Measured) -> bool:
        """Whether a method is none of the paper's."""
        return method.label not in {rival.label for rival in self.experiment.rivals}


@dataclass(frozen=True)
class Outcome(Compared):
    """One experiment with one's own method, the first of all, and what is said of each other one.

    `weights` is one's own method by its lambda, where the curve is over that.
    """

    versus: Sequence[Versus] = ()
    weights: Mapping[float, Measured] = field(default_factory=dict)

    @property
    def own(self) -> Measured:
        """One's own method."""
        return self.methods[0]


def outcomes_of(attempt: Attempt) -> list[Outcome]:
    """Return what the records say of each experiment of a trial.

    p is Holm's over all comparisons with the paper's methods, and over those with each other trial apart: which trials
    lie in the same folder has no part in it.

    Raises:
        UserError: a record is damaged.

    """
    library = Library(Results(attempt.results.root), attempt.scale)
    tried = [entry for entry in _of_newest_code(library) if entry[0] != attempt.trial.name]
    found = [_outcome(attempt, experiment, library, tried) for experiment in attempt.experiments]
    families: dict[str, list[tuple[Experiment, Measured, Measured]]] = {}
    for entry in found:
        for other in entry.methods[1:]:
            family = other.label if entry.is_trial(other) else ""
            families.setdefault(family, []).append((entry.experiment, entry.own, other))
    said = [one for pairs in families.values() for one in judged(pairs, attempt.scale)]
    return [replace(entry, versus=[one for one in said if one.experiment is entry.experiment]) for entry in found]


def all_compared(results: Results, scale: str, *, published: bool = False) -> list[Compared]:
    """Return what records of the papers' runs and of all trials say of each experiment at a scale, or `published` ones.

    Raises:
        UserError: a record is damaged.

    """
    library = Library(results, scale, published=published)
    tried = _of_newest_code(library)
    return [
        _compared(experiment, _rivals(experiment, library) | _trials(experiment, tried))
        for paper in papers().values()
        for experiment in experiments(paper, scale)
    ]


def standing_of(compared: Iterable[Compared], trials: Iterable[str]) -> tuple[Scores, list[Standing]]:
    """Return what softmax and the named trials measured, and where they stand beside softmax."""
    found = _scores(compared, (SOFTMAX, *trials))
    return found, standings(found, SOFTMAX)


def trials_of(compared: Iterable[Compared]) -> list[str]:
    """Return the names of the trials that are there in some experiment."""
    return list(dict.fromkeys(method.label for entry in compared for method in entry.methods if entry.is_trial(method)))


def _scores(compared: Iterable[Compared], methods: Sequence[str]) -> Scores:
    """Return the measures by family, condition and method so that more is better.

    Softmax is that of the experiment, whatever it is called there.
    """
    found: dict[str, dict[str, dict[str, dict[int, float]]]] = {}
    for entry in compared:
        level = found.setdefault(entry.family, {}).setdefault(entry.condition, {})
        for method in entry.methods:
            name = SOFTMAX if method.label == entry.softmax else method.label
            if name in methods and method.seeds:
                level[name] = oriented(method, entry.experiment)
    return found


def _outcome(attempt: Attempt, experiment: Experiment, library: Library, tried: Tried) -> Outcome:
    """Return what was measured in an experiment, by what one's own method and the paper's have in common.

    Other trials have no say in that, since they lie in the same folder by chance.
    """
    runs = _own(attempt, experiment)
    known = {attempt.trial.name: [attempt.seeds_of(run) for run in runs]} | _rivals(experiment, library)
    compared = _compared(_by_common_measure(experiment, known), known | _trials(experiment, tried))
    lost = {seed: f"not finite: {left.reason}" for run in runs for seed, left in attempt.not_finite(run).items()}
    own, *rest = compared.methods
    methods = [replace(own, aside={**own.aside, **lost}), *rest]
    return Outcome(compared.experiment, methods, weights=_weights(attempt, compared.experiment))


def _compared(experiment: Experiment, methods: Methods) -> Compared:
    chosen = _by_common_measure(experiment, methods)
    return Compared(chosen, [measured(label, folds, chosen.metric) for label, folds in methods.items()])


def _by_common_measure(experiment: Experiment, methods: Methods) -> Experiment:
    """Return an experiment by the first of its measures that all methods with records have, or else most of them.

    What a configuration asks for may not be in the record: a benchmark's data were missing, or were too few for a rate.
    """
    known = [[record for fold in folds for record, _ in fold.values()] for folds in methods.values()]

    def having(metric: str) -> int:
        return sum(all(has_measure(record, metric) for record in records) for records in known if records)

    return experiment.by(max(experiment.metrics, key=having))


def _own(attempt: Attempt, experiment: Experiment) -> list[Run]:
    """Return the runs of one's own method, none where a search goes on."""
    searched = attempt.searched(experiment)
    has_ended = not attempt.trial.file.search or searched is not None
    return attempt.trial.runs(experiment, attempt.seeds, searched) if has_ended else []


def _weights(attempt: Attempt, experiment: Experiment) -> dict[float, Measured]:
    searched = attempt.searched(experiment)
    if attempt.trial.file.search and searched is None:
        return {}
    runs = attempt.trial.weight_runs(experiment, attempt.seeds, searched)
    return {
        level: measured(attempt.trial.name, [attempt.seeds_of(run)], experiment.metric) for level, run in runs.items()
    }


def _rivals(experiment: Experiment, library: Library) -> dict[str, Sequence[Recorded]]:
    """Return the records of the paper's methods."""
    return {rival.label: [library.seeds_of(run) for run in rival.runs] for rival in experiment.rivals}


def _trials(experiment: Experiment, tried: Tried) -> dict[str, Sequence[Recorded]]:
    """Return the records of trials in the same place, of those that have some."""
    folds = {trial: _folds(experiment, trial, tried) for trial in dict.fromkeys(name for name, _, _ in tried)}
    return {trial: recorded for trial, recorded in folds.items() if any(recorded)}


def _folds(experiment: Experiment, trial: str, tried: Tried) -> list[Recorded]:
    """Return the records of a trial in each place, those of the newest settings that it was trained with there."""
    there = [
        [
            (record, folder)
            for name, record, folder in tried
            if (name, record.paper, record.run) == (trial, experiment.paper, experiment.run_name(place))
            and _same_place(record, place)
        ]
        for place in experiment.places
    ]
    newest = max((record for fold in there for record, _ in fold), key=_started, default=None)
    return [
        {
            record.seed: (record, folder)
            for record, folder in fold
            if newest and all(record.config[part] == newest.config[part] for part in OF_THE_METHOD)
        }
        for fold in there
    ]


def _same_place(record: Record, place: Run) -> bool:
    """Whether a record has all but the method in common with a place in an experiment."""
    plain = place.config.plain()
    return all(
        record.config.get(name) == value for name, value in plain.items() if name not in (*OF_THE_METHOD, *MEASURED)
    )


def _of_newest_code(library: Library) -> Tried:
    """Return the records of all trials in experiments, of each those of the loss and the sampler that it has now.

    A loss that was edited and trained again in some experiments is in the others what it was before; a mean or a rank
    over both would be of no method. What it is now tells its newest record.
    """
    asked = {
        (experiment.paper, experiment.run_name(place))
        for paper in papers().values()
        for experiment in experiments(paper, library.scale)
        for place in experiment.places
    }
    tried = [
        entry
        for entry in others(library.results, library.scale, published=library.published)
        if (entry[1].paper, entry[1].run) in asked
    ]
    newest = {name: _tried_of(record) for name, record, _ in sorted(tried, key=lambda entry: _started(entry[1]))}
    return [entry for entry in tried if _tried_of(entry[1]) == newest[entry[0]]]


def _tried_of(record: Record) -> dict[str, Any]:
    """Return what of a record's configuration is the trial's in every experiment, as far as no search chooses it."""
    parts = {"loss": record.config["loss"], "sampler": record.config["scheme"].get("sampler") or {}}
    told = ("name", "source") if record.searched else None
    return {name: {key: part[key] for key in told or part if key in part} for name, part in parts.items()}


def _started(record: Record) -> str:
    return record.provenance.started
