"""The Edinburgh Dermofit Image Library: ten classes of skin lesions, a photograph and a mask of each, three folds.

The library comes as a zip or a folder for each class, named by its abbreviation or in full, with a folder for each
lesion: AK/A10/A10.png and AK/A10/A10mask.png. Files may also lie straight in the folder of their class.

Experiment 1 of the paper gaussian_affinity is on the first five classes. How it cuts its three folds, and what part of
the photographs it shows to the network, is not said; both choices are described at `read`.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, NamedTuple

from pydantic import Field

from shared.data.image_arrays import ImageArrays
from shared.data.kinds import OfficialForm, TrainingSet
from shared.data.lazy import Image, np
from shared.data.reading import pictures
from shared.data.reading.archives import DAMAGED, member, zipped
from shared.data.reading.faults import refuse
from shared.data.reading.listing import check_one_class, entries, files_below, is_stray, shown
from shared.data.reading.regular import contents
from shared.errors import UserError
from shared.runs.components import Card
from shared.runs.fields import Count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]


class Kind(NamedTuple):
    """A class of lesions: its abbreviation, its names, and how many lesions of it the library has."""

    code: str
    names: tuple[str, ...]
    lesions: int


KINDS = (
    Kind("AK", ("Actinic Keratosis",), 45),
    Kind("BCC", ("Basal Cell Carcinoma",), 239),
    Kind("ML", ("Melanocytic Nevus", "Melanocytic Nevus (mole)", "Mole"), 331),
    Kind("SCC", ("Squamous Cell Carcinoma",), 88),
    Kind("SK", ("Seborrhoeic Keratosis", "Seborrheic Keratosis"), 257),
    Kind("IEC", ("Intraepithelial Carcinoma",), 78),
    Kind("PYO", ("Pyogenic Granuloma",), 24),
    Kind("VASC", ("Haemangioma", "Hemangioma"), 97),
    Kind("DF", ("Dermatofibroma",), 65),
    Kind("MEL", ("Malignant Melanoma", "Melanoma"), 76),
)
"""The classes in the order of their labels."""
FOLDS = 3
MARGIN = 0.15
MASK = re.compile(r"[ _-]?mask$", re.IGNORECASE)


class Dermofit(OfficialForm, TrainingSet):
    """The skin lesions of the Edinburgh Dermofit Image Library, cut out to `size` x `size`, by folds of a third each.

    The images of `fold` are the test set, the others are trained on. The first five of the ten classes are those of
    experiment 1 of the Gaussian affinity paper.
    """

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_dermofit"
    kept_in_memory: ClassVar[bool] = True
    classes: ClassVar[int] = 10
    training_images: ClassVar[int] = 867
    folder: ClassVar[str] = "dermofit"
    sign: ClassVar[str] = "AK*"
    card: ClassVar[Card] = Card(
        title="Dermofit Image Library",
        owner="B. Fisher, J. Rees and others, University of Edinburgh",
        licence="licensed for a fee; academic licence on request",
        available=True,
        how_to_get=(
            "its owner licenses it at https://licensing.edinburgh-innovations.ed.ac.uk/product/dermofit-image-library; "
            "put its ten folders or zips, AK to VASC, into dermofit under the data root"
        ),
        megabytes=700,
    )
    name: Literal["dermofit"] = "dermofit"
    fold: Annotated[int, Field(ge=0, le=2)] = 0
    size: Count = 224

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of the lesions as they are cut out."""
        return 3, self.size, self.size

    def read(self, place: Path) -> ImageArrays:
        """Read the lesions; raises UserError as `read` does."""
        expected = {kind.code: kind.lesions for kind in KINDS} if self.source == "owner" else None
        return read(place, fold=self.fold, size=self.size, card=self.whose, expected=expected)


