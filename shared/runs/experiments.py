"""Experiments: where a loss of one's own stands in for that of a paper, among the paper's other losses.

An experiment is a target under one condition, such as a share of images or of wrong labels. Which run is the paper's
own says `experiments` in its `runs.yaml`; its rivals are found by a rule: the runs of the target that share all but
loss, scheme and optimizer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from shared.errors import UserError, suggestion
from shared.runs.config import Run
from shared.runs.registry import Paper
from shared.runs.runs_file import Stand

OF_THE_METHOD = ("loss", "scheme", "optimizer")
METHOD = "method"
"""The axis whose levels are named after what a paper compares."""
MEASURED = ("benchmarks", "keep_features", "along_training", "protocols")


@dataclass(frozen=True)
class Rival:
    """A method of the paper in an experiment: its label, and its runs, one of each fold."""

    label: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Experiment:
    """A target (or several that come to the same) under one condition, and what is compared there.

    `metrics` are what may be compared, each "benchmark/metric", the one to be preferred first.

    `places` are the runs, one a fold, whose loss another takes the place of. `own` is the label of the paper's own
    method among the `rivals`. `over` is the axis of a curve, "" where there is none, and `at` where on it the
    experiment lies, None where the curve is that of the rivals; `levels` are where they lie, by their labels.
    """

    paper: str
    name: str
    targets: tuple[str, ...]
    metrics: tuple[str, ...]
    places: tuple[Run, ...]
    own: str
    rivals: tuple[Rival, ...]
    over: str = ""
    at: float | None = None
    levels: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name among the experiments of all papers."""
        return f"{self.paper}/{self.name}"

    @property
    def metric(self) -> str:
        """The measure that is compared."""
        return self.metrics[0]

    def by(self, metric: str) -> Experiment:
        """Return it by one of its measures alone."""
        return replace(self, metrics=(metric,))

    def run_name(self, place: Run) -> str:
        """Return the name of the run that stands in a place: the experiment's, of several folds with the number."""
        return self.name if len(self.places) == 1 else f"{self.name}/{self.places.index(place)}"


def experiments(paper: Paper, scale: str) -> list[Experiment]:
    """Return the experiments of a paper at a scale, each once: where two come to the same, their rivals are joined.

    Raises:
        UserError: `experiments` in `runs.yaml` names runs that do not fit together.

    """
    found: dict[str, Experiment] = {}
    for name in paper.experiments:
        for experiment in _of_stand(paper, scale, name):
            key = _all_but(experiment.places[0], ("loss", *MEASURED)) + experiment.metric
            found[key] = _joined(found[key], experiment) if key in found else experiment
    return list(found.values())


def no_experiment(target: str, entries: Sequence[Paper]) -> UserError:
    """Return what to say of a target that no experiment of some papers is of: the nearest, or all where it is known."""
    known = {entry.key: sorted({stand.target for stand in entry.experiments.values()}) for entry in entries}
    named = suggestion(target, (name for names in known.values() for name in names))
    if any(target in entry.targets for entry in entries):
        named = "; ".join(f"of {key} there are {', '.join(names)}" for key, names in known.items() if names)
    return UserError(f"no experiment is of a target '{target}'; {named}")


def _joined(first: Experiment, second: Experiment) -> Experiment:
    known = {rival.runs[0].hash: rival.label for rival in first.rivals}
    further = [rival for rival in second.rivals if rival.runs[0].hash not in known]
    labels = {rival.label for rival in first.rivals}
    named = [replace(rival, label=rival.runs[0].name) if rival.label in labels else rival for rival in further]
    called = known | {rival.runs[0].hash: rival.label for rival in named}
    levels = {
        called[rival.runs[0].hash]: second.levels[rival.label]
        for rival in second.rivals
        if rival.label in second.levels
    }
    return replace(
        first,
        targets=(*first.targets, *second.targets),
        rivals=(*first.rivals, *named),
        over=first.over or second.over,
        levels={**first.levels, **levels},
    )


def _of_stand(paper: Paper, scale: str, name: str) -> list[Experiment]:
    stand = paper.experiments[name]
    own, places = (_folded(paper, scale, stand, pattern) for pattern in (stand.own, stand.place or stand.own))
    if len(own) != len(places):
        raise UserError(
            f"papers/{paper.key}/runs.yaml: experiments.{name}: 'own' matches {len(own)} runs at scale '{scale}' and "
            f"'place' {len(places)}; let both match as many"
        )
    methods = _folded(paper, scale, stand, *paper.target(stand.target).runs)
    _require_axes(paper, name, methods)
    return [_experiment(paper, name, methods, one, place) for one, place in zip(own, places, strict=True)]


def _require_axes(paper: Paper, name: str, methods: Iterable[tuple[Run, ...]]) -> None:
    """Raise UserError where `folds` or `over` is no axis of the target's runs, or one without places on a curve."""
    stand = paper.experiments[name]
    axes: dict[str, set[str]] = {}
    for axis, level in (entry for runs in methods for run in runs for entry in run.axes.items()):
        axes.setdefault(axis, set()).add(level)
    for key, named in (("folds", stand.folds), ("over", stand.over)):
        if named is not None and named not in axes:
            problem = f"the runs of {stand.target} have no axis '{named}'; {suggestion(named, axes)}"
            raise UserError(f"papers/{paper.key}/runs.yaml: experiments.{name}.{key}: {problem}")
    for level in axes[stand.over] if stand.over else ():
        if not re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", level):
            problem = f"the level '{level}' of the axis '{stand.over}' is no number, so that it has no place on a curve"
            raise UserError(f"papers/{paper.key}/runs.yaml: experiments.{name}.over: {problem}; name another axis")


