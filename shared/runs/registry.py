"""Find the papers, and resolve their `runs.yaml` into runs and targets. Imports no torch: it is read at every start.

A paper is a folder of `papers/` that holds a `runs.yaml`. Its keys:

    defaults   the configuration that every run starts from
    variants   named alternatives of an axis that several groups of runs use
    runs       groups of runs; a name such as `table1/{split}/{loss}` spans the axes in braces
    scales     rows of a table: which runs, which setting, and its value at each scale
    targets    the tables and figures, and the runs that each is made of
    deviations what is done otherwise than the paper says, or chosen where it is silent

A setting is given by its dotted path (`loss.sigma`); its value replaces all that stood there. Later layers win:
defaults, then the group's `set`, then its axes in the order of its name, then the rows of `scales` from the top.
"""

from __future__ import annotations

import copy
import datetime
import importlib
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, TypeVar, Union

from pydantic import Field, ValidationError, create_model, model_validator

from shared.errors import UserError, suggestion
from shared.runs import yaml_files
from shared.runs.components import Backbone, Benchmark, Component, DataSet, Loss, Optimizer, Scheme
from shared.runs.config import RunConfig, config_hash
from shared.runs.fields import Count, Strict
from shared.runs.reference import Reference, read_reference
from shared.runs.yaml_files import Key

ROOT = Path(__file__).resolve().parent.parent.parent
TRAINED_SCALES = ("smoke", "lite", "full")
SCALES = (*TRAINED_SCALES, "published")
SHARED_CATALOGUES = ("data", "data.training_sets", "backbones", "losses", "training", "evaluation")

Setting = str | int | float | bool | None | list[Any] | dict[str, Any]
C = TypeVar("C", bound=Component)


class Levels(Strict):
    """An axis whose levels are the values of one setting: `{set: loss.sigma, to: [0.1, 1, 10], smoke: [0.1, 10]}`.

    `smoke` are the levels that the smoke scale makes do with, all where it is not given.
    """

    set: str
    to: tuple[int | float | str, ...]
    smoke: tuple[int | float | str, ...] | None = None

    @model_validator(mode="after")
    def _smoke_levels_are_levels(self) -> Levels:
        if unknown := set(self.smoke or ()) - set(self.to):
            raise ValueError(f"{min(map(str, unknown))} is none of the levels in 'to'")
        return self

    def at(self, scale: str) -> tuple[int | float | str, ...]:
        """Return the levels that a scale runs."""
        return self.smoke if scale == "smoke" and self.smoke else self.to


class ScaleRow(Strict):
    """One row of the table of scales: for the runs that match, the value of one setting at each scale."""

    runs: str
    set: str
    smoke: Setting = None
    lite: Setting = None
    full: Setting = None


class Target(Strict):
    """One table or figure: its title, and patterns of the runs that it is made of."""

    kind: Literal["table", "figure"]
    title: str
    runs: tuple[str, ...]
    ours: bool = False


class Deviation(Strict):
    """Something done otherwise than the paper says, or chosen where it says nothing."""

    id: str
    date: datetime.date
    targets: tuple[str, ...]
    paper: str
    here: str
    why: str


class RunsFile(Strict):
    """The whole of a paper's `runs.yaml`."""

    defaults: dict[str, Any]
    variants: dict[str, dict[str, dict[str, Any]]] = Field(default_factory=dict)
    runs: dict[str, dict[str, dict[str, Any] | list[str]]]
    scales: tuple[ScaleRow, ...] = ()
    targets: dict[str, Target]
    deviations: tuple[Deviation, ...] = ()
    images_per_second: dict[str, float] = Field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """One training configuration of a paper at one scale; `axes` tells which level of each axis it is."""

    paper: str
    name: str
    scale: str
    axes: dict[str, str]
    seeds: int
    config: RunConfig

    @cached_property
    def hash(self) -> str:
        """The hash of what decides the trained weights, which names the folder of the checkpoints."""
        return config_hash(self.config.identity())


