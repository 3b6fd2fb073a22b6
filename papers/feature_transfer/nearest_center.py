"""Held-out images of the classes trained on, found by the nearest class center (section 4.3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.evaluation.angles import Floats, normalised
from shared.evaluation.output import Output

BLOCK = 512
ROUNDING = 1e-12
"""Two cosines that differ by no more than that are equal."""


class NearestCenters:
    """Find the class of a test image by the center that is nearest to its embedding, among those of the gallery.

    A class has as its center the mean of the embeddings of its gallery images, all of them: the text says "feature
    center from the training images", and eq. 5, which adds mirror images and leaves out turned heads, is said of rich
    features that are transferred. The paper does not say what nearest is; here it is by cosine, as on LFW and IJB-A. A
    tie counts against the search, and so does a class without gallery images.
    """

    def __call__(self, gallery: Output, test: Output) -> dict[str, float]:
        """Return `rank1_regular` and `rank1_ur`, the share of the test images that are found, in percent.

        UR are the classes that `test` lists as its minority. What has no test images is left out.
        """
        found = nearest_is_own(*centers(gallery), test)
        rare = np.isin(test.labels, test.minority)
        parts = {"rank1_regular": found[~rare], "rank1_ur": found[rare]}
        return {name: 100 * float(part.mean()) for name, part in parts.items() if len(part)}


def centers(output: Output) -> tuple[Floats, NDArray[np.int64]]:
    """Return the mean embedding [C, d] of each class that occurs, and these classes [C] in ascending order."""
    order = np.argsort(output.labels, kind="stable")
    classes, begins = np.unique(output.labels[order], return_index=True)
    images = np.split(order, begins[1:])
    return np.stack([output.embeddings[part].mean(axis=0, dtype=np.float64) for part in images]), classes


def nearest_is_own(points: Floats, classes: NDArray[np.int64], test: Output) -> NDArray[np.bool_]:
    """Return for each test image, [N], whether the center of its class is nearer by cosine than any other.

    `points` [C, d] are the centers of `classes` [C], in ascending order. Cosines are formed for a block of images at a
    time, since those of 100,000 images and 20,000 centers would fill 16 GB.
    """
    directions = normalised(points)
    own = np.minimum(np.searchsorted(classes, test.labels), len(classes) - 1)
    found = np.empty(len(own), bool)
    for begin in range(0, len(own), BLOCK):
        part = slice(begin, begin + BLOCK)
        cosines = normalised(test.embeddings[part]) @ directions.T
        rows = np.arange(len(cosines))
        mate = cosines[rows, own[part]]
        cosines[rows, own[part]] = -np.inf
        found[part] = mate > cosines.max(axis=1) + ROUNDING
    found[classes[own] != test.labels] = False
    return found
