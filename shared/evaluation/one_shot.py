"""One-shot classification by the cosine of embeddings: which of a few images, one of each class, a query is nearest to.

The twenty trials of Omniglot (Lake et al., Science 350, 2015) are such ones; a network is judged by them without
training on any of their classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.evaluation.cosine import cosines

if TYPE_CHECKING:
    from shared.data.evaluation_sets import Embed, OneShotTrials

ROUNDING = 1e-12
"""Two cosines that differ by no more than that are equal."""


class OneShotAccuracy:
    """Find each query among the support images of its trial, the nearest by cosine being the answer."""

    def __call__(self, data: OneShotTrials, embed: Embed) -> dict[str, float]:
        """Return `accuracy`, how many queries of all trials are found, in percent; a tie counts against the search."""
        embeddings = embed(data.images, False)
        trials, classes = data.query.shape
        # For each query of a trial all support images of that trial.
        queries = np.repeat(data.query, classes, axis=1).ravel()
        support = np.tile(data.support, classes).ravel()
        alike = cosines(embeddings, queries, embeddings, support).reshape(trials * classes, classes)
        rows = np.arange(len(alike))
        own = alike[rows, data.answer.ravel()]
        alike[rows, data.answer.ravel()] = -np.inf
        return {"accuracy": 100 * float(np.mean(own > alike.max(axis=1) + ROUNDING))}
