"""IJB-B and IJB-C as InsightFace distributes them: loose crops, landmarks, templates, pairs, and galleries.

With `ijbc` in the names, or `ijbb`,

    loose_crop/<number>.jpg                   crops with room around the face, of any size
    meta/ijbc_name_5pts_score.txt             a line a crop: its name, five points x y, the detector's score
    meta/ijbc_face_tid_mid.txt                the same crops in the same order: name, template, medium
    meta/ijbc_template_pair_label.txt         a line a pair: two templates, and 1 where they show one person, else 0
    meta/ijbc_1N_gallery_G1.csv, _G2.csv      galleries (S1 and S2 for IJB-B): template, subject, and more to each image
    meta/ijbc_1N_probe_mixed.csv              the probes, likewise

Each crop is aligned by its landmarks when it is read (`shared.data.formats.alignment`), as InsightFace's evaluation
does. The lists of identification may be absent, all three.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from shared.data.evaluation_sets import TemplateSet, check_both_kinds
from shared.data.files import md5, write_atomically
from shared.data.formats.alignment import AlignedSource
from shared.data.kinds import TestSet
from shared.data.lazy import np
from shared.data.reading.faults import refuse
from shared.data.reading.listing import find_files
from shared.data.reading.numbers import are_wholes, table, whole
from shared.data.reading.texts import malformed, read_lines, read_list, read_rows, refuse_lines
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Places = NDArray[np.intp]

CROPS, META = "loose_crop", "meta"
GALLERIES = {"ijbb": ("S1", "S2"), "ijbc": ("G1", "G2")}
POINTS = 10
FARTHEST = 1e6
"""How far, in pixels, a point may be from the corner of its crop."""
LANDMARKS_EXPECTED = "a name, five points x y and a score"
MEDIA_EXPECTED = "a name, a template and a medium"
PAIR_EXPECTED = "two templates and 0 or 1"
HEADING = ("TEMPLATE_ID", "SUBJECT_ID", "FILENAME")


def _card(letter: str, year: int, megabytes: float) -> Card:
    return Card(
        title=f"IJB-{letter}",
        owner=f"IARPA Janus programme, NIST ({year}); loose crops and lists by InsightFace",
        licence="on agreement with NIST; research only",
        available=True,
        how_to_get=(
            f"NIST gives it on request; put the folders loose_crop and meta, as InsightFace packs them, into "
            f"IJB{letter} under the data root"
        ),
        megabytes=megabytes,
    )


class Named(NamedTuple):
    """Lines of a name and numbers: the names, [N], the numbers, [N, columns], which lines, [N], of how many in all."""

    names: list[str]
    numbers: NDArray[Any]
    lines: NDArray[np.intp]
    total: int


class IjbB(TestSet):
    """IJB-B: 1,845 subjects, 12,115 templates, 8,020,270 pairs of templates."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ijbb"
    folder: ClassVar[str] = "IJBB"
    sign: ClassVar[str] = "meta/ijbb_*"
    card: ClassVar[Card] = _card("B", 2017, 5_000)
    name: Literal["ijb-b"] = "ijb-b"

    def read(self, place: Path) -> TemplateSet:
        """Read the templates; raises UserError as `read` does."""
        return read(place, self.whose, "ijbb")


