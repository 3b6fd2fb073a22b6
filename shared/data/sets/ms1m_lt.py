"""MS1M-LT, the long-tailed selection from MS-Celeb-1M of Open Long-Tailed Recognition.

The list comes without crops. Its faces are to lie as those of the benchmarks do: five landmarks found by MTCNN, mapped
onto ArcFace's template by a similarity transform, 112 x 112 pixels (`shared.data.formats.alignment`). Of that the size
alone can be checked, when an image is read: one of another size is refused, since resizing would not align it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from shared.data.formats.image_lists import load_list
from shared.data.image_source import ALIGNED
from shared.data.kinds import FaceSet
from shared.runs.components import Card

if TYPE_CHECKING:
    from pathlib import Path

    from shared.data.image_source import LabelledSource

LIST = "MS1M_LT_train.txt"
CROP = "crop the faces of MS1M-LT by MTCNN's five landmarks and ArcFace's template"


class Ms1mLt(FaceSet):
    """MS1M-LT, the long-tailed list over MS-Celeb-1M of Liu et al. (CVPR 2019), images cropped to 112 x 112."""

    stand_in: ClassVar[str] = "shared.data.stand_ins:write_ms1m_lt"
    classes: ClassVar[int] = 74_532
    training_images: ClassVar[int] = 887_530
    folder: ClassVar[str] = "ms1m-lt"
    sign: ClassVar[str] = LIST
    card: ClassVar[Card] = Card(
        title="MS1M-LT",
        owner="Z. Liu and others, Open Long-Tailed Recognition (2019), a list over MS-Celeb-1M by Microsoft",
        licence="the list comes with BSD 3-Clause code; the owner of MS-Celeb-1M withdrew the images in 2019",
        available=False,
        how_to_get=(
            "MS-Celeb-1M is withdrawn by its owner; who has a copy puts the list of Open Long-Tailed Recognition "
            "beside the images into ms1m-lt under the data root (see shared/data/formats/image_lists.py), each cropped "
            "to 112 x 112 by MTCNN's five landmarks and ArcFace's template"
        ),
        megabytes=5_000,
    )
    name: Literal["ms1m-lt"] = "ms1m-lt"

    def read(self, place: Path) -> LabelledSource:
        """Open the images; raises UserError as `load_list` does."""
        return load_list(place, LIST, ALIGNED, self.whose, CROP)
