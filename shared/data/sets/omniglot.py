"""Omniglot: characters of fifty alphabets, each drawn once by twenty people; and its twenty one-shot trials.

B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum, "Human-level concept learning through probabilistic program induction",
Science 350, 2015. Alphabets are kept apart: no character of one that is named `unseen` is trained on. The drawings are
read in the order of alphabet, character and person, white on black, and made smaller by averaging.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.data.evaluation_sets import OneShotTrials
from shared.data.fetching import FAILURES, download, not_fetched
from shared.data.files import checked_md5, md5, prepared
from shared.data.image_source import ArraySource, Division, LabelledSource
from shared.data.kinds import Kept, TrainingSet
from shared.data.lazy import Image, np
from shared.data.reading import pictures
from shared.data.reading.archives import DAMAGED, member, zipped
from shared.data.reading.faults import refuse
from shared.data.reading.numbers import whole
from shared.errors import UserError, suggestion
from shared.runs.components import Card
from shared.runs.fields import Count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]

PEOPLE = 20
SIDE = 28
BACKGROUND = {
    "Alphabet_of_the_Magi": 20, "Anglo-Saxon_Futhorc": 29, "Arcadian": 26, "Armenian": 41,
    "Asomtavruli_(Georgian)": 40, "Balinese": 24, "Bengali": 46, "Blackfoot_(Canadian_Aboriginal_Syllabics)": 14,
    "Braille": 26, "Burmese_(Myanmar)": 34, "Cyrillic": 33, "Early_Aramaic": 22, "Futurama": 26, "Grantha": 43,
    "Greek": 24, "Gujarati": 48, "Hebrew": 22, "Inuktitut_(Canadian_Aboriginal_Syllabics)": 16,
    "Japanese_(hiragana)": 52, "Japanese_(katakana)": 47, "Korean": 40, "Latin": 26,
    "Malay_(Jawi_-_Arabic)": 40, "Mkhedruli_(Georgian)": 41, "N_Ko": 33,
    "Ojibwe_(Canadian_Aboriginal_Syllabics)": 14, "Sanskrit": 42, "Syriac_(Estrangelo)": 23, "Tagalog": 17,
    "Tifinagh": 55,
}  # fmt: skip
"""The number of characters of each alphabet of the background set, 964 in all."""
EVALUATION = {
    "Angelic": 20, "Atemayar_Qelisayer": 26, "Atlantean": 26, "Aurek-Besh": 26, "Avesta": 26, "Ge_ez": 26,
    "Glagolitic": 45, "Gurmukhi": 45, "Kannada": 41, "Keble": 26, "Malayalam": 47, "Manipuri": 40, "Mongolian": 30,
    "Old_Church_Slavonic_(Cyrillic)": 45, "Oriya": 46, "Sylheti": 28, "Syriac_(Serto)": 23, "Tengwar": 25,
    "Tibetan": 42, "ULOG": 26,
}  # fmt: skip
"""Those of the evaluation set, 659 in all."""
ALPHABETS = BACKGROUND | EVALUATION
SMALL = (
    "Balinese", "Early_Aramaic", "Greek", "Japanese_(katakana)", "Korean", "Latin", "Sanskrit", "Tagalog",
)  # fmt: skip
"""The alphabets of the two small background sets."""
COMMIT = "057f034baf2ecb8530bc5710e5a23584d2a519cc"
ADDRESS = f"https://raw.githubusercontent.com/brendenlake/omniglot/{COMMIT}/python/"
TRIALS = "all_runs.zip"
ARCHIVES = {
    "images_background.zip": "68d2efa1b9178cc56df9314c21c6e718",
    "images_evaluation.zip": "6b91aef0f799c5bb55b94e3f2daec811",
    "images_background_small1.zip": "e704a628b5459e08445c13499850abc4",
    "images_background_small2.zip": "b75a71a51d3b13f821f212756fe481fd",
    TRIALS: "e8996daecdf12afeeb4a53a179f06b19",
}
"""The MD5 of each; torchvision has the first two alike."""
FETCHED = {"images_background.zip": "", "images_evaluation.zip": "", TRIALS: "one-shot-classification/"}
"""What is fetched, and from which folder; the small sets are part of the first."""
LABELS = "class_labels.txt"
MEMBER = re.compile(r"(?:^|/)([^/]+)/character([0-9]{1,3})/[0-9]+_([0-9]{1,3})\.png$")
CARD = Card(
    title="Omniglot",
    owner="B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum",
    licence="MIT; cite Lake et al., Science 350, 2015",
    available=True,
    how_to_get=(
        "with a network it is fetched by itself, 17 MB; without, put images_background.zip, or its small sets "
        "images_background_small1.zip and images_background_small2.zip, images_evaluation.zip and all_runs.zip, from "
        "the folder python of https://github.com/brendenlake/omniglot, into omniglot under the data root"
    ),
    megabytes=17,
    checksums=ARCHIVES,
)


def _known(alphabets: tuple[str, ...]) -> tuple[str, ...]:
    for name in alphabets:
        if name not in ALPHABETS:
            raise ValueError(f"there is no alphabet '{name}'; {suggestion(name, ALPHABETS)}")
    if len(set(alphabets)) < len(alphabets):
        raise ValueError("an alphabet is named twice")
    return alphabets


Alphabets = Annotated[tuple[str, ...], AfterValidator(_known)]


class Omniglot(TrainingSet):
    """Drawings of the characters of some alphabets, 28 x 28; those of the alphabets `unseen` are not trained on.

    `alphabets` are used, in that order; the others are as if they were not there. `unseen` may be a number, of
    alphabets that each seed draws for itself, so that what varies over seeds is what varies over alphabets too. Of each
    character that is trained on, the drawings of the first `tested` of the twenty people are put aside to test on. With
    `few`, of every second character only the drawings of the one, two or three people that follow, in turn, are trained
    on.
    """

    image_shape: ClassVar[tuple[int, int, int]] = (1, 28, 28)
    classes: ClassVar[int] = sum(ALPHABETS.values())
    training_images: ClassVar[int] = PEOPLE * sum(ALPHABETS.values())
    folder: ClassVar[str] = "omniglot"
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = "images_*.zip"
    card: ClassVar[Card] = CARD
    name: Literal["omniglot"] = "omniglot"
    alphabets: Annotated[Alphabets, Field(min_length=1)] = SMALL
    unseen: Alphabets | Count = ("Japanese_(katakana)", "Sanskrit", "Tagalog")
    tested: Annotated[int, Field(ge=0, lt=PEOPLE - 3)] = 0
    few: bool = False

    @model_validator(mode="after")
    def _trains_on_some(self) -> Self:
        unseen = () if isinstance(self.unseen, int) else self.unseen
        for name in unseen:
            if name not in self.alphabets:
                raise ValueError(f"'{name}' is not among the alphabets used")
        if (self.unseen if isinstance(self.unseen, int) else len(unseen)) >= len(self.alphabets):
            raise ValueError("every alphabet is unseen, and none is left to train on")
        return self

    def of_seed(self, seed: int) -> Self:
        """Return the set with the alphabets that are unseen with a seed, named."""
        return self.model_copy(update={"unseen": self._unseen(seed)})

    def _unseen(self, seed: int) -> tuple[str, ...]:
        if not isinstance(self.unseen, int):
            return self.unseen
        # RandomState's stream is the same in every numpy.
        drawn = np.random.RandomState(seed).permutation(len(self.alphabets))[: self.unseen]
        return tuple(self.alphabets[place] for place in sorted(drawn))

    @property
    def trained_classes(self) -> int:
        """The number of characters that are trained on, unless some are chosen by `sampling`; of those of seed 0."""
        if self.sampling.under_represented is not None or self.sampling.classes is not None:
            return super().trained_classes
        return sum(ALPHABETS[name] for name in self._divided()[0])

    def _divided(self) -> tuple[list[str], list[str]]:
        """Return the alphabets that are trained on and those unseen; where each seed draws them, those of seed 0."""
        chosen = self._unseen(0)
        unseen = [name for name in self.alphabets if name in chosen]
        return [name for name in self.alphabets if name not in chosen], unseen

    def at(self, root: Path) -> Path:
        """Return `root`/omniglot, where the archives are; fetched first if there is no such folder."""
        return prepared(root / self.folder, fetch)

    def read(self, place: Path) -> LabelledSource:
        """Read the drawings; classes are the characters trained on, then those unseen, in the order of the alphabets.

        Raises UserError where an archive is damaged, or an alphabet is in none that is at hand.
        """
        trained, unseen = self._divided()
        files = drawings(place, [*trained, *unseen])
        images = ArraySource(np.stack([decoded(content, name) for name, content in files.items()]))
        labels, person = np.divmod(np.arange(len(images)), PEOPLE)
        checksums = {", ".join(trained + unseen): md5(b"".join(files.values()))}
        classes = sum(ALPHABETS[name] for name in trained)
        division = None if not (unseen or self.tested or self.few) else self._division(labels, person, classes)
        return LabelledSource(images, labels, int(labels[-1]) + 1, checksums, division=division)

    def _division(self, labels: NDArray[np.intp], person: NDArray[np.intp], classes: int) -> Division:
        seen, rare = labels < classes, (labels % 2 == 1) & self.few
        kept = np.where(rare, 1 + labels // 2 % 3, PEOPLE)
        trained = np.flatnonzero(seen & (person >= self.tested) & (person < self.tested + kept))
        return Division(
            train=trained,
            gallery=trained,
            test=np.flatnonzero(seen & (person < self.tested)),
            labels=labels,
            classes=classes,
            under_represented=tuple(np.unique(labels[seen & rare]).tolist()),
            unseen=np.flatnonzero(~seen),
        )


class OmniglotTrials(Kept):
    """The twenty one-shot trials: twenty characters drawn by one person, to be found in the drawings of another.

    All are of alphabets of the evaluation set.
    """

    card: ClassVar[Card] = CARD
    classes: ClassVar[int] = 0
    training_images: ClassVar[int] = 0
    folder: ClassVar[str] = Omniglot.folder
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = TRIALS
    name: Literal["omniglot-trials"] = "omniglot-trials"

    def at(self, root: Path) -> Path:
        """Return `root`/omniglot, where the archives are; fetched first if there is no such folder."""
        return prepared(root / self.folder, fetch)

    def read(self, place: Path) -> OneShotTrials:
        """Read the trials; raises UserError where the archive is damaged or missing."""
        return trials(place)


def fetch(folder: Path) -> None:
    """Put the archives of `FETCHED` into `folder` from the owner's repository, or raise UserError."""
    try:
        for name, place in FETCHED.items():
            download(f"{ADDRESS}{place}{name}", folder / name)
            checked_md5(folder / name, ARCHIVES[name], name)
    except FAILURES as error:
        raise not_fetched(CARD, folder.with_name(Omniglot.folder), FETCHED, [f"{ADDRESS}: {error}"]) from error


