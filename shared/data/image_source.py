"""Images that are read when they are asked for, from memory, from files or from encoded bytes.

A source is what stands between a data set's format and the training loop or a benchmark. It may be read from several
threads or processes at once: decoding lets other threads run.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from shared.data.lazy import Image, np, simplejpeg
from shared.data.reading import pictures
from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Indices = NDArray[np.integer]

Shape = tuple[int, int, int]

ALIGNED: Shape = (3, 112, 112)
"""The shape of aligned faces."""

START_OF_JPEG = b"\xff\xd8"


class ImageSource(Protocol):
    """A number of images of one shape (channels, height, width); one channel is grey, three are red, green, blue."""

    @property
    def shape(self) -> Shape: ...  # noqa: D102

    def __len__(self) -> int: ...

    def read(self, indices: Indices) -> Bytes:
        """Return the images at `indices`, uint8 [B, H, W, 3], or [B, H, W] where they are grey; raises UserError."""
        ...


@dataclass(frozen=True)
class Division:
    """Which images are trained on, which stand for their class in a search, the gallery, and which are tested on.

    `train`, `gallery` and `test` are sorted places of images, and `labels`, [N], the classes of all images, -1 where an
    image is of none. The first `classes` classes are trained on; the gallery and the test images may be of more.
    `under_represented` are the classes that are reported as such. `held_out` are sorted places of images of classes
    trained on that are neither trained nor tested on: what a training may look at. `unseen` are those of images of
    classes that are neither trained on nor searched in.
    """

    train: NDArray[np.intp]
    gallery: NDArray[np.intp]
    test: NDArray[np.intp]
    labels: NDArray[np.integer]
    classes: int
    under_represented: tuple[int, ...]
    held_out: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))
    unseen: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))


@dataclass(frozen=True)
class LabelledSource:
    """Images with their classes, 0..classes-1, [N], and the checksums of the files they come from, by name.

    `yaw`, [N], is how far each head is turned, in degrees, where that is known; a mirrored head has the opposite sign.
    `division` is there where the data set itself says what is trained on and what tested.
    """

    images: ImageSource
    labels: NDArray[np.integer]
    classes: int
    checksums: dict[str, str]
    yaw: NDArray[np.float32] | None = None
    division: Division | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what, in words."""
        of_class = np.bincount(self.labels, minlength=self.classes)
        return {
            "images": len(self.images),
            "classes": self.classes,
            "in the largest class": int(of_class.max(initial=0)),
            "in the smallest": int(of_class.min(initial=len(self.labels))),
        }

    @property
    def sources(self) -> dict[str, ImageSource]:
        """The images, by what they are called."""
        return {"images": self.images}


@runtime_checkable
class EncodedImages(ImageSource, Protocol):
    """Images that are decoded when they are read."""

    def encoded(self, index: int) -> bytes | memoryview:
        """Return an image as it is kept; raises UserError."""
        ...


class ArraySource:
    """Images in memory, uint8 [N, H, W, 3] or [N, H, W]."""

    def __init__(self, images: Bytes) -> None:
        self.images = images

    @property
    def shape(self) -> Shape:
        """Channels, height and width."""
        height, width, *channels = self.images.shape[1:]
        return (*(channels or (1,)), height, width)

    def __len__(self) -> int:
        return len(self.images)

    def read(self, indices: Indices) -> Bytes:
        """Return copies of the images at `indices`."""
        return self.images[indices]


class EncodedSource:
    """Encoded images in memory, with a name for each that an error can give."""

    def __init__(self, contents: Sequence[bytes], shape: Shape, names: Sequence[str]) -> None:
        self.contents, self.shape, self.names = contents, shape, names

    def __len__(self) -> int:
        return len(self.contents)

    def read(self, indices: Indices) -> Bytes:
        """Decode the images at `indices`; raises UserError, naming the first that cannot be."""
        images = (decode(self.contents[index], self.shape, self.names[index]) for index in indices)
        return as_batch(images, len(indices), self.shape)

    def encoded(self, index: int) -> bytes:
        """Return an image as it is kept."""
        return self.contents[index]


class FileSource:
    """One file an image; images of another size are resized bicubically, or refused if `size_expected` says so.

    Paths may be texts, which take much less memory where there are many. `size_expected` is the end of the sentence
    that refuses an image of another size: what to do about it. Images of another aspect are refused unless they may be
    `stretched`.
    """

    def __init__(
        self, paths: Sequence[Path | str], shape: Shape, size_expected: str | None = None, *, stretched: bool = False
    ) -> None:
        self.paths, self.shape, self.size_expected, self.stretched = paths, shape, size_expected, stretched

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, indices: Indices) -> Bytes:
        """Read and decode the files at `indices`; raises UserError, naming the first that cannot be."""
        return as_batch((self._read(self.paths[index]) for index in indices), len(indices), self.shape)

    def encoded(self, index: int) -> bytes:
        """Return a file's bytes; raises UserError where it cannot be read."""
        return pictures.contents(self.paths[index])

    def _read(self, path: Path | str) -> Bytes:
        content = pictures.contents(path)
        return decode(content, self.shape, str(path), self.size_expected, stretched=self.stretched)


def as_batch(images: Iterable[Bytes], count: int, shape: Shape) -> Bytes:
    """Return `count` images of a shape, also none, as uint8 [count, H, W, 3] or [count, H, W]."""
    channels, height, width = shape
    batch = np.empty((count, height, width, channels)[: 3 if channels == 1 else 4], np.uint8)
    for place, image in enumerate(images):
        batch[place] = image
    return batch


def decode(
    content: bytes | memoryview, shape: Shape, name: str, size_expected: str | None = None, *, stretched: bool = False
) -> Bytes:
    """Return an encoded image as uint8 [H, W, 3] or [H, W], resized bicubically to `shape` if it has another size.

    With `size_expected`, which says what to do about it, one of another size is refused instead. So is one of another
    aspect unless it may be `stretched`.

    A colour JPEG of that very size without EXIF, the case of face training sets, is decoded by libjpeg-turbo
    directly, which is twice as fast. Pillow decodes everything else, and whatever is refused there. Both have the same
    inverse transform and the same upsampling, so the pixels are those of Pillow, but that CMYK may differ by one
    (compared in the tests).

    Raises UserError, naming the image by `name`, where it cannot be decoded whole, or is refused.
    """
    channels, height, width = shape
    if channels == 3 and content[:2] == START_OF_JPEG and not pictures.may_be_turned(content):
        with suppress(ValueError):
            pixels: Bytes = simplejpeg.decode_jpeg(content, buffer=np.empty((height, width, 3), np.uint8))
            if pixels.shape == (height, width, 3):
                return pixels
    image = pictures.decoded(content, "L" if channels == 1 else "RGB", name)
    if image.size != (width, height):
        if size_expected is not None:
            raise UserError(
                f"{name} has {image.width} x {image.height} pixels, not {width} x {height}; {size_expected}"
            )
        if not stretched:
            pictures.check_aspect(image.size, (width, height), name)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.uint8)


def jpeg(image: Bytes, quality: int) -> bytes:
    """Return `image`, uint8 [H, W, 3], as a JPEG file."""
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return file.getvalue()
