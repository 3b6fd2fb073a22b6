"""The IDX format: arrays of one number type behind a big-endian header, as MNIST is published.

Two zero bytes, a byte for the number type, a byte for the number of dimensions, each dimension as an
unsigned 32-bit integer, then the numbers, last dimension fastest. Source: the last section of
http://yann.lecun.com/exdb/mnist/.
"""

from __future__ import annotations

import math
import struct
import sys
from typing import IO, TYPE_CHECKING, Any

from shared.data.files import checked_md5, checked_sha256, write_atomically
from shared.data.files import md5 as md5_of
from shared.data.image_arrays import ImageArrays
from shared.data.lazy import np
from shared.data.reading.archives import DAMAGED, gunzipped
from shared.data.reading.regular import contents, opened
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.runs.components import Card

    Bytes = NDArray[np.uint8]

MOST_DIMENSIONS = 32
LONGEST_HEADER = 4 + 4 * MOST_DIMENSIONS
TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Path, md5: str | None = None) -> NDArray[Any]:
    """Read the array in the IDX file `path`, plain or gzipped; it is writable and in native byte order.

    Compression is told by the content, not the name. With `md5`, the expanded content must have that
    checksum. Raises UserError, naming the file, where it is missing, altered, no IDX file, too short or long.
    """
    return parse_idx(read_content(path, md5), path)


def read_content(path: Path, md5: str | None = None, zipped_sha256: str | None = None) -> NDArray[np.uint8]:
    """Read the bytes of `path`, expanded if they are gzipped, writable; with `md5`, verify that they have it.

    With `zipped_sha256`, verify that a gzipped file, as it lies there, has that. Raises UserError, naming the file,
    where it is missing, altered or no whole gzip file.
    """
    try:
        with opened(path) as file:
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if zipped:
                content = np.frombuffer(_expanded(file, path), np.uint8)
                if zipped_sha256 is not None:
                    checked_sha256(contents(path), zipped_sha256, str(path))
            else:
                content = np.fromfile(file, np.uint8)
    except DAMAGED as error:
        if isinstance(error, OSError) and error.strerror:
            raise UserError(f"{path} cannot be read: {error.strerror}") from error
        expected = f"; expected content of md5 {md5}" if md5 else ""
        raise UserError(f"{path} is a truncated or damaged gzip file ({error}){expected}") from error
    if md5 is not None:
        checked_md5(content.data, md5, str(path))
    return content


def parse_idx(content: NDArray[np.uint8], path: Path) -> NDArray[Any]:
    """Return the array whose IDX file consists of the bytes `content`, which it may share; UserError names `path`."""
    dtype, shape = _header(content[:LONGEST_HEADER].tobytes(), path)
    start = 4 + 4 * len(shape)
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        fault = "is truncated" if len(content) < expected else "has trailing bytes"
        raise UserError(f"{path} {fault}: {len(content)} bytes, where its header says {expected}")
    numbers = content[start:].view(dtype).reshape(shape)
    return numbers.astype(dtype.newbyteorder("="), copy=False)


def _header(begin: bytes, path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return type and shape by the beginning of a file; raises UserError where it is none of an IDX file."""
    if len(begin) < 4 or begin[0] or begin[1] or begin[2] not in TYPES:
        raise UserError(f"{path} is no IDX file: it begins with {begin[:4].hex(' ') or 'nothing'}")
    dimensions = begin[3]
    if dimensions > MOST_DIMENSIONS:
        raise UserError(f"{path} is no IDX file: it has {dimensions} dimensions, more than {MOST_DIMENSIONS}")
    start = 4 + 4 * dimensions
    if len(begin) < start:
        raise UserError(f"{path} is truncated: its header of {start} bytes ends after {len(begin)}")
    shape = struct.unpack(f">{dimensions}I", begin[4:start])
    if math.prod(filter(None, shape)) > sys.maxsize:
        raise UserError(f"{path} is no IDX file: its dimensions are {' x '.join(map(str, shape))}")
    return np.dtype(TYPES[begin[2]]), shape


def _expanded(file: IO[bytes], path: Path) -> bytearray:
    """Return what the gzip `file` expands to, at most a byte more than its header says."""
    dtype, shape = _header(gunzipped(file, str(path), LONGEST_HEADER, cut=True), path)
    expected = 4 + 4 * len(shape) + math.prod(shape) * dtype.itemsize
    file.seek(0)
    return bytearray(gunzipped(file, str(path), expected + 1, cut=True))


def write_idx(path: Path, array: NDArray[Any]) -> None:
    """Write `array` to `path` as a plain IDX file, atomically; ValueError for a type IDX does not have."""
    dtype = array.dtype.newbyteorder(">")
    codes = {np.dtype(name): code for code, name in TYPES.items()}
    if dtype not in codes:
        raise ValueError(f"IDX has no type for {array.dtype}")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, codes[dtype], array.ndim, *array.shape)
    write_atomically(path, header, np.ascontiguousarray(array, dtype).data)


def read_images(folder: Path, card: Card, names: Iterable[str]) -> ImageArrays:
    """Read the four IDX files `names` of `folder`: training images, their labels, test images, their labels.

    Raises UserError as `read_arrays` does.
    """
    (train_images, train_labels, test_images, test_labels), checksums = read_arrays(folder, card, names)
    return ImageArrays(train_images, train_labels, test_images, test_labels, checksums)


def read_arrays(folder: Path, card: Card, names: Iterable[str]) -> tuple[list[Bytes], dict[str, str]]:
    """Read the IDX files `names` of `folder`, and return their arrays with their MD5s by name.

    They may be expanded or gzipped. `card.checksums` may have for each, by its name, the MD5 of its expanded content,
    and by its name with .gz the SHA-256 of the gzipped file as its owner gives it; both are then verified.
    Raises UserError, naming the file and what to do, where one is missing, altered or no IDX file.
    """
    arrays: list[Bytes] = []
    checksums: dict[str, str] = {}
    for name in names:
        expected = card.checksums.get(name)
        path = next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)
        if path is None:
            content_to_be = f" (md5 {expected} when expanded)" if expected else ""
            raise UserError(
                f"{card.title}: {folder} has neither {name} nor {name}.gz{content_to_be}; add "
                f"it, or remove the folder to have it made anew; {card.how_to_get}"
            )
        try:
            content = read_content(path, expected, card.checksums.get(f"{name}.gz"))
            arrays.append(parse_idx(content, path))
        except UserError as error:
            raise UserError(
                f"{card.title}: {error}; replace the file, or remove {folder} to have it made anew; {card.how_to_get}"
            ) from error
        checksums[name] = expected or md5_of(content.data)
    return arrays, checksums
