"""What the records say of each experiment of the papers: of one's own method, of the papers', and of other trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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
    """Return what the records say of each experiment of a trial; p is Holm's over all of them.

    Raises:
        UserError: a record is damaged.

    """
    library = Library(Results(attempt.results.root), attempt.scale)
    tried = [entry for entry in others(library.results, attempt.scale) if entry[0] != attempt.trial.name]
    found = [_outcome(attempt, experiment, library, tried) for experiment in attempt.experiments]
    pairs = [(entry.experiment, entry.own, other) for entry in found for other in entry.methods[1:]]
    said = judged(pairs, attempt.scale)
    return [replace(entry, versus=[one for one in said if one.experiment is entry.experiment]) for entry in found]


def all_compared(results: Results, scale: str, *, published: bool = False) -> list[Compared]:
    """Return what records of the papers' runs and of all trials say of each experiment at a scale, or `published` ones.

    Raises:
        UserError: a record is damaged.

    """
    library = Library(results, scale, published=published)
    tried = list(others(results, scale, published=published))
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
    return list(
        dict.fromkeys(
            method.label
            for entry in compared
            for method in entry.methods
            if method.label not in {rival.label for rival in entry.experiment.rivals}
        )
    )


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
    known = {attempt.trial.name: _own(attempt, experiment)} | _rivals(experiment, library)
    compared = _compared(_by_common_measure(experiment, known), known | _trials(experiment, tried))
    return Outcome(compared.experiment, compared.methods, weights=_weights(attempt, compared.experiment))


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


def _own(attempt: Attempt, experiment: Experiment) -> Sequence[Recorded]:
    searched = attempt.searched(experiment)
    has_ended = not attempt.trial.file.search or searched is not None
    runs = attempt.trial.runs(experiment, attempt.seeds, searched) if has_ended else []
    return [attempt.seeds_of(run) for run in runs]


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
    folds = {
        trial: [_recorded(experiment, place, trial, tried) for place in experiment.places]
        for trial in dict.fromkeys(name for name, _, _ in tried)
    }
    return {trial: recorded for trial, recorded in folds.items() if any(recorded)}


def _recorded(experiment: Experiment, place: Run, trial: str, tried: Tried) -> Recorded:
    name = experiment.run_name(place)
    return {
        record.seed: (record, folder)
        for other, record, folder in tried
        if (other, record.paper, record.run) == (trial, experiment.paper, name) and _same_place(record, place)
    }


def _same_place(record: Record, place: Run) -> bool:
    """Whether a record has all but the method in common with a place in an experiment."""
    plain = place.config.plain()
    return all(
        record.config.get(name) == value for name, value in plain.items() if name not in (*OF_THE_METHOD, *MEASURED)
    )
