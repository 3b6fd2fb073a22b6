"""What any loss on angles must stand, for the tests of such losses; and losses whose embeddings are their logits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call

from shared.runs.components import Loss

Floats = NDArray[np.float64]


def check_finite_at_extremes(loss: Any) -> None:
    """Assert finite loss and gradients in two dimensions: no angle, an underflowing length, an angle of 0, of 180."""
    weights = loss.linear.weight.detach()
    x = torch.stack([torch.zeros(2), torch.full((2,), 1e-30)]).to(weights.dtype)
    x = torch.cat([x, 3 * weights[:2], -3 * weights[:2]]).requires_grad_()
    value = loss(x, torch.tensor([0, 1, 0, 1, 0, 1]))["loss"]
    assert value.isfinite()
    for gradient in torch.autograd.grad(value, (x, loss.linear.weight)):
        assert gradient.isfinite().all()


def check_gradients(loss: nn.Module, x: Tensor, labels: Tensor) -> None:
    """Assert that the gradients for embeddings and parameters are those of finite differences, all in float64."""
    parameters = {name: value.detach().requires_grad_() for name, value in loss.named_parameters()}

    def total(embedding: Tensor, *values: Tensor) -> Tensor:
        torch.manual_seed(1)  # what is drawn, such as pairs, is the same each time
        terms: dict[str, Tensor] = functional_call(
            loss, dict(zip(parameters, values, strict=True)), (embedding, labels)
        )
        return terms["loss"]

    assert torch.autograd.gradcheck(total, (x.requires_grad_(), *parameters.values()))


def rows(*values: list[float]) -> Tensor:
    """Return embeddings (B, D) in float64, with gradient."""
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


def on_logits(options: Loss, counts: Sequence[int], progress: float = 0.0) -> Any:
    """Return a loss in float64 whose linear layer leaves embeddings as they are, told of the sizes of the classes."""
    loss = options.build(len(counts), len(counts)).double()
    with torch.no_grad():
        loss.linear.weight.copy_(torch.eye(len(counts)))
        loss.linear.bias.zero_()
    if hasattr(loss, "inform"):
        loss.inform(torch.tensor(counts), progress)
    return loss


def some_logits(size: int, classes: int) -> tuple[Tensor, Tensor]:
    """Return logits (B, C) in float64, with gradient, and labels (B,) of all classes in turn."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(size, classes, dtype=torch.float64, generator=generator)
    return logits.requires_grad_(), torch.arange(size) % classes


def softmax(logits: Tensor) -> Floats:
    """Return the probabilities (B, C) of logits, by NumPy."""
    exponentials: Floats = np.exp(logits.detach().numpy())
    shares: Floats = exponentials / exponentials.sum(1, keepdims=True)
    return shares


def one_hot(labels: Tensor, classes: int) -> Floats:
    """Return labels (B,) as rows (B, C), by NumPy."""
    rows: Floats = np.eye(classes)[labels.numpy()]
    return rows
