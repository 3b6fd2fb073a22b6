"""Two identities of CASIA-WebFace, found in its folders or its RecordIO files, and small grey images of their faces.

Figure 4 of the paper adversarial_variance shows two classes of "a subset of CASIA face dataset" and says no more; which
two, their size and the split are our choices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.files import md5
from shared.data.formats.recordio import RECORDS, opened
from shared.data.image_arrays import ImageArrays
from shared.data.kinds import TrainingSet
from shared.data.lazy import Image, np
from shared.data.reading import pictures
from shared.data.reading.faults import without_faults
from shared.data.reading.listing import check_one_class, folders, pictures_in
from shared.data.reading.regular import contents
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Faces = dict[str, dict[str, bytes]]

SIDE = 56
FEWEST = 10
EVERY = 5


class CasiaPair(TrainingSet):
    """The faces of two people, those of whom CASIA-WebFace has most images, grey, 56 x 56.

    How many images they are depends on the release; `training_images` is their order of magnitude.
    """

    image_shape: ClassVar[tuple[int, int, int]] = (1, SIDE, SIDE)
    kept_in_memory: ClassVar[bool] = True
    classes: ClassVar[int] = 2
    training_images: ClassVar[int] = 1_200
    folder: ClassVar[str] = "casia-webface"
    fetched: ClassVar[bool] = False
    sign: ClassVar[str] = "0000045"
    card: ClassVar[Card] = Card(
        title="CASIA-WebFace, two identities",
        owner="D. Yi, Z. Lei, S. Liao, S. Z. Li (2014), CBSR, Institute of Automation, Chinese Academy of Sciences",
        licence="research only, under an agreement with its owner",
        available=True,
        how_to_get=(
            "its owner gives it on request; put the folders of its identities, such as 0000045 with its files "
            "001.jpg, 002.jpg, ..., into casia-webface under the data root"
        ),
        megabytes=4_000,
    )
    name: Literal["casia-webface-pair"] = "casia-webface-pair"

    def read(self, place: Path) -> ImageArrays:
        """Read the faces of two people, [N, 56, 56], grey, labelled 0 and 1.

        Raises UserError where the folder is missing, has not two identities with enough images, or one is unreadable.
        """
        return pair(largest(place))


def largest(folder: Path) -> Faces:
    """Read the images of the two identities that have most of them; where they have equally many, by name.

    They are JPEG files in folders or, where there is a train.rec, records of InsightFace's packaging, whose faces are
    aligned and 112 x 112. Returns by identity, the larger first, and by the image's name, in order of the files' names
    or the records' keys, the JPEG's bytes. Raises UserError where `folder` is missing or has not two identities with 10
    images or more.
    """
    card = CasiaPair.card
    if not folder.is_dir():
        raise UserError(f"{card.title}: there is no folder {folder}; {card.how_to_get}")
    if (folder / RECORDS).is_file():
        return _largest_in_records(folder)
    try:
        files = {identity.name: pictures_in(identity, card) for identity in folders(folder, card)}
        chosen = _two_of_most({identity: len(images) for identity, images in files.items()}, folder)
        labels = [identity for identity in chosen for _ in files[identity]]
        check_one_class([path for identity in chosen for path in files[identity]], labels, card)
        return {identity: {str(path): contents(path) for path in files[identity]} for identity in chosen}
    except OSError as error:
        raise UserError(f"{card.title}: {error.filename} cannot be read: {error.strerror}") from error


def _largest_in_records(folder: Path) -> Faces:
    images = opened(folder, CasiaPair.card)
    sizes = {str(label): count for label, count in enumerate(np.bincount(images.labels).tolist())}
    return {
        identity: {
            images.name(place): bytes(images.encoded(place)) for place in np.flatnonzero(images.labels == int(identity))
        }
        for identity in _two_of_most(sizes, folder)
    }


def _two_of_most(sizes: dict[str, int], folder: Path) -> list[str]:
    chosen = sorted(sizes, key=lambda identity: (-sizes[identity], identity))[:2]
    if len(chosen) < 2 or sizes[chosen[1]] < FEWEST:
        card = CasiaPair.card
        raise UserError(
            f"{card.title}: {folder} has not two identities with {FEWEST} images or more; {card.how_to_get}"
        )
    return chosen


def pair(faces: Faces) -> ImageArrays:
    """Return the faces of the first identity as class 0, of the second as class 1; every fifth is for testing.

    The checksums are, by identity, the MD5 of its files' bytes one after the other. Raises UserError, naming the
    file, where it is no picture that can be read.
    """
    sizes = [len(files) for files in faces.values()]
    encoded = [file for files in faces.values() for file in files.items()]
    made, kept = without_faults(lambda file: decoded(*file), encoded)
    if not kept:
        raise UserError(f"{CasiaPair.card.title}: none of its images can be decoded; replace them")
    images, labels = np.stack(made), np.repeat(np.arange(len(sizes), dtype=np.uint8), sizes)[kept]
    test = np.concatenate([np.arange(size) % EVERY == EVERY - 1 for size in sizes])[kept]
    checksums = {identity: md5(b"".join(files.values())) for identity, files in faces.items()}
    return ImageArrays(images[~test], labels[~test], images[test], labels[test], checksums)


def decoded(name: str, content: bytes) -> NDArray[np.uint8]:
    """Return the encoded picture `content` in grey, uint8 [56, 56]; UserError, naming it, where it cannot be read."""
    title = f"{CasiaPair.card.title}: {name}"
    image = pictures.decoded(content, "L", title)
    pictures.check_aspect(image.size, (SIDE, SIDE), title)
    resized = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.asarray(resized, dtype=np.uint8)
