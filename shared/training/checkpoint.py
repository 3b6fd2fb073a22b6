"""Checkpoints that appear whole or not at all, are taken up by their own configuration alone, and tell their code."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import torch
from filelock import FileLock, Timeout

from shared.data.files import write_atomically
from shared.errors import UserError
from shared.runs.config import config_hash
from shared.training import parallel

_MAGIC = b"replications checkpoint 2\n"
NEWEST = "checkpoint.pt"
PREVIOUS = "checkpoint.previous.pt"


class Made(NamedTuple):
    """The code that trained: its fingerprint and its commit; "unknown" where it did not say."""

    code: str = "unknown"
    commit: str = "unknown"


UNKNOWN = Made()


class DamagedCheckpointWarning(UserWarning):
    """A checkpoint was torn and is not used."""


class Checkpoints:
    """The checkpoints of one seed of one run, in a folder of their own.

    A file is a line of magic, a line of JSON after its own SHA-256 (the configuration, the seed, what code trained and
    the SHA-256 of the rest), and what `torch.save` wrote. It is written beside its place, flushed to disk and renamed.
    The one before is kept, for the case that the newest turns out damaged.

    `made` is the present code until a checkpoint is taken up, from then on the code that made that one.
    """

    def __init__(self, folder: Path, config: dict[str, Any], seed: int, made: Made = UNKNOWN) -> None:
        self.folder = folder
        self.config = config
        self.seed = seed
        self.made = made
        self.newest = folder / NEWEST
        self.previous = folder / PREVIOUS

    def save(self, state: dict[str, Any]) -> None:
        """Write a checkpoint; the files left on disk at any moment are whole."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        payload = buffer.getbuffer()
        head = {
            "config": self.config,
            "seed": self.seed,
            **self.made._asdict(),
            "sha256": hashlib.sha256(payload).hexdigest(),
        }
        line = json.dumps(head).encode()
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / "checkpoint.next.pt"
        write_atomically(fresh, _MAGIC, hashlib.sha256(line).hexdigest().encode(), b" ", line, b"\n", payload)
        if self.newest.exists():
            self.newest.replace(self.previous)
        fresh.replace(self.newest)

    def load(self) -> dict[str, Any] | None:
        """Return the newest whole checkpoint, or None where there is none to take up.

        A torn file is passed over with a `DamagedCheckpointWarning` that names it.

        Raises:
            UserError: a checkpoint was written by another configuration or for another seed.

        """
        for path in (self.newest, self.previous):
            if path.exists():
                try:
                    return self._read(path)
                except _TornError as torn:
                    warnings.warn(
                        f"{path}: the checkpoint is damaged ({torn}) and is not used; training goes on from the "
                        "one before it, or from the start",
                        DamagedCheckpointWarning,
                        stacklevel=2,
                    )
        return None

    @contextmanager
    def read_as_written(self) -> Iterator[None]:
        """Let a checkpoint be looked into; UserError where it has not what present code writes, or has it otherwise."""
        try:
            yield
        except (AttributeError, LookupError, TypeError, ValueError, RuntimeError) as error:
            # Of errors at run time torch has others too, such as those of a device.
            if isinstance(error, RuntimeError) and "loading state_dict" not in str(error):
                raise
            raise UserError(
                f"{self.folder}: its checkpoint is whole, but not of the form that this code writes; remove the "
                "folder to train from the start."
            ) from None

    @contextmanager
    def only_writer(self, name: str, meanwhile: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold the lock of these checkpoints, called `name`; where another process has it, wait, and say so.

        Of several processes that train together, the first holds it for all, and none goes on before. What is to be
        done at the beginning of a wait is `meanwhile`.
        """
        if parallel.rank() > 0:
            parallel.meet()
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / "writer.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"{name}: waiting for another process that trains the same weights", file=sys.stderr, flush=True)  # noqa: T201
            if meanwhile is not None:
                meanwhile()
            lock.acquire()
        try:
            parallel.meet()
            yield
        finally:
            lock.release()

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            with path.open("rb") as file:
                head = _head(file)
                payload = file.read()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); mend that or remove it.") from None
        if hashlib.sha256(payload).hexdigest() != head["sha256"]:
            raise _TornError("its checksum does not fit")
        if head["config"] != self.config or head["seed"] != self.seed:
            differing = _differing(head["config"], self.config) or "seed"
            raise UserError(
                f"{path}: the checkpoint belongs to another run (configuration {config_hash(head['config'])}, "
                f"differing in '{differing}'); remove it to train this run from the start."
            )
        try:
            state: dict[str, Any] = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
        except Exception as error:  # what was saved whole, and is of another version of torch, or was never ours
            raise _TornError(f"what it holds cannot be loaded, {type(error).__name__}") from None
        self.made = _made(head)
        return state


def newest_in(folder: Path) -> Path | None:
    """Return the newest checkpoint in a folder; after a kill between two renames that is the one before it."""
    return next((path for name in (NEWEST, PREVIOUS) if (path := folder / name).exists()), None)


def made_by(folder: Path) -> Made | None:
    """Return the code that made the checkpoints in a folder, None where there are none that tell."""
    newest = newest_in(folder)
    try:
        with (newest or folder / NEWEST).open("rb") as file:
            return _made(_head(file))
    except (FileNotFoundError, _TornError):
        return None


class _TornError(Exception):
    """A checkpoint file that is not whole."""


def _head(file: BinaryIO) -> dict[str, Any]:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise _TornError("it does not begin as a checkpoint of this version")
    checksum, _, line = file.readline().rstrip(b"\n").partition(b" ")
    if hashlib.sha256(line).hexdigest().encode() != checksum:
        raise _TornError("the checksum of its header does not fit")
    head: dict[str, Any] = json.loads(line)
    return head


def _made(head: dict[str, Any]) -> Made:
    return Made(**{name: head[name] for name in Made._fields if name in head})


def _differing(there: dict[str, Any], here: dict[str, Any], path: str = "") -> str:
    """Return the dotted path of the first setting in which two configurations differ, or ''."""
    for key in sorted({*there, *here}):
        left, right = there.get(key), here.get(key)
        if left != right:
            if isinstance(left, dict) and isinstance(right, dict):
                return _differing(left, right, f"{path}{key}.")
            return f"{path}{key}"
    return ""
