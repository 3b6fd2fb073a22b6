"""CoSen CNN of Khan et al., Cost-Sensitive Learning of Deep Feature Representations from Imbalanced Data (2017).

The network that the Gaussian affinity paper compares with in its tables 1 and 2: softmax whose outputs are weighted by
costs xi of a class p for each output n, learned along with the network.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.softmax import SoftmaxLoss

LEAST_COST = 1e-6


def cost_sensitive_cross_entropy(logits: Tensor, labels: Tensor, costs: Tensor) -> Tensor:
    """Return the batch mean of -log y_p, where y_n = xi_{p,n} exp(o_n) / sum_k xi_{p,k} exp(o_k) and p is the label.

    Logits o (B, C), labels (B,), int64 in 0..C-1, costs xi (C, C), positive. Costs that are one are plain softmax, and
    a row of costs may be scaled without effect. The gradient by o is y - onehot(p), as for softmax.
    """
    return functional.cross_entropy(logits + costs[labels].log(), labels)


def separability(features: Tensor, counts: Tensor) -> Tensor:
    """Return S (C, C): how near class q comes to the features of class p, in units of p's own spread.

    S(p, q) is the mean over the features of p of the distance to the nearest other feature of p, divided by that to the
    nearest of q; S(p, p) = 1. `features` (C, m, d) holds the `counts` (C,) of each class first. Where p has fewer than
    two features, or q none, the result is NaN.
    """
    classes, slots, _ = features.shape
    flat = features.flatten(0, 1)
    there = (torch.arange(slots, device=counts.device) < counts.unsqueeze(1)).flatten()
    distance = torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist")
    distance = distance.clamp_min(torch.finfo(distance.dtype).tiny)
    distance = distance.fill_diagonal_(torch.inf).masked_fill(~there, torch.inf)
    nearest = distance.view(-1, classes, slots).amin(2)
    nearest = nearest.masked_fill(nearest.isinf(), torch.nan).view(classes, slots, classes)
    own = nearest.diagonal(dim1=0, dim2=2).T.unsqueeze(2)
    ratio = (own / nearest).where(there.view(classes, slots, 1), 0)
    return ratio.sum(1) / counts.unsqueeze(1)


def bell(x: Tensor, centre: float, spread: float) -> Tensor:
    """Return exp(-(x - centre)^2 / (2 spread^2))."""
    return torch.exp(-(x - centre).square() / (2 * spread**2))


def prevalence(counts: Tensor) -> Tensor:
    """Return H (C, C) of the numbers of samples (C,): max(h_p, h_q) off the diagonal, h_p on it, h being the shares."""
    shares = counts / counts.sum()
    return torch.maximum(shares.unsqueeze(1), shares)


class CoSenLoss(SoftmaxLoss):
    """Softmax loss with learned costs xi (C, C), which are in (0, 1] and start at one.

    As Khan et al. describe it: training alternates between the network and the costs. The costs follow the gradient of
    ||T - xi||^2, that is xi <- xi + rate (T - xi), towards

        T = H * exp(-(S - mu_1)^2 / (2 sigma_1^2)) * exp(-(R - mu_2)^2 / (2 sigma_2^2)),

    element by element, with the prevalence H, the separability S of the classes' features and the confusion matrix R,
    each of whose rows sums to one. When the error has risen since the last update, the rate is first multiplied by
    `decay`. A rare class p has a small xi_{p,p} and so has to win by a margin. At test time the costs have no part: the
    class that they belong to is not known then.

    Chosen here, because a loss sees nothing but training batches: the costs are updated every `period` forward passes
    in training mode. R and the error come from the training predictions since the last update, where the authors look
    at a validation set; S from the last `kept` training embeddings of each class since then, where they take a part of
    the training set every ten epochs; H from all training samples so far. The first update follows the first period,
    not the start. An entry of T for which a class had too few samples leaves its cost as it is. Their mu and sigma, set
    by cross-validation, are not known here: with `separability_centre` and `confusion_centre` of one a class that is
    hard to separate or often taken for another costs more.

    All of this is in buffers, so that a resumed training goes on alike. It is meant for one device and for some tens of
    classes: time and memory of an update grow with the square of classes x `kept`.
    """

    costs: Tensor
    rate: Tensor
    passes: Tensor
    samples: Tensor
    confusion: Tensor
    features: Tensor
    last_error: Tensor

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        period: int,
        rate: float = 0.1,
        decay: float = 0.01,
        separability_centre: float = 1.0,
        separability_spread: float = 1.0,
        confusion_centre: float = 1.0,
        confusion_spread: float = 1.0,
        kept: int = 50,
        bias: bool = True,
    ) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.period = period
        self.decay = decay
        self.separability_bell = (separability_centre, separability_spread)
        self.confusion_bell = (confusion_centre, confusion_spread)
        self.register_buffer("costs", torch.ones(classes, classes))
        self.register_buffer("rate", torch.tensor(rate))
        self.register_buffer("passes", torch.zeros((), dtype=torch.int64))
        self.register_buffer("samples", torch.zeros(classes, dtype=torch.int64))
        self.register_buffer("confusion", torch.zeros(classes, classes, dtype=torch.int64))
        self.register_buffer("features", torch.zeros(classes, kept, dimension))
        self.register_buffer("last_error", torch.tensor(1.0))

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        logits = self.scores(embedding)
        loss = cost_sensitive_cross_entropy(logits, labels, self.costs)
        if self.training:
            self._observe(embedding.detach(), logits.detach(), labels)
            self.passes += 1
            if self.passes % self.period == 0:
                self._update_costs()
        return {"loss": loss}

    def _observe(self, embedding: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Count the samples and their predictions, and keep the embeddings in place of the oldest of their classes."""
        kept = self.features.shape[1]
        ones = functional.one_hot(labels, len(self.samples))
        before = (ones.cumsum(0) - ones).gather(1, labels.unsqueeze(1)).squeeze(1)
        seen = self.confusion.sum(1)
        last = before >= ones.sum(0)[labels] - kept
        place = (seen[labels] + before) % kept
        self.features[labels[last], place[last]] = embedding[last].to(self.features.dtype)
        self.samples += ones.sum(0)
        self.confusion.index_put_((labels, logits.argmax(1)), torch.ones_like(labels), accumulate=True)

    def _update_costs(self) -> None:
        """Move the costs towards T, and forget the predictions and embeddings that it was made of."""
        seen = self.confusion.sum(1)
        error = 1 - self.confusion.diagonal().sum() / seen.sum()
        self.rate *= torch.where(error > self.last_error, self.decay, 1.0)
        self.last_error.copy_(error)
        likeness = separability(self.features, seen.clamp_max(self.features.shape[1]))
        rates = self.confusion / seen.unsqueeze(1)
        target = prevalence(self.samples) * bell(likeness, *self.separability_bell) * bell(rates, *self.confusion_bell)
        moved = torch.lerp(self.costs, target.clamp_min(LEAST_COST).to(self.costs.dtype), self.rate)
        self.costs.copy_(moved.where(~target.isnan(), self.costs))
        self.confusion.zero_()
