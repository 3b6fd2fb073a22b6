"""YouTube Faces as its owner distributes it: the aligned frames of videos, and pairs of videos in ten splits.

    aligned_images_DB/<person>/<video>/aligned_detect_<video>.<frame>.jpg
    splits.txt

`splits.txt` has a heading, which may be absent, and then a line a pair: the number of its split from 1, its number
in the split, the two videos as <person>/<video>, and last 1 where they show one person, else 0, with commas in between.
The corrected list of the owner, which has a further column before the last, is read alike if it is put in its place.

A face's box is enlarged by 2.2 in an aligned frame, and the owner takes the central half of it (Wolf, Hassner, Maoz,
CVPR 2011, section 3.1); so does this reader, which resizes it bicubically to 112 x 112. Of a frame that is no square it
is half the central square, so that no face is stretched.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from shared.data.evaluation_sets import VideoPairSet, check_both_kinds
from shared.data.files import md5, write_atomically
from shared.data.formats.alignment import SIDE
from shared.data.image_source import as_batch
from shared.data.kinds import TestSet
from shared.data.lazy import Image, np
from shared.data.reading import pictures
from shared.data.reading.faults import refuse
from shared.data.reading.listing import Below, is_below, names_and_sizes_md5, pictures_in
from shared.data.reading.numbers import whole, within
from shared.data.reading.texts import malformed, read_lines, read_list
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.data.image_source import Bytes, Indices, Shape

FRAMES = "aligned_images_DB"
SPLITS = "splits.txt"
HEADING = "split number, pair number, first name, second name, is same"
EXPECTED = "a split, a number, two videos and 0 or 1, with commas in between"
FEWEST_FIELDS = 5
MOST_SPLITS = 1000

Pair = tuple[int, str, str, bool]


class Listed(NamedTuple):
    """A pair of the list: the number of its line, its split from 1, two videos, and whether they show one person."""

    line: int
    split: int
    first: str
    second: str
    same: bool


class YouTubeFaces(TestSet):
    """YouTube Faces: the aligned frames of 3,425 videos, 5,000 pairs of videos in ten splits."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ytf"
    folder: ClassVar[str] = "YouTubeFaces"
    sign: ClassVar[str] = SPLITS
    card: ClassVar[Card] = Card(
        title="YouTube Faces",
        owner="L. Wolf, T. Hassner, I. Maoz (2011), Tel Aviv University",
        licence="research only",
        available=True,
        how_to_get=(
            "its owner offers it at https://www.cs.tau.ac.il/~wolf/ytfaces on request; put aligned_images_DB and "
            "splits.txt into YouTubeFaces under the data root"
        ),
        megabytes=25_000,
    )
    name: Literal["ytf"] = "ytf"

    def read(self, place: Path) -> VideoPairSet:
        """Read the videos and their pairs; raises UserError as `read` does."""
        return read(place, self.whose)


class FrameSource:
    """One frame a file, of which the central half is taken."""

    shape: Shape = (3, SIDE, SIDE)

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, indices: Indices) -> Bytes:
        """Read and crop the frames at `indices`; raises UserError, naming the first that cannot be read."""
        return as_batch((self._read(Path(self.paths[index])) for index in indices), len(indices), self.shape)

    def encoded(self, index: int) -> bytes:
        """Return a file's bytes; raises UserError where it cannot be read."""
        return pictures.contents(self.paths[index])

    def _read(self, path: Path) -> Bytes:
        frame = pictures.opened(path)
        centre = pictures.central(frame.size, share=0.5)
        return np.asarray(frame.resize((SIDE, SIDE), Image.Resampling.BICUBIC, centre), dtype=np.uint8)


