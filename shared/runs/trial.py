"""A trial: a loss or a sampler of one's own in the experiments of the papers, as a small file describes it.

    loss: my_loss:MyLoss            # a class in the module my_loss.py beside the file, or {name: focal, gamma: 2}
    options: {margin: 0.2}          # of that class
    sampler: my_sampler:MySampler   # a sampler of one's own, with sampler_options
    set: {optimizer.learning_rate: 0.01}
    search: {options.margin: [0.1, 0.2, 0.4]}
    weight: {set: options.weight, to: [0.01, 0.1, 1]}

`set` changes settings of the optimizer and the scheme by their dotted paths, as in `runs.yaml`; data, network and
schedule are those of the experiment. `search` names settings to be chosen in each experiment by one rule, the same for
everyone: each combination is trained once, with seed 0, without a fifth of the training images (or what the experiment
holds out already), and the one with the least error on these, averaged over the classes, is taken. `weight` names the
weight of a term, lambda, and levels of it, at which the papers' curves over lambda have one's own loss too.
"""

from __future__ import annotations

import copy
import itertools
import math
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import Field, SerializeAsAny, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from shared.errors import UserError
from shared.runs import yaml_files
from shared.runs.catalogue import component, run_model
from shared.runs.components import Backbone, DataSet, Loss, Optimizer, Scheme
from shared.runs.config import Run, RunConfig, Searched
from shared.runs.experiments import Experiment
from shared.runs.fields import Strict
from shared.runs.own_code import NAME, OwnCode, OwnLoss, OwnOrder, OwnSampler
from shared.runs.runs_file import Levels
from shared.runs.yaml_files import Document

HELD_OUT = 0.2
MOST_TRIED = 12
CHOSEN_BY = "held-out/balanced_error"
_CHANGED = ("optimizer", "scheme")


