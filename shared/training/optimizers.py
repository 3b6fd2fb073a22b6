"""Optimizers.

They are written out here, not taken from `torch.optim`, whose first step imports torch's compiler: that costs each of
the hundreds of short jobs of a workflow as much time as importing torch itself. The tests hold them to torch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Sgd:
    """Stochastic gradient descent with momentum and weight decay (Sutskever et al., 2013, as torch has it).

    v <- momentum v + (gradient + weight_decay p),  p <- p - learning_rate v
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, learning_rate: float, momentum: float, weight_decay: float
    ) -> None:
        self.parameters = list(parameters)
        self.learning_rate, self.momentum, self.weight_decay = learning_rate, momentum, weight_decay
        self.velocities = [torch.zeros_like(parameter) for parameter in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Update each parameter that has a gradient, at `factor` times the learning rate."""
        for parameter, velocity in zip(self.parameters, self.velocities, strict=True):
            if parameter.grad is not None:
                gradient = parameter.grad
                if self.weight_decay:
                    gradient = gradient.add(parameter, alpha=self.weight_decay)
                velocity.mul_(self.momentum).add_(gradient)
                parameter.add_(velocity, alpha=-self.learning_rate * factor)

    def state_dict(self) -> dict[str, Any]:
        """Return the velocities."""
        return {"velocities": self.velocities}

    def load_state_dict(self, state: dict[str, list[Tensor]]) -> None:
        """Take up the velocities that `state_dict` gave."""
        for velocity, saved in zip(self.velocities, state["velocities"], strict=True):
            velocity.copy_(saved)
