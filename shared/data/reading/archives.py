"""Members of archives and compressed parts of files, expanded up to a bound."""

from __future__ import annotations

import zipfile
import zlib

MOST_BYTES = 1 << 26
"""What a picture or a list may expand to: 64 MiB."""
DAMAGED = (OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged zip, one with a password or of an unknown method, or a member beyond its bound raises."""


def member(archive: zipfile.ZipFile, name: str, most: int = MOST_BYTES) -> bytes:
    """Return a file in a zip; ValueError where it expands to more than `most` bytes, else what `zipfile` raises."""
    with archive.open(name) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"{name} expands to more than {most} bytes")
    return content


def inflated(content: bytes, most: int = MOST_BYTES) -> bytes:
    """Return what zlib compressed; ValueError where that is more than `most` bytes, zlib.error where it is damaged."""
    decompressor = zlib.decompressobj()
    expanded = decompressor.decompress(content, most)
    if decompressor.unconsumed_tail:
        raise ValueError(f"a part of it expands to more than {most} bytes")
    if not decompressor.eof:
        raise zlib.error("incomplete or truncated stream")
    return expanded
