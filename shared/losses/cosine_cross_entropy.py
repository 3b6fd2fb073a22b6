"""Cross-entropy over cosines with a margin on the own class, at the cost of a plain linear layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor

Margin = Callable[[Tensor], Tensor]


def cosine_cross_entropy(features: Tensor, weight: Tensor, labels: Tensor, margin: Margin) -> Tensor:
    """Return the cross-entropy of the logits ||f|| cos(theta_j), averaged over the batch.

    theta_j is the angle between features f, of (B, d), and the weight of class j, of (C, d); labels are (B,), int64 in
    0..C-1. `margin` takes the logits of the own classes, (B, 1), to what stands in their place; it acts on each by
    itself, and torch differentiates it.

    Two tensors of B x C are made, the logits and their softmax, of which the second is kept for the backward pass. The
    weights are not copied. The gradients of features and weight are exact, or as `margin` has them; there is no second
    derivative. The precision is that of the features and weights, also under autocast.
    """
    with torch.autocast(features.device.type, enabled=False):
        return cast("Tensor", _CosineCrossEntropy.apply(features, weight, labels, margin))


class _CosineCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, labels: Tensor, margin: Margin) -> Tensor:
        index = labels.unsqueeze(1)
        inverse = 1 / torch.linalg.vector_norm(weight, dim=1).clamp_min(1e-12)
        logits = (features @ weight.T).mul_(inverse)
        target, slope = _with_slope(margin, logits.gather(1, index))
        logits.scatter_(1, index, target)
        softmax = logits.softmax(1)
        # The largest of the exponentials that softmax divides by their sum is 1.
        loss = (logits.amax(1, keepdim=True) - target - softmax.amax(1, keepdim=True).log()).mean()
        to_product = softmax.scatter_(1, index, slope * (softmax.gather(1, index) - 1)).mul_(inverse)
        ctx.save_for_backward(features, weight, inverse, to_product)
        return loss

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None]:
        if torch.is_grad_enabled():
            raise RuntimeError("cosine_cross_entropy has no second derivative; take its gradient without create_graph")
        features, weight, inverse, to_product = ctx.saved_tensors
        with torch.autocast(features.device.type, enabled=False):
            share = gradient / len(features)
            to_features = share * (to_product @ weight)
            to_weight = to_product.T @ (share * features)
            # The length of a weight is divided out, so what points along the weight is no part of its gradient.
            along = torch.einsum("cd,cd->c", to_weight, weight) * inverse.square()
            to_weight.addcmul_(weight, along.unsqueeze(1), value=-1)
            return to_features, to_weight, None, None


def _with_slope(margin: Margin, logit: Tensor) -> tuple[Tensor, Tensor]:
    """Return margin(logit) and its derivative, both detached."""
    with torch.inference_mode(False), torch.enable_grad():
        logit = logit.clone().requires_grad_()
        target = margin(logit)
        (slope,) = torch.autograd.grad(target.sum(), logit)
    return target.detach(), slope
