"""Modified softmax loss: cross-entropy of ||x|| cos(theta_j), the step from softmax to A-softmax (SphereFace)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.softmax import SoftmaxLoss


class ModifiedSoftmaxLoss(SoftmaxLoss):
    """Eq. 3 of Mynepalli et al., after Liu et al. (SphereFace, CVPR 2017), averaged over the batch.

    For embeddings of length `dimension` (d) and `classes` (C) classes. The class weights are normalised to length 1
    where they are used, the embedding is not, and there is no bias; so the boundary of two classes bisects the angle
    between their weights. The weights start as those of the softmax loss, and their gradient is taken through the
    normalisation. (The authors' Caffe layer sets the weights themselves to length 1 before each pass and takes the
    gradient as if they had not been.)

    Logits are float32 at least, also under autocast.
    """

    def __init__(self, dimension: int, classes: int) -> None:
        super().__init__(dimension, classes, bias=False)

    def scores(self, embedding: Tensor) -> Tensor:
        """Logits ||x|| cos(theta_j), (B, C), of embeddings (B, d)."""
        with torch.autocast(embedding.device.type, enabled=False):
            wide = embedding.to(torch.promote_types(embedding.dtype, torch.float32))
            return wide @ functional.normalize(self.linear.weight, dim=1).T

    def class_vectors(self) -> Tensor:
        """Return the weights as they are used, of length 1, (C, 1, d), detached."""
        return functional.normalize(self.linear.weight.detach(), dim=1).unsqueeze(1)
