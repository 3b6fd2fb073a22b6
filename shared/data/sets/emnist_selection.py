"""A selection of EMNIST: 47 handwritten characters, read from the owner's files or from a ready archive of the same.

Of its letters some may be drawn in the class sizes of Dermofit.

The images are some of the test images of the variants ByMerge and ByClass and of the training images of Balanced, 200
of each character to test on and up to 1,000 to train on. Which, in which order, is the list `emnist_selection.npz`
beside this file: the place of each in its file. It is no split of EMNIST's owners: nearly all images are from their
test files, and nothing measured here compares with published results on EMNIST.

ByClass tells apart all lower-case letters from their capitals. The other two take those that look alike for one class,
which is done here too.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field

from shared.data.files import checked_md5, prepared
from shared.data.formats.emnist import CHARACTERS, FOLDER, LICENCE, OWNER, fetch, names, turned
from shared.data.formats.idx import read_arrays
from shared.data.image_arrays import ImageArrays
from shared.data.kinds import TrainingSet
from shared.data.lazy import np
from shared.data.reading.archives import DAMAGED, array, zipped
from shared.data.reading.listing import holds_something
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

LIST = Path(__file__).with_suffix(".npz")
TRAINING = 46_079
FILES = (("bymerge", "test"), ("byclass", "test"), ("balanced", "train"))
"""Variant and part of the owner's files, in the order in which the list numbers them."""
MERGED = tuple(
    CHARACTERS.index(character if character in CHARACTERS else character.upper())
    for character in digits + ascii_uppercase + ascii_lowercase
)
"""The class of each of the 62 of ByClass."""
LETTERS = "ABCDEFGHIJ"
LESION_SIZES = (45, 239, 331, 88, 257, 78, 24, 97, 65, 76)
"""The number of images of each letter: of Dermofit's lesions in the order of their labels."""
FOLDS = 3


class EmnistSelection(TrainingSet):
    """47 characters of EMNIST, 28 x 28: 1,000 training images of most, 711 to 962 of five; 200 test images of each."""

    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    kept_in_memory: ClassVar[bool] = True
    classes: ClassVar[int] = 47
    training_images: ClassVar[int] = TRAINING
    folder: ClassVar[str] = "."
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = f"{names('byclass', 'test')[0]}*"
    file: ClassVar[str] = "emnist_bymerge_subset.npz"
    card: ClassVar[Card] = Card(
        title="EMNIST, a selection",
        owner=OWNER,
        licence=LICENCE,
        available=True,
        how_to_get=(
            f"put the ready archive {file} under the data root; or, with a network, EMNIST is fetched by itself, "
            "some 560 MB; or get the owner's archive gzip.zip from "
            "https://www.nist.gov/itl/products-and-services/emnist-dataset and put its files "
            "gzip/emnist-bymerge-test-*, gzip/emnist-byclass-test-* and gzip/emnist-balanced-train-*, expanded or as "
            ".gz, into EMNIST/raw under the data root"
        ),
        megabytes=44,
        checksums={"images": "3175920779b4f7fa1870f595b7232ab3", "labels": "ec3cbf0256e6652ad6022ff28a24188f"},
    )
    name: Literal["emnist-selection"] = "emnist-selection"

    def is_there(self, root: Path) -> bool:
        """Whether the ready archive or any file of EMNIST is there."""
        return (root / self.file).exists() or holds_something(root / FOLDER)

    def at(self, root: Path) -> Path:
        """Return `root`/emnist_bymerge_subset.npz, or `root`/EMNIST/raw where it is missing.

        The owner's files are fetched if there is no such folder; raises UserError where they cannot be.
        """
        archive = root / self.file
        return archive if archive.exists() else prepared(root / FOLDER, partial(fetch, self.card))

    def read(self, place: Path) -> ImageArrays:
        """Read the images, [46079, 28, 28] and [9400, 28, 28], upright, with labels that index `CHARACTERS`.

        They are those of the ready archive, or those that the list names of the owner's files in a folder. Raises
        UserError where a file is missing, or what is read is not the selection.
        """
        images, labels = from_owner(place, self.card) if place.is_dir() else from_archive(place)
        for kind, content in (("images", images), ("labels", labels)):
            checked_md5(content.data, self.card.checksums[kind], f"{self.card.title}: what {place} has of {kind}")
        return ImageArrays(
            images[:TRAINING], labels[:TRAINING], images[TRAINING:], labels[TRAINING:], dict(self.card.checksums)
        )


