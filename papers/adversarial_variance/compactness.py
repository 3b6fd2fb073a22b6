"""How compact the classes are against what lies between them, in angle and in distance: figures 3 to 5."""

from __future__ import annotations

import numpy as np

from shared.evaluation.angles import Floats, mean_directions, normalised
from shared.evaluation.output import Output

SHARE = 0.95


class Compactness:
    """The gap between the nearest classes in angle, and the variance within classes against that between them."""

    def __call__(self, output: Output) -> dict[str, float]:
        """Return `gap` and, where the class means differ, `relative_variance`, of at least two classes with images.

        `gap`, in degrees: what lies between two cones around the mean directions of two classes, each of which holds 95
        % of the class's images; of all pairs of classes the smallest, and negative where the cones meet.
        `relative_variance`: the mean over classes of the mean squared distance to the class mean, divided by the mean
        squared distance of two class means; no rescaling of the embedding changes it.
        """
        labels = np.unique(output.labels)
        members = [output.labels == label for label in labels]
        directions = normalised(output.embeddings)
        axes = mean_directions(directions, output.labels)
        widths = np.array(
            [np.quantile(_degrees(directions[of] @ axis), SHARE) for of, axis in zip(members, axes, strict=True)]
        )
        embeddings = output.embeddings.astype(np.float64)
        means = np.stack([embeddings[of].mean(axis=0) for of in members])
        within = [_squares(embeddings[of] - mean).mean() for of, mean in zip(members, means, strict=True)]
        one, other = np.triu_indices(len(labels), 1)
        between = float(_squares(means[one] - means[other]).mean())
        gaps = _degrees((axes[one] * axes[other]).sum(axis=1)) - widths[one] - widths[other]
        relative = {"relative_variance": float(np.mean(within)) / between} if between > 0 else {}
        return {"gap": float(gaps.min()), **relative}


def _squares(points: Floats) -> Floats:
    squared: Floats = (points**2).sum(axis=1)
    return squared


def _degrees(cosines: Floats) -> Floats:
    angles: Floats = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return angles
