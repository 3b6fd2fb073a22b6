"""What becomes of training images whose label is wrong, in percent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shared.evaluation.output import Output

Floats = NDArray[np.float64]


class NoisyLabels:
    """How wrongly labelled images are classified, and whether their class has prototypes of its own for them."""

    def __call__(self, output: Output) -> dict[str, float]:
        """Return the metrics by name, none of them without wrong labels.

        `as_given` and `as_true` are the shares of the wrongly labelled images that are classified as their label says
        and as they truly are. `other_prototypes`, where a class has several, says how differently the wrongly and the
        rightly labelled images of a label are spread over its prototypes, each image going to the nearest of them
        (eq. 9): the share of the wrongly labelled ones that would have to go to another for both to be spread alike, in
        the mean over the labels. It is 100 where no prototype has images of both kinds and near 0 where the labels make
        no difference.
        """
        if output.true_labels is None or not (wrong := output.labels != output.true_labels).any():
            return {}
        metrics = {
            "as_given": 100 * float(np.mean(output.predictions[wrong] == output.labels[wrong])),
            "as_true": 100 * float(np.mean(output.predictions[wrong] == output.true_labels[wrong])),
        }
        if output.class_vectors.shape[1] > 1:
            metrics["other_prototypes"] = 100 * _other_prototypes(output, wrong)
        return metrics


def _other_prototypes(output: Output, wrong: NDArray[np.bool_]) -> float:
    """Return the total variation distance, 0..1, of both kinds' shares of the prototypes, in the mean over labels."""
    distances = []
    for label, prototypes in enumerate(output.class_vectors.astype(np.float64)):
        kinds = [output.embeddings[(output.labels == label) & kind] for kind in (wrong, ~wrong)]
        if all(len(embeddings) for embeddings in kinds):
            of_wrong, of_right = (_shares(embeddings.astype(np.float64), prototypes) for embeddings in kinds)
            distances.append(np.abs(of_wrong - of_right).sum() / 2)
    return float(np.mean(distances))


def _shares(embeddings: Floats, prototypes: Floats) -> Floats:
    """Return the share of embeddings [N, d] that each of the prototypes [m, d] is the nearest to."""
    distance = (prototypes**2).sum(axis=1) - 2 * embeddings @ prototypes.T
    shares: Floats = np.bincount(distance.argmin(axis=1), minlength=len(prototypes)) / len(embeddings)
    return shares
