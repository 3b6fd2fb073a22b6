"""Logit adjustment (Menon et al., Long-Tail Learning via Logit Adjustment, ICLR 2021), and the balanced softmax."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

from shared.losses.informed import Informed
from shared.losses.softmax import SoftmaxLoss


class LogitAdjustedLoss(SoftmaxLoss, Informed):
    """Softmax with logits moved by tau log(pi_j), where pi_j is class j's share of the training images.

    `place` `loss`: their eq. 10. The cross-entropy is of f_j + tau log(pi_j), and the scores are f_j.
    `place` `post-hoc`: their eq. 9. The loss is that of softmax, and the scores are f_j - tau log(pi_j).

    tau is `temperature`, 1 where it is to be consistent for the balanced error. A class without images counts as one
    with a single one: log 0 would give it all test images post hoc. The authors' code adds 1e-12 to pi_j^tau instead,
    with which it has a lead of 28.
    """

    def __init__(
        self,
        dimension: int,
        classes: int,
        *,
        temperature: float = 1.0,
        place: Literal["loss", "post-hoc"] = "loss",
        bias: bool = True,
    ) -> None:
        super().__init__(dimension, classes, bias=bias)
        self.await_information(classes)
        self.temperature, self.place = temperature, place

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss" of embeddings (B, d) with labels (B,), int64 in 0..C-1."""
        logits = super().scores(embedding)
        if self.place == "loss":
            logits = logits + self._adjustment(logits)
        return {"loss": functional.cross_entropy(logits, labels)}

    def scores(self, embedding: Tensor) -> Tensor:
        """Logits (B, C) of embeddings (B, d); post hoc, less the adjustment."""
        logits = super().scores(embedding)
        return logits if self.place == "loss" else logits - self._adjustment(logits)

    def _adjustment(self, logits: Tensor) -> Tensor:
        return (self.temperature * self.log_shares).to(logits.dtype)


class BalancedSoftmaxLoss(LogitAdjustedLoss):
    """Balanced softmax (Ren et al., Balanced Meta-Softmax for Long-Tailed Visual Recognition, NeurIPS 2020).

    The cross-entropy is of n_j exp(f_j), normalised, with n_j training images of class j (their theorem 1): that of
    adjusted logits with tau = 1, which differ by a constant. The meta-learned sampler of the paper is not part of it.
    """

    def __init__(self, dimension: int, classes: int, *, bias: bool = True) -> None:
        super().__init__(dimension, classes, bias=bias)
