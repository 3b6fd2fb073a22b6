"""What the fetching of data sets has in common: where torchvision says they are, a download, what may go wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
import zlib
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.request import urlopen

from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shared.runs.components import Card

SECONDS_TO_ANSWER = 10
FAILURES = (
    OSError,
    EOFError,
    HTTPException,
    KeyError,
    UserError,
    ValueError,
    subprocess.SubprocessError,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


def torchvision_says(values: str) -> list[str]:
    """List the words that `values` prints, Python that names `torchvision.datasets` as `datasets`.

    It is asked of a child process, since torchvision's import takes seconds and 160 MiB. Raises OSError or
    subprocess.SubprocessError where that fails.
    """
    code = f"from torchvision import datasets; print({values})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def download(url: str, path: Path) -> None:
    """Copy what is at `url` to `path` as a stream; OSError or HTTPException where it fails or stands still."""
    with urlopen(url, timeout=SECONDS_TO_ANSWER) as response, path.open("wb") as file:  # noqa: S310
        shutil.copyfileobj(response, file, 1 << 20)


def not_fetched(card: Card, folder: Path, names: Iterable[str], failures: Iterable[str]) -> UserError:
    """Return the error for a data set whose `folder` is neither there with its files, `names`, nor to be fetched."""
    return UserError(
        f"{card.title}: {folder.parent} has no folder {folder.name} with {', '.join(names)}, and "
        f"they could not be fetched ({'; '.join(failures)}); {card.how_to_get}"
    )
