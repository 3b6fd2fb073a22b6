"""Softmax with the L2 norm of the class weights, the baseline that table 3 calls sfmx + L2."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from shared.losses.softmax import SoftmaxLoss


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
