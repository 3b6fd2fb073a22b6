"""IJB-A as NIST gives it: whole photographs and frames, and ten splits of templates for two protocols.

    img/<medium>.jpg, frame/<medium>_<frame>.png          photographs, and frames of videos, of any size
    IJB-A_11_sets/split<N>/train_<N>.csv                  sightings of the people to train on
    IJB-A_11_sets/split<N>/verify_metadata_<N>.csv        the templates that are compared
    IJB-A_11_sets/split<N>/verify_comparisons_<N>.csv     a line a pair of templates: their numbers, without a heading
    IJB-A_1N_sets/split<N>/train_<N>.csv                  sightings of the people to train on
    IJB-A_1N_sets/split<N>/search_gallery_<N>.csv         the templates searched in, one a person
    IJB-A_1N_sets/split<N>/search_probe_<N>.csv           the templates searched for; not all have a mate

A row of the lists with a heading is a sighting of one person in one file; its columns are `COLUMNS`. A file may show
several people, and one sighting may be in several templates. The number of a template has a meaning within its list
only. RIGHT_EYE is the person's own right eye, on the left of the picture. A point that is not seen is empty.

These facts are those of the lists in the public repository bioidiap/bob.db.ijba and of its reader, and of the card of
marcelohaps/ijb-a, which says that FILE is relative to the folder that holds `img` and `frame`. Extensions are taken as
the lists have them: some are .JPG.

A face whose eyes and nose are all seen is aligned by the similarity nearest to `POINTS`: the eyes of ArcFace's template
and a nose two thirds of the eyes' distance below them. NOSE_BASE is lower than the tip of the nose that the template
has at 0.57: it was at 0.67 in the mean over seven people, in 25 sightings of the first split's lists with the head
turned by at most ten degrees. There the crop that the eyes give had 0.82 of the face box's height, and its centre was
0.045 of the height below the box's. So any other face is cropped to that square, upright: `BOX_SHARE`, `BOX_DROP`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.evaluation_sets import Sightings, SplitTemplateSet, TemplateSplit, check_both_kinds
from shared.data.files import md5, write_atomically
from shared.data.formats.alignment import SIDE, TEMPLATE, similarity, warp
from shared.data.image_source import as_batch
from shared.data.kinds import TestSet
from shared.data.lazy import np
from shared.data.reading.faults import refuse
from shared.data.reading.listing import find_files
from shared.data.reading.numbers import decimal, whole
from shared.data.reading.pictures import contents, opened
from shared.data.reading.texts import malformed, read_rows
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.data.image_source import Bytes, Indices, Shape

    Numbers = NDArray[np.int64]
    Transform = NDArray[np.float64]

SPLITS = range(1, 11)
VERIFICATION, SEARCH = "IJB-A_11_sets", "IJB-A_1N_sets"
BOX = ("FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT")
SEEN = ("RIGHT_EYE_X", "RIGHT_EYE_Y", "LEFT_EYE_X", "LEFT_EYE_Y", "NOSE_BASE_X", "NOSE_BASE_Y")
NUMBERED = ("TEMPLATE_ID", "SUBJECT_ID", "MEDIA_ID")
REST = (
    "FACE_YAW",
    "FOREHEAD_VISIBLE",
    "EYES_VISIBLE",
    "NOSE_MOUTH_VISIBLE",
    "INDOOR",
    "GENDER",
    "SKIN_TONE",
    "AGE",
    "FACIAL_HAIR",
)
COLUMNS = ("TEMPLATE_ID", "SUBJECT_ID", "FILE", "MEDIA_ID", "SIGHTING_ID", "FRAME", *BOX, *SEEN, *REST)
READ = (*NUMBERED, "FILE", *BOX, *SEEN)
POINTS = (*TEMPLATE[:2], (55.91, 75.09))
"""Right eye, left eye and base of the nose in the aligned crop: (x, y)."""
BOX_SHARE, BOX_DROP = 0.82, 0.045
FARTHEST = 1e6
"""How far, in pixels, a point may be from the corner of its picture."""
ROW_EXPECTED = "numbers of a template, a person and a medium, a file, a face box and points, as the heading has them"


class IjbA(TestSet):
    """IJB-A: 500 subjects, templates of photographs and frames of videos, ten splits."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ijba"
    folder: ClassVar[str] = "IJB-A"
    sign: ClassVar[str] = VERIFICATION
    card: ClassVar[Card] = Card(
        title="IJB-A",
        owner="IARPA Janus programme, NIST (2015)",
        licence="on agreement with NIST; research only",
        available=True,
        how_to_get=(
            "NIST gives it on request; put the folders IJB-A_11_sets, IJB-A_1N_sets, img and frame into IJB-A under "
            "the data root"
        ),
        megabytes=6_000,
    )
    name: Literal["ijb-a"] = "ijb-a"

    def read(self, place: Path) -> SplitTemplateSet:
        """Read the splits of templates; raises UserError as `read` does."""
        return read(place, self.whose)


