"""YouTube Faces as its owner distributes it: the aligned frames of videos, and pairs of videos in ten splits.

    aligned_images_DB/<person>/<video>/aligned_detect_<video>.<frame>.jpg
    splits.txt

`splits.txt` has a heading, which may be absent, and then a line a pair: the number of its split from 1, its number
in the split, the two videos as <person>/<video>, and last 1 where they show one person, else 0, with commas in between.
The corrected list of the owner, which has a further column before the last, is read alike if it is put in its place.

A face's box is enlarged by 2.2 in an aligned frame, and the owner takes the central half of it (Wolf, Hassner, Maoz,
CVPR 2011, section 3.1); so does this reader, which resizes it bicubically to 112 x 112.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.evaluation_sets import VideoPairSet, check_both_kinds
from shared.data.files import md5, write_atomically
from shared.data.formats.alignment import SIDE
from shared.data.image_source import as_batch
from shared.data.kinds import TestSet
from shared.data.lazy import Image, np
from shared.data.reading.listing import check_below, names_and_sizes_md5, pictures_in
from shared.data.reading.numbers import whole
from shared.data.reading.pictures import opened
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


class YouTubeFaces(TestSet):
    """YouTube Faces: the aligned frames of 3,425 videos, 5,000 pairs of videos in ten splits."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ytf"
    folder: ClassVar[str] = "YouTubeFaces"
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

    def load(self, root: Path) -> VideoPairSet:
        """Read the videos and their pairs, rendered first if need be; raises UserError as `read` does."""
        return read(self.at(root), self.whose)


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

    def _read(self, path: Path) -> Bytes:
        frame = opened(path)
        width, height = frame.size
        centre = (width / 4, height / 4, 3 * width / 4, 3 * height / 4)
        return np.asarray(frame.resize((SIDE, SIDE), Image.Resampling.BICUBIC, centre), dtype=np.uint8)


def read(folder: Path, card: Card, *, most_frames: int | None = None) -> VideoPairSet:
    """Read the pairs and the frames of the videos that are in one; split k is fold k - 1.

    With `most_frames`, only so many frames of a video are taken, equally far apart. Raises UserError where the list is
    missing or malformed, or names a video of which there is no frame.
    """
    path = folder / SPLITS
    pairs = _pairs(path, card)
    check_both_kinds((same for *_, same in pairs), path, card)
    names = [name for _, first, second, _ in pairs for name in (first, second)]
    numbers: dict[str, int] = {}
    videos: list[list[Path]] = []
    for name in names:
        if name in numbers:
            continue
        frames = sorted(pictures_in(folder / FRAMES / name, card), key=_order)
        if not frames:
            raise UserError(
                f"{card.title}: {path} names {name}, but {folder / FRAMES / name} has no file "
                "*.jpg, nor of another format; take the list and the frames from one copy"
            )
        numbers[name] = len(videos)
        videos.append(_spread(frames, most_frames))
    paths = [frame for frames in videos for frame in frames]
    shown = np.array([numbers[name] for name in names], dtype=np.intp)
    return VideoPairSet(
        frames=FrameSource([str(path) for path in paths]),
        video=np.repeat(np.arange(len(videos)), [len(frames) for frames in videos]),
        first=shown[::2],
        second=shown[1::2],
        same=np.array([same for *_, same in pairs], dtype=np.bool_),
        folds=np.array([split - 1 for split, *_ in pairs], dtype=np.intp),
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


def _pairs(path: Path, card: Card) -> list[Pair]:
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
            raise malformed(card, path, number, EXPECTED)
        for name in fields[2:4]:
            check_below(card, path, number, name)
        pairs.append((split, fields[2], fields[3], fields[-1] == "1"))
    if not pairs:
        raise UserError(f"{card.title}: {path} names no pair; {card.how_to_get}")
    return pairs


def _order(path: Path) -> list[int]:
    """Return the numbers in a frame's name, by which frames are in the order of the video."""
    return [int(digits) for digits in re.findall("[0-9]+", path.name)]


def _spread(frames: list[Path], most: int | None) -> list[Path]:
    if most is None or len(frames) <= most:
        return frames
    return [frames[place] for place in np.linspace(0, len(frames) - 1, most).round().astype(int)]
