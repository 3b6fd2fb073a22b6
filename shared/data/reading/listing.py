"""What is in a folder, without what file managers, editors and systems leave there; and whether a list's names are."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from shared.data.reading.pictures import SUFFIXES
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.runs.components import Card

STRAY = frozenset(
    [
        "__macosx",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "lost+found",
        "__pycache__",
    ]
) | {"system volume information", "icon\r"}
"""Names, in small letters, of what is no part of any data set."""
UNREAD = frozenset([".avif", ".dng", ".eps", ".heic", ".heif", ".ico", ".jxl", ".pcx", ".psd", ".svg", ".tga"])
"""Suffixes of pictures that are not read, and so refused."""


def is_stray(name: str) -> bool:
    """Whether a file or folder of that name is left there by a program, and no part of a data set."""
    return name.startswith(".") or name.endswith("~") or name.lower() in STRAY


def entries(folder: Path, card: Card) -> list[Path]:
    """Return the files and folders in `folder` by name, without the stray ones; none where there is no such folder.

    Raises UserError where the folder cannot be read, a name is not in UTF-8, or a link leads nowhere.
    """
    try:
        found = sorted(
            (entry for entry in os.scandir(folder) if not is_stray(entry.name)), key=lambda entry: entry.name
        )
        for entry in found:
            if not is_text(entry.name):
                raise UserError(
                    f"{card.title}: {folder} has a name that is not in UTF-8, {os.fsencode(entry.name)!r}; unpack it "
                    "again with the encoding that its names have"
                )
            if entry.is_symlink() and not Path(entry).exists():
                raise UserError(f"{card.title}: {Path(entry)} is a link to nowhere; put there what it leads to")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"{card.title}: {shown(str(folder))} cannot be listed: {reason}") from None
    return [folder / entry.name for entry in found]


def folders(folder: Path, card: Card) -> list[Path]:
    """Return the folders in `folder` by name, or raise UserError where it is missing or has none."""
    found = [entry for entry in entries(folder, card) if entry.is_dir()]
    if not found:
        raise UserError(f"{card.title}: there is no folder {folder} with folders in it; {card.how_to_get}")
    return found


def pictures_in(folder: Path, card: Card) -> list[Path]:
    """Return the pictures in a folder by name, told by the suffix in letters of any size; raises UserError.

    Refused are pictures that are not read, and folders that are called as a picture.
    """
    found = entries(folder, card)
    for path in found:
        if path.suffix.lower() in UNREAD:
            raise UserError(
                f"{card.title}: {path} is a picture of a format that is not read; convert it ({', '.join(SUFFIXES)}) "
                "or take it away"
            )
    pictures = [path for path in found if path.suffix.lower() in SUFFIXES]
    for path in pictures:
        if not path.is_file():
            raise UserError(f"{card.title}: {path} is called as a picture, but is no file; take it away")
    return pictures


def check_present(card: Card, path: Path, folder: Path, names: Iterable[str], unit: str = "line") -> None:
    """Raise UserError for the first of `names`, in the order of the list `path`, that is no file in `folder`.

    It is named with its number, from 1, counted in a `unit` of the list, and how many more are absent. Every folder is
    listed once, which is quicker by far than to ask for each of a million files.
    """
    listed: dict[str, frozenset[str]] = {}
    absent: list[tuple[int, str]] = []
    for number, name in enumerate(names, 1):
        check_below(card, path, number, name, unit)
        parent, _, leaf = name.rpartition("/")
        if parent not in listed:
            listed[parent] = _files(folder / parent)
        if leaf not in listed[parent]:
            absent.append((number, name))
    if absent:
        number, name = absent[0]
        more = f" (as are {len(absent) - 1} more)" if len(absent) > 1 else ""
        raise UserError(
            f"{card.title}: {unit} {number} of {path} names {shown(name)}, which is not in {folder}{more}; take the "
            "list and the images from one copy"
        )


def check_below(card: Card, path: Path, number: int, name: str, unit: str = "line") -> None:
    """Raise UserError where a `name` in the list `path` is not that of a file or folder below the list's folder."""
    if not is_text(name) or "\0" in name or name.startswith("/") or ".." in name.split("/"):
        raise UserError(
            f"{card.title}: {unit} {number} of {path} names {shown(name)}, which is no path below the folder of the "
            "images; replace the list"
        )


def is_text(name: str) -> bool:
    """Whether a name can be written in UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str, longest: int = 200) -> str:
    """Return a name as a sentence may have it: escaped where it cannot be printed, and cut if it is long."""
    cut = name if len(name) <= longest else f"{name[:longest]}..."
    return cut if cut.isprintable() else ascii(cut)[1:-1]


def names_and_sizes_md5(files: Sequence[Path], folder: Path) -> str:
    """Return the MD5 of the names below `folder` and the sizes of many files, which costs no reading of them."""
    digest = hashlib.md5(usedforsecurity=False)
    for file in files:
        digest.update(f"{file.relative_to(folder).as_posix()} {file.stat().st_size}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> frozenset[str]:
    try:
        return frozenset(entry.name for entry in os.scandir(folder) if entry.is_file())
    except (OSError, ValueError):
        return frozenset()
