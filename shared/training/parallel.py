"""Training by several processes, one a device, that share each batch: what they exchange.

`torchrun` starts the processes; alone, one process is all there is, and nothing here does anything. Each process embeds
its share of the images of a batch. The embeddings are gathered, and every process computes the same loss of the whole
batch, so that a loss may compare any two samples, and heads, centres and draws stay alike everywhere. Gradients of the
backbone are summed by DistributedDataParallel, and batch normalisation uses the statistics of the whole batch. The
result is that of one process with the same batch, but for the rounding of sums and the dropped units of dropout.
"""

from __future__ import annotations

import datetime
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from shared.errors import UserError

T = TypeVar("T")
PATIENCE = datetime.timedelta(hours=6)
"""How long the others wait while the first process evaluates or writes a checkpoint."""
POLL_SECONDS = 0.05
LISTEN_SECONDS = 2.0
"""How often the processes tell each other whether one was asked to stop."""
_meetings = itertools.count()


def rank() -> int:
    """Return the number of this process, 0 where it is the only one."""
    return int(os.environ.get("RANK", "0"))


def count() -> int:
    """Return the number of processes that train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def share() -> slice:
    """Return which samples of each batch this process embeds: every n-th of n processes."""
    return slice(rank(), None, count())


@contextmanager
def together(*, on_gpus: bool) -> Iterator[None]:
    """Join the processes, where they have not joined yet; they stay so until `apart`. No device is taken by that.

    Raises:
        UserError: another process died meanwhile.

    """
    if count() == 1:
        yield
        return
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if on_gpus else "gloo", timeout=PATIENCE)
    try:
        yield
    except RuntimeError as error:
        if "peer" not in str(error).lower() and not isinstance(error, torch.distributed.DistError):
            raise
        raise UserError(
            f"process {rank()} of {count()} stops, since another that trained with it has died; see its own message, "
            "then give the same command again: training goes on from the last checkpoint."
        ) from error


def meet() -> None:
    """Wait until every process is here, for as long as the first evaluates, say.

    They look at the store, which is `torchrun`'s, in turns with sleeping: who waits within an operation of torch hears
    no signal.

    Raises:
        UserError: one did not come.

    """
    if count() == 1:
        return
    place = f"meeting {next(_meetings)}"
    store = torch.distributed.distributed_c10d._get_default_store()
    store.set(f"{place}/{rank()}", "")
    deadline = time.monotonic() + PATIENCE.total_seconds()
    while not store.check([f"{place}/{process}" for process in range(count())]):
        if time.monotonic() > deadline:
            raise UserError(f"process {rank()} of {count()} stops, since it waited {PATIENCE} for another.")
        time.sleep(POLL_SECONDS)


def apart() -> None:
    """Leave the other processes, at the end of all that is done together, once each is there (`meet`).

    Who left before would close its connections on those that still receive from it.
    """
    if count() > 1 and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def distributed(backbone: nn.Module) -> nn.Module:
    """Return a network whose gradients are summed over the processes; `backbone` itself where there is one."""
    if count() == 1:
        return backbone
    return nn.parallel.DistributedDataParallel(backbone)


def whole_batch(embedding: Tensor, samples: int) -> Tensor:
    """Return the embeddings [samples, d] of a batch in its order from this process's share [b, d].

    The gradient reaches this process's share alone, times the number of processes, since DistributedDataParallel
    averages what it should sum.
    """
    processes = count()
    if processes == 1:
        return embedding
    most = -(-samples // processes)
    padded = functional.pad(embedding.detach(), (0, 0, 0, most - len(embedding)))
    parts = [torch.empty_like(padded) for _ in range(processes)]
    torch.distributed.all_gather(parts, padded.contiguous())
    here = embedding.detach()
    own = here + processes * (embedding - here)  # the value to the last bit, as the others have it
    parts[rank()] = functional.pad(own, (0, 0, 0, most - len(embedding)))
    return torch.stack(parts, dim=1).flatten(0, 1)[:samples]


def agreed(value: T) -> T:
    """Return the first process's `value` in every process."""
    if count() == 1:
        return value
    carrier: list[Any] = [value]
    torch.distributed.broadcast_object_list(carrier)
    return carrier[0]  # type: ignore[no-any-return]


class Anyone:
    """Whether any of several processes was asked to stop, so that all stop at the same step.

    They tell each other every `LISTEN_SECONDS` or so, by the first one's clock, and at least every `most` steps.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._between = self._left = 1
        self._since = time.monotonic()

    def asked(self, here: bool, device: torch.device) -> bool:
        """Return, after each step, whether one was asked to stop; `here` says whether this one was."""
        if count() == 1:
            return here
        self._left -= 1
        if self._left > 0:
            return False
        now = time.monotonic()
        pace = (now - self._since) / self._between
        told = torch.tensor([float(here), pace if rank() == 0 else 0.0], device=device)
        torch.distributed.all_reduce(told)
        asked, pace = map(float, told.tolist())
        self._since = now
        self._between = self._left = max(1, min(self._most, int(LISTEN_SECONDS / max(pace, 1e-6))))
        return asked > 0


def from_all(value: T) -> list[T]:
    """Return the `value` of each process, in their order."""
    if count() == 1:
        return [value]
    values: list[Any] = [None] * count()
    torch.distributed.all_gather_object(values, value)
    return values


def synchronise_normalisation(module: nn.Module) -> None:
    """Let each batch normalisation below `module` use the statistics of the whole batch; for several processes only."""
    if count() == 1:
        return
    for child in module.modules():
        if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
            child.__class__ = _SYNCHRONISED[type(child)]


class _Summed(torch.autograd.Function):
    """The sum over the processes, whose gradient is the sum of their gradients."""

    @staticmethod
    def forward(_context: Any, tensor: Tensor) -> Tensor:
        total = tensor.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        return _Summed.forward(None, gradient)


def _summed(tensor: Tensor) -> Tensor:
    total: Tensor = _Summed.apply(tensor)
    return total


class _OverTheWholeBatch(nn.modules.batchnorm._BatchNorm):
    """Batch normalisation with the mean and the variance of all processes' samples, through which gradients flow."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - the name that torch gives it
        if not self.training:
            normal: Tensor = super().forward(input)
            return normal
        wide = input.to(torch.promote_types(input.dtype, torch.float32))
        axes = [0, *range(2, input.ndim)]
        places = input.numel() // input.shape[1]
        total = torch.cat([wide.sum(axes), wide.new_tensor([float(places)])])
        total = _summed(total)
        number = total[-1].detach()
        mean = total[:-1] / number
        shape = (1, -1, *([1] * (input.ndim - 2)))
        centred = wide - mean.view(shape)
        variance = _summed(centred.square().sum(axes)) / number
        with torch.no_grad():
            self._remember(mean, variance * number / (number - 1))
        normal = centred * torch.rsqrt(variance + self.eps).view(shape)
        if self.affine:
            normal = normal * self.weight.view(shape) + self.bias.view(shape)
        return normal.to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance, momentum)


class _Synchronised1d(_OverTheWholeBatch, nn.BatchNorm1d):
    pass


class _Synchronised2d(_OverTheWholeBatch, nn.BatchNorm2d):
    pass


_SYNCHRONISED: dict[type[nn.Module], Any] = {
    nn.BatchNorm1d: _Synchronised1d,
    nn.BatchNorm2d: _Synchronised2d,
}