class IjbC(TestSet):
    """IJB-C: 3,531 subjects, 23,124 templates, 15,658,489 pairs of templates."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ijbc"
    folder: ClassVar[str] = "IJBC"
    sign: ClassVar[str] = "meta/ijbc_*"
    card: ClassVar[Card] = _card("C", 2018, 10_000)
    name: Literal["ijb-c"] = "ijb-c"

    def read(self, place: Path) -> TemplateSet:
        """Read the templates; raises UserError as `read` does."""
        return read(place, self.whose, "ijbc")


def read(folder: Path, card: Card, name: str) -> TemplateSet:
    """Read the set whose lists are named `name`, "ijbb" or "ijbc"; the galleries and probes are sorted.

    Raises UserError, naming the file and the line, where a list is missing, malformed or at odds with another, or a
    crop is absent.
    """
    meta = folder / META
    paths = {
        "landmarks": meta / f"{name}_name_5pts_score.txt",
        "media": meta / f"{name}_face_tid_mid.txt",
        "pairs": meta / f"{name}_template_pair_label.txt",
    }
    crops = _named_numbers(paths["landmarks"], card, POINTS + 1, float, LANDMARKS_EXPECTED)
    landmarks = crops.numbers[:, :POINTS].reshape(-1, POINTS // 2, 2).astype(np.float32)
    alike = np.ptp(landmarks, axis=1).max(1) == 0
    refuse_lines(card, paths["landmarks"], crops.lines[alike], "five points that differ")
    files = find_files(card, paths["landmarks"], folder / CROPS, crops.names, numbers=crops.lines.tolist())
    listed = _named_numbers(paths["media"], card, 2, int, MEDIA_EXPECTED)
    at, of = _in_both(crops, paths["landmarks"], listed, paths["media"], card)
    usable = (~alike & np.array([bool(name) for name in files]))[at]
    at, (template, media) = at[usable], listed.numbers[of[usable]].astype(np.int64).T.copy()
    if not len(at):
        raise UserError(f"{card.title}: {paths['landmarks']} names no crop that can be used; {card.how_to_get}")
    first, second, same = _pairs(paths["pairs"], card, template)
    lists = [meta / f"{name}_1N_gallery_{gallery}.csv" for gallery in GALLERIES[name]]
    lists.append(meta / f"{name}_1N_probe_mixed.csv")
    identified = lists if any(path.exists() for path in lists) else []
    subjects: dict[int, int] = {}
    sets = [_identified(path, card, template, subjects) for path in identified]
    return TemplateSet(
        images=AlignedSource(folder / CROPS, [files[place] for place in at], landmarks[at]),
        template=template,
        media=media,
        first=first,
        second=second,
        same=same,
        subjects=subjects,
        galleries=tuple(sets[:-1]),
        probes=sets[-1] if sets else np.empty(0, np.int64),
        checksums={path.name: md5(path) for path in (*paths.values(), *identified)},
        scores=crops.numbers[at, POINTS].astype(np.float32),
    )


def write_lists(
    folder: Path,
    name: str,
    *,
    names: Sequence[str],
    landmarks: NDArray[np.floating],
    scores: NDArray[np.floating],
    template: Numbers,
    media: Numbers,
    pairs: Sequence[tuple[int, int, bool]],
    galleries: Sequence[Sequence[tuple[int, int]]],
    probes: Sequence[tuple[int, int]],
) -> None:
    """Write all lists of a set into `folder`/meta; galleries and probes are templates with their subjects."""
    meta = folder / META
    meta.mkdir(parents=True, exist_ok=True)

    def write(suffix: str, lines: Sequence[str]) -> None:
        write_atomically(meta / f"{name}_{suffix}", "\n".join([*lines, ""]).encode())

    points = np.asarray(landmarks).reshape(len(names), POINTS)
    rows = zip(names, points, scores, template, media, strict=True)
    written = [(crop, " ".join(f"{value:.3f}" for value in (*at, score)), t, m) for crop, at, score, t, m in rows]
    write("name_5pts_score.txt", [f"{crop} {numbers}" for crop, numbers, _, _ in written])
    write("face_tid_mid.txt", [f"{crop} {number} {medium}" for crop, _, number, medium in written])
    write("template_pair_label.txt", [f"{first} {second} {int(same)}" for first, second, same in pairs])
    suffixes = [*(f"1N_gallery_{gallery}.csv" for gallery in GALLERIES[name]), "1N_probe_mixed.csv"]
    for suffix, identified in zip(suffixes, [*galleries, probes], strict=True):
        lines = [
            f"{number},{subject},{crop}"
            for number, subject in identified
            for crop, _, other, _ in written
            if other == number
        ]
        write(suffix, [",".join(HEADING), *lines])


def _in_both(crops: Named, landmarks: Path, media: Named, path: Path, card: Card) -> tuple[Places, Places]:
    """Return the places in both lists of the crops that have landmarks and a medium; UserError where some have not."""
    _, at, of = np.intersect1d(crops.lines, media.lines, assume_unique=True, return_indices=True)
    same = np.array([crops.names[one] == media.names[other] for one, other in zip(at, of, strict=True)], np.bool_)
    alike = len(same) if same.all() else int(same.argmin())
    if alike < len(same) or crops.total != media.total:
        line = crops.lines[at[alike]] if alike < len(same) else min(crops.total, media.total) + 1
        refuse(
            UserError(
                f"{card.title}: {path} and {landmarks} are not about the same crops from line {line} on; take both "
                "from one copy"
            )
        )
    return at[:alike], of[:alike]


def _pairs(path: Path, card: Card, template: Numbers) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
    """Return both templates of each pair and whether they show one person, [P], P being some 16 million for IJB-C."""
    content = read_list(path, card)
    try:
        numbers = table(content, np.int64, 3)
        wrong = bool((numbers < 0).any() or (numbers[:, 2] > 1).any())
    except ValueError:
        wrong = True
    lines = None
    if wrong:
        texts = [line for line in enumerate(read_lines(path, card), 1) if line[1].strip()]
        good = [(number, line) for number, line in texts if are_wholes(line, 3) and line.split()[2] in {"0", "1"}]
        lines = np.array([number for number, _ in good], np.int64)
        refuse_lines(card, path, sorted({number for number, _ in texts} - set(lines.tolist())), PAIR_EXPECTED)
        if not good:
            raise malformed(card, path, 1, PAIR_EXPECTED)
        numbers = np.array([[whole(field) for field in line.split()] for _, line in good], np.int64)
    known = np.isin(numbers[:, :2], template)
    if not known.all():
        if lines is None:
            lines = np.array([number for number, line in enumerate(read_lines(path, card), 1) if line.strip()])
        pairs, sides = np.nonzero(~known)
        absent, begins, times = np.unique(numbers[pairs, sides], return_index=True, return_counts=True)
        for one, line, count in zip(absent, lines[pairs[begins]], times, strict=True):
            more = f" (as do {count - 1} more)" if count > 1 else ""
            refuse(
                UserError(
                    f"{card.title}: line {line} of {path} compares the template {one}{more}, but no crop is in it; "
                    "take all lists from one copy"
                )
            )
        numbers = numbers[known.all(axis=1)]
    first, second, same = numbers.T.copy()
    check_both_kinds((same.any(), same.all()), path, card)
    return first, second, same == 1


def _identified(path: Path, card: Card, template: Numbers, subjects: dict[int, int]) -> Numbers:
    """Return the templates in a list of identification, sorted, and enter their subjects in `subjects`."""
    known = set(template.tolist())
    listed = set()
    heading, *rows = read_rows(path, card) or [[""]]
    names = [name.strip() for name in heading]
    if not names[0] or names[0][0].isdigit() or any(names.count(name) > 1 for name in HEADING[:2]):
        refuse(malformed(card, path, 1, f"a heading with {HEADING[0]}"))
    columns = [names.index(name) if name in names else column for column, name in enumerate(HEADING[:2])]
    for line, fields in enumerate(rows, 2):
        try:
            number, subject = (whole(fields[column]) for column in columns)
        except (IndexError, ValueError):
            refuse(malformed(card, path, line, "a template and a subject, with commas in between"))
            continue
        if number not in known or subjects.setdefault(number, subject) != subject:
            refuse(malformed(card, path, line, "about a template that has a crop and one subject"))
        else:
            listed.add(number)
    if not listed:
        raise UserError(f"{card.title}: {path} names no template; {card.how_to_get}")
    return np.array(sorted(listed), dtype=np.int64)


def _named_numbers(path: Path, card: Card, columns: int, kind: type[float], expected: str) -> Named:
    """Read lines of a word and so many numbers; raises UserError where one is another."""
    split = [text.split() for text in read_lines(path, card)]
    if not split:
        raise UserError(f"{card.title}: {path} is empty; {card.how_to_get}")
    places = np.array([place for place, words in enumerate(split) if len(words) == columns + 1], np.intp)
    rests = [" ".join(split[place][1:]) for place in places]
    try:
        numbers = table("\n".join(rests).encode(), kind, columns)
    except ValueError:
        good = np.array([_are_numbers(rest, kind) for rest in rests], np.bool_)
        places = places[good]
        rests = [rest for rest, is_good in zip(rests, good, strict=True) if is_good]
        numbers = table("\n".join(rests).encode(), kind, columns) if rests else np.empty((0, columns))
    within = ((np.abs(numbers) <= FARTHEST) if kind is float else (numbers >= 0)).all(axis=1)
    places, numbers = places[within], numbers[within]
    refuse_lines(card, path, np.setdiff1d(np.arange(len(split)), places) + 1, expected)
    if not len(places):
        raise UserError(f"{card.title}: {path} has no line of {expected}; {card.how_to_get}")
    return Named([split[place][0] for place in places], numbers, places + 1, len(split))


def _are_numbers(text: str, kind: type[float]) -> bool:
    try:
        table(text.encode(), kind, len(text.split()))
    except ValueError:
        return False
    # At the beginning of a whole text there may be a byte order mark, but not at that of a line.
    return text.isascii()
