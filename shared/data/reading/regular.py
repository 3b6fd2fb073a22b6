"""Files opened to be read; a pipe, a socket or a device is none, which could be waited for, or read, for ever."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path


def opened(path: Path | str) -> BufferedReader:
    """Open a file to read its bytes; raises OSError, also where it is a folder, a pipe, a socket or a device."""
    return open(path, "rb", opener=_regular)


def contents(path: Path | str) -> bytes:
    """Return the bytes of a file; raises OSError as `opened` does."""
    with opened(path) as file:
        return file.read()


def _regular(path: str, flags: int) -> int:
    # A pipe that nobody writes to would be waited for before it can be told what it is.
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    raise OSError(errno.EINVAL, "it is a pipe, a socket or a device, not a file", path)