class EmnistLesionSizes(TrainingSet):
    """The letters A to J, 28 x 28, as many images of each as Dermofit has of a lesion, by folds of a third each.

    A stand-in for Dermofit, `dermofit.py`, where it cannot be had: 1,300 real images that are free, as unevenly spread
    over ten classes and cut into folds the same way. What letters look like has nothing to do with lesions.

    The images of `fold` are the test set, the others are trained on. All are drawn from the training images of the
    selection, and `draw` is the number of the draw. Where it is not given each seed has a draw of its own, so that what
    varies over seeds varies over images too.
    """

    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    kept_in_memory: ClassVar[bool] = True
    classes: ClassVar[int] = len(LESION_SIZES)
    training_images: ClassVar[int] = 2 * sum(LESION_SIZES) // 3
    folder: ClassVar[str] = EmnistSelection.folder
    fetched: ClassVar[bool] = EmnistSelection.fetched
    card: ClassVar[Card] = EmnistSelection.card
    name: Literal["emnist-lesion-sizes"] = "emnist-lesion-sizes"
    fold: Annotated[int, Field(ge=0, lt=FOLDS)] = 0
    draw: Annotated[int, Field(ge=0)] | None = None

    def is_there(self, root: Path) -> bool:
        """Whether the ready archive of the selection or any file of EMNIST is there."""
        return EmnistSelection().is_there(root)

    def of_seed(self, seed: int) -> Self:
        """Return the set with the draw of a seed, where none is given."""
        return self if self.draw is not None else self.model_copy(update={"draw": seed})

    def at(self, root: Path) -> Path:
        """Return where the selection is, fetched first if need be."""
        return EmnistSelection().at(root)

    def read(self, place: Path) -> ImageArrays:
        """Draw the images, uint8 [N, 28, 28], two thirds to train on, one third to test on; labels 0 to 9 for A to J.

        Within each letter the images are dealt in turn to the folds, in the order in which they are drawn.

        Raises:
            UserError: the selection cannot be read, or has too few images of a letter.

        """
        selection = EmnistSelection().read(place)
        # RandomState's stream is the same in every numpy.
        stream = np.random.RandomState(self.draw or 0)
        drawn = []
        for letter, size in zip(LETTERS, LESION_SIZES, strict=True):
            there = np.flatnonzero(selection.train_labels == CHARACTERS.index(letter))
            if len(there) < size:
                raise UserError(f"{self.card.title}: there are {len(there)} images of {letter}, not {size}")
            drawn.append(stream.permutation(there)[:size])
        images = selection.train_images[np.concatenate(drawn)]
        labels = np.repeat(np.arange(len(LESION_SIZES), dtype=np.uint8), LESION_SIZES)
        test = np.concatenate([np.arange(size) % FOLDS == self.fold for size in LESION_SIZES])
        return ImageArrays(images[~test], labels[~test], images[test], labels[test], selection.checksums)


def from_archive(path: Path) -> tuple[Bytes, Bytes]:
    """Read images, [55479, 28, 28], and labels, [55479], from the ready archive; raises UserError if it is damaged."""
    try:
        with zipped(path) as archive:
            return array(archive, "images"), array(archive, "labels")
    except DAMAGED as error:
        raise UserError(f"{path} cannot be read ({error}); replace it, or remove it to use EMNIST's files") from error


def from_owner(folder: Path, card: Card) -> tuple[Bytes, Bytes]:
    """Take the images and labels, as `from_archive` has them, from the owner's files; raises UserError as it is due."""
    with np.load(LIST) as listed:
        source, row = listed["source"], listed["row"]
    images, labels = np.empty((len(row), 28, 28), np.uint8), np.empty(len(row), np.uint8)
    for number, (variant, part) in enumerate(FILES):
        chosen = source == number
        (of_images, of_labels), _ = read_arrays(folder, card, names(variant, part))
        classes = np.array(MERGED if variant == "byclass" else range(len(CHARACTERS)), np.uint8)
        if (
            of_images.shape != (*of_labels.shape, 28, 28)
            or len(of_labels) <= row[chosen].max()
            or of_labels.max() >= len(classes)
        ):
            raise UserError(
                f"{card.title}: {' and '.join(names(variant, part))} in {folder}, of shapes {list(of_images.shape)} "
                f"and {list(of_labels.shape)}, are not the owner's; replace the files; {card.how_to_get}"
            )
        images[chosen] = turned(of_images[row[chosen]])
        labels[chosen] = classes[of_labels[row[chosen]]]
    return images, labels