class TrialFile(Strict):
    """What the file says."""

    loss: str | dict[str, Any] = Field(default_factory=lambda: {"name": "softmax"})
    options: dict[str, Any] = Field(default_factory=dict)
    sampler: str | None = None
    sampler_options: dict[str, Any] = Field(default_factory=dict)
    set: dict[str, Any] = Field(default_factory=dict)
    search: dict[str, list[Any]] = Field(default_factory=dict)
    weight: Levels | None = None

    @model_validator(mode="before")
    @classmethod
    def _has_its_settings_below_set(cls, given: Any) -> Any:
        for key in given if isinstance(given, dict) else ():
            if _part(str(key)) in _CHANGED:
                raise _wrong(key, f"a trial says it below 'set'; write set: {{{key}: ...}}")
        return given

    @model_validator(mode="after")
    def _tries_something(self) -> Self:
        if not self.model_fields_set & {"loss", "sampler"}:
            raise ValueError("names neither a loss nor a sampler: give 'loss: module:Class' or 'sampler: module:Class'")
        if isinstance(self.loss, str) and not re.fullmatch(NAME, self.loss):
            raise _wrong("loss", f"{_no_class(self.loss)}, or {{name: focal}} for a loss of the suite")
        if self.sampler is not None and not re.fullmatch(NAME, self.sampler):
            raise _wrong("sampler", _no_class(self.sampler))
        if self.options and not isinstance(self.loss, str):
            raise _wrong(
                "options", "they are those of a class of your own; give the suite's loss its own beside its name"
            )
        if self.sampler_options and self.sampler is None:
            raise _wrong("sampler_options", "there is no sampler that they are of; name it, 'sampler: module:Class'")
        return self

    @model_validator(mode="after")
    def _sets_what_there_is(self) -> Self:
        """Refuse a setting that nothing would be told of."""
        for path in self.set:
            if _part(path) not in _CHANGED:
                raise _wrong("set", f"'{path}' is the experiment's; only optimizer and scheme can be set")
        for path, values in self.search.items():
            self._reaches("search", path, (*_CHANGED, *self._own_parts))
            if not values:
                raise _wrong("search", f"'{path}' has no values; list them, or take it out")
        for key, paths in (("set", self.set), ("search", self.search)):
            for path in paths:
                if not all(path.split(".")):
                    raise _wrong(key, f"'{path}' has nothing before or after a dot; name a setting")
                if _part(path) == "scheme" and self.sampler is not None:
                    raise _wrong(key, f"'{path}' is of a scheme in whose place the sampler stands; take one out")
        if (combinations := math.prod(map(len, self.search.values()))) > MOST_TRIED:
            raise _wrong("search", f"{combinations} combinations; the budget, the same for all, is {MOST_TRIED}")
        return self

    @model_validator(mode="after")
    def _is_kept_as_given(self) -> Self:
        """Refuse what a record, which is JSON, would not tell from something else."""
        for key in ("options", "sampler_options", "search"):
            if wrong := _not_in_json(getattr(self, key)):
                raise _wrong(key, f"{wrong}, which no record can hold; write numbers that are finite, words and lists")
        return self

    @model_validator(mode="after")
    def _weighs_a_term(self) -> Self:
        if self.weight is None:
            return self
        self._reaches("weight", self.weight.set, self._own_parts[:1])
        for level in (*self.weight.to, *(self.weight.smoke or ())):
            if isinstance(level, str) or not abs(level) <= sys.float_info.max:
                raise _wrong(
                    "weight", f"the level {level!r} is no number, so that it has no place on a curve; correct it"
                )
        return self

    @property
    def _own_parts(self) -> tuple[str, ...]:
        """What settings of the loss begin with, and those of the sampler, if there is one."""
        loss = "options" if isinstance(self.loss, str) else "loss"
        return (loss,) if self.sampler is None else (loss, "sampler_options")

    def _reaches(self, key: str, path: str, parts: Collection[str]) -> None:
        begins, dot, _ = path.partition(".")
        if begins not in parts or not (dot or begins in _CHANGED):
            allowed = " or ".join(f"'{part}.'" for part in parts)
            raise _wrong(key, f"'{path}' would reach nothing here; begin it with {allowed}")


class _Config(RunConfig):
    """A configuration whose components may be from outside the suite."""

    data: SerializeAsAny[DataSet]
    backbone: SerializeAsAny[Backbone]
    loss: SerializeAsAny[Loss]
    scheme: SerializeAsAny[Scheme]
    optimizer: SerializeAsAny[Optimizer]


C = TypeVar("C", bound=OwnCode)


