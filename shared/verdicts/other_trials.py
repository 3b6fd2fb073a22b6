"""What other trials that lie in the same folder left in the experiments of the papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.records.records import Record
from shared.records.trials import Library, Recorded
from shared.runs.config import Run
from shared.runs.experiments import MEASURED, OF_THE_METHOD, Experiment, experiments
from shared.runs.registry import papers

Tried = Sequence[tuple[str, Record, Path]]
"""The records of trials, with the name of each and its folder."""


@dataclass(frozen=True)
class OtherTrials:
    """The records of trials in experiments.

    Of each trial they are those of the loss and the sampler that it has now. A loss that was edited and trained again
    in some experiments is in the others what it was before; a mean or a rank over both would be of no method. What it
    is now tells its newest record.
    """

    tried: Tried

    @classmethod
    def of(cls, library: Library, besides: str = "") -> OtherTrials:
        """Read those that have records at a scale, published ones too, all but one's own.

        Raises:
            UserError: a record is damaged.

        """
        asked = {
            (experiment.paper, experiment.run_name(place))
            for paper in papers().values()
            for experiment in experiments(paper, library.scale)
            for place in experiment.places
        }
        tried = [entry for entry in library.trials() if entry[0] != besides and (entry[1].paper, entry[1].run) in asked]
        newest = {name: _tried_of(record) for name, record, _ in sorted(tried, key=lambda entry: _started(entry[1]))}
        current = [entry for entry in tried if _tried_of(entry[1]) == newest[entry[0]]]
        return cls(current)

    def of_experiment(self, experiment: Experiment) -> dict[str, list[Recorded]]:
        """Return the records of each trial that left some there, fold by fold."""
        names = dict.fromkeys(name for name, *_ in self.tried)
        folds = {name: self._folds(experiment, name) for name in names}
        return {name: found for name, found in folds.items() if any(found)}

    def _folds(self, experiment: Experiment, trial: str) -> list[Recorded]:
        """Return the records of a trial in each place, those of the newest settings that it was trained with there."""
        there = [
            [
                (record, folder)
                for name, record, folder in self.tried
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


def _tried_of(record: Record) -> Mapping[str, Any]:
    """Return what of a record's configuration is the trial's in every experiment, as far as no search chooses it."""
    parts = {"loss": record.config["loss"], "sampler": record.config["scheme"].get("sampler") or {}}
    told = ("name", "source") if record.searched else None
    return {name: {key: part[key] for key in told or part if key in part} for name, part in parts.items()}


def _started(record: Record) -> str:
    return record.provenance.started
