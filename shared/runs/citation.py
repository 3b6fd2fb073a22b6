"""What a paper is called, by whom and where it appeared: the head of its `reference.yaml`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from shared.runs import yaml_files
from shared.runs.fields import Strict


class Citation(Strict):
    """The paper itself; one that bears no date has no year."""

    title: str
    authors: tuple[str, ...]
    year: int | None = None
    venue: str


class _Titled(BaseModel):
    citation: Citation


def read_title(path: Path) -> str:
    """Read the title of a paper from its `reference.yaml`, of which nothing else is checked; raises UserError."""
    return yaml_files.validated(_Titled, yaml_files.load(path)).citation.title