def read(folder: Path, card: Card, *, most_frames: int | None = None) -> VideoPairSet:
    """Read the pairs and the frames of the videos that are in one; split k is fold k - 1.

    With `most_frames`, only so many frames of a video are taken, equally far apart. Raises UserError where the list is
    missing or malformed, or names a video of which there is no frame.
    """
    path = folder / SPLITS
    pairs = _pairs(path, card, Below(folder / FRAMES))
    check_both_kinds((pair.same for pair in pairs), path, card)
    if len({pair.split for pair in pairs}) < 2:
        refuse(
            UserError(
                f"{card.title}: all pairs in {path} are of one split, so that there is none to choose a threshold on; "
                "replace the file"
            )
        )
    frames = _frames(pairs, path, folder / FRAMES, card)
    videos = [_spread(found, most_frames) for found in frames.values() if found]
    pairs = [pair for pair in pairs if frames[pair.first] and frames[pair.second]]
    if not pairs:
        raise UserError(f"{card.title}: {path} has no pair of videos with frames; {card.how_to_get}")
    numbers = {name: number for number, name in enumerate(name for name, found in frames.items() if found)}
    paths = [frame for frames in videos for frame in frames]
    shown = np.array([numbers[name] for pair in pairs for name in (pair.first, pair.second)], dtype=np.intp)
    return VideoPairSet(
        frames=FrameSource([str(path) for path in paths]),
        video=np.repeat(np.arange(len(videos)), [len(frames) for frames in videos]),
        first=shown[::2],
        second=shown[1::2],
        same=np.array([pair.same for pair in pairs], dtype=np.bool_),
        folds=np.array([pair.split - 1 for pair in pairs], dtype=np.intp),
        checksums={
            SPLITS: md5(read_list(path, card)),
            f"{FRAMES}, names and sizes": names_and_sizes_md5(paths, folder / FRAMES),
        },
    )


def write_splits(folder: Path, pairs: Sequence[Pair]) -> None:
    """Write the pairs, each a split from 1, two videos, and whether they show one person, to `folder`/splits.txt."""
    lines, written = [HEADING], dict.fromkeys((split for split, *_ in pairs), 0)
    for split, first, second, same in pairs:
        written[split] += 1
        lines.append(f"{split}, {written[split]}, {first}, {second}, {int(same)}")
    write_atomically(folder / SPLITS, "\n".join([*lines, ""]).encode())


def _pairs(path: Path, card: Card, below: Below) -> list[Listed]:
    pairs = []
    for number, line in enumerate(read_lines(path, card), 1):
        fields = [field.strip() for field in line.split(",")]
        # Some copies are without the heading.
        if number == 1 and fields[0] and not fields[0][0].isdigit():
            continue
        try:
            split = whole(fields[0], 1, MOST_SPLITS)
        except ValueError:
            split = 0
        if not split or len(fields) < FEWEST_FIELDS or fields[-1] not in {"0", "1"}:
            refuse(malformed(card, path, number, EXPECTED))
        elif all(is_below(card, path, number, name) for name in fields[2:4]):
            pairs.append(Listed(number, split, below.folder(fields[2]), below.folder(fields[3]), fields[-1] == "1"))
    if not pairs:
        raise UserError(f"{card.title}: {path} names no pair; {card.how_to_get}")
    return pairs


def _frames(pairs: list[Listed], path: Path, folder: Path, card: Card) -> dict[str, list[Path]]:
    """Return the frames of the videos that the list `path` names, in their order; UserError where there are none."""
    frames: dict[str, list[Path]] = {}
    for pair in pairs:
        for name in (pair.first, pair.second):
            if name in frames:
                continue
            frames[name] = sorted(pictures_in(folder / name, card), key=lambda frame: within(frame.name))
            if not frames[name]:
                refuse(
                    UserError(
                        f"{card.title}: line {pair.line} of {path} names {name}, but {folder / name} has no file "
                        "*.jpg, nor of another format; take the list and the frames from one copy"
                    )
                )
    return frames


def _spread(frames: list[Path], most: int | None) -> list[Path]:
    if most is None or len(frames) <= most:
        return frames
    return [frames[place] for place in np.linspace(0, len(frames) - 1, most).round().astype(int)]
