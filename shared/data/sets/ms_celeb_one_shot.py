"""The one-shot challenge of MS-Celeb-1M by four lists: base and novel classes, to train on and to test on.

Base classes have tens of images to train on, novel classes one. base_train.txt, novel_train.txt, base_test.txt and
novel_test.txt lie in the folder that their paths are below; their form is that of `formats.image_lists`. The base
classes have the numbers from 0, the novel ones those that follow. The owner gave tables of encoded pictures, so the
lists are this suite's own form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.files import md5
from shared.data.formats.image_lists import Entries, check_numbered, read_entries, write_list
from shared.data.image_source import ALIGNED, Division, FileSource, LabelledSource
from shared.data.kinds import FaceSet
from shared.data.lazy import np
from shared.data.reading.faults import refuse
from shared.data.reading.listing import followed
from shared.data.reading.texts import malformed
from shared.errors import UserError
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.data.image_source import Bytes

BASE_TRAIN, NOVEL_TRAIN, BASE_TEST, NOVEL_TEST = "base_train.txt", "novel_train.txt", "base_test.txt", "novel_test.txt"
LISTS = (BASE_TRAIN, NOVEL_TRAIN, BASE_TEST, NOVEL_TEST)


class MsCelebOneShot(FaceSet):
    """The one-shot challenge of MS-Celeb-1M, 20,000 base and 1,000 novel people, images cropped to 112 x 112.

    Yin et al. (CVPR 2019), Sec. 4.4: 50 to 100 images to train on of a base person, one of a novel person. How many
    that is in all is not said there; `training_images` supposes 75.
    """

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ms_celeb_one_shot"
    classes: ClassVar[int] = 21_000
    training_images: ClassVar[int] = 1_501_000
    folder: ClassVar[str] = "ms-celeb-1m-one-shot"
    sign: ClassVar[str] = BASE_TRAIN
    card: ClassVar[Card] = Card(
        title="MS-Celeb-1M one-shot challenge",
        owner="Y. Guo, L. Zhang (2017), Microsoft",
        licence="was non-commercial research only; its owner withdrew MS-Celeb-1M in 2019",
        available=False,
        how_to_get=(
            "MS-Celeb-1M is withdrawn by its owner; who has a copy puts the lists base_train.txt, novel_train.txt, "
            "base_test.txt and novel_test.txt beside the cropped images into ms-celeb-1m-one-shot under the data root "
            "(see shared/data/sets/ms_celeb_one_shot.py)"
        ),
        megabytes=8_500,
    )
    name: Literal["ms-celeb-1m-one-shot"] = "ms-celeb-1m-one-shot"

    def read(self, place: Path) -> LabelledSource:
        """Open the images; raises UserError as `read` does."""
        return read(place, self.whose)


def read(folder: Path, card: Card) -> LabelledSource:
    """Open the images of the four lists in `folder`, resized to 112 x 112, in the order of `LISTS`.

    What is trained on is also what is searched in; the novel classes are those under-represented. The checksums are the
    lists' MD5s. Raises UserError where a list is missing or malformed or names an image that is not there, where the
    classes are numbered otherwise, and where one that is tested has no image to train on.
    """
    entries = {name: read_entries(folder, name, card) for name in LISTS}
    base = check_numbered(entries[BASE_TRAIN].labels, 0, folder / BASE_TRAIN, card)
    classes = base + check_numbered(entries[NOVEL_TRAIN].labels, base, folder / NOVEL_TRAIN, card)
    for train, test in ((BASE_TRAIN, BASE_TEST), (NOVEL_TRAIN, NOVEL_TEST)):
        _check_trained(entries[train], entries[test], train, folder / test, card)
    _check_apart(entries, folder, card)
    labels = np.concatenate([entries[name].labels for name in LISTS])
    trained = np.arange(len(entries[BASE_TRAIN].labels) + len(entries[NOVEL_TRAIN].labels))
    return LabelledSource(
        images=FileSource([path for name in LISTS for path in entries[name].paths], ALIGNED),
        labels=labels,
        classes=classes,
        checksums={name: md5(folder / name) for name in LISTS},
        division=Division(
            train=trained,
            gallery=trained,
            test=np.arange(len(trained), len(labels)),
            labels=labels,
            classes=classes,
            under_represented=tuple(range(base, classes)),
        ),
    )


def write_lists(folder: Path, parts: dict[str, tuple[Bytes, NDArray[np.integer]]]) -> None:
    """Write the images and the list of each of `LISTS`, given by name as uint8 [N, H, W, 3] and classes [N]."""
    for name in LISTS:
        images, labels = parts[name]
        write_list(folder, name, images, labels, below=name.removesuffix(".txt"))


def _check_apart(entries: dict[str, Entries], folder: Path, card: Card) -> None:
    """Raise UserError where an image is trained on twice, or also tested on, or tested on as two people."""
    trained = followed([path for name in LISTS[:2] for path in entries[name].paths])
    seen = set(trained)
    if len(seen) < len(trained):
        refuse(UserError(f"{card.title}: {folder} has an image in both lists to train on; take them from one copy"))
    for name in LISTS[2:]:
        tested = followed(entries[name].paths)
        for file, line in zip(tested, entries[name].lines, strict=True):
            if file in seen:
                other = "is trained on too" if file in set(trained) else "is in the other list to test on too"
                refuse(malformed(card, folder / name, line, f"about an image to test on: it {other}"))
        seen.update(tested)


def _check_trained(trained: Entries, tested: Entries, train: str, path: Path, card: Card) -> None:
    """Raise UserError where the list `path` to test on has a class that the list `train` has not."""
    for place in np.flatnonzero(~np.isin(tested.labels, trained.labels)):
        refuse(
            UserError(
                f"{card.title}: line {tested.lines[place]} of {path} has the class {tested.labels[place]}, of which "
                f"{train} has no image; take the lists from one copy"
            )
        )