@dataclass(frozen=True)
class Trial:
    """A loss or a sampler of one's own, by the name of its file."""

    path: Path
    name: str
    file: TrialFile
    document: Document

    @property
    def combinations(self) -> list[dict[str, Any]]:
        """Every combination of the settings to be searched, by their dotted paths."""
        paths = list(self.file.search)
        return [dict(zip(paths, values, strict=True)) for values in itertools.product(*self.file.search.values())]

    def runs(self, experiment: Experiment, seeds: int, searched: Searched | None = None) -> list[Run]:
        """Return the runs of an experiment, one a fold, with the settings that a search chose, if there was one.

        Raises:
            UserError: an option or a setting is wrong; names the file, the line and the key.

        """
        chosen = searched.chosen if searched else {}
        return [
            self._run(place, experiment.run_name(place), seeds, self._config(place, chosen), searched)
            for place in experiment.places
        ]

    def search_runs(self, experiment: Experiment) -> list[Run]:
        """Return the runs of the search in an experiment, in the order of the combinations; none where none is asked.

        Raises:
            UserError: as `runs` does.

        """
        place = experiment.places[0]
        if not self.file.search:
            return []
        return [
            self._run(place, f"search/{experiment.name}/{number}", 1, _with_held_out(self._config(place, combination)))
            for number, combination in enumerate(self.combinations)
        ]

    def weight_runs(self, experiment: Experiment, seeds: int, searched: Searched | None = None) -> dict[float, Run]:
        """Return, in an experiment with a curve over lambda, the runs at the levels that the file names, by level.

        Raises:
            UserError: as `runs` does.

        """
        place, levels = experiment.places[0], self.file.weight
        if levels is None or not experiment.levels:
            return {}
        chosen = searched.chosen if searched else {}
        return {
            float(level): self._run(
                place,
                f"weight/{experiment.name}/{level}",
                seeds,
                self._config(place, chosen | {levels.set: level}),
                searched,
            )
            for level in levels.at(place.scale)
        }

    def configs(self, experiment: Experiment) -> Iterator[RunConfig]:
        """Yield how it may come to be trained: by each combination that is searched, and at each level of the weight.

        Raises:
            UserError: as `runs` does.

        """
        levels = self.file.weight
        weights = [{levels.set: level} for level in levels.to] if levels else []
        for place in experiment.places:
            for combination in self.combinations:
                yield from (self._config(place, combination | weight) for weight in ({}, *weights))

    def _run(self, place: Run, name: str, seeds: int, config: RunConfig, searched: Searched | None = None) -> Run:
        return Run(place.paper, name, place.scale, place.axes, seeds, config, str(self.path), searched)

    def _config(self, place: Run, chosen: Mapping[str, Any]) -> RunConfig:
        own = {path: value for path, value in chosen.items() if _part(path) not in _CHANGED}
        loss = self._loss(own)
        settings = place.config.plain() | ({} if isinstance(loss, OwnLoss) else {"loss": loss})
        changed = self.file.set | {path: chosen[path] for path in chosen if path not in own}
        laid = self._laid(settings, changed)
        try:
            checked = run_model(place.paper).model_validate(laid)
        except ValidationError as error:
            where, problem = yaml_files.complaint(error, laid)
            said = ".".join(str(part) for part in where)
            raise UserError(f"{self.path}: {said}: {problem} (in the experiment of {place.name})") from None
        parts = {name: getattr(checked, name) for name in RunConfig.model_fields}
        parts |= {"data": place.config.data, "backbone": place.config.backbone}
        if isinstance(loss, OwnLoss):
            parts["loss"] = loss
        if self.file.sampler is not None:
            parts["scheme"] = OwnOrder(sampler=self._sampler(own))
        return _Config(**parts)

    def _loss(self, chosen: Mapping[str, Any]) -> OwnLoss | dict[str, Any]:
        if isinstance(self.file.loss, dict):
            return self._laid(self.file.loss, _below("loss", chosen))
        return self._sourced(
            OwnLoss(name=self.file.loss, settings=self._laid(self.file.options, _below("options", chosen)))
        )

    def _sampler(self, chosen: Mapping[str, Any]) -> OwnSampler:
        settings = self._laid(self.file.sampler_options, _below("sampler_options", chosen))
        return self._sourced(OwnSampler(name=self.file.sampler, settings=settings))

    def _laid(self, settings: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
        """Return settings with others laid over them by their dotted paths, parts over the whole that they are of."""
        laid = copy.deepcopy(dict(settings))
        for path in sorted(changed, key=lambda path: path.count(".")):
            *keys, last = path.split(".")
            node = laid
            for key in keys:
                node = node.setdefault(key, {})
                if not isinstance(node, dict):
                    raise UserError(f"{self.path}: '{path}': '{key}' is {node!r}, without parts; correct the path.")
            node[last] = copy.deepcopy(changed[path])
        return laid

    def _sourced(self, code: C) -> C:
        found = code.model_copy(update={"folder": self.path.parent})
        return found.model_copy(update={"source": found.fixed()})

    @property
    def own_loss(self) -> OwnLoss | None:
        """The class of the loss with its options; None where the loss is one of the suite."""
        loss = self._loss({})
        return loss if isinstance(loss, OwnLoss) else None

    @property
    def own_code(self) -> list[OwnCode]:
        """The classes of one's own, the loss and the sampler, as far as there are."""
        sampler = [self._sampler({})] if self.file.sampler is not None else []
        return [*([self.own_loss] if self.own_loss else []), *sampler]

    def stands_in(self, experiment: Experiment) -> bool:
        """Whether it can stand there.

        One with a sampler or a scheme of its own only in place of the usual scheme; and one with a phase that begins
        late, deferred re-weighting or a classifier trained anew, nowhere where training stops early: the phase may not
        come, or not be in the weights that are kept.
        """
        place = experiment.places[0].config
        asks = self.file.sampler is not None or any(
            path.startswith("scheme") for path in (*self.file.set, *self.file.search)
        )
        late = (self._begins_late(experiment.paper, combination) for combination in self.combinations)
        if place.training.patience is not None and any(late):
            return False
        return not asks or place.scheme.name == "classification"

    def _begins_late(self, paper: str, chosen: Mapping[str, Any]) -> bool:
        changed = {path: value for path, value in {**self.file.set, **chosen}.items() if _part(path) == "scheme"}
        scheme = self._laid({}, changed).get("scheme")
        if (scheme.get("name") if isinstance(scheme, dict) else scheme) == "decoupled":
            return True
        loss = self._loss({path: value for path, value in chosen.items() if _part(path) not in _CHANGED})
        kind = component(paper, Loss, str(loss.get("name"))) if isinstance(loss, dict) else None
        try:
            deferred = getattr(kind.model_validate(loss), "deferred", None) if kind else None
        except ValidationError:  # of which the first run tells more
            return False
        return deferred is not None and 0 < deferred < 1


def read_trial(path: Path) -> Trial:
    """Read the file of a trial.

    Raises:
        UserError: the file cannot be read, or says something that cannot be; names file, line and key.

    """
    document = yaml_files.load(path)
    try:
        file = TrialFile.model_validate(document.data)
    except ValidationError as error:
        raise yaml_files.explain(error, document) from None
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.+=@-]*", path.stem):
        raise UserError(f"{path}: its name names the trial; let it be of letters, digits and . _ - + = @.")
    return Trial(path, path.stem, file, document)


