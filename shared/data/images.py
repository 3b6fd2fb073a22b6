"""A labelled image set in memory, and its reader: MNIST, EMNIST and their likes are four IDX files each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.data.files import md5
from shared.data.idx import parse_idx, read_content
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.config import Card

    Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class ImageArrays:
    """A labelled image set: images uint8 [N, H, W] or [N, H, W, 3], labels uint8 [N], the MD5 of what was read.

    The MD5s are by name: of each expanded IDX file, or of whatever else the set is kept in.
    """

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    checksums: dict[str, str]


def read_images(folder: Path, card: Card, names: Iterable[str]) -> ImageArrays:
    """Read the four IDX files `names` of `folder`: training images, their labels, test images, their labels.

    They may be expanded or gzipped, and must have the MD5 that `card.checksums` says where it has one for them.
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
            content = read_content(path, expected)
            arrays.append(parse_idx(content, path))
        except UserError as error:
            raise UserError(
                f"{card.title}: {error}; replace the file, or remove {folder} to have it made anew; {card.how_to_get}"
            ) from error
        checksums[name] = expected or md5(content.data)
    train_images, train_labels, test_images, test_labels = arrays
    return ImageArrays(train_images, train_labels, test_images, test_labels, checksums)
