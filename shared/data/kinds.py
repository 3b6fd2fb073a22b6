"""The kinds of data sets: to train on, in the owner's form or images rendered in that form, and to test faces on."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from shared.data.files import prepared
from shared.data.reading.listing import holds_something
from shared.data.sampling import Sampling
from shared.runs.components import Card, DataSet, named

RENDERED = "rendered"


class Kept(DataSet):
    """A data set that lies in a folder of its own below the data root."""

    def at(self, root: Path) -> Path:
        """Return that folder."""
        return root / self.place

    def is_there(self, root: Path) -> bool:
        """Whether there is something where the data set should lie below the data root."""
        return holds_something(root / self.place)


class TrainingSet(Kept):
    """Labelled images to train on; `sampling` says what becomes of them before."""

    sampling: Sampling = Sampling()

    def identity(self) -> dict[str, Any]:
        """Return the options as JSON-able data; an imbalance that keeps every image is none."""
        options = super().identity()
        if self.sampling.imbalance is not None and self.sampling.imbalance.fraction == 1:
            options["sampling"]["imbalance"] = None
        return options

    @property
    def trained_classes(self) -> int:
        """The number of classes that are trained on: those chosen, else all."""
        if self.sampling.under_represented is not None:
            return self.sampling.under_represented.regular + self.sampling.under_represented.few
        return len(self.sampling.classes) if self.sampling.classes else self.classes


class OfficialForm(Kept):
    """A data set in the form in which its owner gives it, or images rendered in that very form.

    With `source: rendered` it is written by the function that `stand_in` names, once, below the folder `rendered` of
    the data root, and read by the same reader.
    """

    source: Literal["owner", "rendered"] = "owner"
    stand_in: ClassVar[str]
    fetched: ClassVar[bool] = False

    @property
    def whose(self) -> Card:
        """Whose the data are: the owner's card, or one that says what stands in."""
        if self.source == "owner":
            return self.card
        return Card(
            title=f"Rendered images in the form of {self.card.title}",
            owner="drawn by this suite",
            licence="that of this suite",
            available=True,
            how_to_get="made by itself",
            megabytes=5,
        )

    @property
    def place(self) -> str:
        """The folder below the data root."""
        return self.folder if self.source == "owner" else f"{RENDERED}/{self.folder}"

    @property
    def obtainable(self) -> bool:
        """Whether they are made where they are missing."""
        return self.source == RENDERED

    @property
    def code(self) -> tuple[str, ...]:
        """What renders the images where they are rendered."""
        return (self.stand_in,) if self.source == RENDERED else ()

    def is_there(self, root: Path) -> bool:
        """Whether the file or folder that the reader needs is there."""
        return (root / self.place / self.file).is_file() or (not self.file and super().is_there(root))

    def at(self, root: Path) -> Path:
        """Return the file or folder that the reader is given, rendered first if need be."""
        folder = root / self.place
        if self.source == RENDERED:
            prepared(folder, named(self.stand_in))
        return folder / self.file


class FaceSet(OfficialForm, TrainingSet):
    """Faces with their identities, to train on.

    `classes` and `training_images` are what the owner states; the record has the counts that were read.
    """


class TestSet(OfficialForm):
    """A set of faces that no run trains on."""

    __test__ = False
    classes: ClassVar[int] = 0
    training_images: ClassVar[int] = 0
