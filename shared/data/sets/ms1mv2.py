"""MS1MV2, the refined MS-Celeb-1M of ArcFace, as InsightFace packs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.formats import recordio
from shared.data.kinds import FaceSet
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_source import LabelledSource


class Ms1mV2(FaceSet):
    """MS1MV2, the refined MS-Celeb-1M of ArcFace, as InsightFace packs it, aligned to 112 x 112."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ms1mv2"
    classes: ClassVar[int] = 85_742
    training_images: ClassVar[int] = 5_822_653
    folder: ClassVar[str] = "ms1mv2"
    sign: ClassVar[str] = recordio.RECORDS
    card: ClassVar[Card] = Card(
        title="MS1MV2",
        owner="J. Deng and others (InsightFace), refined from MS-Celeb-1M by Microsoft",
        licence="non-commercial research only; the owner of MS-Celeb-1M withdrew it in 2019",
        available=False,
        how_to_get=(
            "MS-Celeb-1M is withdrawn by its owner; who has InsightFace's copy (faces_emore) puts train.rec, train.idx "
            "and property into ms1mv2 under the data root"
        ),
        megabytes=33_000,
    )
    name: Literal["ms1mv2"] = "ms1mv2"

    def read(self, place: Path) -> LabelledSource:
        """Open the images; raises UserError as `recordio.load` does."""
        return recordio.load(place, self.whose)
