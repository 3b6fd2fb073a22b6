"""Faces drawn by this suite, of many people and of known yaw, written once as InsightFace packs sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.files import prepared
from shared.data.formats import recordio
from shared.data.formats.yaw_files import write_yaw
from shared.data.kinds import TrainingSet
from shared.data.lazy import np
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_source import LabelledSource

PEOPLE, IMAGES = 200, 40
LARGEST_YAW = 60
NUISANCE = 0.3
"""Beside the yaw little varies, so that a small network learns to decode the pictures in little time."""


class FacesDrawn(TrainingSet):
    """8,000 drawn faces, 112 x 112 in colour: 40 of each of 200 people, turned up to 60 degrees to either side."""

    classes: ClassVar[int] = PEOPLE
    training_images: ClassVar[int] = PEOPLE * IMAGES
    folder: ClassVar[str] = "faces-drawn"
    fetched: ClassVar[bool] = True
    sign: ClassVar[str] = recordio.RECORDS
    # Other releases of Pillow may draw other pixels, hence no checksums.
    card: ClassVar[Card] = Card(
        title="Drawn faces",
        owner="drawn by this suite",
        licence="that of this suite",
        available=True,
        how_to_get="made by itself",
        megabytes=40,
    )
    name: Literal["faces-drawn"] = "faces-drawn"

    def at(self, root: Path) -> Path:
        """Return `root`/faces-drawn, drawn first if need be."""
        return prepared(root / self.folder, write)

    def read(self, place: Path) -> LabelledSource:
        """Open the images; raises UserError as `recordio.load` does."""
        return recordio.load(place, self.card)


def write(folder: Path) -> None:
    """Draw all images and write them, and how far each head is turned, into `folder`."""
    from shared.data.rendered.faces import render  # noqa: PLC0415 - imports NumPy and Pillow

    labels = np.repeat(np.arange(PEOPLE), IMAGES)
    # RandomState's stream is the same in every numpy; Generator's may change.
    yaw = np.random.RandomState(0).uniform(-LARGEST_YAW, LARGEST_YAW, len(labels))
    faces = render(labels, np.tile(np.arange(IMAGES), PEOPLE), yaw=yaw, nuisance=NUISANCE)
    recordio.write_records(folder, faces.images, labels)
    write_yaw(folder, faces.yaw)
