"""Where data lives, and how its files come to be there whole, once, and unaltered."""

from __future__ import annotations

import glob
import hashlib
import os
import platform
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shared.data.reading.listing import holds_something
from shared.data.reading.regular import opened
from shared.errors import UserError, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer


UNFINISHED = ".partial"


def data_root(argument: Path | None = None) -> Path:
    """Return the data sets' folder: `argument`, else the environment's REPLICATION_DATA, else `data`."""
    return argument or at_home(os.environ.get("REPLICATION_DATA") or "data")


def at_home(path: str) -> Path:
    """Return a path; one that begins with ~, which a shell leaves in --results=~/x, is below the home folder."""
    with suppress(RuntimeError):  # there is no such user
        return Path(path).expanduser()
    return Path(path)


def md5(source: Path | Buffer) -> str:
    """Compute the MD5 of a file, read as a stream, or of bytes in memory; in lower-case hexadecimal."""
    if isinstance(source, Path):
        with opened(source) as file:
            return hashlib.file_digest(file, _md5).hexdigest()
    return _md5(source).hexdigest()


def checked_md5(source: Path | Buffer, expected: str, name: str) -> str:
    """Return the MD5 of `source`, or raise UserError, calling it `name`, where that is not `expected`."""
    found = md5(source)
    if found != expected:
        raise UserError(f"{name} is altered or truncated: its content has md5 {found}, expected {expected}")
    return found


def checked_sha256(content: Buffer, expected: str, name: str) -> None:
    """Raise UserError, calling `content` by `name`, where it has not the SHA-256 `expected`."""
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise UserError(f"{name} is altered or truncated: it has sha256 {found}, expected {expected}")


def write_atomically(path: Path, *parts: Buffer) -> None:
    """Write `parts` one after the other to `path`, which appears whole and on disk, or stays as it was.

    Raises:
        UserError: the system refuses it, as on a full disk.

    """
    partial = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}{UNFINISHED}")
    try:
        with partial.open("wb") as file:
            for part in parts:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise refused(OSError(error.errno, error.strerror), path) from None
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes of this machine were writing in a folder, and in those in it.

    Raises:
        UserError: the system refuses it, as in a folder that may not be written in.

    """
    try:
        for path in [path for path in folder.rglob(f"*{UNFINISHED}") if path.name.startswith(".")]:
            name, _, process = path.name.removesuffix(UNFINISHED).rpartition("-")
            if name.endswith(f".{platform.node()}") and not _runs(process):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise refused(error, folder) from None


def _runs(process: str) -> bool:
    """Whether there is a process of that number on this machine."""
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def prepared(folder: Path, prepare: Callable[[Path], None]) -> Path:
    """Return `folder`, which `prepare(empty folder)` fills first where it does not exist or is empty.

    Processes that ask at the same time prepare once: one works while the others wait. The folder appears
    by rename, whole or not at all; a failed preparation leaves nothing, a killed one a hidden sibling that
    the next removes. A folder that has files already is returned untouched, and nothing is written beside it.

    Raises UserError where the folder cannot be written, and whatever `prepare` raises.
    """
    if holds_something(folder):
        return folder
    from filelock import FileLock  # noqa: PLC0415 - a tenth of what listing takes, which prepares nothing

    try:
        place = folder.resolve()  # a link stays, to where there is room
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(place.with_name(f".{place.name}.lock")):
            if not holds_something(place):
                _prepare(place, prepare)
    except OSError as error:
        raise UserError(
            f"cannot prepare {folder}: {error}; choose another data root by --data-root or REPLICATION_DATA"
        ) from error
    return folder


def _prepare(folder: Path, prepare: Callable[[Path], None]) -> None:
    for leftover in folder.parent.glob(f".{glob.escape(folder.name)}.*{UNFINISHED}"):
        shutil.rmtree(leftover, ignore_errors=True)
    # Named by the process: what a killed preparation started may still be writing into its own folder.
    partial = folder.with_name(f".{folder.name}.{os.getpid()}{UNFINISHED}")
    partial.mkdir()
    try:
        prepare(partial)
        # A folder is replaced only where it is empty.
        for stray in folder.iterdir() if folder.is_dir() else ():
            stray.replace(partial / stray.name)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _md5(content: Buffer = b"") -> hashlib._Hash:
    return hashlib.md5(content, usedforsecurity=False)
