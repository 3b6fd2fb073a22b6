"""Ten letters of the selection of EMNIST, A to J, of which there are as many images as Dermofit has lesions.

A stand-in for Dermofit where it cannot be had: real images that are free, as few, as unevenly spread over ten classes
and in folds cut the same way. What letters look like has nothing to do with lesions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import Field

from shared.data.formats.emnist import CHARACTERS
from shared.data.image_arrays import ImageArrays
from shared.data.kinds import TrainingSet
from shared.data.lazy import np
from shared.data.sets.dermofit import FOLDS, KINDS, Dermofit
from shared.data.sets.emnist_selection import EmnistSelection
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

LETTERS = "ABCDEFGHIJ"
SIZES = tuple(kind.lesions for kind in KINDS)
"""The number of images of each letter: of the lesions in the order of their labels, 24 to 331."""


class EmnistLesionSizes(TrainingSet):
    """The letters A to J, 28 x 28, 1,300 images in Dermofit's sizes, by folds of a third each.

    The images of `fold` are the test set, the others are trained on. All are drawn from the training images of the
    selection, and `draw` is the number of the draw. Where it is not given each seed has a draw of its own, so that what
    varies over seeds varies over images too.
    """

    classes: ClassVar[int] = Dermofit.classes
    training_images: ClassVar[int] = Dermofit.training_images
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

    def load(self, root: Path) -> ImageArrays:
        """Draw the images, uint8 [N, 28, 28], two thirds to train on, one third to test on; labels 0 to 9 for A to J.

        Within each letter the images are dealt in turn to the folds, in the order in which they are drawn.

        Raises:
            UserError: the selection cannot be read, or has too few images of a letter.

        """
        selection = EmnistSelection().load(root)
        # RandomState's stream is the same in every numpy.
        stream = np.random.RandomState(self.draw or 0)
        drawn = []
        for letter, size in zip(LETTERS, SIZES, strict=True):
            there = np.flatnonzero(selection.train_labels == CHARACTERS.index(letter))
            if len(there) < size:
                raise UserError(f"{self.card.title}: there are {len(there)} images of {letter}, not {size}")
            drawn.append(stream.permutation(there)[:size])
        images = selection.train_images[np.concatenate(drawn)]
        labels = np.repeat(np.arange(len(SIZES), dtype=np.uint8), SIZES)
        test = np.concatenate([np.arange(size) % FOLDS == self.fold for size in SIZES])
        return ImageArrays(images[~test], labels[~test], images[test], labels[test], selection.checksums)
