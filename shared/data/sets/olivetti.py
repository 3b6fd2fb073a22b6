"""The Database of Faces (ORL, AT&T, Olivetti): 40 people, ten grey images of each, all of them trained on.

Face images: the Database of Faces, Olivetti Research Laboratory / AT&T Laboratories Cambridge. F. Samaria and A.
Harter, "Parameterisation of a stochastic model for human face identification", 2nd IEEE Workshop on Applications of
Computer Vision, 1994. Its owner asks for this credit.

A picture is the central square of the owner's. With so few people, none are put aside to test on: they are photographs
where a figure is to show photographs.
"""

from __future__ import annotations

import re
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.files import md5
from shared.data.image_source import ArraySource, LabelledSource
from shared.data.kinds import TrainingSet
from shared.data.lazy import Image, np
from shared.data.reading import pictures
from shared.data.reading.archives import DAMAGED, member, zipped
from shared.data.reading.faults import refuse, without_faults
from shared.data.reading.listing import check_one_class
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Files = dict[int, tuple[str, bytes]]

PEOPLE, IMAGES = 40, 10
HEIGHT, WIDTH = 112, 92
SIDE = WIDTH
"""Of the square from the middle of a picture, which has its whole width."""
NAME = "orl_faces"
SCIKIT_LEARN = "olivetti_faces of scikit-learn, 64 x 64"
DOWNLOADED = "olivetti_py3.pkz"
MEMBER = re.compile(r"(?:^|/)(s\d+/\d+\.pgm)$")
HOW_TO_GET = (
    "put orl_faces.zip, with s1/1.pgm to s40/10.pgm, or the folder orl_faces of these under the data root, or let "
    "scikit-learn download its copy, for which a network is needed"
)


class Olivetti(TrainingSet):
    """The 400 faces of the Database of Faces, ten of each of 40 people, grey, 92 x 92."""

    classes: ClassVar[int] = PEOPLE
    training_images: ClassVar[int] = PEOPLE * IMAGES
    folder: ClassVar[str] = "."
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = "s1/1.pgm"
    file: ClassVar[str] = f"{NAME}.zip"
    card: ClassVar[Card] = Card(
        title="The Database of Faces (AT&T, ORL, Olivetti)",
        owner="F. Samaria, A. Harter (1994), Olivetti Research Laboratory, later AT&T Laboratories Cambridge",
        licence="free for research with credit: Olivetti Research Laboratory / AT&T Laboratories Cambridge",
        available=True,
        how_to_get=(
            "put orl_faces.zip, or its folders s1 to s40 as orl_faces, under the data root; with a network "
            "scikit-learn's copy of 64 x 64 pixels is fetched by itself"
        ),
        megabytes=4,
    )
    name: Literal["olivetti"] = "olivetti"

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of the images: grey squares."""
        return 1, SIDE, SIDE

    def is_there(self, root: Path) -> bool:
        """Whether the archive, its folders or scikit-learn's copy is there."""
        return faces_at(root) != root or (root / DOWNLOADED).exists()

    def at(self, root: Path) -> Path:
        """Return the archive, the folder, or else `root`, where scikit-learn's copy is, fetched first if need be."""
        if not self.is_there(root):
            _of_scikit_learn(root)
        return faces_at(root)

    def read(self, place: Path) -> LabelledSource:
        """Read the faces; raises UserError."""
        return read(place)


def faces_at(root: Path) -> Path:
    """Return `root`/orl_faces.zip, else `root`/orl_faces, else `root` itself."""
    archive, folder = root / f"{NAME}.zip", root / NAME
    return archive if archive.exists() else folder if folder.is_dir() else root


