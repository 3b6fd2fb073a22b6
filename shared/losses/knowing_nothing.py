"""What a cross-entropy is for one who knows nothing of the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log
from typing import Any

Answer = Callable[[Any, Sequence[float]], float]


def cross_entropy(shares: Sequence[float], drop: float | Sequence[float] = 0.0) -> float:
    """Return the mean cross-entropy, in nats, of the same logits for every image: those of the shares of the classes.

    That is the entropy of the shares, ln N where they are even. `drop` >= 0 is by how much a margin lowers the logit of
    an image's own class, one for all or one for each. Then the logits of the shares are not quite the best, but with even shares there are no
    better ones.
    """
    drops = drop if isinstance(drop, Sequence) else [drop] * len(shares)
    return sum(
        share * (drop + log(1 - share + share * exp(-drop)) - log(share))
        for share, drop in zip(shares, drops, strict=True)
        if share
    )


def entropy(_options: Any, shares: Sequence[float]) -> float:
    """Return the entropy of the shares, as the method of the options of a loss without a margin."""
    return cross_entropy(shares)
