"""MegaFace's first challenge, with FaceScrub for probes: the devkit's lists, and the aligned crops of InsightFace.

    devkit/templatelists/facescrub_features_list.json            the probes
    devkit/templatelists/megaface_features_list.json_<count>_1   so many distractors, the first set of that size
    data/facescrub_images/<person>/<image>                       crops of 112 x 112
    data/megaface_images/<folder>/<album>/<image>

A list is a JSON object with "path", names below the folder of images, and "id", [N]; a probe's "id" is its person. Of
the lists of distractors the largest that is there is taken; its name is among the checksums. InsightFace's test pack
also has its own lists, `facescrub_lst` and `megaface_lst`, of all crops, which are not read, and lists of images that
are labelled wrongly, which are not removed: the paper discface does not say that it did, and its numbers are like those
that others print without. The probes are 3,530 images of 80 people, not all 106,863 of 530 that FaceScrub has, as the
paper discface writes.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.evaluation_sets import DistractorSet
from shared.data.files import md5, write_atomically
from shared.data.image_source import ALIGNED, FileSource
from shared.data.kinds import TestSet
from shared.data.lazy import np
from shared.data.reading.faults import refuse
from shared.data.reading.listing import entries, find_files, shown
from shared.data.reading.numbers import whole
from shared.data.reading.texts import read_json
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LISTS = "devkit/templatelists"
PROBES, DISTRACTORS = "facescrub_features_list.json", "megaface_features_list.json"
PROBE_IMAGES, DISTRACTOR_IMAGES = "data/facescrub_images", "data/megaface_images"


class MegaFace(TestSet):
    """MegaFace challenge 1 with FaceScrub as the probes: 3,530 probes, a million distractors."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_megaface"
    folder: ClassVar[str] = "megaface"
    sign: ClassVar[str] = LISTS
    card: ClassVar[Card] = Card(
        title="MegaFace and FaceScrub",
        owner="I. Kemelmacher-Shlizerman and others (2016), University of Washington; H.-W. Ng, S. Winkler (2014)",
        licence="research only; its owner decommissioned MegaFace in 2020",
        available=False,
        how_to_get=(
            "MegaFace is decommissioned by its owner; who has the devkit's lists with 112 x 112 crops puts them into "
            "megaface under the data root (see shared/data/sets/megaface.py)"
        ),
        megabytes=12_000,
    )
    name: Literal["megaface"] = "megaface"

    def read(self, place: Path) -> DistractorSet:
        """Read the probes and the distractors; raises UserError as `read` does."""
        return read(place, self.whose)


def read(folder: Path, card: Card) -> DistractorSet:
    """Read the probes and the distractors; people are numbered in the order in which the list names them.

    Raises UserError where a list is missing or no such JSON object, or names an image that is not there.
    """
    probes, distractors = folder / LISTS / PROBES, _largest(folder, card)
    paths, people = _listed(probes, card)
    others, _ = _listed(distractors, card)
    probe_images, distractor_images = folder / PROBE_IMAGES, folder / DISTRACTOR_IMAGES
    found = find_files(card, probes, probe_images, paths, unit="entry")
    others = list(filter(None, find_files(card, distractors, distractor_images, others, unit="entry")))
    people = [person for person, name in zip(people, found, strict=True) if name]
    paths = list(filter(None, found))
    if len(set(people)) == len(people):
        refuse(UserError(f"{card.title}: in {probes} no person has two images; replace it"))
    for name, times in Counter(paths).items():
        if times > 1:
            refuse(UserError(f"{card.title}: in {probes} an image is listed twice, {shown(name)}; replace it"))
    numbers = {person: number for number, person in enumerate(dict.fromkeys(people))}
    return DistractorSet(
        probes=FileSource([f"{probe_images}/{path}" for path in paths], ALIGNED),
        people=np.array([numbers[person] for person in people], dtype=np.int64),
        distractors=FileSource([f"{distractor_images}/{path}" for path in others], ALIGNED),
        checksums={path.name: md5(path) for path in (probes, distractors)},
    )


def write_lists(folder: Path, probes: Sequence[str], people: Sequence[str], distractors: Sequence[str]) -> None:
    """Write both lists: the probes' names and people, and the distractors' names, below the folders of images."""
    (folder / LISTS).mkdir(parents=True, exist_ok=True)
    for name, paths, identifiers in (
        (PROBES, probes, people),
        (f"{DISTRACTORS}_{len(distractors)}_1", distractors, distractors),
    ):
        content = {"path": list(paths), "id": list(identifiers)}
        write_atomically(folder / LISTS / name, json.dumps(content).encode())


def _largest(folder: Path, card: Card) -> Path:
    """Return the list with most distractors."""
    found: dict[int, Path] = {}
    for path in entries(folder / LISTS, card):
        if path.match(f"{DISTRACTORS}_*_1"):
            with suppress(ValueError):
                found[whole(path.name.removeprefix(f"{DISTRACTORS}_").removesuffix("_1"))] = path
    if not found:
        raise UserError(f"{card.title}: there is no {folder / LISTS / DISTRACTORS}_1000000_1; {card.how_to_get}")
    return found[max(found)]


def _listed(path: Path, card: Card) -> tuple[list[str], list[str]]:
    """Return the names and the identifiers of a list."""
    content = read_json(path, card)
    try:
        paths, identifiers = content["path"], content["id"]
        if not (isinstance(paths, list) and isinstance(identifiers, list)):
            raise TypeError("they are no lists")
        texts = all(isinstance(name, str) for name in paths) and all(type(one) in {str, int} for one in identifiers)
        if len(paths) != len(identifiers) or not paths or not texts:
            raise ValueError("they are not")
    except (ValueError, KeyError, TypeError):
        raise UserError(
            f'{card.title}: {path} is no JSON object with equally long lists, "path" of names, "id" of texts or '
            "numbers; replace it"
        ) from None
    return paths, [str(identifier) for identifier in identifiers]
