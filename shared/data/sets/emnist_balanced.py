"""EMNIST's balanced split from its four IDX files: those at hand, else taken once from its owner's archive.

G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters", 2017. The lower-
case letters that look like their capitals are one class with them, which leaves 47. The files hold every image
transposed; what is returned here is upright.
"""

from __future__ import annotations

import gzip
import zipfile
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase, digits
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from shared.data import EmnistBalanced
from shared.data.fetching import FAILURES, download, not_fetched, torchvision_says
from shared.data.files import checked_md5, prepared, write_atomically
from shared.data.formats.idx import read_images
from shared.data.image_arrays import ImageArrays
from shared.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.runs.components import Card

    Bytes = NDArray[np.uint8]

CHARACTERS = digits + ascii_uppercase + "abdefghnqrt"
FILES = tuple(
    f"emnist-balanced-{part}-{kind}-ubyte" for part in ("train", "test") for kind in ("images-idx3", "labels-idx1")
)
SIDE = 28
TRAINING, TEST = 2_400, 400


def load(root: Path) -> ImageArrays:
    """Read the images, [112800, 28, 28] and [18800, 28, 28], upright, with labels that index `CHARACTERS`.

    They are in `root`/EMNIST/raw, where the files may be expanded or gzipped; with no such folder they are fetched
    into it first. Raises UserError where a file is missing or not as it should be, or cannot be fetched.
    """
    return read_characters(prepared(root / EmnistBalanced.folder, fetch), EmnistBalanced.card, TRAINING, TEST)


def read_characters(folder: Path, card: Card, training: int, test: int) -> ImageArrays:
    """Read `FILES`, which must hold `training` and `test` images of each character, and turn the images upright.

    Raises UserError, naming the folder's fault, where a file is missing, or a type, a size or a count is another.
    """
    arrays = read_images(folder, card, FILES)
    for images, labels, each, names in (
        (arrays.train_images, arrays.train_labels, training, FILES[:2]),
        (arrays.test_images, arrays.test_labels, test, FILES[2:]),
    ):
        fault = _fault(images, labels, each)
        if fault:
            raise UserError(
                f"{card.title}: {' and '.join(names)} in {folder} do not hold {each} images of {SIDE} x {SIDE} bytes "
                f"of each of {len(CHARACTERS)} classes: {fault}; replace the files, or remove {folder} to have it made "
                f"anew; {card.how_to_get}"
            )
    return replace(arrays, train_images=turned(arrays.train_images), test_images=turned(arrays.test_images))


def turned(images: Bytes) -> Bytes:
    """Copy images [N, H, W] transposed: what stands upright becomes what the files hold, and the other way about."""
    return np.ascontiguousarray(images.swapaxes(1, 2))


def fetch(folder: Path) -> None:
    """Put `FILES`, expanded, into `folder` from the archive that torchvision names, or raise UserError.

    The archive is verified by the MD5 that torchvision has for it; it is some 560 MB, passes through `folder` and
    is gone afterwards.
    """
    source = "torchvision's address"
    try:
        source, md5 = archive()
        with TemporaryDirectory(dir=folder) as scratch:
            path = Path(scratch) / "gzip.zip"
            download(source, path)
            checked_md5(path, md5, "the archive")
            with zipfile.ZipFile(path) as members:
                for name in FILES:
                    write_atomically(folder / name, gzip.decompress(members.read(f"gzip/{name}.gz")))
    except FAILURES as error:
        home = folder.with_name(Path(EmnistBalanced.folder).name)
        raise not_fetched(EmnistBalanced.card, home, FILES, [f"{source}: {error}"]) from error


def archive() -> tuple[str, str]:
    """Return the address and the MD5 that torchvision has for the archive of all of EMNIST."""
    url, md5 = torchvision_says("datasets.EMNIST.url, datasets.EMNIST.md5")
    return url, md5


def _fault(images: Bytes, labels: Bytes, each: int) -> str:
    """Say what is wrong with the images and labels of one part, or nothing."""
    count = each * len(CHARACTERS)
    if images.dtype != np.uint8 or images.shape != (count, SIDE, SIDE):
        return f"the images are {images.dtype} {list(images.shape)}"
    if labels.dtype != np.uint8 or labels.shape != (count,):
        return f"the labels are {labels.dtype} {list(labels.shape)}"
    if labels.max() >= len(CHARACTERS):
        return f"a label is {labels.max()}"
    counts = np.bincount(labels, minlength=len(CHARACTERS))
    uneven = np.flatnonzero(counts != each)
    return f"class {uneven[0]} has {counts[uneven[0]]}" if len(uneven) else ""
