"""A labelled image set in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.data.image_source import ArraySource

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.data.image_source import ImageSource

    Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class ImageArrays:
    """A labelled image set: images uint8 [N, H, W] or [N, H, W, 3], labels uint8 [N], the MD5 of what was read.

    The MD5s are by name: of each expanded IDX file, or of whatever else the set is kept in.
    """

    train_images: Bytes
    train_labels: Bytes
    test_images: Bytes
    test_labels: Bytes
    checksums: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """How much there is of what, in words."""
        return {
            "training images": len(self.train_images),
            "test images": len(self.test_images),
            "classes": len(set(self.train_labels.tolist())),
        }

    @property
    def sources(self) -> dict[str, ImageSource]:
        """The images, by what they are called."""
        return {"training images": ArraySource(self.train_images), "test images": ArraySource(self.test_images)}
