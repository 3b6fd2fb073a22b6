"""The characters of EMNIST drawn in fonts, written once as the four files of EMNIST."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.files import prepared
from shared.data.formats.emnist import CHARACTERS, FILES, read_characters, turned
from shared.data.formats.idx import write_idx
from shared.data.kinds import TrainingSet
from shared.data.lazy import np
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_arrays import ImageArrays

TRAINING, TEST = 60, 20


class EmnistDrawn(TrainingSet):
    """60 training and 20 test images of each of EMNIST's 47 characters, drawn in many fonts; for the smoke scale."""

    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    kept_in_memory: ClassVar[bool] = True
    classes: ClassVar[int] = 47
    training_images: ClassVar[int] = 2_820
    folder: ClassVar[str] = "emnist-drawn/raw"
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = f"{FILES[0]}*"
    # Other releases of Pillow and FreeType may draw other pixels, hence no checksums.
    card: ClassVar[Card] = Card(
        title="Characters of EMNIST, drawn",
        owner="drawn by this suite in the fonts DejaVu, STIX and Computer Modern of the package matplotlib",
        licence="that of the fonts, which come with matplotlib: Bitstream Vera, STIX and BaKoMa",
        available=True,
        how_to_get="made by itself from the fonts that the installed package matplotlib carries",
        megabytes=3,
    )
    name: Literal["emnist-drawn"] = "emnist-drawn"

    def at(self, root: Path) -> Path:
        """Return `root`/emnist-drawn/raw, drawn first if need be; raises UserError where a font is missing."""
        return prepared(root / self.folder, write)

    def read(self, place: Path) -> ImageArrays:
        """Read 2,820 training and 940 test images, [N, 28, 28], white on black, with labels that index `CHARACTERS`.

        Raises UserError where a file made earlier is not as it was.
        """
        return read_characters(place, self.card, TRAINING, TEST)


def write(folder: Path) -> None:
    """Draw all images and write them, transposed as EMNIST's are, into `folder`."""
    from shared.data.rendered.characters import FONTS, draw, font  # noqa: PLC0415 - imports matplotlib and Pillow

    try:
        fonts = [font(name) for name in FONTS]
    except UserError as error:
        raise UserError(f"{EmnistDrawn.card.title}: {error}") from error
    # RandomState's stream is the same in every numpy; Generator's may change.
    stream = np.random.RandomState(0)
    for each, (images_file, labels_file) in ((TRAINING, FILES[:2]), (TEST, FILES[2:])):
        labels = stream.permutation(np.repeat(np.arange(len(CHARACTERS), dtype=np.uint8), each))
        images = np.stack([draw(CHARACTERS[label], fonts[stream.randint(len(fonts))], stream) for label in labels])
        write_idx(folder / images_file, turned(images))
        write_idx(folder / labels_file, labels)
