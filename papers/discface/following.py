"""How verification follows classification along training, as figure 6 has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import spearmanr

CLASSIFICATION = "held_out_error"


class Following:
    """Spearman's rank correlation of the accuracies of classification and of verification over the epochs.

    The paper says "consistent" (section 4.3) and gives no measure; this one is ours. It is 1 where every epoch that is
    better in the one is better in the other, by however much.
    """

    def __call__(self, curve: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Return `rank_correlation`, in -1..1, of a learning curve; nothing where one of the two never changes."""
        classification, verification = (np.array(values) for values in zip(*map(accuracies, curve), strict=True))
        if np.ptp(classification) == 0 or np.ptp(verification) == 0:
            return {}
        return {"rank_correlation": float(spearmanr(classification, verification).statistic)}


class Improvement:
    """How much verification improves along training, a point by which classification does.

    Section 4.3 has "relatively smaller improvement for verification performance [...], compared with classification
    performance", to which a rank correlation is blind. That it is from the first epoch to the last is ours.
    """

    def __call__(self, curve: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """Return `verification_per_point` of a learning curve; nothing where classification does not improve."""
        (first, verified_first), (last, verified_last) = accuracies(curve[0]), accuracies(curve[-1])
        return {"verification_per_point": (verified_last - verified_first) / (last - first)} if last > first else {}


def verified(row: Mapping[str, float]) -> str:
    """Return the column of a learning curve that has the accuracy of verification, "<benchmark>/accuracy"."""
    [column] = [name for name in row if name.endswith("/accuracy")]
    return column


def accuracies(row: Mapping[str, float]) -> tuple[float, float]:
    """Return the accuracies of classification, of images held out, and of verification of an epoch, in percent."""
    return 100 - row[CLASSIFICATION], row[verified(row)]
