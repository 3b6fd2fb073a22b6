"""Optimizers.

They are written out here, not taken from `torch.optim`, whose first step imports torch's compiler: that costs each of
the hundreds of short jobs of a workflow as much time as importing torch itself. The tests hold them to torch's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class _Optimizer:
    """The parameters that an optimizer updates."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None


class Sgd(_Optimizer):
    """Stochastic gradient descent with momentum and weight decay (Sutskever et al., 2013, as torch has it).

    v <- momentum v + (gradient + weight_decay p),  p <- p - learning_rate v
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, learning_rate: float, momentum: float, weight_decay: float
    ) -> None:
        super().__init__(parameters)
        self.learning_rate, self.momentum, self.weight_decay = learning_rate, momentum, weight_decay
        self.velocities = [torch.zeros_like(parameter) for parameter in self.parameters]

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


class Adam(_Optimizer):
    """Adam (Kingma and Ba, 2015, algorithm 1, with its bias correction).

    m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
    p <- p - learning_rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], *, learning_rate: float, beta1: float, beta2: float, epsilon: float
    ) -> None:
        super().__init__(parameters)
        self.learning_rate, self.beta1, self.beta2, self.epsilon = learning_rate, beta1, beta2, epsilon
        self.first = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.second = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, factor: float = 1.0) -> None:
        """Update each parameter that has a gradient, at `factor` times the learning rate."""
        self.steps += 1
        rate = self.learning_rate * factor / (1 - self.beta1**self.steps)
        spread = math.sqrt(1 - self.beta2**self.steps)
        for parameter, first, second in zip(self.parameters, self.first, self.second, strict=True):
            if parameter.grad is not None:
                first.lerp_(parameter.grad, 1 - self.beta1)
                second.mul_(self.beta2).addcmul_(parameter.grad, parameter.grad, value=1 - self.beta2)
                parameter.addcdiv_(first, second.sqrt().div_(spread).add_(self.epsilon), value=-rate)

    def state_dict(self) -> dict[str, Any]:
        """Return the two moments and the number of steps."""
        return {"first": self.first, "second": self.second, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` gave."""
        for moments, saved in ((self.first, state["first"]), (self.second, state["second"])):
            for moment, value in zip(moments, saved, strict=True):
                moment.copy_(value)
        self.steps = state["steps"]
