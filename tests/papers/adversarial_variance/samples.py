"""Made-up embeddings, for the tests of what is measured on them and drawn of them."""

from __future__ import annotations

import numpy as np

from shared.evaluation.output import Output


def output(embeddings, labels) -> Output:
    points = np.asarray(embeddings, np.float32)
    given_labels = np.asarray(labels, np.int64)
    vectors = np.zeros((int(given_labels.max()) + 1, 1, points.shape[1]), np.float32)
    return Output(points, given_labels, given_labels, vectors, ())


def clouds(dimension: int = 2, classes: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), 40)
    spread = random.normal(size=(classes, dimension, dimension))
    points = np.einsum("nd,nde->ne", random.normal(size=(len(labels), dimension)), spread[labels])
    return points + 5 * random.normal(size=(classes, dimension))[labels], labels
