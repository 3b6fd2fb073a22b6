"""Characters drawn in the fonts that matplotlib carries.

Every image has a font, a stroke, a size, a slant, a turn and a place of its own. A character is centred and fills its
image whatever its size in the font; hence 0 and O, 1 and I, or g and q of some fonts are hard to tell.
"""

from __future__ import annotations

from io import BytesIO
from math import cos, radians, sin
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from shared.errors import UserError

if TYPE_CHECKING:
    from numpy.random import RandomState
    from numpy.typing import NDArray

FONTS = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSans-BoldOblique"),
    *("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "DejaVuSerif-BoldItalic"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    *("cmr10", "cmb10", "cmti10", "cmss10", "cmtt10"),
)
SIDE = 28
ENLARGED = 4
POINTS = 80


def font(name: str) -> ImageFont.FreeTypeFont:
    """Open one of matplotlib's fonts; UserError where it is not there or no font."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    try:
        # Pillow, given a path where there is no font, would take one of the same name from anywhere on the system.
        return ImageFont.truetype(BytesIO(path.read_bytes()), POINTS, layout_engine=ImageFont.Layout.BASIC)
    except OSError as error:
        raise UserError(f"the font {path} cannot be read ({error}); install the locked requirements anew") from error


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
