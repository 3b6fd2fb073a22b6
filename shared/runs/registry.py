"""The papers: what each runs, draws, prints and does otherwise. Imports no torch: it is read at every start.

A paper is a folder of `papers/` that holds a `runs.yaml`.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path

from pydantic import ValidationError

from shared import ROOT
from shared.errors import UserError, suggestion
from shared.runs import yaml_files
from shared.runs.config import Run
from shared.runs.reference import Reference, read_reference
from shared.runs.resolution import Resolution
from shared.runs.runs_file import Deviation, RunsFile, Target

SMOKE = "smoke"
"""The scale whose numbers are no evidence."""
TRAINED_SCALES = (SMOKE, "lite", "full")
SCALES = (*TRAINED_SCALES, "published")


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
        self._resolution = Resolution(self.key, self._file, self._document)
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
                problem = f"target '{name}' asks for runs '{pattern}', and there are none"
                place, hint = self._document.place(("targets", name, "runs")), suggestion(pattern, self.runs(scale))
                raise UserError(f"{place}: {problem}; {hint}")
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
            self._runs[scale] = self._resolution.runs(scale)
        return self._runs[scale]


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
