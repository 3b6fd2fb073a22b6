"""What `status` and `queue` are asked of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shared.records.results import Results
from shared.runs.config import Run
from shared.runs.registry import Paper, paper, papers


def entries(key: str | None) -> list[Paper]:
    """Return the paper of a name, or all where none is given; raises UserError where there is none of that name."""
    return list(papers().values()) if key is None else [paper(key)]


@dataclass(frozen=True)
class Scope:
    """A scale, of one paper or of all, of one of its targets or of all."""

    scale: str
    results: Results
    root: Path
    paper: str | None = None
    target: str | None = None

    @property
    def papers(self) -> list[Paper]:
        """The papers; raises UserError where there is none of that name."""
        return entries(self.paper)

    def runs(self, entry: Paper) -> Iterable[Run]:
        """Return the runs of a paper that are asked of; raises UserError where it has no such target."""
        return entry.runs(self.scale).values() if self.target is None else entry.target_runs(self.target, self.scale)
