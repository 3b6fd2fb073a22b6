"""Images by a list, a line "path label" for each.

The lists of Open Long-Tailed Recognition have the path below the folder of the images, with or without a slash before
it, a space, and the class, a number from 0. Its authors name them as the data set and the part of it, such as
MS1M_LT_train.txt; here a list lies in the folder that its paths are below. Source: data/dataloader.py of
https://github.com/zhmiao/OpenLongTailRecognition-OLTR.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from shared.data.files import md5, write_atomically
from shared.data.image_source import FileSource, LabelledSource
from shared.data.lazy import Image, np
from shared.data.reading.faults import refuse
from shared.data.reading.listing import find_files, followed
from shared.data.reading.numbers import whole
from shared.data.reading.texts import malformed, read_lines
from shared.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.data.image_source import Bytes, Shape
    from shared.runs.components import Card


def load_list(folder: Path, name: str, shape: Shape, card: Card, size_expected: str | None = None) -> LabelledSource:
    """Open the images that the list `name` in `folder` has, each to be read as `shape`, (channels, height, width).

    With `size_expected` an image of another size is refused when it is read (see `FileSource`). The
    checksum is the list's MD5. Raises UserError as `read_entries` and `check_numbered` do.
    """
    entries = read_entries(folder, name, card)
    classes = check_numbered(entries.labels, 0, folder / name, card)
    images = FileSource(entries.paths, shape, size_expected)
    return LabelledSource(images, entries.labels, classes, {name: md5(folder / name)})


class Entries(NamedTuple):
    """What a list has: the paths of images, [N], their classes, [N], and the numbers of their lines, from 1."""

    paths: list[str]
    labels: NDArray[np.int64]
    lines: list[int]


def read_entries(folder: Path, name: str, card: Card) -> Entries:
    """Return the images that the list `name` in `folder` has.

    Raises UserError where the list is missing or malformed, or names an image that is not there or is in two classes.
    """
    path = folder / name
    numbers, names, labels = _lines(path, card)
    kept: list[tuple[str, int, int]] = []
    label_of: dict[str, int] = {}
    images = find_files(card, path, folder, names, numbers=numbers)
    there = [
        (f"{folder}/{image}", label, number)
        for number, image, label in zip(numbers, images, labels, strict=True)
        if image
    ]
    for entry, file in zip(there, followed([image for image, _, _ in there]), strict=True):
        _, label, number = entry
        if label_of.setdefault(file, label) == label:
            kept.append(entry)
        else:
            refuse(malformed(card, path, number, f"about another image than one of class {label_of[file]} before"))
    if not kept:
        raise UserError(f"{card.title}: {path} names no image; {card.how_to_get}")
    paths, classes, lines = map(list, zip(*kept, strict=True))
    return Entries(paths, np.array(classes, np.int64), lines)


def _lines(path: Path, card: Card) -> tuple[list[int], list[str], list[int]]:
    """Return the numbers of the lines of a list, the images that they name, and their classes."""
    numbers, names, labels = [], [], []
    for number, line in enumerate(read_lines(path, card), 1):
        image, _, label = line.strip().replace("\t", " ").rpartition(" ")
        image = image.strip().lstrip("/").removeprefix("./")
        try:
            if not image:
                raise ValueError("no image")
            labels.append(whole(label))
        except ValueError:
            refuse(malformed(card, path, number, "an image's path, a space and its class, a whole number from 0"))
        else:
            numbers.append(number)
            names.append(image)
    return numbers, names, labels


def check_numbered(labels: NDArray[np.int64], first: int, path: Path, card: Card) -> int:
    """Return how many classes there are; raises UserError where they are not numbered from `first` without a gap."""
    found = np.unique(labels)
    expected = first + np.arange(len(found))
    wrong = np.flatnonzero(found != expected)
    if len(wrong):
        refuse(
            UserError(
                f"{card.title}: {path} has the class {found[wrong[0]]}, where {expected[wrong[0]]} is expected; number "
                f"the classes from {first} without a gap"
            )
        )
    return len(found)


def write_list(folder: Path, name: str, images: Bytes, labels: NDArray[np.integer], *, below: str = ".") -> None:
    """Write `images`, uint8 [N, H, W, 3] or [N, H, W], as JPEGs in a folder for each label, then the list of them.

    The labels' folders are in the folder `below` of `folder`, which the list is in.
    """
    lines = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = PurePosixPath(below, str(label), f"{number}.jpg")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / path, quality=95)
        lines.append(f"{path} {label}\n")
    write_atomically(folder / name, "".join(lines).encode())
