"""What a joint loss adds to a classification loss."""

from __future__ import annotations

from torch import Tensor, nn


class AddedTerm(nn.Module):
    """A term of a joint loss; `weight` >= 0 (lambda) is the factor that the joint loss gives it.

    Called with embeddings (B, d), labels (B,), int64 in 0..C-1, and the weights (B, d) of their classes, neither of
    them normalised; it returns the term as a scalar, not weighted. Built for embeddings of length `dimension` (d) and
    `classes` (C) classes.
    """

    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def told(self) -> dict[str, Tensor]:
        """Return what is worth following along training beside the term, scalars by name, detached."""
        return {}
