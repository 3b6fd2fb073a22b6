"""Variance within each class along its principal components: what figures 7 and 8 are read by."""

from __future__ import annotations

import numpy as np

from shared.evaluation.output import Output


class PrincipalVariance:
    """Variances of the embeddings as they are, in squared units of the embedding, and how the components lie."""

    def __call__(self, output: Output) -> dict[str, float]:
        """Return the metrics by name.

        `first_variance` and `second_variance`: mean over classes of the variance (ddof 0) along the first and the
        second principal component of the class's embeddings; `second_variance_class<i>`: that of class i alone;
        `second_share`: the mean over classes of the second's percentage of the variance along all components, which no
        rescaling of the embedding changes; `first_to_radius`: mean angle, in degrees, 0..90, between the first
        component and the direction of the class's mean, small where a class lies along a ray from the origin;
        `spread`: mean distance of a class mean from the mean of all class means, 0 where all classes have collapsed.
        """
        labels = np.unique(output.labels)
        members = [output.embeddings[output.labels == label].astype(np.float64) for label in labels]
        means = np.stack([points.mean(axis=0) for points in members])
        variances, angles = [], []
        for points, mean in zip(members, means, strict=True):
            # Ascending order, so the first principal component is the last.
            variance, components = np.linalg.eigh(np.cov(points, rowvar=False, ddof=0))
            variances.append(np.maximum(variance[::-1], 0))
            cosine = abs(components[:, -1] @ mean) / max(float(np.linalg.norm(mean)), 1e-12)
            angles.append(np.degrees(np.arccos(min(1.0, cosine))))
        spectrum = np.stack(variances)
        share = spectrum[:, 1] / np.maximum(spectrum.sum(axis=1), 1e-30)
        metrics = {
            "first_variance": float(spectrum[:, 0].mean()),
            "second_variance": float(spectrum[:, 1].mean()),
            "second_share": 100 * float(share.mean()),
            "first_to_radius": float(np.mean(angles)),
            "spread": float(np.linalg.norm(means - means.mean(axis=0), axis=1).mean()),
        }
        by_class = {f"second_variance_class{label}": float(row[1]) for label, row in zip(labels, spectrum, strict=True)}
        return metrics | by_class
