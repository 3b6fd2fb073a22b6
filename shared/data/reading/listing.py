"""What is in a folder, without what file managers, editors and systems leave there; and whether a list's names are."""

from __future__ import annotations

import hashlib
import os
import posixpath
import unicodedata
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from shared.data.reading.faults import refuse
from shared.data.reading.pictures import SUFFIXES
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def holds_something(folder: Path) -> bool:
    """Whether there is a folder with anything in it that is not stray."""
    try:
        with os.scandir(folder) as found:
            return any(not is_stray(entry.name) for entry in found)
    except OSError:
        return False


def entries(folder: Path, card: Card) -> list[Path]:
    """Return the files and folders in `folder` by name, without the stray ones; none where there is no such folder.

    Raises UserError where the folder cannot be read, a name is not in UTF-8 or there in two of Unicode's forms, or a
    link leads nowhere.
    """
    try:
        found = sorted(
            (entry for entry in os.scandir(folder) if not is_stray(entry.name)), key=lambda entry: entry.name
        )
        names = [entry.name for entry in found if _may_be_read(entry, card)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UserError(f"{card.title}: {shown(str(folder))} cannot be listed: {reason}") from None
    for name, times in Counter(_composed(name) for name in names if not name.isascii()).items():
        if times > 1:
            refuse(
                UserError(
                    f"{card.title}: {shown(str(folder))} has {shown(name)} twice, in two of Unicode's forms; take one "
                    "away"
                )
            )
    return [folder / name for name in names]


def _may_be_read(entry: os.DirEntry[str], card: Card) -> bool:
    """Whether an entry of a folder has a name in UTF-8 and is there; raises UserError where it is not so."""
    path = Path(entry.path)
    if not is_text(entry.name):
        refuse(
            UserError(
                f"{card.title}: {path.parent} has a name that is not in UTF-8, {os.fsencode(entry.name)!r}; unpack it "
                "again with the encoding that its names have"
            )
        )
        return False
    if entry.is_symlink() and not path.exists():
        refuse(UserError(f"{card.title}: {path} is a link to nowhere; put there what it leads to"))
        return False
    return True


def folders(folder: Path, card: Card) -> list[Path]:
    """Return the folders in `folder` by name, or raise UserError where it is missing or has none."""
    found = [entry for entry in entries(folder, card) if entry.is_dir()]
    if not found:
        raise UserError(f"{card.title}: there is no folder {folder} with folders in it; {card.how_to_get}")
    return found


def files_below(folder: Path, card: Card) -> list[Path]:
    """Return the files in `folder` and in the folders in it, each folder once; raises UserError as `entries` does."""
    found: list[Path] = []
    left, seen = [folder], set()
    while left:
        place = left.pop()
        if (real := place.resolve()) in seen:
            continue
        seen.add(real)
        for entry in entries(place, card):
            (left if entry.is_dir() else found).append(entry)
    return sorted(found)


def pictures_in(folder: Path, card: Card) -> list[Path]:
    """Return the pictures in a folder by name, told by the suffix in letters of any size; raises UserError.

    Refused are pictures that are not read, and folders that are called as a picture.
    """
    found = []
    for path in entries(folder, card):
        suffix = path.suffix.lower()
        if suffix in UNREAD:
            refuse(
                UserError(
                    f"{card.title}: {path} is a picture of a format that is not read; convert it "
                    f"({', '.join(sorted(SUFFIXES))}) or take it away"
                )
            )
        elif suffix in SUFFIXES and not path.is_file():
            refuse(UserError(f"{card.title}: {path} is called as a picture, but is no file; take it away"))
        elif suffix in SUFFIXES:
            found.append(path)
    return found


def followed(paths: Sequence[Path | str]) -> list[str]:
    """Return the file that each of `paths` is once links are followed, of folders and of files.

    A folder is looked at once, which is quicker by far than to ask for each of a million files.
    """
    places: dict[str, tuple[str, set[str]]] = {}
    found = []
    for parent, name in map(os.path.split, paths):
        if parent not in places:
            with os.scandir(parent) as there:
                places[parent] = os.path.realpath(parent), {entry.name for entry in there if entry.is_symlink()}
        place, links = places[parent]
        found.append(os.path.realpath(f"{parent}/{name}") if name in links else f"{place}/{name}")
    return found


def check_one_class(paths: Sequence[Path], labels: Sequence[int] | Sequence[str], card: Card) -> None:
    """Raise UserError where one of the files [N] is, by a link, of two of the classes [N] too."""
    first: dict[str, int] = {}
    for place, file in enumerate(followed(paths)):
        before = first.setdefault(file, place)
        if labels[before] != labels[place]:
            refuse(
                UserError(
                    f"{card.title}: {paths[place]} is the file {paths[before]}, which is of another class; take one "
                    "of them away"
                )
            )


class Below:
    """Finds files below a folder by the names of a list, whether names are in Unicode's form C there, or in D.

    A file has one name, however many slashes and folders "." the list has in it. Every folder is listed once, which is
    quicker by far than to ask for each of a million files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, dict[str, str]] = {}
        self._folders: dict[str, str] = {"": ""}

    def file(self, name: str) -> str:
        """Return the name that a file has there, "" where there is none."""
        name = _plain(name)
        parent, _, leaf = name.rpartition("/")
        place = self.folder(parent)
        if place not in self._files:
            self._files[place] = _by_either_form(self._folder / place, os.DirEntry.is_file)
        found = self._files[place].get(leaf) or self._files[place].get(_composed(leaf), "")
        if found and (place, found) == (parent, leaf):
            return name
        return f"{place}/{found}" if found and place else found

    def folder(self, name: str) -> str:
        """Return the name that a folder has there, or would have where there is none."""
        name = _plain(name)
        if name not in self._folders:
            parent, _, leaf = name.rpartition("/")
            place, found = self.folder(parent), ""
            if not (name.isascii() or _is_folder(self._folder / name)):
                found = _by_either_form(self._folder / place, os.DirEntry.is_dir).get(_composed(leaf), "")
            self._folders[name] = f"{place}/{found}".lstrip("/") if found else f"{place}/{leaf}".lstrip("/")
        return self._folders[name]


def _plain(name: str) -> str:
    return posixpath.normpath(name) if "//" in name or "./" in name else name


def _by_either_form(folder: Path, kind: Callable[[os.DirEntry[str]], bool]) -> dict[str, str]:
    """Return the names of a kind in a folder, by themselves and by what they are in form C."""
    try:
        found = list(os.scandir(folder))
    except PermissionError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}; give yourself the right to read it") from None
    except (OSError, ValueError):
        return {}
    names = [entry.name for entry in found if _is(entry, kind)]
    return {_composed(name): name for name in names if not name.isascii()} | {name: name for name in names}


def _is(entry: os.DirEntry[str], kind: Callable[[os.DirEntry[str]], bool]) -> bool:
    try:
        return kind(entry)
    except OSError:  # as of a link to itself
        return False


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # as where the name is too long
        return False


def _composed(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def find_files(
    card: Card,
    path: Path,
    folder: Path,
    names: Sequence[str],
    unit: str = "line",
    *,
    numbers: Sequence[int] | None = None,
) -> list[str]:
    """Return the files in `folder` that the list `path` names, as they are called there.

    Raises UserError for the first that is none, by its number in the list, from 1 or as `numbers` says, counted in a
    `unit` of the list, and with how many more are absent. Where all faults are asked for, an absent one becomes "".
    """
    below = Below(folder)
    counted = range(1, len(names) + 1) if numbers is None else numbers
    found = [
        below.file(name) if is_below(card, path, number, name, unit) else ""
        for number, name in zip(counted, names, strict=True)
    ]
    absent = [place for place, name in enumerate(found) if not name]
    more = f" (as are {len(absent) - 1} more)" if len(absent) > 1 else ""
    for place in absent:
        if is_name_below(names[place]):
            refuse(
                UserError(
                    f"{card.title}: {unit} {counted[place]} of {path} names {shown(names[place])}, which is not in "
                    f"{folder}{more}; take the list and the images from one copy"
                )
            )
            more = ""
    return found


def is_below(card: Card, path: Path, number: int, name: str, unit: str = "line") -> bool:
    """Whether a `name` in the list `path` is that of a file or folder below the list's folder; raises UserError."""
    if is_name_below(name):
        return True
    refuse(
        UserError(
            f"{card.title}: {unit} {number} of {path} names {shown(name)}, which is no path below the folder of the "
            "images; replace the list"
        )
    )
    return False


def is_name_below(name: str) -> bool:
    """Whether a name can be that of a file or folder below another."""
    return bool(name) and is_text(name) and "\0" not in name and name[0] != "/" and ".." not in name.split("/")


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
