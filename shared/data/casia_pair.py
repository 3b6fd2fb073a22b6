"""Two identities of CASIA-WebFace: a reader of its folders, and small grey images of the faces that it finds.

Figure 4 of the paper adversarial_variance shows two classes of "a subset of CASIA face dataset" and says no more; which
two, their size and the split are our choices. A reader of another packaging need only return what `largest` does.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from shared.data import CasiaPair
from shared.data.files import md5
from shared.data.images import ImageArrays
from shared.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Faces = dict[str, dict[str, bytes]]

SIDE = 56
FEWEST = 10
EVERY = 5


def load(root: Path) -> ImageArrays:
    """Read the faces of two people, [N, 56, 56], grey, labelled 0 and 1, from `root`/casia-webface.

    Raises UserError where the folder is missing, has not two identities with enough images, or one is unreadable.
    """
    return pair(largest(root / CasiaPair.folder))


def largest(folder: Path) -> Faces:
    """Read the JPEG files of the two identities that have most of them; where they have equally many, by name.

    Returns by identity, the larger first, and by the file's path, in order of the files' names, the file's bytes.
    Raises UserError where `folder` is missing or has not two identities with 10 files or more.
    """
    card = CasiaPair.card
    if not folder.is_dir():
        raise UserError(f"{card.title}: there is no folder {folder}; {card.how_to_get}")
    try:
        files = {identity.name: sorted(identity.glob("*.jpg")) for identity in folder.iterdir() if identity.is_dir()}
        chosen = sorted(files, key=lambda identity: (-len(files[identity]), identity))[:2]
        if len(chosen) < 2 or len(files[chosen[1]]) < FEWEST:
            raise UserError(
                f"{card.title}: {folder} has not two folders of identities with {FEWEST} files *.jpg or more; "
                f"{card.how_to_get}"
            )
        return {identity: {str(path): path.read_bytes() for path in files[identity]} for identity in chosen}
    except OSError as error:
        raise UserError(f"{card.title}: {error.filename} cannot be read: {error.strerror}") from error


def pair(faces: Faces) -> ImageArrays:
    """Return the faces of the first identity as class 0, of the second as class 1; every fifth is for testing.

    The checksums are, by identity, the MD5 of its files' bytes one after the other. Raises UserError, naming the
    file, where it is no JPEG that can be read.
    """
    images = np.stack([decoded(name, content) for files in faces.values() for name, content in files.items()])
    sizes = [len(files) for files in faces.values()]
    labels = np.repeat(np.arange(len(sizes), dtype=np.uint8), sizes)
    test = np.concatenate([np.arange(size) % EVERY == EVERY - 1 for size in sizes])
    checksums = {identity: md5(b"".join(files.values())) for identity, files in faces.items()}
    return ImageArrays(images[~test], labels[~test], images[test], labels[test], checksums)


def decoded(name: str, content: bytes) -> NDArray[np.uint8]:
    """Return the JPEG file `content` in grey, uint8 [56, 56]; UserError, naming it, where it cannot be read."""
    try:
        with Image.open(BytesIO(content), formats=["JPEG"]) as image:
            resized = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{CasiaPair.card.title}: {name} cannot be read as a JPEG ({error}); replace it") from error
    return np.asarray(resized, dtype=np.uint8)