class FaceSource:
    """Faces, [N], each in a file of its folder, with the similarity, [N, 2, 3], that brings it to the crop."""

    shape: Shape = (3, SIDE, SIDE)

    def __init__(self, folder: Path, names: Sequence[str], transforms: Sequence[Transform]) -> None:
        self.folder, self.names, self.transforms = folder, names, transforms

    def __len__(self) -> int:
        return len(self.names)

    def read(self, indices: Indices) -> Bytes:
        """Read the files at `indices` and crop the faces; raises UserError, naming the first that cannot be read."""
        return as_batch((self._read(int(index)) for index in indices), len(indices), self.shape)

    def encoded(self, index: int) -> bytes:
        """Return a file's bytes; raises UserError where it cannot be read."""
        return contents(self.folder / self.names[index])

    def _read(self, index: int) -> Bytes:
        """Return a crop, uint8 [112, 112, 3].

        Where the photograph is larger than the crop by a factor of two or more, it is first reduced by the whole part
        of the factor, each pixel being the mean of a square: bilinear interpolation alone would leave most pixels out.
        """
        image, transform = opened(self.folder / self.names[index]), self.transforms[index]
        linear, shift = transform[:, :2], transform[:, 2]
        factor = max(1, int(1 / np.hypot(*linear[:, 0])))
        # Pixel centres are whole numbers: that of a reduced pixel lies (factor - 1) / 2 beyond its first pixel's.
        shift = shift + linear @ np.full(2, (factor - 1) / 2)
        return warp(image.reduce(factor), np.column_stack([factor * linear, shift]), SIDE)


def read(folder: Path, card: Card) -> SplitTemplateSet:
    """Read the ten splits; a face that is in several lists is one image.

    Raises UserError, naming the list and the line, where a list is missing or malformed or names a file that is not
    there, and where a person to train on is tested on in the same split.
    """
    lists = _Lists(folder, card)
    splits = tuple(lists.split(number) for number in SPLITS)
    return SplitTemplateSet(FaceSource(folder, lists.names, lists.transforms), splits, lists.checksums)


