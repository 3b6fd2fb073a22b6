"""How embeddings lie by their directions alone: how compact the classes are, and how far apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.evaluation.output import Output

Floats = NDArray[np.float64]


class Angles:
    """Angles, in degrees, of embeddings to their class's vector and mean, and of these to each other.

    A class's vector is the first of its weights, centres or prototypes; its mean is the mean of its normalised
    embeddings. An embedding without length has no direction: it is as far from everything as the origin is, 90 degrees.
    """

    def __call__(self, output: Output) -> dict[str, float]:
        """Return the metrics by name; of classes with at least one image.

        `vector_angle` and `vector_angle_worst`: mean and greatest angle of an image to its class's vector;
        `vector_share`: the percentage of images within half the smallest angle between two vectors;
        `mean_angle`: mean angle of an image to its class's mean; `angular_sd`: the root mean square of that within a
        class, averaged over classes; `overlap`: the percentage of images nearer to another class's mean than to their
        own's; `mean_to_vector`: mean over classes of the angle between mean and vector;
        `between_means`, `between_means_smallest`: mean and smallest angle of two class means;
        `between_means_spread`: standard deviation, over classes, of the angle to the nearest other class mean;
        `between_vectors_smallest`, `between_vectors_spread`: the same of the vectors.
        """
        directions = normalised(output.embeddings)
        labels = np.unique(output.labels)
        vectors = normalised(output.class_vectors[:, 0])
        means = mean_directions(directions, output.labels)
        to_vector = _angles(directions, vectors[output.labels])
        to_mean = _angles(directions, means[np.searchsorted(labels, output.labels)])
        nearest = (directions @ means.T).argmax(axis=1)
        within = [np.sqrt((to_mean[output.labels == label] ** 2).mean()) for label in labels]
        means_nearest, vectors_nearest = _between(means), _between(vectors)
        upper = np.triu_indices(len(means), 1)
        return {
            "vector_angle": float(to_vector.mean()),
            "vector_angle_worst": float(to_vector.max()),
            "vector_share": 100 * float((to_vector <= vectors_nearest.min() / 2).mean()),
            "mean_angle": float(to_mean.mean()),
            "angular_sd": float(np.mean(within)),
            "overlap": 100 * float((labels[nearest] != output.labels).mean()),
            "mean_to_vector": float(_angles(means, vectors[labels]).mean()),
            "between_means": float(_angles(means[upper[0]], means[upper[1]]).mean()),
            "between_means_smallest": float(means_nearest.min()),
            "between_means_spread": float(means_nearest.std()),
            "between_vectors_smallest": float(vectors_nearest.min()),
            "between_vectors_spread": float(vectors_nearest.std()),
        }


class AnglesOfRight:
    """How compact the rightly classified images of each class are.

    One that is taken for another class lies with that class. Where two classes cannot be told apart it is near its own
    all the same, so that all images together seem the more compact the less the classes are separated.
    """

    def __call__(self, output: Output) -> dict[str, float]:
        """Return `vector_angle`, `mean_angle` and `angular_sd` as `Angles` has them, none where no image is right."""
        right = output.predictions == output.labels
        if not right.any():
            return {}
        directions, labels = normalised(output.embeddings[right]), output.labels[right]
        known = np.unique(labels)
        to_mean = _angles(directions, mean_directions(directions, labels)[np.searchsorted(known, labels)])
        within = [np.sqrt((to_mean[labels == label] ** 2).mean()) for label in known]
        return {
            "vector_angle": float(_angles(directions, normalised(output.class_vectors[:, 0])[labels]).mean()),
            "mean_angle": float(to_mean.mean()),
            "angular_sd": float(np.mean(within)),
        }


def normalised(points: NDArray[np.floating]) -> Floats:
    """Return points [N, d] divided by their lengths; one without length stays zero."""
    wide = points.astype(np.float64)
    unit: Floats = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    return unit


def mean_directions(directions: Floats, labels: NDArray[np.integer]) -> Floats:
    """Return the normalised mean of the unit vectors [N, d] of each class that occurs, in the order of the labels."""
    return normalised(np.stack([directions[labels == label].mean(axis=0) for label in np.unique(labels)]))


def _angles(first: Floats, second: Floats) -> Floats:
    """Return the angles between the rows of two arrays of unit vectors, by Kahan's formula: exact where small."""
    angles: Floats = np.degrees(
        2 * np.arctan2(np.linalg.norm(first - second, axis=1), np.linalg.norm(first + second, axis=1))
    )
    return angles


def _between(points: Floats) -> Floats:
    """Return for each of at least two unit vectors the angle to its nearest other."""
    cosines = points @ points.T
    np.fill_diagonal(cosines, -np.inf)
    return _angles(points, points[cosines.argmax(axis=1)])
