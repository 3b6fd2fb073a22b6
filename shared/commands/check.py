"""`check`: what is in a data set, read as a training would read it, and all that is wrong with it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from tqdm import tqdm

from shared.commands.side_by_side import each
from shared.data.image_source import EncodedImages, ImageSource
from shared.data.reading.faults import Told, all_told
from shared.data.reading.pictures import size
from shared.errors import UserError, suggestion
from shared.runs.catalogue import DATA_SETS, named_in
from shared.runs.components import DataSet

BLOCK = 256
MOST_SIZES = 5


class Loaded(Protocol):
    """What every data set is read as."""

    @property
    def counts(self) -> dict[str, int]: ...  # noqa: D102
    @property
    def sources(self) -> dict[str, ImageSource]: ...  # noqa: D102


class Found(Counter[tuple[int, int]]):
    """How many images there are of a size, width and height."""


def check(path: Path, name: str | None = None, processes: int = 1) -> bool:
    """Print the counts of the data sets in the folder or file `path`, and each fault in a line; return whether none is.

    Which set it is tells `name`, else what is in the folder. Raises UserError where that is no set, or not to be told.
    """
    good = True
    for one, place in (named(path, name) if name else recognised(path)).items():
        told = Told(partial(_say, f"{place}: {one}"))
        try:
            with all_told(told.tell):
                data: Loaded = known()[one](name=one).read(place)
        except UserError as error:
            told.tell(error)
        else:
            said = [f"{count} {what}" for what, count in data.counts.items()]
            print(f"{place}: {one}: {', '.join([*said, _said(decoded(data, told.tell, processes))])}")  # noqa: T201
        told.tell_rest()
        good = good and not told
    return good


def _say(what: str, fault: str) -> None:
    print(f"{what}: {fault}", file=sys.stderr)  # noqa: T201


@cache
def known() -> dict[str, type[DataSet]]:
    """Return all data sets by name."""
    return dict(sorted(named_in((import_module(f"shared.{module}") for module in DATA_SETS), DataSet).items()))


def named(path: Path, name: str) -> dict[str, Path]:
    """Return the data set `name` with what is to be read at `path`; raises UserError where there is no such set."""
    if name not in known():
        raise UserError(f"there is no data set '{name}'; {suggestion(name, known())}")
    if not path.exists():
        raise UserError(f"there is no file or folder {path}; give that of a data set")
    return {name: known()[name].found_at(path) or path}


def recognised(path: Path) -> dict[str, Path]:
    """Return the data sets that `path` is by what is in it, by name, with what is to be read; UserError where none is.

    Of those that have the same form that is chosen which is called as `path` is, else the first: it is read alike.
    """
    if not path.exists():
        raise UserError(f"there is no file or folder {path}; give that of a data set")
    alike: dict[tuple[str, Path], list[str]] = {}
    for name, entry in known().items():
        place = entry.found_at(path)
        if place is not None:
            alike.setdefault((entry.sign, place), []).append(name)
    found = {next(filter(partial(_called, place), names), names[0]): place for (_, place), names in alike.items()}
    if not found:
        found = {name: path for name in known() if _called(path, name)}
    if not found:
        raise UserError(f"{path} is no data set that is told by its files; say which by --set NAME")
    return found


def decoded(data: Loaded, tell: Callable[[UserError], None], processes: int = 1) -> Found:
    """Decode every image of a data set, with a bar where that is seen; tell each fault, and return the sizes."""
    sizes = Found()
    for part, source in data.sources.items():
        blocks = [range(start, min(start + BLOCK, len(source))) for start in range(0, len(source), BLOCK)]
        # What is held in memory would go to the others whole, and has nothing to be decoded.
        worth = processes if isinstance(source, EncodedImages) else 1
        with tqdm(total=len(source), desc=part, unit="image", disable=None, leave=False) as bar:
            for found, errors in each(partial(_of_block, source), blocks, worth):
                sizes.update(found)
                for error in errors:
                    tell(error)
                bar.update(found.total() + len(errors))
    return sizes


def _of_block(source: ImageSource, places: range) -> tuple[Counter[tuple[int, int]], list[UserError]]:
    """Return how many of the images at `places` have which size, and the errors of those that cannot be decoded."""
    sizes, errors = Found(), []
    for place in places:
        try:
            source.read(np.array([place]))
            sizes[_size(source, place)] += 1
        except UserError as error:
            errors.append(error)
    return sizes, errors


def _size(source: ImageSource, place: int) -> tuple[int, int]:
    """Return width and height of an image as it is kept."""
    if isinstance(source, EncodedImages):
        return size(source.encoded(place), f"image {place}")
    _, height, width = source.shape
    return width, height


def _said(sizes: Found) -> str:
    """Say which sizes images have, the most frequent first; of many the least and the most."""
    if len(sizes) <= MOST_SIZES:
        return ", ".join(f"{count} of {width} x {height} pixels" for (width, height), count in sizes.most_common())
    (least_wide, least_high), (most_wide, most_high) = np.min(list(sizes), 0), np.max(list(sizes), 0)
    return f"from {least_wide} to {most_wide} pixels wide and from {least_high} to {most_high} high"


def _called(path: Path, name: str) -> bool:
    entry = known()[name]
    by_file = bool(entry.file) and path.name == entry.file
    return by_file or (entry.folder != "." and path.resolve().match(entry.folder))
