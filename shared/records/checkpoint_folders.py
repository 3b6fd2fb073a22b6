"""Which checkpoints a training goes on from, and which are evaluated; none is taken for that of other code."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from shared.data.files import write_atomically
from shared.records.commit import commit
from shared.records.fingerprint import training_code
from shared.records.records import read_record
from shared.records.results import Results
from shared.records.shown_equal import read_shown_equal
from shared.runs.config import Run
from shared.training import parallel
from shared.training.checkpoint import NEWEST, PREVIOUS, UNKNOWN, Checkpoints, Made, made_by, newest_in


class OtherCodeWarning(UserWarning):
    """Checkpoints of other code are there, and are left alone."""


class NamedByDevice(Checkpoints):
    """Checkpoints beside which a file names the devices that they were trained on, in order, `device` being this one.

    A training that was killed may be taken up on another machine; its weights are then the work of both.
    """

    device = ""

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint, after the name of the device, so that none that trained is missing."""
        before = self.devices if newest_in(self.folder) else ()
        if self.device not in before:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, "\n".join((*before, self.device)).encode())
        super().save(state)

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that trained what is there, none where it does not say."""
        return tuple(self._file.read_text().splitlines()) if self._file.exists() else ()

    @property
    def _file(self) -> Path:
        return self.folder / "devices.txt"


def checkpoints_of(run: Run, seed: int, results: Results) -> NamedByDevice:
    """Return the checkpoints that training by the present code goes on from, or begins.

    They lie in the code's own folder, or in that of code that was shown to train the same bits. Where there are
    checkpoints of other code alone, the training begins anew, and an `OtherCodeWarning` says so.

    Raises:
        UserError: what was shown to train the same bits cannot be read.

    """
    made = Made(training_code(run), commit())
    return NamedByDevice(_folder(run, seed, results, made.code), run.config.identity(), seed, made)


def checkpoints_of_record(run: Run, seed: int, results: Results) -> Checkpoints:
    """Return the checkpoints of a trained seed: those of the code that its record names."""
    record = results.record(run.scale, run.paper, run.name, seed)
    code = read_record(record).provenance.code if record.exists() else training_code(run)
    folder = results.checkpoints(run.scale, run.paper, run.hash, seed, code)
    before = folder.parent  # where older code put its own
    return Checkpoints(folder if newest_in(folder) or not newest_in(before) else before, run.config.identity(), seed)


def _folder(run: Run, seed: int, results: Results, code: str) -> Path:
    own = results.checkpoints(run.scale, run.paper, run.hash, seed, code)
    if newest_in(own):
        return own
    others = _others(own)
    shown = read_shown_equal(results.same_bits())
    for folder in others:
        if shown.equal(folder.name, code):
            return folder
    if others and parallel.rank() == 0:
        _warn(f"{run.name} seed {seed}", others[-1])
    return own


def _others(own: Path) -> list[Path]:
    """Return the folders beside it that have checkpoints, and the one above, where older code put its own."""
    folders = (own.parent, *(path.parent for name in (NEWEST, PREVIOUS) for path in own.parent.glob(f"*/{name}")))
    return sorted({folder for folder in folders if newest_in(folder)})


def _warn(training: str, folder: Path) -> None:
    code, commit = made_by(folder) or UNKNOWN
    warnings.warn(
        f"{training}: the checkpoint in {folder} was made by other code ({code}, commit {commit}) and is left alone; "
        "this training starts anew. To go on with that one instead, check out its commit, or show that both train the "
        f"same bits: make same-bits WRITE=1 REV={commit.rstrip('+')}",
        OtherCodeWarning,
        stacklevel=3,
    )
