"""A labelled image set in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

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
