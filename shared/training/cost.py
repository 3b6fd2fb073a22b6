"""What a loss costs a step, in time and memory, beside softmax.

Both are measured in turns, so that both see the same machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from shared.losses import Softmax
from shared.runs.config import RunConfig
from shared.runs.own_code import OwnOrder
from shared.training.batches import epoch_order, paired_order
from shared.training.own_order import checked_order

ROUNDS = 15
WARMING = 3


class Cost(NamedTuple):
    """Milliseconds of one forward and backward pass, the median of some, and mebibytes kept between the two."""

    milliseconds: float
    mebibytes: float


def beside_softmax(config: RunConfig, counts: Sequence[int]) -> tuple[Cost, Cost]:
    """Return what a step of a configuration's loss and one of softmax cost, of a batch as its scheme makes them.

    `counts` are the numbers of training images of the classes. Memory is that of the loss's parameters and of all that
    is kept for the backward pass, on the processor. What the loss, or a sampler of one's own, raises is raised.
    """
    dimension, labels = config.backbone.embedding, batch_labels(config, counts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        embedding = torch.randn(len(labels), dimension, requires_grad=True)
        steps = [
            _step(options.build(dimension, len(counts)), embedding, labels, counts)
            for options in (config.loss, Softmax())
        ]
        kept = [_kept(step) for step in steps]
        seconds = [[_seconds(step) for step in steps] for _ in range(WARMING + ROUNDS)][WARMING:]
    times = [1000 * median(of_step) for of_step in zip(*seconds, strict=True)]
    own, softmax = (Cost(milliseconds, size / 2**20) for milliseconds, size in zip(times, kept, strict=True))
    return own, softmax


def batch_labels(config: RunConfig, counts: Sequence[int]) -> Tensor:
    """Return the labels [B] of a first batch of images of which each class has so many, in the order of the scheme."""
    labels, size = np.repeat(np.arange(len(counts)), counts), config.training.batch_size
    scheme: Any = config.scheme
    if isinstance(scheme, OwnOrder):
        sampler = scheme.sampler.build(labels.copy(), len(counts), size)
        order = checked_order(sampler, len(labels), 0, 0, scheme.sampler.name)
    else:
        order = epoch_order(len(labels), 0, 0)
        order = paired_order(order, labels, size, 0, 0) if getattr(scheme, "pairs", False) else order
    return torch.from_numpy(labels[order[:size]])


class _Step(NamedTuple):
    loss: Any
    forward: Callable[[], Tensor]


def _step(loss: Any, embedding: Tensor, labels: Tensor, counts: Sequence[int]) -> _Step:
    loss.train()
    if hasattr(loss, "inform"):
        loss.inform(torch.tensor(counts), 0.0)
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
