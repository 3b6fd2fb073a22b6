"""Accuracy of telling pairs of one person from pairs of two, by a threshold on how alike they are.

Which thresholds are tried is a choice:

    exact    A pair is taken for one person if its score is at or above the threshold. Every distinct score is tried,
             and one above all of them: the accuracy on the pairs it is chosen on is maximised exactly.
    grid     As InsightFace's `verification.py` has it: a pair is taken for one person if the squared distance of its
             unit vectors, 2 - 2 cos, is below the threshold, one of 0, 0.01, ..., 3.99. A maximum between two steps of
             the grid escapes it.

Of several thresholds that reach the maximum the strictest is taken, which is the first of the grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from shared.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.floating]
    Same = NDArray[np.bool_]
    Folds = NDArray[np.integer]
    Places = NDArray[np.intp]

Thresholds = Literal["exact", "grid"]
GRID = np.arange(0, 4, 0.01)
"""Squared distances of unit vectors."""


def fold_accuracies(scores: Scores, same: Same, folds: Folds, thresholds: Thresholds = "exact") -> NDArray[np.float64]:
    """Return the accuracy (percent) on each fold, in ascending order, at the threshold chosen on all other folds.

    `scores`, `same` and `folds` are [P]; on the grid the scores are cosines. Raises UserError where there is one fold
    only.
    """
    numbers, fold = np.unique(folds, return_inverse=True)
    if len(numbers) < 2:
        raise UserError("pairs in one fold have no others to choose a threshold on: take a set with two folds or more")
    place, count = _on_grid(scores) if thresholds == "grid" else _exactly(scores)
    # Pairs of each fold judged right, [thresholds, F], from the strictest threshold on. A pair that is accepted by none
    # of them is in the row after the last.
    correct = np.zeros((count + 1, len(numbers)), np.int64)
    correct[0] = np.bincount(fold[~same], minlength=len(numbers))
    np.add.at(correct, (place, fold), np.where(same, 1, -1))
    correct = correct[:count].cumsum(axis=0)
    chosen = (correct.sum(axis=1, keepdims=True) - correct).argmax(axis=0)
    accuracies: NDArray[np.float64] = 100 * correct[chosen, np.arange(len(numbers))] / np.bincount(fold)
    return accuracies


def _exactly(scores: Scores) -> tuple[Places, int]:
    """Return the first threshold that accepts each pair, from the strictest on, which accepts none; and how many."""
    values, place = np.unique(-scores, return_inverse=True)
    return place + 1, len(values) + 1


def _on_grid(cosines: Scores) -> tuple[Places, int]:
    """Return the first threshold of the grid that accepts each pair, and how many there are."""
    return np.searchsorted(GRID, 2 - 2 * cosines, side="right"), len(GRID)
