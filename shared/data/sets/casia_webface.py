"""CASIA-WebFace, as InsightFace packs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.formats import recordio
from shared.data.kinds import FaceSet
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_source import LabelledSource


class CasiaWebFace(FaceSet):
    """CASIA-WebFace as InsightFace packs it, aligned to 112 x 112."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_casia_webface"
    classes: ClassVar[int] = 10_572
    training_images: ClassVar[int] = 490_623
    folder: ClassVar[str] = "casia-webface"
    sign: ClassVar[str] = recordio.RECORDS
    card: ClassVar[Card] = Card(
        title="CASIA-WebFace",
        owner="D. Yi, Z. Lei, S. Liao, S. Z. Li (2014), CBSR, Institute of Automation, Chinese Academy of Sciences",
        licence="research only, under an agreement with its owner",
        available=True,
        how_to_get=(
            "its owner gives it on request; put train.rec, train.idx and property, as InsightFace packs it, into "
            "casia-webface under the data root"
        ),
        megabytes=2_700,
    )
    name: Literal["casia-webface"] = "casia-webface"

    def read(self, place: Path) -> LabelledSource:
        """Open the images; raises UserError as `recordio.load` does."""
        return recordio.load(place, self.whose)
