"""What the fetching of data sets has in common: where torchvision says they are, a download, what may go wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from shared.data.reading.archives import DAMAGED
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from shared.runs.components import Card

SECONDS_TO_ANSWER = 10
FAILURES = (*DAMAGED, UserError, subprocess.SubprocessError)


def torchvision_says(values: str) -> list[str]:
    """List the words that `values` prints, Python that names `torchvision.datasets` as `datasets`.

    It is asked of a child process, since torchvision's import takes seconds and 160 MiB. Raises OSError or
    subprocess.SubprocessError where that fails.
    """
    code = f"from torchvision import datasets; print({values})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@contextmanager
def opened(url: str) -> Iterator[IO[bytes]]:
    """Open what is at `url` to be read as a stream; OSError where it fails or stands still, then or when it is read."""
    from http.client import HTTPException  # noqa: PLC0415 - few commands fetch anything, and these take long
    from urllib.request import urlopen  # noqa: PLC0415

    try:
        with urlopen(url, timeout=SECONDS_TO_ANSWER) as response:  # noqa: S310
            yield response
    except HTTPException as error:
        raise OSError(str(error)) from error


def download(url: str, path: Path) -> None:
    """Copy what is at `url` to `path`; raises OSError as `opened` does."""
    with opened(url) as response, path.open("wb") as file:
        shutil.copyfileobj(response, file, 1 << 20)


def not_fetched(card: Card, folder: Path, names: Iterable[str], failures: Iterable[str]) -> UserError:
    """Return the error for a data set whose `folder` is neither there with its files, `names`, nor to be fetched."""
    return UserError(
        f"{card.title}: {folder.parent} has no folder {folder.name} with {', '.join(names)}, and "
        f"they could not be fetched ({'; '.join(failures)}); {card.how_to_get}"
    )
