"""Lists of files that come with a data set: read whole, and held against what is there, or refused in one sentence."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from shared.runs.components import Card


def read_list(path: Path, card: Card) -> bytes:
    """Return the bytes of a file that `card`'s data set needs, or raise UserError where it is missing or unreadable."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{card.title}: there is no file {path}; {card.how_to_get}") from None
    except OSError as error:
        raise UserError(f"{card.title}: {path} cannot be read: {error.strerror}") from None


def read_lines(path: Path, card: Card) -> list[str]:
    """Return the lines of a text file in UTF-8 but blank ones at its end; UserError where it is missing or no text."""
    try:
        return read_list(path, card).decode().rstrip().splitlines()
    except UnicodeDecodeError as error:
        raise UserError(f"{card.title}: {path} is no text in UTF-8 ({error.reason}); replace it") from None


def malformed(card: Card, path: Path, line: int, expected: str) -> UserError:
    """Return the error that line number `line`, from 1, of the list `path` is not what was expected."""
    return UserError(f"{card.title}: line {line} of {path} is not {expected}; replace the file")


def folders(folder: Path, card: Card) -> list[Path]:
    """Return the folders in `folder` by name, or raise UserError where it is missing or has none."""
    try:
        found = sorted(entry for entry in folder.iterdir() if entry.is_dir())
    except OSError:
        found = []
    if not found:
        raise UserError(f"{card.title}: there is no folder {folder} with folders in it; {card.how_to_get}")
    return found


def check_present(card: Card, path: Path, folder: Path, names: Iterable[str], unit: str = "line") -> None:
    """Raise UserError for the first of `names`, in the order of the list `path`, that is not in `folder`.

    It is named with its number, from 1, counted in a `unit` of the list, and how many more are absent. Every folder is
    listed once, which is quicker by far than to ask for each of a million files.
    """
    listed: dict[str, frozenset[str]] = {}
    absent: list[tuple[int, str]] = []
    for number, name in enumerate(names, 1):
        parent, _, leaf = name.rpartition("/")
        if parent not in listed:
            listed[parent] = _entries(folder / parent)
        if leaf not in listed[parent]:
            absent.append((number, name))
    if absent:
        number, name = absent[0]
        more = f" (as are {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise UserError(
            f"{card.title}: {unit} {number} of {path} names {name}, which is not in {folder}{more}; take the list and "
            "the images from one copy"
        )


def names_and_sizes_md5(files: Sequence[Path], folder: Path) -> str:
    """Return the MD5 of the names below `folder` and the sizes of many files, which costs no reading of them."""
    digest = hashlib.md5(usedforsecurity=False)
    for file in files:
        digest.update(f"{file.relative_to(folder).as_posix()} {file.stat().st_size}\n".encode())
    return digest.hexdigest()


def _entries(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in folder.iterdir())
    except OSError:
        return frozenset()
