"""What a loss asks for: its least value over free embeddings and its own parameters, and how the classes lie there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from shared.evaluation.angles import Floats, normalised
from shared.runs.components import Loss
from shared.training.free_features import Minimum, least

LEAST_ACCURACY = 0.99
MOST_OF_NOTHING = 0.5
VECTORS = 1000


@dataclass(frozen=True)
class Optimum:
    """The optimum of a loss without network, data and weight decay (see `shared.training.free_features`).

    `terms`: the least loss found as "loss", and each of its terms. `nothing`: the least loss where all images have one
    embedding. `accuracy`: the share of the embeddings that the loss's own scores give to their class. `geometry`: by
    name, angles in degrees and lengths in the embedding's units. `settled` and `attained`: as of a `Minimum`.
    """

    terms: dict[str, float]
    nothing: float
    accuracy: float
    geometry: dict[str, float]
    settled: bool
    attained: bool

    @property
    def classifies(self) -> bool:
        """Whether classes are told apart: 99 % of embeddings, at half or less of the loss of knowing nothing.

        The accuracy alone would not tell: where a regulariser holds all logits near zero, that of the own class can be
        the greatest by a hair, which no network finds.
        """
        return self.accuracy >= LEAST_ACCURACY and self.terms["loss"] <= MOST_OF_NOTHING * self.nothing


def optimum(options: Loss, dimension: int, classes: int) -> Optimum:
    """Return the optimum of a loss for embeddings of so many dimensions and so many classes."""
    minimum = least(options, dimension, classes)
    nothing = least(options, dimension, classes, starts=2, told_apart=False)
    return Optimum(
        terms=minimum.terms,
        nothing=nothing.value,
        accuracy=minimum.accuracy,
        geometry=_geometry(minimum),
        settled=minimum.settled,
        attained=minimum.attained,
    )


@cache
def least_judged(options: Loss, dimension: int, classes: int) -> float:
    """Return the term by which a training by this loss is judged (`Loss.judged_by`), at the least loss found."""
    return least(options, dimension, classes).terms[options.judged_by]


def _geometry(minimum: Minimum) -> dict[str, float]:
    """Return how embeddings and class vectors lie; of many classes the first thousand vectors are looked at."""
    vectors: Floats = minimum.loss.class_vectors().numpy()
    features: Floats = minimum.embedding.numpy()
    own = vectors[minimum.labels.numpy()]
    to_own = _degrees((normalised(features)[:, None] * _normalised_each(own)).sum(2)).min(1)
    looked_at = vectors[:VECTORS]
    flat = looked_at.reshape(-1, looked_at.shape[-1])
    of_class = np.repeat(np.arange(len(looked_at)), looked_at.shape[1])
    pairs = np.triu_indices(len(flat), 1)
    two_classes = of_class[pairs[0]] != of_class[pairs[1]]
    first, second = pairs[0][two_classes], pairs[1][two_classes]
    products = flat @ flat.T
    squares = np.diag(products)
    distances = np.sqrt(np.maximum(squares[first] + squares[second] - 2 * products[first, second], 0))
    directions = normalised(flat)
    angles = _degrees((directions @ directions.T)[first, second])
    return {
        "least angle between vectors of two classes": float(angles.min()),
        "mean angle between vectors of two classes": float(angles.mean()),
        "mean angle of an embedding to its class's nearest vector": float(to_own.mean()),
        "least distance between vectors of two classes": float(distances.min()),
        "mean distance between vectors of two classes": float(distances.mean()),
        "mean length of an embedding": float(np.linalg.norm(features, axis=1).mean()),
        "mean length of a class vector": float(np.linalg.norm(flat, axis=1).mean()),
    }


def _normalised_each(vectors: Floats) -> Floats:
    """Return vectors [N, m, d] divided by their lengths."""
    units: Floats = normalised(vectors.reshape(-1, vectors.shape[-1])).reshape(vectors.shape)
    return units


def _degrees(cosines: Floats) -> Floats:
    angles: Floats = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return angles
