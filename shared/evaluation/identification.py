"""Who is it: search of probes in a gallery of known people, closed set and open set.

A mate is a gallery entry of the probe's own person. The rank of a probe is one more than the number of entries of other
people that are at least as alike as the most alike mate: a tie counts against the search.

Closed set: rank-k is the share of the probes with a mate whose rank is at most k. Open set, after NIST's evaluations: a
false positive is a probe without a mate whose most alike entry is accepted; a true positive is a probe whose mate is
accepted and of rank 1. The threshold is that of `shared.evaluation.roc`, with these probes as impostors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.evaluation.roc import rates_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Numbers = NDArray[np.integer]
    Scores = NDArray[np.floating]


@dataclass(frozen=True)
class Search:
    """Of a search in one gallery: score and rank of the mate of each probe with one, best score of each other probe."""

    mate: Scores
    rank: NDArray[np.int64]
    stranger: Scores


def search(scores: Scores, probes: Numbers, gallery: Numbers) -> Search:
    """Search probes in a gallery by their scores, [P, G]; `probes` and `gallery` are the numbers of the people."""
    is_mate = probes[:, None] == gallery
    mated = is_mate.any(axis=1)
    mate = np.where(is_mate[mated], scores[mated], -np.inf).max(axis=1, initial=-np.inf)
    ahead = (scores[mated] >= mate[:, None]) & ~is_mate[mated]
    return Search(mate, 1 + ahead.sum(axis=1), scores[~mated].max(axis=1, initial=-np.inf))


def identification(found: Search, ranks: Sequence[int], powers: Sequence[int]) -> dict[str, float]:
    """Return `rank<k>`, and `tpir@1e-k` at a false positive rate of at most 10^-k, in percent.

    What there are too few probes for is left out.
    """
    if not len(found.mate):
        return {}
    first = np.where(found.rank == 1, found.mate, -np.inf)
    closed = {f"rank{rank}": 100 * float(np.mean(found.rank <= rank)) for rank in ranks}
    return closed | rates_at("tpir", first, found.stranger, powers)
