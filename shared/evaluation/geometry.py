"""How the embeddings of a test set lie in their space."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from shared.evaluation.output import Output

Floats = NDArray[np.float64]


class Geometry:
    """Spread, norm, angle and spacing of the classes; with reduced classes also these against the others."""

    def __call__(self, output: Output) -> dict[str, float]:
        """Return the metrics by name, without those that are not defined (a ratio to nothing).

        Lengths are in units of the embedding, angles in degrees, confusion in percent.

        `norm` is the mean length of an embedding; `center_spacing_cv` the coefficient of variation, over classes, of
        the distance to the nearest other class mean; `prototype_spacing_cv` that of all distances between class
        vectors. `*_center_distance` is the distance of a class mean from the mean of all class means, `*_weight_norm`
        the mean norm of the class vectors, and `minority_confusion` the share of the reduced classes' images that are
        taken for another reduced class.

        The cluster of a class is its rightly classified images. One that is taken for another class lies with that
        class, so that the size of all images together would tell how many errors there are; rare classes have more.
        `cluster_variance` is the mean over classes of the mean squared distance to the mean of the cluster,
        `cluster_variance_ratio` that of the reduced classes over that of the others, and `*_cluster_width` the root
        mean square angle between an embedding and the cluster's mean direction. A class with fewer than two such images
        has no cluster and is left out.

        In two dimensions, `*_sector` is the angle of the directions that a class wins (`sectors`), and
        `cluster_elongation` the mean over classes of the standard deviation along a cluster's longest axis over that
        along its shortest, 1 where it is round.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            metrics = self._metrics(output)
        return {name: value for name, value in metrics.items() if np.isfinite(value)}

    def _metrics(self, output: Output) -> dict[str, float]:
        embeddings = output.embeddings.astype(np.float64)
        members = [embeddings[output.labels == label] for label in range(output.classes)]
        means = np.stack([points.mean(axis=0) for points in members])
        right = output.predictions == output.labels
        clusters = [embeddings[right & (output.labels == label)] for label in range(output.classes)]
        variances = _each(_variance, clusters)
        vectors = output.class_vectors.astype(np.float64)
        metrics = {
            "norm": float(np.linalg.norm(embeddings, axis=1).mean()),
            "cluster_variance": _mean(variances),
            "center_spacing_cv": _variation(_nearest(means)),
            "prototype_spacing_cv": _variation(_pairs(vectors.reshape(-1, vectors.shape[-1]))),
        }
        in_the_plane = embeddings.shape[1] == 2
        if in_the_plane:
            metrics["cluster_elongation"] = _mean(_each(_elongation, clusters))
        if not output.minority:
            return metrics
        reduced = np.isin(np.arange(output.classes), output.minority)
        by_class = {
            "norm": np.array([np.linalg.norm(points, axis=1).mean() for points in members]),
            "cluster_width": _each(_width, clusters),
            "center_distance": np.linalg.norm(means - means.mean(axis=0), axis=1),
            "weight_norm": np.linalg.norm(vectors, axis=2).mean(axis=1),
        }
        if in_the_plane:
            by_class["sector"] = sectors(vectors)
        for name, values in by_class.items():
            metrics[f"minority_{name}"] = _mean(values[reduced])
            metrics[f"majority_{name}"] = _mean(values[~reduced])
        of_reduced = reduced[output.labels]
        taken = reduced[output.predictions] & (output.predictions != output.labels)
        metrics["minority_confusion"] = 100 * float(taken[of_reduced].mean())
        metrics["cluster_variance_ratio"] = float(np.divide(_mean(variances[reduced]), _mean(variances[~reduced])))
        return metrics


def sectors(vectors: Floats) -> Floats:
    """Return how much of the circle each class wins, in degrees, [C], which sum to 360, from class vectors [C, m, 2].

    A class wins the directions u in which one of its vectors w has the greatest product w u. Those are the directions
    in which far embeddings belong to it, be it by products, where biases count less and less, or by distances. w wins
    between the normals of two edges of the convex hull: where all differences w - w' leave a gap of more than 180
    degrees, by what the gap exceeds these, else nowhere. Vectors that are alike win the same directions.
    """
    points = vectors.reshape(-1, 2)
    won: Floats = np.array([_won(point - points) for point in points]).reshape(vectors.shape[:2]).sum(axis=1)
    return won


def _won(differences: Floats) -> float:
    differences = differences[(differences != 0).any(axis=1)]
    if not len(differences):
        return 360.0
    angles = np.sort(np.degrees(np.arctan2(differences[:, 1], differences[:, 0])))
    gap = np.diff(angles, append=angles[0] + 360).max()
    return max(0.0, float(gap) - 180)


def _each(measure: Callable[[Floats], float], clusters: Iterable[Floats]) -> Floats:
    """Return a measure of each cluster, not a number where there are fewer than two images."""
    return np.array([measure(points) if len(points) > 1 else np.nan for points in clusters])


def _mean(values: Floats) -> float:
    """Return the mean of the values that are finite, not a number where none is."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _variance(points: Floats) -> float:
    return float(((points - points.mean(axis=0)) ** 2).sum(axis=1).mean())


def _elongation(points: Floats) -> float:
    shortest, longest = np.linalg.eigvalsh(np.cov(points.T))
    return float(np.sqrt(np.divide(longest, shortest)))


def _nearest(means: Floats) -> Floats:
    distances = np.linalg.norm(means[:, None] - means, axis=2)
    np.fill_diagonal(distances, np.inf)
    nearest: Floats = distances.min(axis=1)
    return nearest


def _pairs(points: Floats) -> Floats:
    distances: Floats = np.linalg.norm(points[:, None] - points, axis=2)[np.triu_indices(len(points), 1)]
    return distances


def _variation(values: Floats) -> float:
    return float(np.divide(values.std(), values.mean()))


def _width(points: Floats) -> float:
    """Return the root mean square angle, in degrees, between points and the direction of their normalised mean."""
    directions = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-12)
    axis = directions.mean(axis=0)
    axis /= max(float(np.linalg.norm(axis)), 1e-12)
    angles = np.degrees(np.arccos(np.clip(directions @ axis, -1, 1)))
    return float(np.sqrt((angles**2).mean()))
