"""The characters of EMNIST drawn in the fonts that matplotlib carries, written once as the four files of EMNIST.

Every image has a font, a stroke, a size, a slant, a turn and a place of its own. Like EMNIST's, a character is centred
and fills its image whatever its size in the font; hence 0 and O, 1 and I, or g and q of some fonts are hard to tell.
"""

from __future__ import annotations

from io import BytesIO
from math import cos, radians, sin
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from shared.data import EmnistDrawn
from shared.data.files import prepared
from shared.data.formats.idx import write_idx
from shared.data.sets.emnist_balanced import CHARACTERS, FILES, SIDE, read_characters, turned
from shared.errors import UserError

if TYPE_CHECKING:
    from numpy.random import RandomState
    from numpy.typing import NDArray

    from shared.data.image_arrays import ImageArrays

TRAINING, TEST = 60, 20
FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    *("cmr10", "cmb10", "cmti10", "cmss10", "cmtt10"),
)
ENLARGED = 4
POINTS = 80


def load(root: Path) -> ImageArrays:
    """Read 2,820 training and 940 test images, [N, 28, 28], white on black, with labels that index `CHARACTERS`.

    They are in `root`/emnist-drawn/raw, drawn first if need be. Raises UserError where a font is missing, or a file
    made earlier is not as it was.
    """
    return read_characters(prepared(root / EmnistDrawn.folder, write), EmnistDrawn.card, TRAINING, TEST)


def write(folder: Path) -> None:
    """Draw all images and write them, transposed as EMNIST's are, into `folder`."""
    fonts = [font(name) for name in FONTS]
    # RandomState's stream is the same in every numpy; Generator's may change.
    stream = np.random.RandomState(0)
    for each, (images_file, labels_file) in ((TRAINING, FILES[:2]), (TEST, FILES[2:])):
        labels = stream.permutation(np.repeat(np.arange(len(CHARACTERS), dtype=np.uint8), each))
        images = np.stack([draw(CHARACTERS[label], fonts[stream.randint(len(fonts))], stream) for label in labels])
        write_idx(folder / images_file, turned(images))
        write_idx(folder / labels_file, labels)


def font(name: str) -> ImageFont.FreeTypeFont:
    """Open one of matplotlib's fonts; UserError where it is not there or no font."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    try:
        # Pillow, given a path where there is no font, would take one of the same name from anywhere on the system.
        return ImageFont.truetype(BytesIO(path.read_bytes()), POINTS, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise UserError(
            f"{EmnistDrawn.card.title}: the font {path} cannot be read ({error}); install the locked requirements anew"
        ) from error


def draw(character: str, face: ImageFont.FreeTypeFont, stream: RandomState) -> NDArray[np.uint8]:
    """Draw a character, uint8 [28, 28], upright, distorted at random: seven numbers are taken from the stream.

    The outline of the letter, of 80 points, grows by up to 3 on either side; the longer side becomes 16 to 23 pixels,
    and the ratio of width to height changes by up to 15%; the letter is slanted by up to 0.2, turned by up to 12
    degrees and moved by up to 2 pixels.
    """
    stroke = int(stream.randint(4))
    left, top, right, bottom = face.getbbox(character, stroke_width=stroke)
    width, height = right - left, bottom - top
    glyph = Image.new("L", (int(width) + 1, int(height) + 1))
    ImageDraw.Draw(glyph).text((-left, -top), character, fill=255, font=face, stroke_width=stroke)

    size = ENLARGED * stream.uniform(16, 23) / max(width, height)
    ratio = stream.uniform(0.85, 1.15)
    slant = stream.uniform(-0.2, 0.2)
    angle = radians(stream.uniform(-12, 12))
    shift = ENLARGED * np.array([stream.uniform(-2, 2), stream.uniform(-2, 2)])
    turn = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])
    to_image = turn @ np.array([[1, slant], [0, 1]]) @ np.diag([size * ratio, size])
    to_glyph = np.linalg.inv(to_image)
    side = ENLARGED * SIDE
    offset = np.array([width, height]) / 2 - to_glyph @ (np.full(2, side / 2) + shift)
    coefficients = np.column_stack([to_glyph, offset]).ravel().tolist()
    enlarged = glyph.transform((side, side), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR)
    return np.asarray(enlarged.reduce(ENLARGED), dtype=np.uint8)
