"""Pictures in files, as they are meant to be seen: 8 bits a channel, upright, by a decoder that starts no program."""

from __future__ import annotations

from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from shared.data.lazy import Image, np
from shared.data.reading import regular
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    Mode = Literal["RGB", "L"]

FORMATS: Mapping[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "JPEG2000": (".jp2", ".j2k"),
}
"""What is read, as Pillow names it, with its suffixes in small letters. EPS is not: Pillow runs Ghostscript for it."""
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)
BEGINNINGS = (
    *(b"\xff\xd8", b"\x89P", b"BM", b"RI", b"GI", b"II", b"MM", b"\0\0", b"\xff\x4f"),
    *(b"P%d" % kind for kind in range(1, 8)),
)
"""The first two bytes of what is read; what begins otherwise is no such picture."""
MOST_PIXELS = 1 << 26
ORIENTATION = 0x0112
TURNS = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
"""How EXIF's orientations become upright, as the values of Pillow's `Transpose`."""
QUARTER_TURNS = (2, 4, 5, 6)
APP1, START_OF_SCAN = 0xE1, 0xDA
"""Marks of JPEG's segments."""
SIXTEEN_BITS = ("PPM", "PNG")
"""In these formats Pillow's mode "I" stands for 16 bits; in others for 32."""


def decoded(content: bytes | memoryview, mode: Mode | None, name: str, formats: tuple[str, ...] = ()) -> Image.Image:
    """Return an encoded picture in RGB, in grey ("L"), or, with None, in the mode that it has, of 8 bits a channel.

    Of `FORMATS`, or of some of them. Raises UserError, calling it `name`, where it cannot be decoded, has not 8 or 16
    bits a channel, or has more than `MOST_PIXELS`.
    """
    accepted = formats or tuple(FORMATS)
    if not len(content):
        raise UserError(f"{name} cannot be decoded as an image (it is empty); replace it")
    try:
        with Image.open(BytesIO(content), formats=accepted) as file:
            if file.width * file.height > MOST_PIXELS:
                raise ValueError(f"it has {file.width} x {file.height} pixels, more than {MOST_PIXELS}")
            eight = _eight_bits(file)
            image = eight.convert(mode) if mode else eight.copy()
            turn = TURNS.get(_orientation(file) or 1)
    # A decoder of strangers' bytes raises nearly anything: struct.error, KeyError, OverflowError, MemoryError.
    except Exception as error:
        raise _undecodable(name, error, accepted) from None
    return image if turn is None else image.transpose(Image.Transpose(turn))


def opened(path: Path | str) -> Image.Image:
    """Read and decode a picture of any size, in RGB; raises UserError, naming the file, where that cannot be done."""
    return decoded(contents(path), "RGB", str(path))


def contents(path: Path | str) -> bytes:
    """Return the bytes of the file of a picture; raises UserError, naming it, where it cannot be read."""
    try:
        return regular.contents(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}; put the file there") from None


def size(content: bytes | memoryview, name: str) -> tuple[int, int]:
    """Return width and height as an encoded picture's header says, upright; raises UserError where that has none."""
    try:
        with Image.open(BytesIO(content), formats=tuple(FORMATS)) as file:
            turned = TURNS.get(_orientation(file) or 1, 0) in QUARTER_TURNS
            return (file.height, file.width) if turned else file.size
    except Exception as error:
        raise _undecodable(name, error, tuple(FORMATS)) from None


def central(size: tuple[int, int], share: float) -> tuple[float, float, float, float]:
    """Return the square (left, top, right, bottom) about a picture's centre, its side a share of the shorter one."""
    half = share * min(size) / 2
    across, down = size[0] / 2, size[1] / 2
    return across - half, down - half, across + half, down + half


def check_aspect(found: tuple[int, int], expected: tuple[int, int], name: str) -> None:
    """Raise UserError where a picture of a size (width, height) would be stretched to have another, by a pixel or more.

    Faces that are narrower or wider than a protocol's crops are none of its crops.
    """
    (width, height), (wide, high) = found, expected
    if abs(width * high - height * wide) > max(wide, high):
        raise UserError(
            f"{name} has {width} x {height} pixels, which would be stretched to {wide} x {high}; crop the images as "
            "the protocol says"
        )


def may_be_turned(content: bytes | memoryview) -> bool:
    """Whether a JPEG has EXIF, which only `decoded` looks at, in one of its segments before the image; or may have."""
    at = 2
    while content[at : at + 1] == b"\xff" and at + 8 <= len(content):
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == START_OF_SCAN:
            return False
        if length < 2 or (marker == APP1 and content[at + 4 : at + 8] == b"Exif"):
            return True
        at += 2 + length
    return True


def _undecodable(name: str, error: Exception, accepted: tuple[str, ...]) -> UserError:
    reason = f"it is no {' or '.join(accepted)}" if type(error).__name__ == "UnidentifiedImageError" else str(error)
    return UserError(f"{name} cannot be decoded as an image ({reason}); replace it")


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format in SIXTEEN_BITS):
        return Image.fromarray((np.asarray(image).astype(np.int64) >> 8).astype(np.uint8))
    if image.mode in {"I", "F"} or image.mode.startswith("I;"):
        raise ValueError(f"its numbers are neither 8 nor 16 bits but of Pillow's mode {image.mode}")
    return image


def _orientation(image: Image.Image) -> int | None:
    """Return EXIF's orientation, if it says one that can be read."""
    with suppress(Exception):
        orientation = image.getexif().get(ORIENTATION)
        return orientation if isinstance(orientation, int) else None
    return None
