"""What a trained run makes of a set of images, before any metric."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Output:
    """Embeddings and predictions of the images of one split, with what the loss holds for each class.

    `embeddings` `[N, d]` float32, `labels` and `predictions` `[N]`, `class_vectors` `[classes, m, d]`; `minority`
    lists the classes whose training images were reduced, none where the training set is whole. The labels of unseen
    images are those of the data set, all others are indices of the classes trained on. `true_labels` `[N]` are those
    before label noise, None where none is put on.
    """

    __test__ = False

    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]
    predictions: NDArray[np.int64]
    class_vectors: NDArray[np.float32]
    minority: tuple[int, ...]
    true_labels: NDArray[np.int64] | None = None

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_vectors)
