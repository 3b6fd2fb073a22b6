"""Softmax with m-L2, the regulariser of the logits (eqs. 2 to 4), and with plain L2, its baseline in table 3."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from shared.losses.softmax import SoftmaxLoss


class MetricL2Loss(SoftmaxLoss):
    """Softmax loss plus `weight` (alpha_reg of eq. 4, >= 0) times L_reg = ||W f||^2, eq. 3.

    ||.||^2 is the mean over the batch and, by `reduction`, the `mean` or the `sum` over the N classes. Printed is a
    norm, which is a sum. But logits of rank d that have the mean z for the own class have a sum of squares of z^2 N / d
    or more, z^2 (1 + N / d) where W is random, so that with the paper's alpha_reg of 0.25 cross-entropy and sum are
    least together at z = 2 (1 - p) / (1 + N / d), for the probability p of the own class: of 60,000 classes in 320
    dimensions z is 0.01, p is 1 / N, and nothing is learned. With the mean z is N times as large, and p 0.97.

    Eq. 3 prints W^T f, with a W whose rows are the classes. It holds no bias, and eq. 2 none either; with `bias` the
    softmax has one, and the regulariser leaves it out.

    The regulariser is float32 at least, also under autocast.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        weight: float,
        reduction: Literal["mean", "sum"] = "mean",
        bias: bool = False,
    ) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.weight, self.reduction = weight, reduction

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalars "loss", "cross_entropy" and "metric_l2" (not weighted).

        Embeddings are (B, d), labels (B,), int64 in 0..C-1.
        """
        logits = self.scores(embedding)
        products = logits if self.linear.bias is None else logits - self.linear.bias
        wide = products.to(torch.promote_types(products.dtype, torch.float32))
        cross_entropy = functional.cross_entropy(logits, labels)
        squares = wide.square()
        metric_l2 = squares.mean() if self.reduction == "mean" else squares.sum(1).mean()
        return {
            "loss": cross_entropy + self.weight * metric_l2,
            "cross_entropy": cross_entropy,
            "metric_l2": metric_l2,
        }


class SoftmaxL2Loss(SoftmaxLoss):
    """Softmax loss plus `weight` (lambda, >= 0) times half the squared length of the class weights.

    The paper does not print the term; its footnote refers to the weight decay of UFLDL's softmax regression, which is
    lambda / 2 times the sum of all theta_ij^2. That one holds the intercepts too. Eq. 2 has none; with `bias` the
    softmax has them, and the term leaves them out, as m-L2 does here.
    """

    def __init__(self, dimension: int, classes: int, *, weight: float, bias: bool = False) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.weight = weight

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalars "loss", "cross_entropy" and "weight_l2" (half the squared length, not weighted).

        Embeddings are (B, d), labels (B,), int64 in 0..C-1.
        """
        cross_entropy = functional.cross_entropy(self.scores(embedding), labels)
        weight_l2 = self.linear.weight.square().sum() / 2
        return {
            "loss": cross_entropy + self.weight * weight_l2,
            "cross_entropy": cross_entropy,
            "weight_l2": weight_l2,
        }
