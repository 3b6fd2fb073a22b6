"""Members of archives and compressed files or parts of them, expanded up to a bound."""

from __future__ import annotations

import gzip
import tarfile
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from shared.data.lazy import np
from shared.data.reading.listing import shown
from shared.data.reading.regular import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

MOST_BYTES = 1 << 26
"""What a picture or a list may expand to: 64 MiB."""
DAMAGED = (
    OSError,
    EOFError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What reading a damaged archive, one with a password or of an unknown method, or beyond its bound raises."""


@contextmanager
def zipped(path: Path | str) -> Iterator[zipfile.ZipFile]:
    """Open a zip; ValueError where two of its members have one name, else what `zipfile` and `opened` raise."""
    with opened(path) as file, zipfile.ZipFile(file) as archive:
        names = Counter(archive.namelist())
        twice = next((name for name, times in names.items() if times > 1), None)
        if twice is not None:
            raise ValueError(f"it has two members of one name, {shown(twice)}")
        yield archive


def bounded(file: IO[bytes] | gzip.GzipFile, name: str, most: int = MOST_BYTES) -> bytes:
    """Return what is left of a file that is expanded as it is read; ValueError where that is more than `most` bytes."""
    content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} expands to more than {most} bytes")
    return content


@contextmanager
def expanding(archive: zipfile.ZipFile, name: str) -> Iterator[IO[bytes]]:
    """Open a file in a zip; raises what `zipfile` does, with a message that is cut where it quotes the zip."""
    try:
        with archive.open(name) as file:
            yield file
    except zipfile.BadZipFile as error:
        raise zipfile.BadZipFile(shown(str(error))) from None


def member(archive: zipfile.ZipFile, name: str, most: int = MOST_BYTES) -> bytes:
    """Return a file in a zip; ValueError where it expands to more than `most` bytes, else raises as `expanding`."""
    with expanding(archive, name) as file:
        return bounded(file, name, most)


def array(archive: zipfile.ZipFile, name: str, most: int = MOST_BYTES) -> NDArray[Any]:
    """Return an array in an archive of NumPy, `name`.npy, without objects; raises as `member` does, or ValueError."""
    with expanding(archive, f"{name}.npy") as file:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, reversed_, dtype = read[version](file)
        content = bounded(file, name, most)
    if dtype.hasobject:
        raise ValueError(f"{name} holds objects")
    return np.frombuffer(content, dtype).reshape(shape, order="F" if reversed_ else "C")


def gunzipped(file: IO[bytes], name: str, most: int = MOST_BYTES, *, cut: bool = False) -> bytes:
    """Return what a gzip file expands to, or raise what `gzip` does.

    Where that is more than `most` bytes, ValueError, or, with `cut`, these first ones.
    """
    with gzip.GzipFile(fileobj=file) as stream:
        return stream.read(most) if cut else bounded(stream, name, most)


def inflated(content: bytes, most: int = MOST_BYTES) -> bytes:
    """Return what zlib compressed; ValueError where that is more than `most` bytes, zlib.error where it is damaged."""
    decompressor = zlib.decompressobj()
    expanded = decompressor.decompress(content, most)
    if decompressor.unconsumed_tail:
        raise ValueError(f"a part of it expands to more than {most} bytes")
    if not decompressor.eof:
        raise zlib.error("incomplete or truncated stream")
    return expanded