def read(folder: Path, *, fold: int, size: int, card: Card, expected: Mapping[str, int] | None = None) -> ImageArrays:
    """Read all lesions, [N, size, size, 3], with their places in `KINDS` as labels; those of `fold` are for testing.

    Within each class the lesions are dealt in turn to the folds 0, 1 and 2, in the order of their file names; so
    each class is in each fold in its share, to within one lesion. Each photograph is cut to a square around the mask's
    bounding box, with a margin of 15% of its longer side on every side, and resized bicubically; where the square
    is larger than the photograph, its edge is repeated. The mask is used for nothing else: the skin around the lesion
    stays in view.

    The checksums are, by abbreviation, the MD5 of the class's files one after the other: photograph and mask of each
    lesion. Raises UserError, naming the file, where a class is missing, a photograph has no mask or a mask no
    photograph, or one cannot be read; and where a class has not as many lesions as `expected` says, by abbreviation.
    """
    if not 0 <= fold < FOLDS:
        raise UserError(f"fold: {fold} is not from 0 to {FOLDS - 1}")
    places = _places(folder, card)
    listed = {code: files_below(place, card) for code, place in places.items() if place.is_dir()}
    files = [(path, code) for code, there in listed.items() for path in there if path.suffix.lower() == ".png"]
    check_one_class([path for path, _ in files], [code for _, code in files], card)
    images: list[Bytes] = []
    counts: dict[str, int] = {}
    checksums = {}
    for kind in KINDS:
        digest = hashlib.md5(usedforsecurity=False)
        before = len(images)
        for name, photograph, mask in _lesions(places[kind.code], card):
            digest.update(photograph)
            digest.update(mask)
            try:
                images.append(_cut(photograph, mask, size, f"{card.title}: {name}"))
            except UserError as error:
                refuse(error)
        counts[kind.code] = len(images) - before
        checksums[kind.code] = digest.hexdigest()
    _check(counts, expected, folder, card)
    if not images:
        raise UserError(f"{card.title}: {folder} has no lesion; {card.how_to_get}")
    labels = np.repeat(np.arange(len(KINDS), dtype=np.uint8), list(counts.values()))
    test = np.concatenate([np.arange(count) % FOLDS == fold for count in counts.values()])
    stacked = np.stack(images)
    return ImageArrays(stacked[~test], labels[~test], stacked[test], labels[test], checksums)


def write_lesion(folder: Path, kind: Kind, name: str, photograph: Bytes, mask: NDArray[np.bool_]) -> None:
    """Write a lesion as the library has it: uint8 [H, W, 3] and [H, W], in a folder of its class and its own name."""
    lesion = folder / kind.code / name
    lesion.mkdir(parents=True)
    Image.fromarray(photograph).save(lesion / f"{name}.png")
    Image.fromarray(mask).save(lesion / f"{name}mask.png")


def _places(folder: Path, card: Card) -> dict[str, Path]:
    """Return where each class is, by abbreviation: a folder, else a zip."""
    if not folder.is_dir():
        raise UserError(f"{card.title}: there is no folder {folder}; {card.how_to_get}")
    named: dict[str, Path] = {}
    for path in entries(folder, card):
        if path.is_dir():
            named[_letters(path.name)] = path
        elif path.suffix.lower() == ".zip":
            named.setdefault(_letters(path.stem), path)
    places = {kind.code: named[name] for kind in KINDS for name in reversed(_called(kind)) if name in named}
    missing = [kind for kind in KINDS if kind.code not in places]
    if missing:
        raise UserError(
            f"{card.title}: {folder} has {len(places)} of {len(KINDS)} classes, not "
            f"{', '.join(f'{kind.names[0]} ({kind.code}, {kind.lesions} lesions)' for kind in missing)}; put a folder "
            f"{missing[0].code} or {missing[0].code}.zip there; {card.how_to_get}"
        )
    return places


