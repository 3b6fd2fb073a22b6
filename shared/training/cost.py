"""What a loss costs a step, in time and memory, beside softmax.

Both are measured in turns, so that both see the same machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn

from shared.losses import Softmax
from shared.runs.components import Loss

ROUNDS = 15
WARMING = 3


class Cost(NamedTuple):
    """Milliseconds of one forward and backward pass, the median of some, and mebibytes kept between the two."""

    milliseconds: float
    mebibytes: float


def beside_softmax(loss: Loss, dimension: int, classes: int, batch: int) -> tuple[Cost, Cost]:
    """Return what a step of a loss and one of softmax cost, of a batch of embeddings and so many classes.

    Memory is that of the loss's parameters and of all that is kept for the backward pass, on the processor.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        embedding = torch.randn(batch, dimension, requires_grad=True)
        labels = torch.randint(classes, (batch,))
        steps = [_step(options.build(dimension, classes), embedding, labels) for options in (loss, Softmax())]
        kept = [_kept(step) for step in steps]
        seconds = [[_seconds(step) for step in steps] for _ in range(WARMING + ROUNDS)][WARMING:]
    times = [1000 * median(of_step) for of_step in zip(*seconds, strict=True)]
    own, softmax = (Cost(milliseconds, size / 2**20) for milliseconds, size in zip(times, kept, strict=True))
    return own, softmax


class _Step(NamedTuple):
    loss: nn.Module
    forward: Callable[[], Tensor]


def _step(loss: nn.Module, embedding: Tensor, labels: Tensor) -> _Step:
    loss.train()
    return _Step(loss, lambda: loss(embedding, labels)["loss"])


def _seconds(step: _Step) -> float:
    began = time.perf_counter()
    torch.autograd.backward(step.forward())
    return time.perf_counter() - began


def _kept(step: _Step) -> int:
    """Return the bytes of the parameters and of all that is kept for the backward pass, each once."""
    storages = {tensor.untyped_storage() for tensor in step.loss.parameters()}
    sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        value = step.forward()
    del value
    return sum(sizes.values())