def drawings(folder: Path, alphabets: Sequence[str]) -> dict[str, bytes]:
    """Return the PNG files of the drawings of some alphabets by where they are: characters in order, people in order.

    An alphabet is read from the first archive of `folder` that has it, the small ones first, which hold the same
    drawings. Raises UserError where one is in none, or an archive is damaged or another.
    """
    found: dict[tuple[str, int, int], tuple[str, bytes]] = {}
    for name in sorted(set(ARCHIVES) - {TRIALS}, key=lambda name: ("small" not in name, name)):
        missing = set(alphabets) - {alphabet for alphabet, _, _ in found}
        if missing and (folder / name).exists():
            for inside, content in contents(folder / name):
                match = MEMBER.search(inside)
                if match and match[1] in missing:
                    found[match[1], whole(match[2]), whole(match[3])] = f"{folder / name}: {inside}", content
    asked = [
        (alphabet, character, person)
        for alphabet in alphabets
        for character in range(1, ALPHABETS[alphabet] + 1)
        for person in range(1, PEOPLE + 1)
    ]
    for alphabet in alphabets:
        if not any(drawing in found for drawing in asked if drawing[0] == alphabet):
            refuse(UserError(f"{CARD.title}: no archive in {folder} has the alphabet {alphabet}; {CARD.how_to_get}"))
    absent = [drawing for drawing in asked if drawing not in found]
    if absent:
        alphabet, character, person = absent[0]
        raise UserError(
            f"{CARD.title}: no archive in {folder} has person {person}'s drawing of character {character} of "
            f"{alphabet}; {CARD.how_to_get}"
        )
    return dict(found[drawing] for drawing in asked)


