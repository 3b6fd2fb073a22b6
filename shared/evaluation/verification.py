"""Accuracy of telling pairs of one person from pairs of two, by a threshold on how alike they are.

A pair is taken for one person if its score is at or above the threshold. Every distinct score is tried as threshold,
and one above all of them: the accuracy on the pairs it is chosen on is maximised exactly. Of several thresholds that
reach the maximum the largest is taken. Public scripts try a grid instead, mostly 400 squared distances from 0 to 4 in
steps of 0.01, and take the first, which is the strictest too; a maximum between two steps of the grid escapes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Scores = NDArray[np.floating]
    Same = NDArray[np.bool_]
    Folds = NDArray[np.integer]


def fold_accuracies(scores: Scores, same: Same, folds: Folds) -> NDArray[np.float64]:
    """Return the accuracy (percent) on each fold, in ascending order, at the threshold chosen on all other folds.

    All arguments are [P]. Raises UserError where there is one fold only.
    """
    numbers, fold = np.unique(folds, return_inverse=True)
    if len(numbers) < 2:
        raise UserError("pairs in one fold have no others to choose a threshold on: take a set with two folds or more")
    # Pairs of each fold judged right, [thresholds, F], from the threshold above all scores downwards.
    values, place = np.unique(-scores, return_inverse=True)
    correct = np.zeros((len(values) + 1, len(numbers)), np.int64)
    correct[0] = np.bincount(fold[~same], minlength=len(numbers))
    np.add.at(correct, (place + 1, fold), np.where(same, 1, -1))
    correct = correct.cumsum(axis=0)
    chosen = (correct.sum(axis=1, keepdims=True) - correct).argmax(axis=0)
    accuracies: NDArray[np.float64] = 100 * correct[chosen, np.arange(len(numbers))] / np.bincount(fold)
    return accuracies
