"""Fingerprints of the code that a result depends on.

That a run is trained with other settings is told by its configuration's hash, that it is trained by other code by the
fingerprint of what its training uses: how data and scheme are put together, the loop, and its components, down to the
last definition (see `shared.records.definitions`). What says which runs there are, or how far one has come, takes no
part. What measures the trained run has a fingerprint for each benchmark.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from shared import ROOT
from shared.records.definitions import Sources
from shared.runs.catalogue import evaluations
from shared.runs.components import Component

if TYPE_CHECKING:
    from shared.runs.config import Run


_TRAINING = (
    "shared.data.drawn:draw",
    "shared.training.device:prepare",
    "shared.training.setup:Setup",
    "shared.training.loop:fit",
)
_EVALUATION = ("shared.evaluation.trained:Trained",)
_NO_PART = ("shared.errors", "shared.runs.registry", "shared.training.progress", "shared.training.termination")
_RENDERING = ("records", "runs", "commands/render.py", "verdicts", "reporting", "evaluation")


def training_code(run: Run) -> str:
    """Return the fingerprint of the code that trains a run."""
    return fingerprint(training_definitions(run))


def evaluation_code(run: Run, benchmark: str) -> str:
    """Return the fingerprint of the code that measures a trained run on a benchmark."""
    return fingerprint(evaluation_definitions(run, benchmark))


def fingerprint(definitions: Iterable[str]) -> str:
    """Return twelve hexadecimal digits for the digests of definitions."""
    return hashlib.sha256("".join(definitions).encode()).hexdigest()[:12]


def training_definitions(run: Run, root: Path = ROOT) -> tuple[str, ...]:
    """Return the digests of what the training of a run uses of the code below `root`.

    Raises:
        LookupError: a component is not there.

    """
    parts = [part for _, part in run.config if isinstance(part, Component)]
    return _used(root, (*_TRAINING, *(start for part in parts for start in _made_of(part))))


def evaluation_definitions(run: Run, benchmark: str, root: Path = ROOT) -> tuple[str, ...]:
    """Return the digests of a benchmark's settings, and of what it uses of the code below `root`.

    Raises:
        LookupError: a component is not there.

    """
    protocol, images = evaluations(run, [benchmark])[benchmark]
    parts = [protocol] if images is None else [protocol, images]
    settings = hashlib.sha256(protocol.model_dump_json().encode()).hexdigest()
    return settings, *_used(root, (*_EVALUATION, *(start for part in parts for start in _made_of(part))))


def _made_of(component: Component) -> Iterator[str]:
    """Yield where the code of a component stands, and that of the components within it."""
    yield f"{type(component).__module__}:{type(component).__qualname__}"
    yield from component.code
    for _, part in component:
        if isinstance(part, Component):
            yield from _made_of(part)


@cache
def _sources(root: Path) -> Sources:
    return Sources(root, aside=_NO_PART)


@cache
def _used(root: Path, starts: tuple[str, ...]) -> tuple[str, ...]:
    return _sources(root).used_by(*starts)


def target_code(paper: str, root: Path = ROOT) -> str:
    """Return the fingerprint of the code and the printed numbers that a paper's targets are drawn with.

    That is all of the paper's own code, since its targets may use any module of it.
    """
    folder = root / "papers" / paper
    own = [*folder.glob("*.py"), folder / "reference.yaml"]
    return _of_files([*_python(root, _RENDERING), *own], root)


def report_code(root: Path = ROOT) -> str:
    """Return the fingerprint of all that the report is written with."""
    templates = sorted((root / "shared" / "reporting" / "templates").iterdir())
    texts = sorted((root / "papers").glob("*/*.yaml"))
    return _of_files([*_python(root, _RENDERING), *templates, *texts], root)


def _python(root: Path, names: Iterable[str]) -> list[Path]:
    paths: list[Path] = []
    for name in names:
        path = root / "shared" / name
        paths += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return paths


def _of_files(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.is_file():
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
            digest.update(b"\0")
    return digest.hexdigest()[:12]
