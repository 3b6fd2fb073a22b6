"""The Database of Faces (ORL, AT&T, Olivetti): 40 people, ten grey images of each; split by people; all pairs.

Face images: the Database of Faces, Olivetti Research Laboratory / AT&T Laboratories Cambridge. F. Samaria and A.
Harter, "Parameterisation of a stochastic model for human face identification", 2nd IEEE Workshop on Applications of
Computer Vision, 1994. Its owner asks for this credit.

Thirty people are for training and ten for testing, none in both. Which ten is a fixed draw; with ten, each of the
usual ten folds is a person, and there are 450 pairs of one person and 4,500 of two. Or all forty are for training,
where images of them are put aside to test on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shared.data.evaluation_sets import PairSet
from shared.data.files import md5
from shared.data.image_source import ArraySource, LabelledSource
from shared.data.kinds import TrainingSet
from shared.data.lazy import Image, np
from shared.data.reading import pictures
from shared.data.reading.archives import DAMAGED, member, zipped
from shared.data.reading.faults import refuse, without_faults
from shared.errors import UserError
from shared.runs.components import Card, DataSet
from shared.runs.fields import Count

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Files = dict[int, tuple[str, bytes]]

PEOPLE, IMAGES = 40, 10
HEIGHT, WIDTH = 112, 92
SIDE = 112
TESTED = 10
SECOND_HALF = tuple(range(15, 30))
NAME = "orl_faces"
SCIKIT_LEARN = "olivetti_faces of scikit-learn, 64 x 64"
MEMBER = re.compile(r"(?:^|/)(s\d+/\d+\.pgm)$")
HOW_TO_GET = (
    "put orl_faces.zip, with s1/1.pgm to s40/10.pgm, or the folder orl_faces of these under the data root, or let "
    "scikit-learn download its copy, for which a network is needed"
)


class Olivetti(TrainingSet):
    """Faces of 30 of the 40 people of the Database of Faces, grey, 112 x 112; the other ten are tested on.

    With `few_images`, only so many images are kept of each of the second half of the people. With `everyone`, all 40
    are trained on: for a division in which images of them are put aside to test on.
    """

    people: ClassVar[int] = 40
    classes: ClassVar[int] = 30
    training_images: ClassVar[int] = 300
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
    few_images: Count | None = None
    # Left out of a record where it is not set, so that records from before it was an option stay those of their runs.
    everyone: bool = Field(False, exclude_if=lambda everyone: not everyone)

    @model_validator(mode="after")
    def _keeps_everyone_whole(self) -> Self:
        if self.everyone and self.few_images is not None:
            raise ValueError("give either few_images or everyone")
        return self

    @property
    def trained_classes(self) -> int:
        """The number of classes that are trained on: of all people, where everyone is, unless some are chosen."""
        chosen = self.sampling.under_represented is not None or self.sampling.classes is not None
        return self.people if self.everyone and not chosen else super().trained_classes

    @property
    def never_tested_on(self) -> tuple[str, ...]:
        """The pairs of the ten people who are else tested on, where everyone is trained on."""
        return ("olivetti-pairs",) if self.everyone else ()

    def is_there(self, root: Path) -> bool:
        """Whether the archive, its folders or scikit-learn's copy is there."""
        return faces_at(root) != root or (root / "olivetti_py3.pkz").exists()

    def at(self, root: Path) -> Path:
        """Return the archive, the folder, or else `root`, where scikit-learn's copy is, or is fetched to."""
        return faces_at(root)

    def read(self, place: Path) -> LabelledSource:
        """Read the faces; raises UserError."""
        return training(place, few_images=self.few_images, everyone=self.everyone)


class OlivettiPairs(DataSet):
    """All pairs of faces of the people of the Database of Faces whom no run trains on."""

    card: ClassVar[Card] = Olivetti.card
    classes: ClassVar[int] = 0
    training_images: ClassVar[int] = 0
    folder: ClassVar[str] = Olivetti.folder
    fetched: ClassVar[bool] = Olivetti.fetched
    name: Literal["olivetti-pairs"] = "olivetti-pairs"

    def is_there(self, root: Path) -> bool:
        """Whether the archive, its folders or scikit-learn's copy is there."""
        return Olivetti().is_there(root)

    def at(self, root: Path) -> Path:
        """Return where the faces are, or are fetched to."""
        return faces_at(root)

    def read(self, place: Path) -> PairSet:
        """Read the faces; raises UserError."""
        return pairs(place)


@dataclass(frozen=True)
class OlivettiFaces:
    """Images uint8 [400, 112, 92] in the order of `people`, int64 [400], from 0 to 39; what they were read from.

    From scikit-learn's copy the images are [400, 64, 64], and the one name in `checksums` says so.
    """

    images: Bytes
    people: NDArray[np.int64]
    checksums: dict[str, str]


def faces_at(root: Path) -> Path:
    """Return `root`/orl_faces.zip, else `root`/orl_faces, else `root` itself."""
    archive, folder = root / f"{NAME}.zip", root / NAME
    return archive if archive.exists() else folder if folder.is_dir() else root


