"""Recall of rare and of frequent lesions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from papers.gaussian_affinity.recall import RecallBySize
from shared.evaluation.output import Output


def output(labels: Sequence[int], predictions: Sequence[int]) -> Output:
    return Output(
        embeddings=np.zeros((len(labels), 2), np.float32),
        labels=np.array(labels),
        predictions=np.array(predictions),
        class_vectors=np.zeros((3, 1, 2), np.float32),
        minority=(),
    )


def test_recall_of_rare_and_of_frequent_classes_by_hand() -> None:
    # Sizes 4, 1, 1 with mean 2; recalls 75, 0 and 100 %.
    found = RecallBySize()(output([0, 0, 0, 0, 1, 2], [0, 0, 0, 2, 0, 2]))
    assert found == {"frequent": 75.0, "rare": 50.0}
    assert RecallBySize()(output([0, 1], [0, 0])) == {}
