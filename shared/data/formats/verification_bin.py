"""InsightFace's `.bin` files: pairs of aligned faces, those of LFW among others, in a pickle that is never executed.

The pickle holds a list of encoded images, two a pair, and a list that says of each pair whether it shows one person.
Both of Python's pickles are in circulation, and CFP and AgeDB were packed with each image as a NumPy array of bytes,
as OpenCV's encoder returns it; `shared.data.formats.inert_pickle` says what is read and how.
InsightFace's evaluation splits the pairs, in their order, into ten folds of equal length; so does this reader.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, ClassVar

from shared.data.evaluation_sets import PairSet, check_both_kinds
from shared.data.files import md5, write_atomically
from shared.data.formats.inert_pickle import ByteArray, unpickled
from shared.data.image_source import ALIGNED, EncodedSource
from shared.data.kinds import TestSet
from shared.data.lazy import np
from shared.data.reading.faults import without_faults
from shared.data.reading.pictures import check_aspect, size
from shared.data.reading.texts import read_list
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.data.image_source import Shape

FOLDS = 10


class VerificationBin(TestSet):
    """Pairs of aligned faces, 112 x 112, in one of the `.bin` files that InsightFace distributes."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_verification"
    folder: ClassVar[str] = "verification"
    sign: ClassVar[str] = "*.bin"

    @classmethod
    def found_at(cls, path: Path) -> Path | None:
        """Return the file of the set's name, or any other of the form that is named."""
        inside = path / cls.file
        return inside if inside.is_file() else path if path.is_file() and path.match(cls.sign) else None

    def read(self, place: Path) -> PairSet:
        """Read the pairs; raises UserError as `read` does."""
        return read(place, self.whose)


def card_of(title: str, owner: str, content: str, megabytes: float) -> Card:
    """Return the card of the set in the file `content`."""
    return Card(
        title=title,
        owner=owner,
        licence="research only",
        available=True,
        how_to_get=(
            f"InsightFace packs its aligned pairs with the training sets that it distributes; put {content} into "
            "verification under the data root"
        ),
        megabytes=megabytes,
    )


def read(path: Path, card: Card, *, shape: Shape = ALIGNED) -> PairSet:
    """Read the pairs in the file `path`, in ten folds; an image that is in several pairs is there once.

    Raises UserError where the file is missing, truncated, or holds anything else than images and whether the pairs
    show one person, pairs of one kind only, or an image that is none by its header or has another aspect than `shape`;
    one that is damaged further on is found when it is read. Images are named by their place in the file.
    """
    content = read_list(path, card)
    try:
        images, same = _images_and_same(unpickled(content))
    except (TypeError, ValueError) as error:
        raise UserError(f"{card.title}: {path} is not a set of pairs of images: {error}; {card.how_to_get}") from None
    check_both_kinds(same, path, card)
    places: dict[bytes, int] = {}
    for place, image in enumerate(images):
        places.setdefault(image, place)
    numbers = {image: number for number, image in enumerate(places)}
    shown = np.array([numbers[image] for image in images], dtype=np.intp)
    names = [f"image {place} of {path}" for place in places.values()]
    without_faults(lambda one: check_aspect(size(*one), (shape[2], shape[1]), one[1]), zip(places, names, strict=True))
    return PairSet(
        images=EncodedSource(list(places), shape, names),
        first=shown[::2],
        second=shown[1::2],
        same=np.array(same, dtype=np.bool_),
        folds=consecutive_folds(len(same)),
        checksums={path.name: md5(content)},
    )


def write(path: Path, images: Sequence[bytes], same: Sequence[bool], protocol: int = 4) -> None:
    """Write encoded images, two a pair, and whether each pair shows one person, as Python 3 pickles them."""
    write_atomically(path, pickle.dumps((list(images), [bool(value) for value in same]), protocol))


def consecutive_folds(pairs: int, folds: int = FOLDS) -> NDArray[np.intp]:
    """Return the fold of each pair, [pairs]: runs of equal length, the first ones longer by one if need be."""
    lengths = pairs // folds + (np.arange(folds) < pairs % folds)
    return np.repeat(np.arange(folds), lengths)


def _images_and_same(content: Any) -> tuple[list[bytes], list[bool]]:
    """Return the images and whether the pairs show one person; TypeError or ValueError says what else there is."""
    if not isinstance(content, (tuple, list)) or len(content) != 2:
        raise ValueError("it is no pair of lists")
    images, same = content
    if isinstance(same, ByteArray):
        same = same.whole_numbers()
    if not isinstance(images, list) or not isinstance(same, list):
        raise TypeError("it is no pair of lists")
    encoded = [image.bytes_of("u1") if isinstance(image, ByteArray) else image for image in images]
    for place, image in enumerate(encoded):
        if not isinstance(image, (bytes, bytearray)):
            raise TypeError(f"image {place} is no bytes but {type(image).__name__}")
    for place, value in enumerate(same):
        if value not in (0, 1):
            raise ValueError(f"whether pair {place} shows one person is neither true nor false")
    if not same or len(images) != 2 * len(same):
        raise ValueError(f"it has {len(images)} images for {len(same)} pairs")
    return [bytes(image) for image in encoded], [bool(value) for value in same]
