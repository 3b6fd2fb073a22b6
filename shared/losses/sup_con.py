"""Supervised contrastive loss (Khosla et al., Supervised Contrastive Learning, NeurIPS 2020), and a linear probe."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.directions import directions
from shared.losses.softmax import SoftmaxLoss


def supervised_contrastive(embedding: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the mean over the anchors i of -1 / |P(i)| sum_{p in P(i)} log softmax_a(z_i z_a / tau)_p, their eq. 2.

    z are the embeddings (B, d) brought to length 1, the softmax is over all samples a of the batch but i, and P(i) are
    those of i's label, of labels (B,). The logarithm stands within the sum over positives (L_out), which the paper
    finds better than the other way round (L_in, eq. 3).

    Eq. 2 sums over the anchors; the mean is that of the authors' code, which also multiplies by tau / 0.07, a factor on
    the learning rate. An anchor without a positive has no such term and is left out of the mean; that code divides by
    zero there.
    """
    turned = directions(embedding)
    with torch.autocast(embedding.device.type, enabled=False):
        products = turned @ turned.T / temperature
    own = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    # Not infinity: a batch of one would have no softmax.
    log_share = functional.log_softmax(products.masked_fill(own, torch.finfo(products.dtype).min / 2), dim=1)
    positive = (labels.unsqueeze(1) == labels) & ~own
    positives = positive.sum(1)
    each = -torch.where(positive, log_share, 0).sum(1) / positives.clamp_min(1)
    return each.sum() / (positives > 0).sum().clamp_min(1)


class SupConLoss(SoftmaxLoss):
    """The supervised contrastive loss of the embeddings, plus the softmax loss of a linear probe on them.

    `temperature` is tau, 0.1 in the paper. The paper compares the outputs of a projection that it throws away
    afterwards, and two views of each image; here the embeddings themselves are compared, as they are when they are
    measured, with the other images of their class in the batch, of which the scheme's `pairs` sees that there are some.

    The paper trains a linear classifier in a second phase, on embeddings that stay as they are. Here it learns
    alongside: its cross-entropy is of embeddings through which no gradient flows, so that they are those of the
    contrastive loss alone. Scores and class vectors are the classifier's.
    """

    exempt: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"gradient": "no gradient of the probe's cross-entropy flows into the embeddings"}
    )

    def __init__(self, dimension: int, classes: int, *, temperature: float, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.temperature = temperature

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalars "loss", "contrastive", and "cross_entropy" of the probe, of which the loss is the sum.

        Embeddings are (B, d), labels (B,), int64 in 0..C-1.
        """
        contrastive = supervised_contrastive(embedding, labels, self.temperature)
        cross_entropy = functional.cross_entropy(self.scores(embedding.detach()), labels)
        return {"loss": contrastive + cross_entropy, "contrastive": contrastive, "cross_entropy": cross_entropy}