class _Layered:
    """Settings laid over each other, each remembering the key of the file that it came from."""

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origin: dict[Key, Key] = {}

    def lay(self, path: str, value: Any, source: Key) -> None:
        keys = tuple(path.split("."))
        node = self.data
        for key in keys[:-1]:
            if not isinstance(node.get(key), dict):
                node[key] = {}
            node = node[key]
        node[keys[-1]] = copy.deepcopy(value)
        for known in [known for known in self.origin if known[: len(keys)] == keys]:
            del self.origin[known]
        self.origin[keys] = source

    def source(self, where: Key) -> Key:
        """Return the key in the file that stands behind the setting at `where`."""
        for length in range(len(where), -1, -1):
            if where[:length] in self.origin:
                return (*self.origin[where[:length]], *where[length:])
        children = [source for key, source in self.origin.items() if key[: len(where)] == where]
        return children[-1] if children else ("defaults",)


class Paper:
    """One replicated paper: its runs, targets, reference values and deviations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder.name
        self._document = yaml_files.load(folder / "runs.yaml")
        try:
            self._file = RunsFile.model_validate(self._document.data)
        except ValidationError as error:
            raise yaml_files.explain(error, self._document) from None
        self._runs: dict[str, dict[str, Run]] = {}

    @cached_property
    def reference(self) -> Reference:
        """The printed numbers, the claims and the errata."""
        return read_reference(self.folder / "reference.yaml")

    @property
    def targets(self) -> dict[str, Target]:
        """Every target by name."""
        return self._file.targets

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """The deviations from the paper."""
        return self._file.deviations

    @property
    def images_per_second(self) -> dict[str, float]:
        """The training speed measured for the networks of this paper, by their name, on one thread of a processor."""
        return self._file.images_per_second

    def target(self, name: str) -> Target:
        """Return the target of that name, or raise a UserError with the nearest one."""
        if name not in self.targets:
            raise UserError(f"{self.key} has no target '{name}'; {suggestion(name, self.targets)}")
        return self.targets[name]

    def run(self, name: str, scale: str) -> Run:
        """Return the run of that name at that scale, or raise a UserError with the nearest one."""
        runs = self.runs(scale)
        if name not in runs:
            raise UserError(f"{self.key} has no run '{name}'; {suggestion(name, runs)}")
        return runs[name]

    def target_runs(self, name: str, scale: str) -> list[Run]:
        """Return the runs that a target is made of, in the order of its patterns.

        Raises:
            UserError: a pattern matches no run.

        """
        found: dict[str, Run] = {}
        for pattern in self.target(name).runs:
            matching = {run: spec for run, spec in self.runs(scale).items() if fnmatchcase(run, pattern)}
            if not matching:
                line = self._document.line(("targets", name, "runs"))
                raise UserError(
                    f"{self._document.path}:{line}: target '{name}' asks for runs '{pattern}', and there are none; "
                    f"{suggestion(pattern, self.runs(scale))}"
                )
            found |= matching
        return list(found.values())

    def runs(self, scale: str) -> dict[str, Run]:
        """Return every run at a scale by name.

        Raises:
            UserError: `runs.yaml` gives a run that cannot be; names file, line, key and the nearest valid name.

        """
        if scale not in TRAINED_SCALES:
            raise UserError(f"nothing is trained at scale '{scale}'; {suggestion(scale, TRAINED_SCALES)}")
        if scale not in self._runs:
            self._runs[scale] = {run.name: run for group in self._file.runs for run in self._group(group, scale)}
        return self._runs[scale]

    def _group(self, group: str, scale: str) -> Iterator[Run]:
        names = re.findall(r"{(\w+)}", group)
        spec = self._file.runs[group]
        if unknown := set(spec) - {*names, "set"}:
            raise self._error(
                ("runs", group),
                f"'{min(unknown)}' is neither 'set' nor an axis in the name",
                suggestion(min(unknown), names),
            )
        axes = [self._axis(group, axis, scale) for axis in names]
        for levels in itertools.product(*axes):
            labels = {axis: level for axis, (level, _, _) in zip(names, levels, strict=True)}
            name = group.format(**labels)
            layers = _Layered()
            for path, value in self._file.defaults.items():
                layers.lay(path, value, ("defaults", path))
            common = spec.get("set", {})
            for path, value in common.items() if isinstance(common, dict) else ():
                layers.lay(path, value, ("runs", group, "set", path))
            for _, overrides, source in levels:
                for path, value in overrides.items():
                    layers.lay(path, value, (*source, path))
            for index, row in enumerate(self._file.scales):
                if scale in row.model_fields_set and fnmatchcase(name, row.runs):
                    layers.lay(row.set, getattr(row, scale), ("scales", index, scale))
            yield self._resolve(name, scale, labels, layers)

    def _axis(self, group: str, axis: str, scale: str) -> list[tuple[str, dict[str, Any], Key]]:
        """Return the levels of an axis at a scale: label, settings, and where in the file they stand."""
        variants = self._file.variants.get(axis, {})
        spec = self._file.runs[group].get(axis, list(variants))
        if isinstance(spec, list):
            for level in spec:
                if level not in variants:
                    problem = f"'{level}' is no variant of '{axis}'"
                    raise self._error(("runs", group, axis), problem, suggestion(level, variants))
            if not spec:
                raise self._error(("runs", group), f"axis '{axis}' has no levels", "list them")
            return [(level, variants[level], ("variants", axis, level)) for level in spec]
        if {"set", "to"} <= set(spec):
            try:
                levels = Levels.model_validate(spec)
            except ValidationError as error:
                where, problem = yaml_files.complaint(error)
                raise self._error(("runs", group, axis, *where), problem) from None
            source = ("runs", group, axis, "to")
            return [(str(value), {levels.set: value}, source) for value in levels.at(scale)]
        return [(str(level), overrides or {}, ("runs", group, axis, level)) for level, overrides in spec.items()]

    def _resolve(self, name: str, scale: str, labels: dict[str, str], layers: _Layered) -> Run:
        seeds = layers.data.pop("seeds", 1)
        try:
            count = _Seeds.model_validate({"seeds": seeds}).seeds
            config = run_model(self.key).model_validate(layers.data)
            self._check_benchmarks(config, layers)
        except ValidationError as error:
            where, problem = yaml_files.complaint(error)
            where = _without_tags(where, layers.data)
            key = layers.source(where)
            path, line = self._document.path, self._document.line(key)
            dotted = ".".join(map(str, where))
            raise UserError(f"{path}:{line}: {dotted}: {problem} (run '{name}' at scale '{scale}')") from None
        return Run(self.key, name, scale, labels, count, config)

    def _check_benchmarks(self, config: RunConfig, layers: _Layered) -> None:
        """Raise UserError where a run names a benchmark that there is not or that it cannot be measured by."""
        known = benchmarks(self.key)
        for setting in ("benchmarks", "along_training"):
            source = layers.source((setting,))
            for name in getattr(config, setting):
                if name not in known:
                    raise self._error(source, f"there is no benchmark '{name}'", suggestion(name, known))
                if known[name].on in config.data.never_tested_on:
                    raise self._error(source, f"'{name}' tests on people who are trained on", "leave it out")
                if known[name].unbiased and getattr(config.loss, "bias", False):
                    raise self._error(source, f"'{name}' is for a classifier without bias", "set loss.bias to false")
        for name, options in config.protocols.items():
            self._check_protocol(name, options, config, layers.source(("protocols", name)))

    def _check_protocol(self, name: str, options: dict[str, Any], config: RunConfig, source: Key) -> None:
        named = (*config.benchmarks, *config.along_training)
        if name not in named:
            raise self._error(source, f"the run names no benchmark '{name}'", suggestion(name, named))
        own = benchmarks(self.key)[name].options
        for option in options:
            if option not in own:
                raise self._error(source, f"'{option}' is no option of '{name}'", suggestion(option, own))
        try:
            benchmarks(self.key)[name].configured(options)
        except ValidationError as error:
            where, problem = yaml_files.complaint(error)
            raise self._error(source, f"{'.'.join(map(str, where))}: {problem}") from None

    def _error(self, key: Key, problem: str, hint: str = "") -> UserError:
        place = f"{self._document.path}:{self._document.line(key)}: {key[-1]}"
        return UserError("; ".join(filter(None, (f"{place}: {problem}", hint))))


class _Seeds(Strict):
    seeds: Count


def _without_tags(where: Key, data: dict[str, Any]) -> Key:
    """Return a key path without the names that pydantic puts in, each below its key, for the chosen component."""
    kept: list[str | int] = []
    node: Any = data
    may_be_tag = False
    for part in where:
        if may_be_tag and isinstance(node, dict) and node.get("name") == part:
            may_be_tag = False
            continue
        kept.append(part)
        node = node.get(part) if isinstance(node, dict) else None
        may_be_tag = True
    return tuple(kept)


def _catalogues(paper: str) -> list[ModuleType]:
    """Return the modules that hold the options of components: the shared ones, then the paper's own."""
    modules = [importlib.import_module(f"shared.{package}") for package in SHARED_CATALOGUES]
    return [*modules, importlib.import_module(f"papers.{paper}")]


