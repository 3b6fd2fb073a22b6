"""What one seed of a run left behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.records.records import Record, read_record
from shared.records.results import Results
from shared.runs.config import Run


@dataclass(frozen=True)
class OneSeed:
    """One seed of a run, in a folder of results."""

    run: Run
    seed: int
    results: Results

    @property
    def name(self) -> str:
        """What it is called where one speaks of those of all papers."""
        return f"{self.run.paper}/{self.run.name} seed {self.seed}"

    @property
    def folder(self) -> Path:
        """The folder of what it leaves behind."""
        return self.results.seed(self.run.scale, self.run.paper, self.run.name, self.seed)

    @property
    def path(self) -> Path:
        """The place of its record."""
        return self.results.record(self.run.scale, self.run.paper, self.run.name, self.seed)

    def record(self) -> Record | None:
        """Return its record, if there is one of the run as it is configured now.

        Raises:
            UserError: the record is damaged.

        """
        found = read_record(self.path) if self.path.exists() else None
        return found if found and (found.seed, found.config) == (self.seed, self.run.config.plain()) else None