def _folded(paper: Paper, scale: str, stand: Stand, *patterns: str) -> list[tuple[Run, ...]]:
    """Return the runs that match, those together that differ in the axis of the folds alone."""
    folds: dict[tuple[str, ...], list[Run]] = {}
    for pattern in patterns:
        for run in paper.runs(scale).values():
            if fnmatchcase(run.name, pattern):
                fixed = [f"{axis}={level}" for axis, level in run.axes.items() if axis != stand.folds]
                group = run.name.partition("/")[0] if stand.folds else run.name
                known = folds.setdefault((group, *fixed), [])
                known += [] if run in known else [run]
    return [tuple(runs) for runs in folds.values()]


def _experiment(
    paper: Paper, name: str, methods: Sequence[tuple[Run, ...]], own: tuple[Run, ...], places: tuple[Run, ...]
) -> Experiment:
    stand, place = paper.experiments[name], places[0]
    shared = _all_but(place, (*OF_THE_METHOD, *MEASURED))
    rivals = [runs for runs in methods if _all_but(runs[0], (*OF_THE_METHOD, *MEASURED)) == shared]
    if own not in rivals:
        raise UserError(
            f"papers/{paper.key}/runs.yaml: experiments.{name}: {own[0].name} differs from {place.name} in more than "
            "loss, scheme and optimizer; name another 'place'"
        )
    called = _called(paper, rivals, _labels(rivals, stand.over or ""))
    labels = dict(zip((runs[0].name for runs in rivals), called, strict=True))
    common = [axis for axis, level in own[0].axes.items() if axis != stand.folds and _agreed(rivals, axis, level)]
    condition = [own[0].axes[axis] for axis in common if len(rivals) > 1 or axis != stand.over]
    measured = [metric for metric in stand.metrics if metric.partition("/")[0] in place.config.benchmarks]
    if not measured:
        raise UserError(
            f"papers/{paper.key}/runs.yaml: experiments.{name}: {place.name} is measured by none of the benchmarks of "
            f"{', '.join(stand.metrics)} at scale '{place.scale}'; name one of {', '.join(place.config.benchmarks)}"
        )
    return Experiment(
        paper=paper.key,
        name="/".join([name, *condition]),
        targets=(stand.target,),
        metrics=tuple(measured),
        places=places,
        own=labels[own[0].name],
        rivals=tuple(Rival(labels[runs[0].name], runs) for runs in rivals),
        over=stand.over or "",
        at=float(place.axes[stand.over]) if stand.over in common else None,
        levels={} if stand.over in common else _levels(rivals, labels, stand.over or ""),
    )


def _levels(rivals: Iterable[tuple[Run, ...]], labels: Mapping[str, str], over: str) -> dict[str, float]:
    """Return where rivals lie on an axis, by their labels."""
    return {labels[runs[0].name]: float(runs[0].axes[over]) for runs in rivals if over in runs[0].axes}


def _agreed(rivals: Iterable[tuple[Run, ...]], axis: str, level: str) -> bool:
    return all(runs[0].axes.get(axis) == level for runs in rivals)


def _labels(rivals: Sequence[tuple[Run, ...]], over: str) -> list[str]:
    """Return what tells the names of the rivals apart, with the name of the axis `over` where they differ in it."""
    levels = [runs[0].axes.get(over) for runs in rivals]
    if None not in levels and len(set(levels)) > 1:
        return [f"{over} {level}" for level in levels]
    parts = [runs[0].name.split("/") for runs in rivals]
    if len({len(names) for names in parts}) > 1:
        return ["/".join(names) for names in parts]
    told = [place for place, names in enumerate(zip(*parts, strict=True)) if len(set(names)) > 1]
    return ["/".join(names[place] for place in told) or names[-1] for names in parts]


def _called(paper: Paper, rivals: Sequence[tuple[Run, ...]], labels: list[str]) -> list[str]:
    """Return the labels; of rivals told apart by their targets alone, the paper's names for what they are elsewhere."""
    if not set(labels) <= set(paper.targets):
        return labels
    known = paper.runs(rivals[0][0].scale).values()
    names = {_method(run): run.axes[METHOD] for run in known if METHOD in run.axes}
    return [names.get(_method(runs[0]), label) for runs, label in zip(rivals, labels, strict=True)]


def _method(run: Run) -> str:
    return json.dumps([run.config.plain()[part] for part in ("loss", "scheme")], sort_keys=True)


def _all_but(run: Run, fields: Iterable[str]) -> str:
    """Return the configuration of a run without some fields, and without what is held out of images not trained on."""
    plain = {name: value for name, value in run.config.plain().items() if name not in set(fields)}
    sampling = plain["data"].get("sampling") or {}
    (sampling.get("under_represented") or {}).pop("held_out_images", None)
    return json.dumps(plain, sort_keys=True)
