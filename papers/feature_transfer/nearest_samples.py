"""Figure 3: the images nearest to the centers of the largest and of the smallest classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from papers.feature_transfer.pictures import as_bytes
from shared.errors import UserError
from shared.training.batches import Images
from shared.training.classification import ClassificationScheme
from shared.training.loop import EVALUATION_BATCH

LEAST = 2
"""A single image is its class's center, which says nothing."""

Arrays = dict[str, NDArray[Any]]


class NearestToCenters:
    """Of some classes the training image whose embedding is nearest to the mean of its class's.

    The `classes` largest classes and as many smallest ones of at least two images, the first of equals (see
    `extremes`). The paper takes the embeddings from VGGFace; here they are those of the scheme.
    """

    def __init__(self, *, classes: int) -> None:
        self.classes = classes

    def __call__(self, scheme: ClassificationScheme, images: Images) -> tuple[dict[str, float], Arrays]:
        """Return metrics and arrays of faces with pixels from -1 to 1.

        Metrics: `yaw_largest`, `yaw_smallest`, mean |yaw| in degrees of the images found, where it is known.

        Arrays, each also of `smallest`, for K classes from the largest and from the smallest on: `largest`, the images,
        uint8 [K, H, W] or [K, H, W, 3]; `classes_largest` and `sizes_largest` [K]; `yaws_largest` [K] in degrees where
        the yaw of any image is known.

        Raises:
            UserError: no two classes of at least two images differ in size.

        """
        labels = images.labels.cpu().numpy()
        sizes = np.bincount(labels)
        largest, smallest = extremes(sizes, self.classes)
        metrics: dict[str, float] = {}
        arrays: Arrays = {}
        for name, classes in (("largest", largest), ("smallest", smallest)):
            nearest = _nearest(scheme, images, labels, classes)
            arrays |= {
                name: as_bytes(images.normalised(torch.from_numpy(nearest).to(images.labels.device))),
                f"classes_{name}": classes,
                f"sizes_{name}": sizes[classes],
            }
            if images.yaw is not None:
                arrays[f"yaws_{name}"] = images.yaw[nearest]
                known = np.abs(images.yaw[nearest])
                known = known[~np.isnan(known)]
                if len(known):
                    metrics[f"yaw_{name}"] = float(known.mean())
        return metrics, arrays


def extremes(sizes: NDArray[np.integer], classes: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return so many largest classes, largest first, and smallest ones of two images or more, smallest first.

    The first of the ones has more images than the first of the others, the second than the second, and so on; where
    that ends, no more are returned. So no class is both.

    Raises:
        UserError: not even the first has.

    """
    enough = np.flatnonzero(sizes >= LEAST)
    largest = enough[np.argsort(-sizes[enough], kind="stable")][:classes]
    smallest = enough[np.argsort(sizes[enough], kind="stable")][:classes]
    count = int((sizes[largest] > sizes[smallest]).sum())
    if not count:
        raise UserError(
            f"no two of the {len(enough)} classes with two training images or more differ in size; "
            "train on classes of different sizes (data.sampling)"
        )
    return largest[:count], smallest[:count]


def _nearest(
    scheme: ClassificationScheme, images: Images, labels: NDArray[np.int64], classes: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the place of the image nearest to the mean of each class; only their images are embedded."""
    members = [np.flatnonzero(labels == label) for label in classes]
    order = np.concatenate(members)
    embeddings = scheme.embed(batch for batch, _ in images.in_order(EVALUATION_BATCH, order)).cpu().numpy()
    nearest, first = [], 0
    for places in members:
        own = embeddings[first : first + len(places)].astype(np.float64)
        nearest.append(places[np.linalg.norm(own - own.mean(axis=0), axis=1).argmin()])
        first += len(places)
    return np.array(nearest)
