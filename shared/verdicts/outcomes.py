"""What the records say of each experiment of the papers: of one's own method, of the papers', and of other trials."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from shared.records.results import Results
from shared.records.trials import Attempt, Library, Recorded
from shared.runs.config import Run
from shared.runs.experiments import OF_THE_METHOD, Experiment, experiments
from shared.runs.registry import EVIDENCE, papers
from shared.verdicts.other_trials import OtherTrials
from shared.verdicts.standing import Scores, Standing, standings
from shared.verdicts.trials import Measured, Versus, has_measure, judged, measured, oriented, softmax_of

SOFTMAX, OWN = "softmax", "the paper's own"
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
    def measured_on(self) -> str:
        """The data set that its runs are trained on, and the benchmark: what else is so is no witness of its own."""
        place = self.experiment.places[0]
        return f"{place.scale}/{place.config.data.name}/{self.experiment.metric.partition('/')[0]}"

    @cached_property
    def softmax(self) -> str:
        """Its label there: the paper's, or that of a trial of it where the paper has none; "" without either."""
        return softmax_of(self.experiment) or next((one.label for one in self.methods if self._is_plain(one)), "")

    def is_trial(self, method: Measured) -> bool:
        """Whether a method is none of the paper's."""
        return method.label not in {rival.label for rival in self.experiment.rivals}

    def _is_plain(self, method: Measured) -> bool:
        """Whether a method is a trial of softmax, with all else as the paper's own has it."""
        trained = [record.config for record, _ in method.records if record.config["loss"]["name"] == SOFTMAX]
        if not trained or not self.is_trial(method):
            return False
        place = self.experiment.places[0].config.plain()
        return any(all(config[part] == place[part] for part in OF_THE_METHOD if part != "loss") for config in trained)


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
    library = attempt.library
    trials = OtherTrials.of(library, besides=attempt.trial.name)
    found = [_outcome(attempt, experiment, library, trials) for experiment in attempt.experiments]
    families: dict[str, list[tuple[Experiment, Measured, Measured]]] = {}
    for entry in found:
        for other in entry.methods[1:]:
            family = other.label if entry.is_trial(other) else ""
            families.setdefault(family, []).append((entry.experiment, entry.own, other))
    said = [one for pairs in families.values() for one in judged(pairs, attempt.scale)]
    return [replace(entry, versus=[one for one in said if one.experiment is entry.experiment]) for entry in found]


def all_compared(results: Results, scale: str) -> list[Compared]:
    """Return what records of the papers' runs and of all trials say of each experiment at a scale.

    Published ones count too; at scale `published` they alone do, of lite and full scale together. Of a scale at which
    nothing was tried there is nothing.

    Raises:
        UserError: a record is damaged.

    """
    published = scale == "published"
    found = []
    for trained in EVIDENCE if published else (scale,):
        library = Library(results, trained, published=published)
        trials = OtherTrials.of(library)
        if not trials.tried:
            continue
        found += [
            _compared(experiment, _rivals(experiment, library), trials)
            for paper in papers().values()
            for experiment in experiments(paper, trained)
        ]
    return found


def standing_of(compared: Iterable[Compared], trials: Collection[str]) -> tuple[Scores, list[Standing]]:
    """Return what softmax, the named trials and the papers' own losses measured, and where they stand beside softmax.

    `OWN` is in each experiment the loss that its paper proposes. Experiments without any of the trials are left out.
    """
    scores: dict[str, dict[str, dict[str, dict[int, float]]]] = {}
    aside: Counter[str] = Counter()
    for entry in compared:
        named = _named(entry, trials)
        if not any(named[trial].seeds or named[trial].aside for trial in named.keys() & set(trials)):
            continue
        level = scores.setdefault(entry.measured_on, {}).setdefault(entry.experiment.key, {})
        for name, method in named.items():
            aside[name] += len(method.aside)
            if method.seeds or method.aside:
                level[name] = dict.fromkeys(method.aside, math.nan) | oriented(method, entry.experiment)
    return scores, standings(scores, SOFTMAX, aside)


def _named(entry: Compared, trials: Collection[str]) -> dict[str, Measured]:
    """Return softmax, the paper's own and the trials of an experiment, the first two whatever their names there."""
    called = {entry.softmax: SOFTMAX, entry.experiment.own: OWN} | {trial: trial for trial in trials}
    return {called[method.label]: method for method in entry.methods if method.label in called}


def trials_of(compared: Iterable[Compared]) -> list[str]:
    """Return the names of the trials that are there in some experiment, but for those that are softmax there."""
    trials = (
        one.label for entry in compared for one in entry.methods if entry.is_trial(one) and one.label != entry.softmax
    )
    return list(dict.fromkeys(trials))


def _outcome(attempt: Attempt, experiment: Experiment, library: Library, trials: OtherTrials) -> Outcome:
    """Return what was measured in an experiment, by what one's own method and the paper's have in common.

    Other trials have no say in that, since they lie in the same folder by chance.
    """
    runs = _own(attempt, experiment)
    known = {attempt.trial.name: [attempt.seeds_of(run) for run in runs]} | _rivals(experiment, library)
    compared = _compared(_by_common_measure(experiment, known), known, trials)
    return Outcome(compared.experiment, compared.methods, weights=_weights(attempt, compared.experiment))


def _compared(experiment: Experiment, known: Methods, trials: OtherTrials) -> Compared:
    methods = {**known, **trials.of_experiment(experiment)}
    chosen = _by_common_measure(experiment, methods)
    return Compared(chosen, [measured(label, folds, chosen.metric) for label, folds in methods.items()])


def _by_common_measure(experiment: Experiment, methods: Methods) -> Experiment:
    """Return an experiment by the first of its measures that all methods with records have, or else most of them.

    What a configuration asks for may not be in the record: a benchmark's data were missing, or were too few for a rate.
    """
    known = [
        [record for fold in folds for record, _ in fold.values() if record.not_finite is None]
        for folds in methods.values()
    ]

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
