"""EMNIST's balanced split from its four IDX files: those at hand, else taken once from its owner's archive."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.files import prepared
from shared.data.formats.emnist import FILES, FOLDER, LICENCE, OWNER, fetch, read_characters
from shared.data.kinds import TrainingSet
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_arrays import ImageArrays

TRAINING, TEST = 2_400, 400


class EmnistBalanced(TrainingSet):
    """EMNIST's balanced split: 2,400 training and 400 test images of each of 47 handwritten characters, 28 x 28."""

    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    kept_in_memory: ClassVar[bool] = True
    classes: ClassVar[int] = 47
    training_images: ClassVar[int] = 112_800
    folder: ClassVar[str] = FOLDER
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = f"{FILES[0]}*"
    # SHA-256 of the gzipped files; checksums of the expanded ones are not published, of which counts are checked.
    card: ClassVar[Card] = Card(
        title="EMNIST, balanced",
        owner=OWNER,
        licence=LICENCE,
        available=True,
        how_to_get=(
            "with a network it is fetched by itself, some 560 MB; without, get the owner's archive of gzipped files, "
            "gzip.zip, from https://www.nist.gov/itl/products-and-services/emnist-dataset and put its four files "
            "gzip/emnist-balanced-*-ubyte.gz, expanded or as .gz, into EMNIST/raw under the data root"
        ),
        megabytes=285,
        checksums={
            "emnist-balanced-train-images-idx3-ubyte.gz": (
                "74295e75e4e9fa2c102147460ee7eb763653d5132d883a84fb88932bfb8d2db4"
            ),
            "emnist-balanced-train-labels-idx1-ubyte.gz": (
                "b46d41e5156a0a8aaaa4d18979fdd1588850fa8571018acffd5d93b325a7d6ed"
            ),
            "emnist-balanced-test-images-idx3-ubyte.gz": (
                "117fc12b015e37ea98bfb2cbba3f77c3782c056cdbd219b87abfc8661d7135db"
            ),
            "emnist-balanced-test-labels-idx1-ubyte.gz": (
                "a67cac948379b67270b9a4d0a01c8ec661598accf2f2b1964340b7c83cb175cd"
            ),
        },
    )
    name: Literal["emnist-balanced"] = "emnist-balanced"

    def at(self, root: Path) -> Path:
        """Return `root`/EMNIST/raw, where the files may be expanded or gzipped; fetched first if there is none.

        Raises UserError where they cannot be fetched.
        """
        return prepared(root / self.folder, partial(fetch, self.card))

    def read(self, place: Path) -> ImageArrays:
        """Read the images, [112800, 28, 28] and [18800, 28, 28], upright, with labels that index `CHARACTERS`.

        Raises UserError where a file is missing or not as it should be.
        """
        return read_characters(place, self.card, TRAINING, TEST)
