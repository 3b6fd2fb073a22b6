"""The papers: what each runs, draws, prints and does otherwise. Imports no torch: it is read at every start.

A paper is a folder of `papers/` that holds a `runs.yaml`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from shared import ROOT
from shared.errors import UserError, suggestion
from shared.runs import yaml_files
from shared.runs.catalogue import benchmarks, components
from shared.runs.citation import read_title
from shared.runs.components import Backbone
from shared.runs.config import Run
from shared.runs.metrics import DIRECTIONS
from shared.runs.python_files import parsed
from shared.runs.resolution import Resolution
from shared.runs.runs_file import Deviation, RunsFile, Stand, Target
from shared.runs.yaml_files import Key

if TYPE_CHECKING:
    from shared.runs.reference import Reference

SMOKE = "smoke"
"""The scale whose numbers are no evidence."""
EVIDENCE = ("lite", "full")
"""Those whose records are published."""
TRAINED_SCALES = (SMOKE, *EVIDENCE)
SCALES = (*TRAINED_SCALES, "published")


class Paper:
    """One replicated paper: its runs, targets, reference values and deviations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = folder.name
        self._document = yaml_files.load(folder / "runs.yaml")
        self._file = yaml_files.validated(RunsFile, self._document)
        self._resolution = Resolution(self.key, self._file, self._document)
        self._runs: dict[str, dict[str, Run]] = {}
        self._require_scales()
        self._require_known()

    @cached_property
    def reference(self) -> Reference:
        """The printed numbers, the claims and the errata."""
        from shared.runs.reference import Known, read_reference  # noqa: PLC0415 - what only lists has no use for it

        return read_reference(self.folder / "reference.yaml", Known(self.targets, self._measured()))

    @cached_property
    def title(self) -> str:
        """The title of the paper, had without the rest of `reference`."""
        return read_title(self.folder / "reference.yaml")

    @property
    def targets(self) -> dict[str, Target]:
        """Every target by name."""
        return self._file.targets

    @property
    def shows(self) -> str | None:
        """The figure that shows best what the paper is about, if one is named."""
        return self._file.shows

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """The deviations from the paper."""
        return self._file.deviations

    @property
    def experiments(self) -> dict[str, Stand]:
        """Where a loss of one's own stands in for the paper's own, by name."""
        return self._file.experiments

    @property
    def images_per_second(self) -> dict[str, float]:
        """The training speed measured for the networks of this paper, by their name, on one thread of a processor."""
        return self._file.images_per_second

    def optimum_fails(self, run: str) -> str | None:
        """Return why the optimum of a run's loss is known not to classify; None where it is not."""
        return _of_first_match(run, self._file.optimum_fails)

    def no_optimum(self, run: str) -> str | None:
        """Return why the optimum of a run's loss says nothing of what is trained, or cannot be had; None if it can."""
        return _of_first_match(run, self._file.no_optimum)

    def target(self, name: str) -> Target:
        """Return the target of that name, or raise a UserError with the nearest one."""
        if name not in self.targets:
            raise UserError(f"{self.key} has no target '{name}'; {suggestion(name, self.targets)}")
        return self.targets[name]

    def run(self, name: str, scale: str) -> Run:
        """Return the run of that name at that scale, or raise a UserError with the nearest one."""
        runs = self.runs(scale)
        if name not in runs:
            elsewhere = f" at scale '{scale}'" if name in self.names else ""
            raise UserError(f"{self.key} has no run '{name}'{elsewhere}; {suggestion(name, runs)}")
        return runs[name]

    def target_runs(self, name: str, scale: str) -> list[Run]:
        """Return the runs that a target is made of, in the order of its patterns."""
        found: dict[str, Run] = {}
        for pattern in self.target(name).runs:
            found |= {run: spec for run, spec in self.runs(scale).items() if fnmatchcase(run, pattern)}
        return list(found.values())

    def runs(self, scale: str) -> dict[str, Run]:
        """Return every run at a scale by name.

        Raises:
            UserError: `runs.yaml` gives a run that cannot be; names file, line, key and the nearest valid name.

        """
        if scale not in TRAINED_SCALES:
            raise UserError(f"nothing is trained at scale '{scale}'; {suggestion(scale, TRAINED_SCALES)}")
        if scale not in self._runs:
            self._runs[scale] = self._resolution.runs(scale)
        return self._runs[scale]

    @cached_property
    def names(self) -> list[str]:
        """The names of the runs at any scale, first those at full scale."""
        scales = reversed(TRAINED_SCALES)
        return list(dict.fromkeys(name for scale in scales for name in self._resolution.names(scale)))

    def _measured(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """Return the benchmarks of each run, at any scale, with the patterns of their metrics."""
        known = benchmarks(self.key)
        measured: dict[str, dict[str, tuple[str, ...]]] = {}
        for scale in TRAINED_SCALES:
            for name, run in self.runs(scale).items():
                of_run = measured.setdefault(name, {})
                of_run |= {benchmark: known[benchmark].metrics for benchmark in run.config.benchmarks}
        return measured

    def _require_scales(self) -> None:
        """Raise UserError for the first group of runs that is to be run at a scale that there is not."""
        for group, spec in self._file.runs.items():
            for index, scale in enumerate(spec.get("at", ())):
                if scale not in TRAINED_SCALES:
                    problem = f"there is no scale '{scale}'; {suggestion(str(scale), TRAINED_SCALES)}"
                    raise self._document.error(("runs", group, "at", index), problem)

    def _require_known(self) -> None:
        """Raise UserError for the first name in `runs.yaml` that refers to nothing."""
        for key, pattern in self._patterns():
            if not any(fnmatchcase(name, pattern) for name in self.names):
                raise self._document.error(key, f"there is no run '{pattern}'; {suggestion(pattern, self.names)}")
        for key, named, known in self._named():
            if named not in known:
                raise self._document.error(key, f"there is no '{named}'; {suggestion(named, known)}")
        figures = [name for name, entry in self.targets.items() if entry.kind == "figure"]
        if self.shows is not None and self.shows not in figures:
            problem = f"there is no figure '{self.shows}'; {suggestion(self.shows, figures)}"
            raise self._document.error(("shows",), problem)
        networks = components(self.key, Backbone)
        for name in self.images_per_second:
            if name not in networks:
                key = ("images_per_second", name)
                raise self._document.error(key, f"there is no such network; {suggestion(name, networks)}")
        drawn = _top_level(self.folder / "targets.py")
        for name, entry in self.targets.items():
            if not re.fullmatch(rf"{entry.kind}\w+", name, re.ASCII):
                problem = f"no rule of the workflow makes a {entry.kind} of this name; let it begin with {entry.kind}"
                raise self._document.error(("targets", name), problem)
            if drawn is not None and name not in drawn:
                problem = f"targets.py has no function of this name; {suggestion(name, drawn)}"
                raise self._document.error(("targets", name), problem)

    def _named(self) -> Iterator[tuple[Key, str, Collection[str]]]:
        """Yield where `runs.yaml` names a target, or a measure that is scored, its name, and those that there are."""
        for index, entry in enumerate(self.deviations):
            yield from ((("deviations", index, "targets"), target, self.targets) for target in entry.targets)
        for name, stand in self.experiments.items():
            yield ("experiments", name, "target"), stand.target, self.targets
            for metric in stand.metrics:
                yield ("experiments", name, "metrics"), metric.partition("/")[2], DIRECTIONS

    def _patterns(self) -> Iterator[tuple[Key, str]]:
        """Yield where patterns of runs stand in `runs.yaml`, and the patterns."""
        for index, row in enumerate(self._file.scales):
            yield ("scales", index, "runs"), row.runs
        for name, target in self.targets.items():
            for index, pattern in enumerate(target.runs):
                yield ("targets", name, "runs", index), pattern
        for name, stand in self.experiments.items():
            for setting in ("own", "place"):
                if pattern := getattr(stand, setting):
                    yield ("experiments", name, setting), pattern
        for reasons in ("optimum_fails", "no_optimum"):
            for pattern in getattr(self._file, reasons):
                yield (reasons, pattern), pattern


def _top_level(path: Path) -> set[str] | None:
    """Return the names that a module defines or imports, found without running it; None where there is no file."""
    if not path.exists():
        return None
    found: set[str] = set()
    for statement in parsed(path.read_bytes(), path).body:
        if isinstance(statement, ast.FunctionDef):
            found.add(statement.name)
        elif isinstance(statement, ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in statement.names}
    return found


def _of_first_match(run: str, reasons: Mapping[str, str]) -> str | None:
    return next((reason for pattern, reason in reasons.items() if fnmatchcase(run, pattern)), None)


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
