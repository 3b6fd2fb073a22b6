"""Angles of pairs of images: positive pairs show one class, negative pairs two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.evaluation.angles import Floats, normalised
from shared.evaluation.output import Output

BINS = np.linspace(0, 180, 181)


class PairAngles:
    """What the second row of figure 4 shows, as numbers, over all classes; meant for a few thousand images at most."""

    def __call__(self, output: Output) -> dict[str, float]:
        """Return the metrics by name; angles in degrees.

        `positive_angle_class<i>`: mean angle of two images of class i; `negative_angle`: mean angle of two images of
        different classes; `overlap`: what the distributions of positive and of negative angles have in common, in
        percent, measured in bins of one degree. What is not defined is left out.
        """
        directions = normalised(output.embeddings)
        of_class = positive_angles(directions, output.labels)
        metrics = {f"positive_angle_class{label}": angle for label, angle in of_class.items()}
        positive, negative = pair_angles(directions, output.labels)
        if len(negative):
            metrics["negative_angle"] = float(negative.mean())
        if len(positive) and len(negative):
            metrics["overlap"] = 100 * float(np.minimum(shares(positive), shares(negative)).sum())
        return metrics


def between(first: Floats, second: Floats) -> Floats:
    """Return the angles [A, B] in degrees between unit vectors [A, d] and [B, d]."""
    angles: Floats = np.degrees(np.arccos(np.clip(first @ second.T, -1, 1)))
    return angles


def positive_angles(directions: Floats, labels: NDArray[np.int64]) -> dict[int, float]:
    """Return the mean angle of two different images of a class, for each class that has two."""
    found = {}
    for label in np.unique(labels):
        own = directions[labels == label]
        if len(own) > 1:
            found[int(label)] = float(between(own, own)[np.triu_indices(len(own), 1)].mean())
    return found


def pair_angles(directions: Floats, labels: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return the angles of all positive and of all negative pairs of unit vectors [N, d]."""
    first, second = np.triu_indices(len(labels), 1)
    angles = between(directions, directions)[first, second]
    same = labels[first] == labels[second]
    return angles[same], angles[~same]


def own_angles(directions: Floats, own: Floats) -> Floats:
    """Return the angles, in degrees, between unit vectors [N, d] and the unit vectors of their classes [N, d]."""
    chords = np.linalg.norm(directions - own, axis=1)
    angles: Floats = np.degrees(2 * np.arcsin(np.minimum(chords / 2, 1)))
    return angles


def shares(angles: Floats) -> Floats:
    """Return the share of the angles in each bin of one degree."""
    return np.histogram(angles, BINS)[0] / len(angles)
