"""RecordIO, the format of MXNet, in which InsightFace packs face training sets: train.rec, train.idx, property.

train.rec is a sequence of records, each in one or several parts. A part is the magic number and a word, both 32 bits
little-endian, then bytes padded to a multiple of four. The word's lower 29 bits say how many bytes, its upper three
which part this is: 0 the whole record, 1 its first part, 2 a middle one, 3 the last. Only a record that contains the
magic number at a multiple of four from its beginning is split: there, and without the number, which is put back between
its parts when it is read. So an aligned magic number always is the beginning of a part.

What a record holds is a header (flag, 32 bits; label, a float of 32 bits; two ids of 64 bits), as many labels of 32
bits as the flag says, and an encoded image. Its class is the first of these labels, or the header's where the flag is
0. train.idx has a line "key, tab, offset in train.rec" for each record, and property says "classes,height,width".

In a face set key 0 has no image, and two labels: the first key past the images, which have the keys from 1, and the
first key past all. The keys between are those of the identities: they have no image either, and for labels the key of
the identity's first image and the first past its images. Without such a key 0, every record is an image.

Sources: dmlc/recordio.h of dmlc-core, mxnet/recordio.py, and InsightFace's face2rec2.py, which writes face sets.
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.data.files import md5, write_atomically
from shared.data.formats.yaw_files import read_yaw
from shared.data.image_source import ALIGNED, LabelledSource, as_batch, decode, jpeg
from shared.data.lazy import np
from shared.data.reading import pictures, regular
from shared.data.reading.faults import end, refuse
from shared.data.reading.numbers import table, whole
from shared.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.data.image_source import Bytes, Indices, Shape
    from shared.runs.components import Card

    Numbers = NDArray[np.int64]
    Words = NDArray[np.uint32]

RECORDS, INDEX, PROPERTY = "train.rec", "train.idx", "property"
MAGIC = 0xCED7230A
LENGTH_BITS = 29
LENGTH = (1 << LENGTH_BITS) - 1
WHOLE, FIRST, MIDDLE, LAST = range(4)
PREFIX_BYTES = 8
MOST_CLASSES = 10
"""So many classes for each image are taken for a mistake; a few without an image are none."""
MOST_CLASSES_IN_ALL, MOST_SIDE = 999_999_999, 999
EXACT = 1 << 24
"""From here on a float of 32 bits does not have every whole number."""
HEADER = struct.Struct("<IfQQ")


def load(folder: Path, card: Card, *, shape: Shape = ALIGNED) -> LabelledSource:
    """Open the face set in `folder`; it has as many classes as `property` says, and the yaw where a file tells it.

    The checksums are the MD5s of train.idx, property and the file of the yaw, and for train.rec, whose MD5 would take
    minutes, its size: each record was found where train.idx says, so that only the insides of images could be others'.
    Raises UserError as `opened` and `read_yaw` do, and where `property` says another size than that of `shape`, which
    the faces of all benchmarks have.
    """
    images = opened(folder, card)
    if images.shape != shape:
        (_, height, width), (_, high, wide) = images.shape, shape
        refuse(
            UserError(
                f"{card.title}: {folder / PROPERTY} says that images have {width} x {height} pixels, where faces are "
                f"trained on and compared at {wide} x {high}; align them to that size and pack them again"
            )
        )
    yaw, checksums = read_yaw(folder, len(images))
    checksums |= {name: md5(folder / name) for name in (INDEX, PROPERTY)}
    checksums[RECORDS] = f"{len(images.file.content)} bytes"
    return LabelledSource(images, images.labels, images.classes, checksums, yaw)


def opened(folder: Path, card: Card) -> RecordFaces:
    """Open the images of the face set in `folder`.

    Raises UserError, naming what is missing, truncated, contradictory or no image; an image that is damaged further on
    is found when it is read.
    """
    missing = [name for name in (RECORDS, INDEX, PROPERTY) if not (folder / name).is_file()]
    if missing:
        raise UserError(f"{card.title}: {folder} has no {', no '.join(missing)}; {card.how_to_get}")
    try:
        images = RecordFaces(folder)
        images.check_headers()
    except UserError as error:
        raise UserError(f"{card.title}: {error}; {card.how_to_get}") from None
    except OSError as error:
        raise UserError(f"{card.title}: {error.filename} cannot be read: {error.strerror}") from None
    return images


class RecordFaces:
    """The images of the face set in a folder, in the order of their keys, and their `labels`, int64 [N].

    train.rec is mapped into memory, and its records are checked all at once when it is opened, which looks at one page
    of each. Threads, forked processes and those that it is pickled for may read it. Raises UserError, and OSError where
    a file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self.classes, height, width = read_property(folder / PROPERTY)
        self.shape: Shape = (3, height, width)
        self.file = RecordFile(folder / RECORDS)
        keys, offsets = read_index(folder / INDEX)
        every = self.file.records(keys, offsets)
        self.records = every.images(folder / INDEX)
        if self.records is every:
            self.file.require_end_after(int(offsets.max()))
        empty = self.records.starts == self.records.stops
        for index in np.flatnonzero(empty):
            refuse(UserError(f"{self.name(index)} has no image; replace the file, or take its key out of {INDEX}"))
        self.records = self.records.at(~empty)
        self.labels = self._keep_classes()
        if self.classes > MOST_CLASSES * len(self.labels):
            raise UserError(
                f"{folder / PROPERTY} says that there are {self.classes} classes, but {folder / RECORDS} has "
                f"{len(self.labels)} images; one of the files is altered or another set's"
            )

    def __len__(self) -> int:
        return len(self.labels)

    def read(self, indices: Indices) -> Bytes:
        """Decode the images at `indices`; raises UserError, naming the first that cannot be."""
        images = (decode(self.encoded(index), self.shape, self.name(index)) for index in indices)
        return as_batch(images, len(indices), self.shape)

    def encoded(self, index: int | np.integer) -> memoryview:
        """Return the encoded image at `index` where it lies, so that the decoder waits for the disk, not the caller."""
        content = self.records.joined.get(int(self.records.keys[index]), self.file.content)
        return content.data[self.records.starts[index] : self.records.stops[index]]

    def name(self, index: int | np.integer) -> str:
        """Name the image at `index` by the file and its key."""
        return f"{self.file.path}, record {self.records.keys[index]}"

    def check_headers(self) -> None:
        """Raise UserError where an image is none by its header, which is looked at where it begins unlike one."""
        lie_in_file = ~np.isin(self.records.keys, list(self.records.joined))
        firsts = np.minimum(self.records.starts[lie_in_file], len(self.file.content) - 2)
        begins = self.file.content[firsts[:, None] + np.arange(2)].copy().view(">u2")[:, 0]
        known = [int.from_bytes(begin, "big") for begin in pictures.BEGINNINGS]
        for index in np.flatnonzero(lie_in_file)[~np.isin(begins, known)]:
            try:
                pictures.size(self.encoded(index), self.name(index))
            except UserError as error:
                refuse(error)

    def _keep_classes(self) -> Numbers:
        """Return the class of each image; raises UserError where a record has none."""
        labels = self.records.labels[:, 0]
        wrong = ~((labels >= 0) & (labels < self.classes) & (labels == np.floor(labels)))
        for index in np.flatnonzero(wrong):
            refuse(
                UserError(
                    f"{self.name(index)} has the label {labels[index]:g}, where {PROPERTY} allows whole numbers from 0 "
                    f"to {self.classes - 1}"
                )
            )
        self.records = self.records.at(~wrong)
        classes: Numbers = labels[~wrong].astype(np.int64)
        return classes


