"""What a cross-entropy is for one who knows nothing of the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, exp, log, sin
from typing import Any

Answer = Callable[[Any, Sequence[float]], float]


def cross_entropy(shares: Sequence[float], drop: float | Sequence[float] = 0.0) -> float:
    """Return the mean cross-entropy, in nats, of the same logits for every image: those of the shares of the classes.

    That is the entropy of the shares, ln N where they are even. `drop` >= 0 is by how much a margin lowers the logit of
    an image's own class, one for all or one for each. Then the logits of the shares are not quite the best, but with
    even shares there are no better ones.
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


def at_right_angles(margin: float, continuation: str) -> float:
    """Return psi(theta) of `shared.losses.angular_margin.turned` at 90 degrees: what a margin takes from a cosine of 0.

    It is told without torch, which costs a report seconds.
    """
    match continuation:
        case "smooth":
            return -2 * sin(margin / 2)
        case "easy":
            return 0.0
    if continuation == "none" or cos(margin) > 0:
        return -sin(margin)
    return {"at-pi": cos(margin) - 1, "linear": -margin * sin(margin), "clamped": -1.0}[continuation]
