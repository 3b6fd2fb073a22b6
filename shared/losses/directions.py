"""The directions of embeddings."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

NO_LENGTH = 1e-6
"""Up to this length an embedding counts as without direction; the gradient grows as one over the length."""


def directions(embedding: Tensor) -> Tensor:
    """Return embeddings (B, d) brought to length 1, in float32 at least.

    One without length, as of dead units, has no direction: it becomes 0 and gets no gradient, where that of
    x / max(||x||, 1e-12) would be some 1e12. Of all others value and gradient are those of `functional.normalize`, bit
    by bit.
    """
    wide = embedding.to(torch.promote_types(embedding.dtype, torch.float32))
    length = torch.linalg.vector_norm(wide.detach(), dim=1, keepdim=True)
    return torch.where(length > NO_LENGTH, functional.normalize(wide, dim=1), 0)