def _wrong(key: str, problem: str) -> PydanticCustomError:
    return PydanticCustomError("wrong_key", "{key}: {problem}", {"key": key, "problem": problem})


def _no_class(name: str) -> str:
    return f"'{name}' names no class; write module:Class for one in a module beside this file"


def _part(path: str) -> str:
    """Return the part of a configuration that a dotted path is of."""
    return path.partition(".")[0]


def _not_in_json(value: Any) -> str:
    """Return what of a value JSON, whose keys are words, has no word for or the same as for another, "" for nothing."""
    if isinstance(value, dict):
        keys = (f"the key {key!r} is no word" for key in value if not isinstance(key, str))
        return next(keys, "") or next(filter(None, map(_not_in_json, value.values())), "")
    if isinstance(value, list):
        return next(filter(None, map(_not_in_json, value)), "")
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is no finite number"
    known = value is None or isinstance(value, str | int | float)
    return "" if known else f"{value!r} is neither number, word, truth value, list nor mapping"


def _with_held_out(config: RunConfig) -> RunConfig:
    data: Any = config.data
    sampling = data.sampling
    if not (sampling.held_out or sampling.held_out_images):
        data = data.model_copy(update={"sampling": sampling.model_copy(update={"held_out": HELD_OUT})})
    benchmark = CHOSEN_BY.partition("/")[0]
    changed = {"data": data, "benchmarks": (benchmark,), "keep_features": (), "along_training": (), "protocols": {}}
    return config.model_copy(update=changed)


def _below(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {path.removeprefix(f"{name}."): value for path, value in settings.items() if path.startswith(f"{name}.")}
