"""What the records say of a loss of one's own beside the other losses of the papers' experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from shared.evaluation.spread import mean
from shared.records.records import Record
from shared.records.trials import Recorded
from shared.runs.experiments import Experiment
from shared.runs.registry import SMOKE
from shared.verdicts.findings import Finding, adjusted, examined, sense
from shared.verdicts.health import Health, of_runs
from shared.verdicts.measurements import Seeds, common_seeds, direction, finite
from shared.verdicts.power import sentence, together, with_power
from shared.verdicts.statistics import paired_differences
from shared.verdicts.training import recorded_health
from shared.verdicts.words import NO_EVIDENCE, Word, counted, runs_and_seeds

PAIRED = "paired Student t-test"
SOFTMAX = ("softmax", "normalised-softmax")
"""Losses that others are compared with, the first of them that an experiment has."""


@dataclass(frozen=True)
class Measured:
    """A method in an experiment: its measure by seed, of those that were trained, in percent or degrees.

    `aside` are seeds from which nothing can be read, each with the reason, `healths` what ails each of the trainings,
    by run and seed. `lacks` says why there is no measure, where there are `records`, those of finite trainings.
    """

    label: str
    seeds: Seeds
    aside: Mapping[int, str] = field(default_factory=dict)
    lacks: str = ""
    healths: Mapping[tuple[str, int], Health] = field(default_factory=dict)
    records: Sequence[tuple[Record, Path]] = ()


def measured(label: str, folds: Sequence[Recorded], metric: str) -> Measured:
    """Return a method's measure, the mean over the folds for the seeds that all of them have.

    Raises:
        UserError: a learning curve is damaged.

    """
    benchmark, _, name = metric.partition("/")
    healths = of_runs(
        {
            (record.run, seed): recorded_health(record, folder)
            for fold in folds
            for seed, (record, folder) in fold.items()
            if record.scale != SMOKE or record.not_finite
        }
    )
    aside = {seed: health.reason for (_, seed), health in healths.items() if not health.trained}
    values = {
        place: {
            seed: record.metrics[benchmark][name]
            for seed, (record, _) in fold.items()
            if has_measure(record, metric) and seed not in aside
        }
        for place, fold in enumerate(folds)
    }
    means = {seed: mean([fold[seed] for fold in values.values()]) for seed in common_seeds(values)} if values else {}
    seeds = finite(means)
    records = [entry for fold in folds for entry in fold.values() if entry[0].not_finite is None]
    return Measured(
        label=label,
        seeds=seeds,
        aside=aside,
        lacks="" if seeds or aside else _lacks([record for record, _ in records], metric),
        healths=healths,
        records=records,
    )


def has_measure(record: Record, metric: str) -> bool:
    """Whether a record has a "benchmark/metric"."""
    benchmark, _, name = metric.partition("/")
    return name in record.metrics.get(benchmark, {})


def _lacks(records: Sequence[Record], metric: str) -> str:
    """Return why records have no measure, "" where there is no record."""
    if not records:
        return ""
    if all(has_measure(record, metric) for record in records):
        return f"trained, but of no seed is {metric} a finite number in all parts"
    skipped = next((why for record in records if (why := record.skipped.get(metric.partition("/")[0]))), "")
    return f"trained, but {metric} is not in its record" + (f" ({skipped})" if skipped else "")


@dataclass(frozen=True)
class Versus:
    """One's own method against another in an experiment; a positive effect is to one's own credit, in `unit`."""

    experiment: Experiment
    own: Measured
    other: Measured
    finding: Finding
    verdict: Word
    reason: str

    @property
    def sides(self) -> tuple[Seeds, Seeds]:
        """What either measured, over the seeds that both have, as their difference is; of all where there are none."""
        seeds = sorted(self.own.seeds.keys() & self.other.seeds.keys())
        if not seeds:
            return self.own.seeds, self.other.seeds
        return {seed: self.own.seeds[seed] for seed in seeds}, {seed: self.other.seeds[seed] for seed in seeds}


def judged(pairs: Sequence[tuple[Experiment, Measured, Measured]], scale: str) -> list[Versus]:
    """Judge one's own method against others, experiment by experiment; p is Holm's, for as many as there are.

    What the seeds could have shown is told for the least p of so many, which Holm corrects by their number.

    Raises:
        UserError: it is not known whether more of a measure is better.

    """
    findings = adjusted([_finding(experiment, own, other) for experiment, own, other in pairs])
    tested = sum(found.p is not None for found in findings)
    findings = [with_power(replace(found, candidates=max(1, tested)), None) for found in findings]
    return [
        Versus(experiment, own, other, found, *_verdict(found, own, other, scale))
        for (experiment, own, other), found in zip(pairs, findings, strict=True)
    ]


def _finding(experiment: Experiment, own: Measured, other: Measured) -> Finding:
    better = direction(experiment.metric)
    gaps = [better * difference for difference in paired_differences(own.seeds, other.seeds)]
    return examined(f"{own.label} better than {other.label}", gaps, PAIRED)


def _verdict(found: Finding, own: Measured, other: Measured, scale: str) -> tuple[Word, str]:
    """Return the word and the reason for a comparison."""
    for side in (own, other):
        if not side.seeds and side.aside:
            return "not trained", f"{side.label}: {next(iter(side.aside.values()))}"
    if not found.n:
        lacking = next((side for side in (own, other) if not side.seeds), None)
        if lacking is None:
            return "not run", "no seed has both"
        return "not run", f"{lacking.label}: {lacking.lacks}" if lacking.lacks else f"no record of {lacking.label}"
    if scale == SMOKE:
        return "no evidence", NO_EVIDENCE
    lost = [(side.label, seed) for side in (own, other) for seed in side.aside]
    way = sense(found)
    word: Word = "better" if way > 0 else "worse" if way < 0 else "inconclusive"
    power = sentence(together([found]), [found], inconclusive=word == "inconclusive").removeprefix("; ")
    reasons = [power or f"{counted(found.n, 'seed')}: the spread is unknown"]
    reasons += [f"not trained: {runs_and_seeds(lost)}"] if lost else []
    return word, "; ".join(reasons)


def softmax_of(experiment: Experiment) -> str:
    """Return the label of the rival that is softmax, "" where there is none."""
    for name in SOFTMAX:
        for rival in experiment.rivals:
            config = rival.runs[0].config
            if config.loss.name == name and config.scheme == experiment.places[0].config.scheme:
                return rival.label
    return ""


def oriented(measured: Measured, experiment: Experiment) -> Seeds:
    """Return the measure of each seed so that more is better."""
    return {seed: direction(experiment.metric) * value for seed, value in measured.seeds.items()}
