"""Train what a trial asks for by the suite's own workflow; tell what has ended, and why what failed did."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shared.commands.failures import LOG, read_from, require_started, why
from shared.commands.output import say
from shared.commands.running import run_workflow, workflow_folder
from shared.errors import UserError
from shared.records.one_seed import OneSeed
from shared.records.results import Results
from shared.records.trials import Attempt

UNSAID = "it ended without saying why; was it killed, or short of memory?"


@dataclass(frozen=True)
class Bounds:
    """How many processors the experiments may take, for how many hours, None for no end, and what else is trained."""

    cores: int
    hours: float | None
    train_others: bool


@dataclass(frozen=True)
class Sources:
    """The digests of the file of a trial, and of the modules of one's own, as they were."""

    digests: Mapping[Path, str]

    @classmethod
    def of(cls, attempt: Attempt) -> Sources:
        """Return those of a trial as they are."""
        modules = [path for code in attempt.trial.own_code for path in code.files()]
        return cls({path: _digest(path) for path in (attempt.trial.path, *modules)})

    def require_same(self) -> None:
        """Raise UserError where one has changed: of the trainings some are of the old source, some of the new."""
        for path, digest in self.digests.items():
            if _digest(path) != digest:
                raise UserError(f"{path} changed meanwhile; give the command again, which trains what is not of it.")


@dataclass
class Workflow:
    """The workflow, until the time is over, and how many of the `total` trainings have ended by it."""

    attempt: Attempt
    bounds: Bounds
    root: Path
    sources: Sources
    total: int
    began: float = field(default_factory=time.monotonic)
    failures: list[str] = field(default_factory=list)
    _ended: int = 0

    def train(self, asked: Sequence[OneSeed]) -> bool:
        """Train what has not ended, the rest where some fail, and return whether there was time enough.

        Raises:
            UserError: nothing could be trained, or the source changed meanwhile.

        """
        left = [one for one in asked if not one.record()]
        if not left:
            return True
        hours = self.bounds.hours
        seconds = None if hours is None else hours * 3600 - (time.monotonic() - self.began)
        if seconds is not None and seconds <= 0:
            return False
        results, pending = Results(self.attempt.results.root), list(left)
        folder = workflow_folder(results)
        before = {log: log.stat().st_size for one in left for log in _logs(one)}
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            status = run_workflow(
                results,
                [one.path.resolve().relative_to(folder) for one in left],
                self.root,
                cores=self.bounds.cores,
                seconds=seconds,
                options=self._options(),
                output=output,
                meanwhile=lambda: self._look(pending),
            )
            self._look(pending)
            if status:
                output.seek(0)
                require_started(output.read(), folder)
        self._note_failures(pending, before, over=status is None)
        return status is not None

    def _look(self, pending: list[OneSeed]) -> None:
        """Print a line for each training that has ended since, and let it be pending no more.

        Raises:
            UserError: the source has changed.

        """
        self.sources.require_same()
        for one, record in [(one, record) for one in pending if (record := one.record())]:
            pending.remove(one)
            self._ended += 1
            say(f"{self._ended} of {self.total}: {one.name}{f': {record.not_finite}' if record.not_finite else ''}")

    def _note_failures(self, pending: Sequence[OneSeed], before: Mapping[Path, int], *, over: bool) -> None:
        """Note why trainings failed; where the time was over, of those alone whose log says that they did."""
        own = list(self.sources.digests)
        for one in pending:
            said = {log: why(read_from(log, before.get(log, 0)), own) for log in _logs(one)}
            log, reason = next(((log, said) for log, said in said.items() if said), (one.folder / LOG, ""))
            if reason or not over:
                self.failures.append(f"{one.name}: {reason or UNSAID} ({log})")

    def _options(self) -> list[str]:
        trial = {
            "file": str(self.attempt.trial.path),
            "scale": self.attempt.scale,
            "seeds": self.attempt.seeds,
            "others": self.bounds.train_others,
        }
        return ["--keep-going", "--force", "--config", f"trial={json.dumps(trial)}"]


def _logs(one: OneSeed) -> list[Path]:
    """Return the logs that tell of a training: its own, or that of a job that trains all seeds of the run."""
    return [log for log in (one.folder / LOG, one.folder.parent / LOG) if log.exists()]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
