"""The form of EMNIST: IDX files of its variants, and the owner's archive that has them all.

G. Cohen, S. Afshar, J. Tapson, A. van Schaik, "EMNIST: an extension of MNIST to handwritten letters", 2017. The lower-
case letters that look like their capitals are one class with them, which leaves 47. The files hold every image
transposed; what is read here is upright.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path
from string import ascii_uppercase, digits
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from shared.data.fetching import FAILURES, download, not_fetched, torchvision_says
from shared.data.files import checked_md5, write_atomically
from shared.data.formats.idx import read_images
from shared.data.lazy import np
from shared.data.reading.archives import gunzipped, member
from shared.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.data.image_arrays import ImageArrays
    from shared.runs.components import Card

    Bytes = NDArray[np.uint8]

CHARACTERS = digits + ascii_uppercase + "abdefghnqrt"


def names(variant: str, part: str) -> tuple[str, str]:
    """Return the names of the files with the images and the labels of a part, train or test, of a variant of EMNIST."""
    return f"emnist-{variant}-{part}-images-idx3-ubyte", f"emnist-{variant}-{part}-labels-idx1-ubyte"


FILES = (*names("balanced", "train"), *names("balanced", "test"))
FETCHED = (*FILES, *names("bymerge", "test"), *names("byclass", "test"))
"""What is kept of the owner's archive: the balanced split, and what the selection of EMNIST is from beside it."""
SIDE = 28
MOST_BYTES = 1 << 27
"""More than the largest of these files, the 116,323 images of a test part, expands to."""
FOLDER = "EMNIST/raw"
"""Where the files lie, expanded or gzipped, below the data root."""
OWNER = "G. Cohen, S. Afshar, J. Tapson, A. van Schaik; published by NIST"
LICENCE = "no terms with the files; NIST asks to cite arXiv:1702.05373"


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


def fetch(card: Card, folder: Path) -> None:
    """Put `FETCHED`, expanded, into `folder` from the archive that torchvision names, or raise UserError by `card`.

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
                for name in FETCHED:
                    zipped = io.BytesIO(member(members, f"gzip/{name}.gz"))
                    write_atomically(folder / name, gunzipped(zipped, name, MOST_BYTES))
    except FAILURES as error:
        home = folder.with_name(Path(FOLDER).name)
        raise not_fetched(card, home, FETCHED, [f"{source}: {error}"]) from error


def archive() -> tuple[str, str]:
    """Return the address and the MD5 that torchvision has for the archive of all of EMNIST."""
    url, md5 = torchvision_says("datasets.EMNIST.url, datasets.EMNIST.md5")
    return url, md5