@cache
def _components(paper: str, kind: type[C]) -> dict[str, type[C]]:
    """Return the components of a kind that a paper may name: the shared ones and its own."""
    found: dict[str, type[C]] = {}
    for module in _catalogues(paper):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, kind):
                name = value.model_fields["name"].default
                if isinstance(name, str):
                    found[name] = value
    return found


@cache
def run_model(paper: str) -> type[RunConfig]:
    """Return `RunConfig` narrowed to the components that a paper may name."""
    fields: dict[str, Any] = {}
    kinds: dict[str, type[Component]] = {
        "data": DataSet,
        "backbone": Backbone,
        "loss": Loss,
        "scheme": Scheme,
        "optimizer": Optimizer,
    }
    for field, kind in kinds.items():
        choices = tuple(_components(paper, kind).values())
        fields[field] = (
            (Annotated[Union[choices], Field(discriminator="name")], ...)  # noqa: UP007 - built at run time
            if len(choices) > 1
            else (choices[0], ...)
        )
    model: type[RunConfig] = create_model("RunConfig", __base__=RunConfig, **fields)
    return model


@cache
def benchmarks(paper: str) -> dict[str, Benchmark]:
    """Return the benchmarks that a paper may name: classes that name themselves, and those listed in BENCHMARKS."""
    own = {name: kind(name=name) for name, kind in _components(paper, Benchmark).items()}
    listed = (entry for module in _catalogues(paper) for entry in getattr(module, "BENCHMARKS", ()))
    return own | {benchmark.name: benchmark for benchmark in listed}


def benchmark(run: Run, name: str) -> Benchmark:
    """Return a benchmark that a run names, with the options that the run sets for it."""
    return benchmarks(run.paper)[name].configured(run.config.protocols.get(name, {}))


def images_of(run: Run, name: str) -> DataSet | None:
    """Return the data set that a benchmark embeds, from the same source as the run's own; None where it has none."""
    on = benchmarks(run.paper)[name].on
    if on is None:
        return None
    kind: type[DataSet] = _components(run.paper, DataSet)[on]
    source = getattr(run.config.data, "source", None)
    options = {} if source is None or "source" not in kind.model_fields else {"source": source}
    return kind(name=on, **options)


@cache
def papers(root: Path = ROOT) -> dict[str, Paper]:
    """Return every paper below `root`/papers by its key."""
    folders = sorted(path.parent for path in (root / "papers").glob("*/runs.yaml"))
    return {folder.name: Paper(folder) for folder in folders}


def paper(key: str) -> Paper:
    """Return one paper, or raise a UserError with the nearest key."""
    if key not in papers():
        raise UserError(f"there is no paper '{key}'; {suggestion(key, papers())}")
    return papers()[key]