@dataclass(frozen=True)
class Records:
    """Records by ascending key, [N]: their first two labels [N, 2], NaN where absent, and where their images lie.

    The image is the bytes from `starts` to `stops` of the file or, where the record was split, of `joined[key]`.
    """

    keys: Numbers
    labels: NDArray[np.float32]
    starts: Numbers
    stops: Numbers
    joined: dict[int, Bytes]

    def at(self, places: slice | NDArray[np.bool_]) -> Records:
        """Return those at `places`."""
        return Records(self.keys[places], self.labels[places], self.starts[places], self.stops[places], self.joined)

    def images(self, index: Path) -> Records:
        """Return those of images; raises UserError, naming the `index` file, where keys and labels contradict."""
        if self.keys[0] != 0 or self.starts[0] != self.stops[0] or np.isnan(self.labels[0, 1]):
            return self
        first, end = self.labels[0].tolist()
        whole = (
            first.is_integer()
            and 1 < first <= end == np.float32(len(self.keys))
            and len(self.keys) == self.keys[-1] + 1
        )
        if whole and end >= EXACT:
            # Record 0 has rounded numbers, but where the images end is seen: those of identities have none.
            last = int(np.flatnonzero(self.starts < self.stops)[-1]) + 1
            whole, first = first == np.float32(last), float(last)
        if not whole:
            raise UserError(
                f"{index} has {len(self.keys)} keys up to {self.keys[-1]}, where record 0 says that there are those "
                f"from 0 to {end - 1:.0f}, of images before {first:.0f}; one of the files is altered or another set's"
            )
        identities = self.at(slice(int(first), None))
        begin, stop = identities.labels.T
        # Of some sets the records of identities have one label, which nothing else than that is known of.
        in_order = ((begin >= 1) & (begin <= stop) & (stop <= np.float32(first))) | np.isnan(stop)
        wrong = ~in_order | (identities.starts != identities.stops)
        for key in identities.keys[wrong]:
            refuse(
                UserError(
                    f"record {key} of {index} is to be an identity's, with two keys from 1 to {first:.0f} for labels "
                    "and no image; one of the files is altered or another set's"
                )
            )
        return self.at(slice(1, int(first)))


