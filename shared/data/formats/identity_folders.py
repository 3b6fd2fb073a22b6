"""Faces as files in a folder for each identity, the form in which most face sets were first given out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.data.image_source import FileSource, LabelledSource
from shared.data.lazy import Image, np
from shared.data.reading.faults import refuse
from shared.data.reading.listing import check_one_class, folders, names_and_sizes_md5, pictures_in
from shared.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.data.image_source import Bytes, Shape
    from shared.runs.components import Card


def load_folders(folder: Path, shape: Shape, card: Card, *, stretched: bool = False) -> LabelledSource:
    """List the images in the folders of `folder`, each to be read as `shape`, (channels, height, width).

    Images of another aspect are refused when they are read, unless they may be `stretched`.

    The folders by name are the classes 0, 1, ...; the pictures in each are in the order of their names (see
    `shared.data.reading`). The checksum is of all names and sizes. Raises UserError where there is no such folder, or
    one without a picture, or a picture that cannot be there or is in two classes.
    """
    identities = folders(folder, card)
    files = [pictures_in(identity, card) for identity in identities]
    for identity, images in zip(identities, files, strict=True):
        if not images:
            refuse(
                UserError(
                    f"{card.title}: {identity} has no image; take it away, or put its images there; {card.how_to_get}"
                )
            )
    paths = [path for images in files for path in images]
    labels = np.repeat(np.arange(len(files)), [len(images) for images in files])
    check_one_class(paths, labels.tolist(), card)
    checksums = {"names and sizes": names_and_sizes_md5(paths, folder)}
    return LabelledSource(FileSource(paths, shape, stretched=stretched), labels, len(files), checksums)


def write_folders(folder: Path, images: Bytes, labels: NDArray[np.integer], *, suffix: str = ".jpg") -> None:
    """Write `images`, uint8 [N, H, W, 3] or [N, H, W], as CASIA-WebFace names its own: 0000045/001.jpg, 002.jpg, ...

    A folder is named by the label, of seven digits; its images are numbered in the order given.
    """
    for label in np.unique(labels):
        identity = folder / f"{label:07}"
        identity.mkdir(parents=True)
        for number, image in enumerate(images[labels == label], 1):
            Image.fromarray(image).save(identity / f"{number:03}{suffix}")
