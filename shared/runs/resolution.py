"""The resolution of a paper's `runs.yaml` into its runs at a scale.

The settings of a run are laid over each other, and later layers win: defaults, then the group's `set`, then its axes in
the order of its name, then the rows of `scales` from the top. The value of a setting replaces all that stood there.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any, NamedTuple

from pydantic import Field, ValidationError

from shared.errors import UserError, suggestion
from shared.runs import yaml_files
from shared.runs.catalogue import benchmarks, run_model, unfit
from shared.runs.components import Benchmark
from shared.runs.config import Run, RunConfig
from shared.runs.fields import MOST_SEEDS, Count, Strict
from shared.runs.runs_file import Levels, RunsFile
from shared.runs.yaml_files import Document, Key

_AXIS = re.compile(r"{([A-Za-z_]\w*)}")
_PART = r"[A-Za-z0-9_+=@][A-Za-z0-9_.+=@-]*"
_NAME = re.compile(rf"{_PART}(/{_PART})*")
_COLUMNS = frozenset(
    {
        *("set", "at", "seeds", "run", "seed", "benchmark", "metric", "value"),
        *("benchmarks", "keep_features", "along_training"),
    }
)


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
        node[keys[-1]] = copy.deepcopy(value) if isinstance(value, dict | list) else value
        for known in [known for known in self.origin if known[: len(keys)] == keys]:
            del self.origin[known]
        self.origin[keys] = source

    def source(self, where: Key) -> Key:
        """Return the key in the file that stands behind the setting at `where`."""
        if where in self.origin:
            return self.origin[where]
        within = [source for key, source in self.origin.items() if key[: len(where)] == where]
        if within:  # laid over what encloses them
            return within[-1]
        for length in range(len(where) - 1, -1, -1):
            if where[:length] in self.origin:
                return (*self.origin[where[:length]], *where[length:])
        return ("defaults",)


class _Level(NamedTuple):
    """A level of an axis: its label in the name of a run, its settings, and where in the file they stand."""

    label: str
    settings: dict[str, Any]
    source: Key


class _Seeds(Strict):
    seeds: Annotated[Count, Field(le=MOST_SEEDS)]


class Resolution:
    """The runs that the `runs.yaml` of a paper gives, scale by scale."""

    def __init__(self, paper: str, file: RunsFile, document: Document) -> None:
        self._paper, self._file, self._document = paper, file, document
        self._named = cache(self._named_at)

    def runs(self, scale: str) -> dict[str, Run]:
        """Return every run at a scale by name.

        Raises:
            UserError: the file gives a run that cannot be; names file, line, key and the nearest valid name.

        """
        return {name: self._run(name, scale, group, levels) for name, (group, levels) in self._named(scale).items()}

    def names(self, scale: str) -> list[str]:
        """Return the names of the runs at a scale; raises UserError as `runs` does for what stands in names."""
        return list(self._named(scale))

    def _named_at(self, scale: str) -> dict[str, tuple[str, dict[str, _Level]]]:
        """Return by the name of each run its group and the level of each axis."""
        named: dict[str, tuple[str, dict[str, _Level]]] = {}
        spelt: dict[str, str] = {}
        for group, spec in self._file.runs.items():
            axes = self._axes(group)
            if scale not in spec.get("at", (scale,)):
                continue
            for levels in itertools.product(*(self._axis(group, axis, scale) for axis in axes)):
                of_axis = dict(zip(axes, levels, strict=True))
                name = group.format(**{axis: level.label for axis, level in of_axis.items()})
                if not _NAME.fullmatch(name):
                    raise self._error(
                        ("runs", group),
                        f"the name '{name}' means something else to a shell or as a path",
                        "use letters, digits and . _ - + = @",
                    )
                if other := spelt.get(name.casefold()):
                    line = self._document.line(("runs", named[other][0]))
                    also = f"line {line} gives '{other}'" if named[other][0] != group else "two levels are labelled so"
                    raise self._error(("runs", group), f"gives the run '{name}', but {also}", "rename one of them")
                spelt[name.casefold()] = name
                named[name] = group, of_axis
        return named

    def _axes(self, group: str) -> list[str]:
        """Return the axes in the name of a group."""
        axes = list(dict.fromkeys(_AXIS.findall(group)))
        if set("{}") & set(_AXIS.sub("", group)):
            raise self._error(("runs", group), "a brace in the name is not one of a plain {axis}", "correct the name")
        if columns := _COLUMNS & set(axes):
            problem = f"the axis '{min(columns)}' would be taken for a column of the table of records"
            raise self._error(("runs", group), problem, "give it another name")
        if isinstance(self._file.runs[group].get("set"), list):
            raise self._error(("runs", group, "set"), "is no mapping of settings", "give them by their paths")
        if unknown := set(self._file.runs[group]) - {*axes, "set", "at"}:
            problem = f"'{min(unknown)}' is neither 'set' nor 'at' nor an axis in the name"
            raise self._error(("runs", group), problem, suggestion(min(unknown), axes))
        return axes

    def _axis(self, group: str, axis: str, scale: str) -> list[_Level]:
        """Return the levels of an axis at a scale."""
        given = self._file.variants.get(axis, {})
        variants = {str(level): _Level(str(level), given[level], ("variants", axis, level)) for level in given}
        if len(variants) < len(given):
            raise self._error(("variants", axis), "two levels have the same name", "rename one of them")
        spec = self._file.runs[group].get(axis, list(variants))
        if isinstance(spec, list):
            for level in map(str, spec):
                if level not in variants:
                    problem = f"'{level}' is no variant of '{axis}'"
                    raise self._error(("runs", group, axis), problem, suggestion(level, variants))
            if not spec:
                raise self._error(("runs", group), f"axis '{axis}' has no levels", "list them")
            return [variants[level] for level in map(str, spec)]
        if {"set", "to"} <= set(spec):
            try:
                levels = Levels.model_validate(spec)
            except ValidationError as error:
                where, problem = yaml_files.complaint(error)
                raise self._error(("runs", group, axis, *where), problem) from None
            source = ("runs", group, axis, "to")
            return [_Level(str(value), {levels.set: value}, source) for value in levels.at(scale)]
        for label, settings in spec.items():
            if not isinstance(settings, dict | None):
                raise self._error(("runs", group, axis, label), "is no mapping of settings", "give them by their paths")
        return [_Level(str(label), _settings(given), ("runs", group, axis, label)) for label, given in spec.items()]

    def _layers(self, group: str, levels: Iterable[_Level], name: str, scale: str) -> _Layered:
        """Lay the settings of a run over each other."""
        common = self._file.runs[group].get("set", {})
        parts: list[tuple[dict[str, Any], Key]] = [
            (self._file.defaults, ("defaults",)),
            (_settings(common), ("runs", group, "set")),
            *((level.settings, level.source) for level in levels),
        ]
        layers = _Layered()
        for settings, source in parts:
            for path, value in settings.items():
                layers.lay(path, value, (*source, path))
        for index, row in enumerate(self._file.scales):
            if scale in row.model_fields_set and fnmatchcase(name, row.runs):
                layers.lay(row.set, getattr(row, scale), ("scales", index, scale))
        return layers

    def _run(self, name: str, scale: str, group: str, levels: dict[str, _Level]) -> Run:
        layers = self._layers(group, levels.values(), name, scale)
        labels = {axis: level.label for axis, level in levels.items()}
        seeds = layers.data.pop("seeds", 1)
        try:
            count = _Seeds.model_validate({"seeds": seeds}).seeds
            config = run_model(self._paper).model_validate(layers.data)
        except ValidationError as error:
            where, problem = yaml_files.complaint(error, layers.data)
            place, dotted = self._document.place(layers.source(where)), ".".join(map(str, where))
            raise UserError(f"{place}: {dotted}: {problem} (run '{name}' at scale '{scale}')") from None
        known = benchmarks(self._paper)
        named = [
            ((setting,), name) for setting in ("benchmarks", "along_training") for name in getattr(config, setting)
        ]
        for key, benchmark in named:
            if wrong := unfit(config, benchmark, known):
                raise self._error(layers.source(key), *wrong)
        sampling = getattr(config.data, "sampling", None)
        if config.training.patience is not None and sampling is not None and not sampling.holds_out:
            problem = "no image is held out by whose error training would end"
            raise self._error(layers.source(("training", "patience")), problem, "set data.sampling.held_out too")
        for benchmark in config.protocols:
            if wrong := _wrong_options(config, benchmark, known):
                raise self._error(layers.source(("protocols", benchmark)), *wrong)
        return Run(self._paper, name, scale, labels, count, config)

    def _error(self, key: Key, problem: str, hint: str = "") -> UserError:
        return UserError("; ".join(filter(None, (f"{self._document.place(key)}: {key[-1]}: {problem}", hint))))


def _settings(given: Any) -> dict[str, Any]:
    return {str(path): value for path, value in given.items()} if isinstance(given, dict) else {}


def _wrong_options(config: RunConfig, name: str, known: dict[str, Benchmark]) -> tuple[str, str] | None:
    """Return what is wrong with the options that a run sets for a benchmark, and a hint; None where nothing is."""
    named = (*config.benchmarks, *config.along_training)
    if name not in named:
        return f"the run names no benchmark '{name}'", suggestion(name, named)
    own = known[name].options
    for option in config.protocols[name]:
        if option not in own:
            return f"'{option}' is no option of '{name}'", suggestion(option, own)
    try:
        known[name].configured(config.protocols[name])
    except ValidationError as error:
        where, problem = yaml_files.complaint(error)
        return f"{'.'.join(map(str, where))}: {problem}", ""
    return None