def trials(folder: Path) -> OneShotTrials:
    """Read the trials from `all_runs.zip` in `folder`; raises UserError where it is missing, damaged or another."""
    if not (folder / TRIALS).exists():
        raise UserError(f"{CARD.title}: {folder} has no {TRIALS}; {CARD.how_to_get}")
    files = dict(contents(folder / TRIALS))
    names = sorted(name for name in files if name.endswith(".png"))
    try:
        lists = [files[name].decode() for name in sorted(files) if name.endswith(LABELS)]
        lines = np.array([[line.split() for line in text.splitlines()] for text in lists])
        queries, supports = lines.transpose(2, 0, 1)
        if not np.isin(lines, names).all():
            raise ValueError("a drawing is listed that is not there")
    except ValueError as error:
        raise UserError(
            f"{CARD.title}: the lists {LABELS} in {folder / TRIALS} are not as many lines each of two drawings "
            f"({error}); replace it; {CARD.how_to_get}"
        ) from None
    return OneShotTrials(
        images=ArraySource(np.stack([decoded(files[name], f"{TRIALS}: {name}") for name in names])),
        query=np.searchsorted(names, queries),
        support=np.searchsorted(names, np.sort(supports, axis=1)),
        answer=np.argsort(np.argsort(supports, axis=1), axis=1),
        checksums={TRIALS: ARCHIVES[TRIALS]},
    )


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each member of one of `ARCHIVES`; raises UserError where it is damaged or another."""
    try:
        checked_md5(path, ARCHIVES[path.name], str(path))
        with zipped(path) as archive:
            yield from ((name, member(archive, name)) for name in archive.namelist())
    except (*DAMAGED, UserError) as error:
        raise UserError(f"{CARD.title}: {path} cannot be used: {error}; replace it; {CARD.how_to_get}") from error


def decoded(content: bytes, name: str) -> Bytes:
    """Return a drawing, black on white, 105 x 105, as uint8 [28, 28], white on black; raises UserError, naming it."""
    inverted = pictures.decoded(content, "L", name, ("PNG",)).point(lambda grey: 255 - grey)
    return np.asarray(inverted.resize((SIDE, SIDE), Image.Resampling.BOX))
