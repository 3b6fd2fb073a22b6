"""Displacement vectors (eq. 2): how they differ in direction and in length, and what they say of the class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from papers.discface.pair_angles import own_angles, positive_angles
from shared.evaluation.angles import Floats, normalised
from shared.evaluation.output import Output

PROBED_CLASSES = 50
FOLDS = 5
LEAST = 3


class Discrepancy:
    """The two discrepancies of section 3.2 and a linear probe, which the paper argues about and does not measure.

    The displacement of an image is its normalised embedding minus the normalised vector of its class (eq. 2).
    """

    def __call__(self, output: Output) -> dict[str, float]:
        """Return the metrics by name, without those that are not defined for so few images.

        Means are over all pairs of different images, of one class or of two, unless something else is said; what ends
        in `_within` is the mean over pairs of one class, mean over the classes.

        `own_angle`: mean angle, in degrees, of an embedding to the vector of its class. `displacement_cosine`: mean
        cosine of two displacement vectors, the paper's directional displacement discrepancy, which is greater where
        the discrepancy is less (DF-E14); `directional`: one minus it. It is near one as well where all embeddings lie
        far to one side of their vectors, which `displacement_spread` is not: the root mean square distance of the
        displacement vectors from their mean, what eq. 3 has left to lower. `radial`: mean difference of the lengths of
        two displacement vectors. `displacement_length`: mean length. `positive_angle`: mean angle, in degrees, of the
        embeddings of two images of one class, mean over the classes. `probe`: percentage of images whose class a linear
        classifier tells from the displacement, and `chance`: what guessing would give; over the 50 classes with most
        images, if there are more (see `probe_accuracy`).
        """
        directions = normalised(output.embeddings)
        own = normalised(output.class_vectors[:, 0])[output.labels]
        displacements = directions - own
        lengths = np.linalg.norm(displacements, axis=1)
        by_class = [output.labels == label for label in np.unique(output.labels)]
        cosine = mean_cosine(displacements)
        probe, chance = probe_accuracy(displacements, output.labels)
        angles = positive_angles(directions, output.labels)
        metrics = {
            "own_angle": float(own_angles(directions, own).mean()),
            "displacement_cosine": cosine,
            "directional": 1 - cosine,
            "directional_within": 1 - mean_where_defined([mean_cosine(displacements[chosen]) for chosen in by_class]),
            "radial": mean_difference(lengths),
            "radial_within": mean_where_defined([mean_difference(lengths[chosen]) for chosen in by_class]),
            "displacement_length": float(lengths.mean()),
            "displacement_spread": float(np.sqrt(displacements.var(axis=0).sum())),
            "positive_angle": mean_where_defined(list(angles.values())),
            "probe": probe,
            "chance": chance,
        }
        return {name: value for name, value in metrics.items() if np.isfinite(value)}


class ClassDiscrepancy:
    """Whether the displacements of the classes, each the mean over its images, lie in one direction.

    Section 4.1 has "the position of the feature distribution per class". The mean over pairs of images tells more of
    another thing: in a class that lies far to one side of its vector all displacements are alike.
    """

    def __call__(self, output: Output) -> dict[str, float]:
        """Return `displacement_cosine`, the mean cosine of the mean displacements of two classes; none of one class."""
        displacements = normalised(output.embeddings) - normalised(output.class_vectors[:, 0])[output.labels]
        labels = np.unique(output.labels)
        cosine = mean_cosine(np.stack([displacements[output.labels == label].mean(axis=0) for label in labels]))
        return {"displacement_cosine": cosine} if np.isfinite(cosine) else {}


def mean_where_defined(values: Sequence[float]) -> float:
    """Return the mean of those values that are not nan, nan where there is none."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else np.nan


def mean_cosine(vectors: Floats) -> float:
    """Return the mean cosine over all pairs of different vectors [N, d], nan where there is no pair.

    The sum over the pairs is half of the squared length of the sum of all directions, less those of each with itself.
    A vector without length has the cosine 0 with every other.
    """
    units = normalised(vectors)
    n = len(units)
    own = float((units**2).sum())
    total = float((units.sum(axis=0) ** 2).sum())
    return (total - own) / (n * (n - 1)) if n > 1 else np.nan


def mean_difference(values: Floats) -> float:
    """Return the mean of |a - b| over all pairs of different values [N], nan where there is no pair.

    In ascending order the value at place i is the greater one of i pairs and the smaller one of N - 1 - i.
    """
    n = len(values)
    weights = 2 * np.arange(n) - (n - 1)
    return float(weights @ np.sort(values)) * 2 / (n * (n - 1)) if n > 1 else np.nan


def probe_accuracy(vectors: Floats, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Return the accuracy of a linear probe of the labels [N], and what always guessing the most frequent gives.

    Both in percent, over the classes with most images, at most 50, the first of equals; classes of fewer than three
    images are left out. The probe is a logistic regression on standardised vectors [N, d], cross-validated in five
    stratified folds, or as many as the smallest class has images. Without two such classes both are nan.
    """
    classes, counts = np.unique(labels, return_counts=True)
    most = np.argsort(-counts, kind="stable")[:PROBED_CLASSES]
    most = most[counts[most] >= LEAST]
    if len(most) < 2:
        return np.nan, np.nan
    probed = np.isin(labels, classes[most])
    folds = StratifiedKFold(min(FOLDS, int(counts[most].min())), shuffle=True, random_state=0)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    scores = cross_val_score(probe, vectors[probed], labels[probed], cv=folds)
    return 100 * float(scores.mean()), 100 * float(counts[most].max() / counts[most].sum())