def read(root: Path) -> OlivettiFaces:
    """Read the faces from `faces_at(root)`, or, where that is neither, have scikit-learn download its copy.

    The zip is read in place. The checksum is the MD5 of all PGM files one after the other, by person and number, and so
    the same for both; scikit-learn's is that of its images as bytes. Raises UserError where an image is missing or
    unreadable, or where there are none and none can be downloaded.
    """
    people, place = np.repeat(np.arange(PEOPLE), IMAGES), faces_at(root)
    if place.is_dir() and place.name != NAME and not any(place.glob(Olivetti.sign)):
        images = _from_scikit_learn(place)
        return OlivettiFaces(images, people, {SCIKIT_LEARN: md5(images.data)})
    contents = _in_folder(place) if place.is_dir() else _in_archive(place)
    decoded, kept = without_faults(lambda entry: _decoded(entry[1], entry[0]), contents.values())
    if not kept:
        raise UserError(f"{place} has no face that can be read; {HOW_TO_GET}")
    places = np.array(list(contents), np.intp)[kept]
    checksum = md5(b"".join(content for _, content in contents.values()))
    return OlivettiFaces(np.stack(decoded), people[places], {NAME: checksum})


def split() -> tuple[list[int], list[int]]:
    """Return the thirty people to train on and the ten to test on, sorted."""
    # RandomState's stream is the same in every numpy.
    order = np.random.RandomState(0).permutation(PEOPLE)
    return sorted(order[TESTED:].tolist()), sorted(order[:TESTED].tolist())


def training(
    root: Path, few: Sequence[int] = SECOND_HALF, few_images: int | None = None, *, everyone: bool = False
) -> LabelledSource:
    """Return the images of the people to train on, grey, 112 x 112, with classes 0 to 29 in the order of the people.

    With `few_images`, of the classes `few` only the first so many are kept, for a training set that is imbalanced. With
    `everyone`, the classes are all people, 0 to 39, and nobody is left to test on. Raises UserError where these are no
    such classes, or not from 1 to 10 images.
    """
    trained = range(PEOPLE) if everyone else split()[0]
    if not all(0 <= person < len(trained) for person in few):
        raise UserError(f"few: {', '.join(map(str, few))} are not all classes from 0 to {len(trained) - 1}")
    if few_images is not None and not 1 <= few_images <= IMAGES:
        raise UserError(f"few_images: {few_images} is not from 1 to {IMAGES}")
    faces = read(root)
    kept = [
        np.flatnonzero(faces.people == person)[: few_images if label in few else None]
        for label, person in enumerate(trained)
    ]
    labels = np.repeat(np.arange(len(trained)), [len(images) for images in kept])
    images = squared(faces.images[np.concatenate(kept)])
    return LabelledSource(ArraySource(images), labels, len(trained), faces.checksums)


def pairs(root: Path) -> PairSet:
    """Return all 4,950 pairs of the 100 images of the people to test on, in ten folds; raises UserError as `read` does.

    Folds of LFW have no person in common. With so few people that would leave folds without pairs of two; hence each
    pair is in the fold of the person that its `first` image shows. Besides the 45 pairs of that person these are the
    pairs with each of the four people that follow in a circle of the ten, and, from an even place, with the fifth too:
    400 or 500. A threshold that is chosen on the other folds has seen no two images of the person compared.
    """
    _, tested = split()
    faces = read(root)
    images = squared(faces.images[np.isin(faces.people, tested)])
    people = np.repeat(np.arange(TESTED), IMAGES)
    one, other = np.triu_indices(len(people), 1)
    swapped = _later(people[one], people[other])
    first, second = np.where(swapped, other, one), np.where(swapped, one, other)
    return PairSet(ArraySource(images), first, second, people[first] == people[second], people[first], faces.checksums)


def squared(images: Bytes) -> Bytes:
    """Return images, [N, H, W], at 112 x 112: narrow ones with their first and last column repeated, others resized.

    Repeating leaves the faces of AT&T's 92 columns as large as they are, and in the middle.
    """
    height, width = images.shape[1:]
    if height == SIDE:
        before = (SIDE - width) // 2
        return np.pad(images, ((0, 0), (0, 0), (before, SIDE - width - before)), mode="edge")
    resized = [Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for image in images]
    return np.stack([np.asarray(image) for image in resized])


def _later(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell for pairs of people, `one` <= `other`, whether the pair belongs to the other, so that all have as many."""
    apart = other - one
    later: NDArray[np.bool_] = (2 * apart > TESTED) | ((2 * apart == TESTED) & (one % 2 == 1))
    return later


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
    found = {name for name in _names() if (folder / name).is_file()}
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


def _from_scikit_learn(root: Path) -> Bytes:
    """Return scikit-learn's copy, uint8 [400, 64, 64], which it keeps in `root`/olivetti_py3.pkz."""
    from http.client import HTTPException  # noqa: PLC0415 - takes long, and only this copy is fetched

    try:
        faces = import_module("sklearn.datasets").fetch_olivetti_faces(data_home=str(root))
    except (OSError, EOFError, HTTPException, ValueError) as error:
        raise UserError(
            f"{root} has neither {NAME}.zip nor {NAME}, and scikit-learn could not download its copy ({error}); "
            f"{HOW_TO_GET}"
        ) from error
    # It stretches the bytes to 0 and 1, and lists the people in order.
    images: Bytes = np.rint(np.asarray(faces.images) * 255).astype(np.uint8)
    return images
