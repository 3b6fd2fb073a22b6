"""The training part of VGGFace2, as InsightFace packs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.formats import recordio
from shared.data.kinds import FaceSet
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_source import LabelledSource


class VggFace2(FaceSet):
    """The training part of VGGFace2 as InsightFace packs it, aligned to 112 x 112."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_vggface2"
    classes: ClassVar[int] = 8_631
    training_images: ClassVar[int] = 3_141_890
    folder: ClassVar[str] = "vggface2"
    sign: ClassVar[str] = recordio.RECORDS
    card: ClassVar[Card] = Card(
        title="VGGFace2",
        owner="Q. Cao, L. Shen, W. Xie, O. M. Parkhi, A. Zisserman (2018), University of Oxford",
        licence="was CC BY-NC 4.0; the owner no longer offers it",
        available=False,
        how_to_get=(
            "its owner has withdrawn it; who has a copy puts train.rec, train.idx and property, as InsightFace packs "
            "it, into vggface2 under the data root"
        ),
        megabytes=17_000,
    )
    name: Literal["vggface2"] = "vggface2"

    def read(self, place: Path) -> LabelledSource:
        """Open the images; raises UserError as `recordio.load` does."""
        return recordio.load(place, self.whose)
