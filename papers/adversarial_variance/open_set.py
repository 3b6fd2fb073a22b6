"""Open-set rejection: what lies far from the direction of every class trained on is taken for unseen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from shared.evaluation.angles import Floats, mean_directions, normalised
from shared.evaluation.output import Output

TRUE_POSITIVE_RATE = 0.95


class OpenSetRejection:
    """Accept an image by the cosine between its embedding and the nearest class direction.

    The direction of a class is the mean of the normalised embeddings of its training images, so that losses with and
    without class vectors on the sphere are treated alike.
    """

    def __call__(self, train: Output, test: Output, unseen: Output) -> dict[str, float]:
        """Return `auroc` and `fpr_at_95_tpr`, both in percent.

        `auroc`: the chance that an image of a known class is nearer to a class direction than one of an unseen class, a
        tie counting half. `fpr_at_95_tpr`: the share of unseen images accepted at the strictest threshold that accepts
        at least 95 % of the known ones.
        """
        directions = mean_directions(normalised(train.embeddings), train.labels)
        known, alien = (_nearest_cosine(output.embeddings, directions) for output in (test, unseen))
        truth = np.concatenate([np.ones(len(known)), np.zeros(len(alien))])
        threshold = np.sort(known)[::-1][int(np.ceil(TRUE_POSITIVE_RATE * len(known))) - 1]
        return {
            "auroc": 100 * float(roc_auc_score(truth, np.concatenate([known, alien]))),
            "fpr_at_95_tpr": 100 * float((alien >= threshold).mean()),
        }


def _nearest_cosine(embeddings: NDArray[np.floating], directions: Floats) -> Floats:
    nearest: Floats = (normalised(embeddings) @ directions.T).max(axis=1)
    return nearest
