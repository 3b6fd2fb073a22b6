"""MS-Celeb-1M, cleaned by the list of Light CNN."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.formats import recordio
from shared.data.kinds import FaceSet
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_source import LabelledSource


class MsCeleb1M(FaceSet):
    """MS-Celeb-1M as Light CNN's list cleans it, without the people of LFW and IJB-A, packed as InsightFace packs sets.

    Yin et al. (CVPR 2019), Sec. 4: 4.8 million images of 76.5 thousand people.
    """

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ms_celeb_1m"
    classes: ClassVar[int] = 76_500
    training_images: ClassVar[int] = 4_800_000
    folder: ClassVar[str] = "ms-celeb-1m"
    sign: ClassVar[str] = recordio.RECORDS
    card: ClassVar[Card] = Card(
        title="MS-Celeb-1M, cleaned",
        owner="Y. Guo and others (2016), Microsoft; the cleaned list by X. Wu, R. He, Z. Sun, T. Tan (Light CNN)",
        licence="was non-commercial research only; its owner withdrew it in 2019",
        available=False,
        how_to_get=(
            "MS-Celeb-1M is withdrawn by its owner; who has a copy keeps the images on Light CNN's list, without the "
            "people of LFW and IJB-A, aligned to 112 x 112, and puts train.rec, train.idx and property, as InsightFace "
            "packs sets, into ms-celeb-1m under the data root, with yaw.txt or landmarks.txt beside them (see "
            "shared/data/formats/yaw_files.py)"
        ),
        megabytes=27_000,
    )
    name: Literal["ms-celeb-1m"] = "ms-celeb-1m"

    def read(self, place: Path) -> LabelledSource:
        """Open the images; raises UserError as `recordio.load` does."""
        return recordio.load(place, self.whose)
