"""Recall of classes that have few images and of those that have many, in percent."""

from __future__ import annotations

import numpy as np

from shared.evaluation.output import Output


class RecallBySize:
    """Mean recall of the classes with fewer images than the mean of the classes, and of the others.

    The images are those that are evaluated: a stratified fold has as many of each class as the data set, in proportion.
    """

    def __call__(self, output: Output) -> dict[str, float]:
        """Return `rare` and `frequent`; none of them where the classes that occur are all of one size."""
        classes, sizes = np.unique(output.labels, return_counts=True)
        hits = output.predictions == output.labels
        recall = np.array([100 * hits[output.labels == label].mean() for label in classes])
        rare = sizes < sizes.mean()
        if not rare.any():
            return {}
        return {"rare": float(recall[rare].mean()), "frequent": float(recall[~rare].mean())}
