"""Fingerprints of the code that a result depends on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_TRAINING = ("runs", "data", "backbones", "losses", "training", "evaluation")
_RENDERING = ("records", "runs", "commands/render.py", "verdicts", "reporting", "evaluation")


def training_code(paper: str, root: Path = ROOT) -> str:
    """Return the fingerprint of the code that trains and evaluates a paper's runs."""
    own = [path for path in (root / "papers" / paper).glob("*.py") if path.name != "targets.py"]
    return _fingerprint([*_python(root, _TRAINING), *own], root)


def target_code(paper: str, root: Path = ROOT) -> str:
    """Return the fingerprint of the code and the printed numbers that a paper's targets are drawn with.

    That is all of the paper's own code, since its targets may use any module of it.
    """
    folder = root / "papers" / paper
    own = [*folder.glob("*.py"), folder / "reference.yaml"]
    return _fingerprint([*_python(root, _RENDERING), *own], root)


def report_code(root: Path = ROOT) -> str:
    """Return the fingerprint of all that the report is written with."""
    templates = sorted((root / "shared" / "reporting" / "templates").iterdir())
    texts = sorted((root / "papers").glob("*/*.yaml"))
    return _fingerprint([*_python(root, _RENDERING), *templates, *texts], root)


def _python(root: Path, names: Iterable[str]) -> list[Path]:
    paths: list[Path] = []
    for name in names:
        path = root / "shared" / name
        paths += sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return paths


def _fingerprint(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        if path.is_file():
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(path.read_bytes())
            digest.update(b"\0")
    return digest.hexdigest()[:12]
