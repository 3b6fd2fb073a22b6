"""A figure as a small picture for a README, which tells of itself what it was drawn from."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from PIL import Image, PngImagePlugin, UnidentifiedImageError

from shared.reporting.figure import Figure

PIXELS = 900
"""The width of a picture, some three times that at which it is shown, so that it can be opened and read."""
COLOURS = 64
MARK = "Drawn from"


def mark(target: str, figure: Figure) -> str:
    """Return what tells a picture's target and the data drawn in it, to six digits, from all others."""
    data = figure.data.to_csv(index=False, float_format="%.6g")
    told = "\0".join([target, figure.caption, *figure.notes, data])
    return f"{target} {hashlib.sha256(told.encode()).hexdigest()[:16]}"


def marked(path: Path) -> str | None:
    """Return the mark of a picture, None where there is none, or no picture."""
    try:
        with Image.open(path, formats=["PNG"]) as picture:
            return picture.info.get(MARK)
    except (FileNotFoundError, UnidentifiedImageError):
        return None


def picture(target: str, figure: Figure) -> bytes:
    """Return a figure as a PNG of few colours, with its mark."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.drawing.savefig(drawn, format="png", dpi=PIXELS / figure.drawing.get_figwidth())
    notes = PngImagePlugin.PngInfo()
    notes.add_text(MARK, mark(target, figure))
    with Image.open(drawn) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(
            small, "PNG", optimize=True, pnginfo=notes
        )
    return small.getvalue()