def write_sightings(path: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write a list of sightings, each given by the values of some of `COLUMNS`; the others are left empty."""
    lines = [",".join(COLUMNS), *(",".join(str(row.get(column, "")) for column in COLUMNS) for row in rows)]
    _write(path, lines)


def write_comparisons(path: Path, pairs: Iterable[tuple[int, int]]) -> None:
    """Write the pairs of templates that are compared."""
    _write(path, [f"{first},{second}" for first, second in pairs])


def box_transform(box: NDArray[np.floating]) -> Transform:
    """Return the similarity, [2, 3], that brings the square in a face box (x, y, width, height) to the crop."""
    x, y, width, height = box
    scale = SIDE / (BOX_SHARE * height)
    centre = np.array([x + width / 2, y + (0.5 + BOX_DROP) * height])
    return np.column_stack([scale * np.eye(2), (SIDE - 1) / 2 - scale * centre])


class _Lists:
    """The lists of a folder as they are read, and the distinct faces that they name so far."""

    def __init__(self, folder: Path, card: Card) -> None:
        self.folder, self.card = folder, card
        self.names: list[str] = []
        self.transforms: list[Transform] = []
        self.checksums: dict[str, str] = {}
        self._places: dict[tuple[str, ...], int] = {}
        self._transforms: dict[tuple[str, ...], Transform] = {}

    def split(self, number: int) -> TemplateSplit:
        verification, search = (self.folder / sets / f"split{number}" for sets in (VERIFICATION, SEARCH))
        verification_training = self._sightings(verification / f"train_{number}.csv")
        compared = self._sightings(verification / f"verify_metadata_{number}.csv")
        first, second = self._comparisons(verification / f"verify_comparisons_{number}.csv", compared)
        search_training = self._sightings(search / f"train_{number}.csv")
        gallery = self._sightings(search / f"search_gallery_{number}.csv")
        probes = self._sightings(search / f"search_probe_{number}.csv")
        self._check_apart(verification, verification_training, compared)
        self._check_apart(search, search_training, gallery, probes)
        return TemplateSplit(verification_training, compared, first, second, search_training, gallery, probes)

    def _sightings(self, path: Path) -> Sightings:
        heading, *rows = self._rows(path) or [[]]
        columns = self._columns(path, heading)
        listed: list[tuple[int, str, tuple[str, ...], tuple[int, ...]]] = []
        subjects: dict[int, int] = {}
        for line, row in enumerate(rows, 2):
            try:
                *numbered, file = (row[column] for column in columns[: len(NUMBERED) + 1])
                texts = tuple(row[column] for column in columns[len(NUMBERED) + 1 :])
                template, subject, medium = (whole(text, -1) for text in numbered)
                self._transform(texts)
            except (IndexError, ValueError):
                refuse(malformed(self.card, path, line, ROW_EXPECTED))
                continue
            if subjects.setdefault(template, subject) != subject:
                refuse(malformed(self.card, path, line, f"about the one person of template {template}"))
            else:
                listed.append((line, file, texts, (template, medium, subject)))
        lines, names = [line for line, *_ in listed], [file for _, file, *_ in listed]
        files = find_files(self.card, path, self.folder, names, numbers=lines)
        found = zip(files, listed, strict=True)
        numbers = [(self._place(file, texts), *rest) for file, (_, _, texts, rest) in found if file]
        if not numbers:
            raise UserError(f"{self.card.title}: {path} has no sightings; {self.card.how_to_get}")
        image, template_of, medium_of, subject_of = np.array(numbers, np.int64).T.copy()
        return Sightings(image.astype(np.intp), template_of, medium_of, subject_of)

    def _comparisons(self, path: Path, compared: Sightings) -> tuple[Numbers, Numbers]:
        subject = dict(zip(compared.template.tolist(), compared.subject.tolist(), strict=True))
        pairs: list[tuple[int, int]] = []
        for line, row in enumerate(self._rows(path), 1):
            try:
                first, second = (whole(field) for field in row)
            except ValueError:
                refuse(malformed(self.card, path, line, "two numbers of templates with a comma in between"))
                continue
            if {first, second} <= subject.keys():
                pairs.append((first, second))
            else:
                refuse(malformed(self.card, path, line, "about two templates of the list verify_metadata"))
        if not pairs:
            raise UserError(f"{self.card.title}: {path} has no pairs; {self.card.how_to_get}")
        check_both_kinds((subject[first] == subject[second] for first, second in pairs), path, self.card)
        first_of, second_of = np.array(pairs, np.int64).T.copy()
        return first_of, second_of

    def _transform(self, texts: tuple[str, ...]) -> Transform:
        """Return the similarity of a box and points, as texts; raises ValueError."""
        if texts not in self._transforms:
            self._transforms[texts] = _transform(list(texts))
        return self._transforms[texts]

    def _place(self, file: str, texts: tuple[str, ...]) -> int:
        """Return the place of the face in a file that has a box and points, as texts."""
        place = self._places.setdefault((file, *texts), len(self.names))
        if place == len(self.names):
            self.names.append(file)
            self.transforms.append(self._transform(texts))
        return place

    def _check_apart(self, folder: Path, training: Sightings, *tested: Sightings) -> None:
        both = np.intersect1d(training.subject, np.concatenate([sightings.subject for sightings in tested]))
        for person in both:
            refuse(
                UserError(
                    f"{self.card.title}: {folder} has person {person} to train on and to test on; take all lists from "
                    "one copy"
                )
            )

    def _columns(self, path: Path, heading: list[str]) -> list[int]:
        absent = [name for name in READ if heading.count(name) != 1]
        if absent:
            raise malformed(self.card, path, 1, f"a heading with {absent[0]}")
        return [heading.index(name) for name in READ]

    def _rows(self, path: Path) -> list[list[str]]:
        rows = read_rows(path, self.card)
        self.checksums[path.relative_to(self.folder).as_posix()] = md5(path)
        return rows


def _transform(texts: list[str]) -> Transform:
    """Return the similarity of a face box and points, four and six texts; raises ValueError where they give none."""
    box, seen = texts[: len(BOX)], texts[len(BOX) :]
    if all(seen):
        points = np.array([decimal(text, -FARTHEST, FARTHEST) for text in seen]).reshape(-1, 2)
        if np.ptp(points, axis=0).max() > 0:
            return similarity(points, POINTS)
        raise ValueError("no three points")
    corner = [decimal(text, -FARTHEST, FARTHEST) for text in box[:2]]
    return box_transform(np.array(corner + [decimal(text, 1, FARTHEST) for text in box[2:]]))


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "\n".join([*lines, ""]).encode())