def _called(kind: Kind) -> list[str]:
    """Return what the folder of a class may be called, in small letters without anything between them."""
    code, names = _letters(kind.code), [_letters(name) for name in kind.names]
    return [code, *names, *(name + code for name in names), *(code + name for name in names)]


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _lesions(place: Path, card: Card) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield the name of each photograph of a class, in order, the photograph and the mask."""
    try:
        with _opened(place, card) as (names, read):
            photographs, masks = _paired(names)
            for lesion in sorted(photographs.keys() | masks.keys()):
                if lesion not in photographs or lesion not in masks:
                    there, lacks = ("photograph", "mask") if lesion in photographs else ("mask", "photograph")
                    name = shown((photographs | masks)[lesion])
                    refuse(
                        UserError(f"{card.title}: {place}: the {there} {name} has no {lacks}; put the file beside it")
                    )
                    continue
                name = f"{place}: {shown(photographs[lesion])}"
                try:
                    photograph, mask = read(photographs[lesion]), read(masks[lesion])
                except DAMAGED as error:
                    refuse(UserError(f"{card.title}: {name} or its mask cannot be read ({error}); {card.how_to_get}"))
                else:
                    yield name, photograph, mask
    except DAMAGED as error:
        refuse(UserError(f"{card.title}: {place} cannot be read ({error}); {card.how_to_get}"))


@contextmanager
def _opened(place: Path, card: Card) -> Iterator[tuple[list[str], Callable[[str], bytes]]]:
    """Yield the names of all files in a folder or a zip, and a function that reads one of them."""
    if place.is_dir():
        yield (
            [path.relative_to(place).as_posix() for path in files_below(place, card)],
            lambda name: contents(place / name),
        )
    else:
        with zipped(place) as archive:
            yield archive.namelist(), partial(member, archive)


def _paired(names: Iterable[str]) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """Return the files of the photographs and of the masks by the lesion's name and folder; other files are left out.

    So is what `shared.data.reading` drops.
    """
    photographs: dict[tuple[str, str], str] = {}
    masks: dict[tuple[str, str], str] = {}
    for name in names:
        path = PurePosixPath(name)
        if path.suffix.lower() == ".png" and not any(map(is_stray, path.parts)):
            lesion = MASK.sub("", path.stem)
            (photographs if lesion == path.stem else masks)[lesion, str(path.parent)] = name
    return photographs, masks


def _cut(photograph: bytes, mask: bytes, size: int, name: str) -> Bytes:
    """Return the square around the lesion, uint8 [size, size, 3]; raises UserError, naming the photograph."""
    image, marked = _decoded(photograph, "RGB", name), _decoded(mask, "L", f"the mask of {name}") > 127
    if image.shape[:2] != marked.shape:
        raise UserError(
            f"the mask of {name} is {marked.shape[1]} x {marked.shape[0]}, the photograph "
            f"{image.shape[1]} x {image.shape[0]}; replace one of them"
        )
    if not marked.any():
        raise UserError(f"the mask of {name} marks no lesion; replace it")
    spans = [np.flatnonzero(marked.any(axis)) for axis in (1, 0)]
    side = round((1 + 2 * MARGIN) * max(int(span[-1] - span[0]) + 1 for span in spans))
    rows, columns = (_around(span, side, extent) for span, extent in zip(spans, marked.shape, strict=True))
    square = Image.fromarray(image[np.ix_(rows, columns)])
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))


def _around(span: NDArray[np.intp], side: int, extent: int) -> NDArray[np.intp]:
    """Return `side` places about the middle of a span, moved into 0..extent-1 if they fit, else its ends repeated."""
    start = int(span[0] + span[-1] + 1 - side) // 2
    start = min(max(start, 0), extent - side) if side <= extent else (extent - side) // 2
    return np.clip(np.arange(start, start + side), 0, extent - 1)


def _decoded(content: bytes, mode: pictures.Mode, name: str) -> Bytes:
    return np.asarray(pictures.decoded(content, mode, name, ("PNG",)))


def _check(counts: Mapping[str, int], expected: Mapping[str, int] | None, folder: Path, card: Card) -> None:
    """Raise UserError where a class has too few lesions for the folds, or not as many as expected."""
    wanted = expected or {}
    wrong = [
        f"{code} {count} of {wanted.get(code, f'at least {FOLDS}')}"
        for code, count in counts.items()
        if count < FOLDS or count != wanted.get(code, count)
    ]
    if wrong:
        refuse(UserError(f"{card.title}: {folder} has not all lesions ({', '.join(wrong)}); {card.how_to_get}"))
