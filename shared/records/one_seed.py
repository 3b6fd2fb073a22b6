"""What one seed of a run left behind: its record or, of a trial, that its training did not stay finite."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shared.data.reading.regular import contents
from shared.data.reading.texts import from_json
from shared.errors import UserError
from shared.records.records import read_record, write_json
from shared.records.results import Results
from shared.runs.config import Run
from shared.runs.fields import Strict

NOT_FINITE = "not-finite.json"


class NotFinite(Strict):
    """What a training leaves in the place of a record where its loss, or its network, is no longer finite."""

    scale: str
    config_hash: str
    sentence: str
    wall_seconds: float

    @property
    def reason(self) -> str:
        """What is no longer finite and since when, without what may be done about it."""
        said = re.search("the [^:;]* finite[^:;]*", self.sentence)
        return said[0] if said else self.sentence

    @property
    def ill(self) -> str:
        """What ails the training, with its reason."""
        return f"not finite: {self.reason}"


def read_not_finite(path: Path) -> NotFinite:
    """Read what a training left that did not stay finite; raises UserError where it is damaged."""
    try:
        return NotFinite.model_validate(from_json(contents(path)))
    except (OSError, ValidationError, ValueError) as error:
        raise UserError(f"{path}: it cannot be read ({error}); remove it and train the run again.") from None


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
    def record(self) -> Path:
        """The place of its record."""
        return self.results.record(self.run.scale, self.run.paper, self.run.name, self.seed)

    def ended(self) -> bool:
        """Whether there is a record of the run as it is configured now, or it did not stay finite.

        Raises:
            UserError: what it left is damaged.

        """
        has_record = self.record.exists() and read_record(self.record).config == self.run.config.plain()
        return has_record or self.not_finite() is not None

    def not_finite(self) -> NotFinite | None:
        """Return what it left where it did not stay finite, as the run is configured now; None where it left none.

        Raises:
            UserError: the file is damaged.

        """
        path = self.folder / NOT_FINITE
        found = read_not_finite(path) if path.exists() else None
        return found if found and found.config_hash == self.run.hash else None

    def note_not_finite(self, sentence: str, seconds: float) -> None:
        """Write that it did not stay finite, in the words of the error that ended it."""
        found = NotFinite(
            scale=self.run.scale, config_hash=self.run.hash, sentence=sentence, wall_seconds=round(seconds, 3)
        )
        write_json(self.folder / NOT_FINITE, found.model_dump(mode="json"))
