"""How the embeddings of a test set lie in their space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.evaluation.output import Output

Floats = NDArray[np.float64]


class Geometry:
    """Spread, norm, angle and spacing of the classes; with reduced classes also these against the others."""

    def __call__(self, output: Output) -> dict[str, float]:
        """Return the metrics by name, without those that are not defined (a ratio to nothing).

        Lengths are in units of the embedding, angles in degrees, confusion in percent.

        `norm` is the mean length of an embedding; `within_variance` the mean over classes of the mean squared distance
        to the class mean;
        `center_spacing_cv` the coefficient of variation, over classes, of the distance to the nearest other class
        mean; `prototype_spacing_cv` that of all distances between class vectors. `*_width` is the root mean square
        angle between an embedding and its class's mean direction, `*_center_distance` the distance of a class mean
        from the mean of all class means, `*_weight_norm` the mean norm of the class vectors, `minority_confusion`
        the share of the reduced classes' images that are taken for another reduced class, and `variance_ratio` the
        within-class variance of the reduced classes over that of the others.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            metrics = self._metrics(output)
        return {name: value for name, value in metrics.items() if np.isfinite(value)}

    def _metrics(self, output: Output) -> dict[str, float]:
        embeddings = output.embeddings.astype(np.float64)
        members = [embeddings[output.labels == label] for label in range(output.classes)]
        means = np.stack([points.mean(axis=0) for points in members])
        variances = np.array([_variance(points, mean) for points, mean in zip(members, means, strict=True)])
        vectors = output.class_vectors.astype(np.float64)
        metrics = {
            "norm": float(np.linalg.norm(embeddings, axis=1).mean()),
            "within_variance": float(variances.mean()),
            "center_spacing_cv": _variation(_nearest(means)),
            "prototype_spacing_cv": _variation(_pairs(vectors.reshape(-1, vectors.shape[-1]))),
        }
        if not output.minority:
            return metrics
        reduced = np.isin(np.arange(output.classes), output.minority)
        by_class = {
            "norm": np.array([np.linalg.norm(points, axis=1).mean() for points in members]),
            "width": np.array([_width(points) for points in members]),
            "center_distance": np.linalg.norm(means - means.mean(axis=0), axis=1),
            "weight_norm": np.linalg.norm(vectors, axis=2).mean(axis=1),
        }
        for name, values in by_class.items():
            metrics[f"minority_{name}"] = float(values[reduced].mean())
            metrics[f"majority_{name}"] = float(values[~reduced].mean())
        of_reduced = reduced[output.labels]
        taken = reduced[output.predictions] & (output.predictions != output.labels)
        metrics["minority_confusion"] = 100 * float(taken[of_reduced].mean())
        metrics["variance_ratio"] = float(np.divide(variances[reduced].mean(), variances[~reduced].mean()))
        return metrics


def _variance(points: Floats, mean: Floats) -> float:
    return float(((points - mean) ** 2).sum(axis=1).mean())


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