def read(root: Path) -> LabelledSource:
    """Read the faces at `faces_at(root)`, or, where that is neither, scikit-learn's copy.

    The classes are the people in their order. The zip is read in place. The checksum is the MD5 of all PGM files one
    after the other, by person and number, and so the same for both; scikit-learn's, whose name says so, is that of its
    images as bytes. Raises UserError where an image is missing or unreadable, or where there are none.
    """
    people, place = np.repeat(np.arange(PEOPLE), IMAGES), faces_at(root)
    if place.is_dir() and place.name != NAME and not any(place.glob(Olivetti.sign)):
        if not (place / DOWNLOADED).is_file():
            raise UserError(f"{place} has neither {NAME}.zip nor {NAME} nor {DOWNLOADED}; {HOW_TO_GET}")
        images = _of_scikit_learn(place)
        return LabelledSource(ArraySource(squares(images)), people, PEOPLE, {SCIKIT_LEARN: md5(images.data)})
    contents = _in_folder(place) if place.is_dir() else _in_archive(place)
    decoded, kept = without_faults(lambda entry: _decoded(entry[1], entry[0]), contents.values())
    if not kept:
        raise UserError(f"{place} has no face that can be read; {HOW_TO_GET}")
    places = np.array(list(contents), np.intp)[kept]
    checksum = md5(b"".join(content for _, content in contents.values()))
    return LabelledSource(ArraySource(squares(np.stack(decoded))), people[places], PEOPLE, {NAME: checksum})


def squares(images: Bytes) -> Bytes:
    """Return the squares from the middle of pictures, [N, H, W] with H >= W, as [N, 92, 92].

    Of AT&T's 112 x 92 ten rows are cut off above and below; squares of another size, scikit-learn's, are resized.
    """
    height, width = images.shape[1:]
    top = (height - width) // 2
    square = images[:, top : top + width]
    if width == SIDE:
        return square
    resized = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for image in square]
    return np.stack([np.asarray(image) for image in resized])


def _names() -> list[str]:
    return [f"s{person}/{image}.pgm" for person in range(1, PEOPLE + 1) for image in range(1, IMAGES + 1)]


def _in_archive(path: Path) -> Files:
    """Return name and content of the images in a zip, by place, whatever folder they lie in there."""
    try:
        with zipped(path) as archive:
            found = {match[1]: name for name in archive.namelist() if (match := MEMBER.search(name))}
            return _contents(path, found, lambda name: (f"{path}: {name}", member(archive, found[name])))
    except DAMAGED as error:
        raise UserError(f"{path} cannot be read as a zip ({error}); {HOW_TO_GET}") from error


def _in_folder(folder: Path) -> Files:
    found = [name for name in _names() if (folder / name).is_file()]
    check_one_class([folder / name for name in found], [name.partition("/")[0] for name in found], Olivetti.card)
    return _contents(folder, found, lambda name: (str(folder / name), pictures.contents(folder / name)))


def _contents(path: Path, found: Container[str], read: Callable[[str], tuple[str, bytes]]) -> Files:
    """Return by place what `read` reads of those of the images that are there; UserError where one is not."""
    missing = [name for name in _names() if name not in found]
    for name in missing:
        there = PEOPLE * IMAGES - len(missing)
        refuse(UserError(f"{path} has {there} of the {PEOPLE * IMAGES} faces, not {name}; {HOW_TO_GET}"))
    return {place: read(name) for place, name in enumerate(_names()) if name in found}


def _decoded(content: bytes, name: str) -> Bytes:
    """Return a PGM file as uint8 [112, 92]; raises UserError, naming it."""
    pixels = np.asarray(pictures.decoded(content, None, name, ("PPM",)))
    if pixels.shape != (HEIGHT, WIDTH) or pixels.dtype != np.uint8:
        raise UserError(f"{name} is not grey, {WIDTH} wide and {HEIGHT} high, with 8 or 16 bits a pixel; {HOW_TO_GET}")
    return pixels


def _of_scikit_learn(root: Path) -> Bytes:
    """Return scikit-learn's copy, uint8 [400, 64, 64], kept in `root` as `DOWNLOADED`; it is fetched if need be."""
    from http.client import HTTPException  # noqa: PLC0415 - takes long, and only this copy is fetched

    kept = root / DOWNLOADED
    is_there = kept.is_file()
    try:
        faces = import_module("sklearn.datasets").fetch_olivetti_faces(data_home=str(root))
    except Exception as error:  # a damaged pickle raises whatever it comes upon
        if is_there:
            raise UserError(f"{kept} cannot be read ({error}); remove it, and it is downloaded again") from error
        if not isinstance(error, OSError | HTTPException):
            raise
        raise UserError(
            f"{root} has neither {NAME}.zip nor {NAME}, and scikit-learn could not download its copy ({error}); "
            f"{HOW_TO_GET}"
        ) from error
    # It stretches the bytes to 0 and 1, lists the people in order, and turns each image without moving its bytes.
    images: Bytes = np.ascontiguousarray(np.rint(np.asarray(faces.images) * 255).astype(np.uint8))
    return images