class RecordFile:
    """The bytes of a RecordIO file, mapped into memory, and mapped again in a process that it is pickled for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with regular.opened(path) as file:
            if not path.stat().st_size:
                raise UserError(f"{path} is empty")
            self.content = np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)

    def __reduce__(self) -> tuple[type[RecordFile], tuple[Path]]:
        return RecordFile, (self.path,)

    def records(self, keys: Numbers, offsets: Numbers) -> Records:
        """Read the headers of the records that begin at `offsets`, all at once; UserError where one is damaged."""
        size = len(self.content)
        self._refuse((offsets < 0) | (offsets % 4 != 0) | (offsets > size - PREFIX_BYTES), keys, offsets)
        words = self.content[: size // 4 * 4].view("<u4")
        magic, word = words[offsets // 4], words[offsets // 4 + 1]
        part, begins = word >> LENGTH_BITS, offsets + PREFIX_BYTES
        stops = begins + (word & LENGTH)
        self._refuse((magic != MAGIC) | (part > FIRST) | (stops > size), keys, offsets)

        labels = np.full((len(keys), 2), np.nan, np.float32)
        starts = np.empty_like(begins)
        whole = part == WHOLE
        labels[whole], starts[whole] = self._header(words, keys[whole], begins[whole], stops[whole])
        joined = {}
        for place in np.flatnonzero(~whole):
            content = joined[int(keys[place])] = self._joined(keys[place], offsets[place])
            stops[place] = len(content)
            one = slice(place, place + 1)
            labels[one], starts[one] = self._header(
                content[: len(content) // 4 * 4].view("<u4"), keys[one], np.zeros(1, np.int64), stops[one]
            )
        return Records(keys, labels, starts, stops, joined)

    def _header(
        self, words: Words, keys: Numbers, begins: Numbers, stops: Numbers
    ) -> tuple[NDArray[np.float32], Numbers]:
        """Return the first two labels, [N, 2], of what lies from `begins` to `stops`, and where its images start."""
        starts = begins + HEADER.size
        self._refuse_short(starts > stops, keys)
        at = begins // 4
        count = words[at].astype(np.int64)
        starts += 4 * count
        self._refuse_short(starts > stops, keys)
        floats, after = words.view("<f4"), HEADER.size // 4
        labels = np.full((len(keys), 2), np.nan, np.float32)
        labels[:, 0] = floats[at + 1]
        for column in range(2):
            there = count > column
            labels[there, column] = floats[at[there] + after + column]
        return labels, starts

    def require_end_after(self, offset: int) -> None:
        """Raise UserError where the file goes on after the record at `offset`, the last that the index has."""
        part = FIRST
        while part in (FIRST, MIDDLE):
            _, part, length = self._prefix(offset)
            offset += PREFIX_BYTES + length + -length % 4
        if offset < len(self.content):
            raise UserError(
                f"{self.path} goes on for {len(self.content) - offset} bytes after the last record that {INDEX} has; "
                f"{INDEX} is cut, or one of the files is another set's"
            )

    def _prefix(self, offset: int) -> tuple[int, int, int]:
        """Return the magic number, the kind and the bytes of the part that begins at `offset`."""
        prefix = self.content[offset : offset + PREFIX_BYTES].tobytes().ljust(PREFIX_BYTES, b"\0")
        magic, word = np.frombuffer(prefix, "<u4").tolist()
        return magic, word >> LENGTH_BITS, word & LENGTH

    def _joined(self, key: np.int64, offset: int) -> Bytes:
        """Return the content of the split record at `offset`."""
        parts: list[bytes] = []
        while True:
            start = offset + PREFIX_BYTES
            magic, part, length = self._prefix(offset)
            follows = part in (MIDDLE, LAST) if parts else part == FIRST
            if magic != MAGIC or not follows or start + length > len(self.content):
                raise UserError(f"{self.path} is truncated or damaged: record {key} has no part {len(parts) + 1}")
            parts.append(self.content[start : start + length].tobytes())
            if part == LAST:
                return np.frombuffer(MAGIC.to_bytes(4, "little").join(parts), np.uint8)
            offset = start + length + -length % 4

    def _refuse_short(self, wrong: NDArray[np.bool_], keys: Numbers) -> None:
        if wrong.any():
            end(
                UserError(f"{self.path} is damaged: record {key} is too short for its header and labels")
                for key in keys[wrong]
            )

    def _refuse(self, wrong: NDArray[np.bool_], keys: Numbers, offsets: Numbers) -> None:
        if wrong.any():
            end(
                UserError(
                    f"{self.path} is truncated or damaged, or {INDEX} belongs to another file: there is no whole "
                    f"record at byte {offsets[place]} of {len(self.content)}, where {INDEX} has that of key "
                    f"{keys[place]}"
                )
                for place in np.flatnonzero(wrong)
            )


def read_property(path: Path) -> tuple[int, int, int]:
    """Return classes, height and width; raises UserError where the file says something else."""
    try:
        classes, height, width = regular.contents(path).decode("ascii").split(",")
        return whole(classes, 1, MOST_CLASSES_IN_ALL), whole(height, 1, MOST_SIDE), whole(width, 1, MOST_SIDE)
    except ValueError:
        raise UserError(f"{path} does not read as classes,height,width, such as 10572,112,112") from None


def read_index(path: Path) -> tuple[Numbers, Numbers]:
    """Return keys, ascending, and offsets, int64 [N] each; raises UserError where a line has something else."""
    try:
        lines = table(regular.contents(path), np.int64, 2)
        keys, offsets = lines[np.argsort(lines[:, 0], kind="stable")].T.copy()
    except ValueError as error:
        raise UserError(f"{path} is not lines of a key, a tab and an offset ({error})") from None
    twice = keys[1:] == keys[:-1]
    if twice.any():
        raise UserError(f"{path} has the key {keys[1:][twice][0]} twice")
    return keys, offsets


def write_records(folder: Path, images: Bytes, labels: NDArray[np.integer], *, quality: int = 95) -> None:
    """Write `images`, uint8 [N, H, W, 3], as InsightFace would: as JPEGs by identity, then key 0, then the identities.

    Images of one label stay in their order; each has two labels, its class and a one, which says that it is aligned.
    The same images give the same bytes, with one release of Pillow.
    """
    order = np.argsort(labels, kind="stable")
    ordered = labels[order].tolist()
    begins = np.flatnonzero(np.diff(ordered, prepend=-1)) + 1
    first, end = len(ordered) + 1, len(ordered) + 1 + len(begins)
    contents = {
        key: header(key, (label, 1)) + jpeg(images[place], quality)
        for key, place, label in zip(range(1, first), order, ordered, strict=True)
    }
    contents[0] = header(0, (first, end))
    contents |= {key: header(key, keys) for key, keys in enumerate(pairwise([*begins, first]), first)}
    records = [record(content) for content in contents.values()]
    offsets = np.cumsum([0, *map(len, records[:-1])])
    lines = [f"{key}\t{offset}\n" for key, offset in zip(contents, offsets, strict=True)]
    height, width = images.shape[1:3]
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / RECORDS, *records)
    write_atomically(folder / INDEX, "".join(lines).encode())
    write_atomically(folder / PROPERTY, f"{ordered[-1] + 1},{height},{width}".encode())


def record(content: bytes) -> bytes:
    """Return `content` as a record, split where it contains the magic number at a multiple of four."""
    words = np.frombuffer(content, "<u4", count=len(content) // 4)
    cuts = (4 * np.flatnonzero(words == MAGIC)).tolist()
    parts = [content[begin:end] for begin, end in zip([0, *(cut + 4 for cut in cuts)], [*cuts, None], strict=True)]
    kinds = [FIRST, *[MIDDLE] * (len(cuts) - 1), LAST] if cuts else [WHOLE]
    return b"".join(
        np.array([MAGIC, kind << LENGTH_BITS | len(part)], "<u4").tobytes() + part + bytes(-len(part) % 4)
        for kind, part in zip(kinds, parts, strict=True)
    )


def header(key: int, labels: tuple[float, float]) -> bytes:
    """Return the header of the record of `key` with two labels, and the labels."""
    return HEADER.pack(len(labels), 0, key, 0) + np.array(labels, "<f4").tobytes()
