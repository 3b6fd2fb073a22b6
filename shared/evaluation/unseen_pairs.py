"""Verification on classes that are not trained on: all pairs of their images, by the cosine of their embeddings.

What is accepted at a false acceptance rate and the equal error rate are of all pairs. The accuracy is of as many pairs
of two classes as of one, in ten folds that have no class in common, the threshold of each chosen on the nine others,
after the protocol of LFW (Huang et al., 2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.errors import UserError
from shared.evaluation.cosine import cosines
from shared.evaluation.roc import equal_error, rates_at
from shared.evaluation.verification import fold_accuracies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.evaluation.output import Output

    Places = NDArray[np.intp]

FOLDS = 10


@dataclass(frozen=True)
class UnseenPairs:
    """TAR at FAR, equal error rate and accuracy over all pairs of images of unseen classes."""

    def __call__(self, unseen: Output) -> dict[str, float]:
        """Return `tar@1e-1` to `tar@1e-5`, without those for which there are too few pairs, `eer` and `accuracy`.

        All are in percent.

        Raises:
            UserError: fewer than twenty classes are unseen, so that a fold has no pair of two, or one has a single
                image.

        """
        classes, label = np.unique(unseen.labels, return_inverse=True)
        if len(classes) < 2 * FOLDS or np.bincount(label).min() < 2:
            raise UserError(
                f"pairs of unseen classes in {FOLDS} folds take {2 * FOLDS} classes of two images or more; there are "
                f"{len(classes)}: leave the benchmark out, or let more classes be unseen"
            )
        first, second = np.triu_indices(len(label), 1)
        scores = cosines(unseen.embeddings, first, unseen.embeddings, second)
        same = label[first] == label[second]
        chosen, folds = balanced(label, first, second)
        return {
            **rates_at("tar", scores[same], scores[~same], range(1, 6)),
            "eer": equal_error(scores[same], scores[~same]),
            "accuracy": float(fold_accuracies(scores[chosen], same[chosen], folds).mean()),
        }


def balanced(label: NDArray[np.intp], first: Places, second: Places) -> tuple[Places, Places]:
    """Return places of pairs, and the fold of each: within each, all pairs of one class and as many of two, drawn.

    `label`, [N], are the classes 0, 1, ... of images, `first` and `second`, [P], all pairs of them. Each class is in
    one fold. Where a fold has fewer pairs of two classes than of one, all are taken. The draw is the same each time.
    """
    # RandomState's stream is the same in every numpy.
    stream = np.random.RandomState(0)
    fold_of = stream.permutation(label.max() + 1) % FOLDS
    fold = fold_of[label]
    within = np.flatnonzero(fold[first] == fold[second])
    same = label[first[within]] == label[second[within]]
    chosen = []
    for number in range(FOLDS):
        here = fold[first[within]] == number
        genuine, impostor = within[here & same], within[here & ~same]
        chosen += [genuine, np.sort(stream.permutation(impostor)[: len(genuine)])]
    pairs = np.concatenate(chosen)
    return pairs, fold[first[pairs]]
