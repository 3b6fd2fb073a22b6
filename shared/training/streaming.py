"""Images that are read from their source batch by batch, ahead of the training that consumes them.

Reading and decoding let other threads run. So threads, which hand over what they read without a copy, are faster here
than processes, and are there at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shared.data.image_source import ImageSource
from shared.training.batches import ALL, Order, epoch_order, flips, mirror

SCALE = 1 / 127.5
BATCHES_READY = 2
"""How many batches may wait to be consumed beside those that the workers are at."""

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class StreamedImages:
    """The images at `index`, [N], of a source, with their labels, [N], held on a device, as `ImageTensor` gives them.

    Pixels x become x / 127.5 - 1, from -1 to 1. With `flip` each image of an epoch is mirrored left-right with
    probability 1/2. `yaw`, [N], is how far each head is turned, in degrees, where that is known. Threads, `workers` of
    them, decode a bounded number of batches ahead; with none, each batch is decoded when it is asked for. The batches
    are the same in any case. UserError where an image cannot be read reaches whoever asks for its batch.
    """

    def __init__(
        self,
        images: ImageSource,
        index: NDArray[np.intp],
        labels: NDArray[np.integer],
        device: torch.device,
        *,
        flip: bool = False,
        yaw: NDArray[np.float32] | None = None,
        workers: int = 0,
    ) -> None:
        self.images, self.index = images, index
        self.labels = torch.from_numpy(np.asarray(labels, dtype=np.int64)).to(device)
        self.device, self.flip, self.yaw, self.workers = device, flip, yaw, workers

    def __len__(self) -> int:
        return len(self.index)

    def normalised(self, index: Tensor | slice) -> Tensor:
        """Return the images at `index` as float32 `[B, C, H, W]`, channels last, from -1 to 1."""
        chosen = index if isinstance(index, slice) else index.cpu().numpy()
        return self._floats(self._read(self.index[chosen]))

    def epoch(
        self,
        batch_size: int,
        seed: int,
        epoch: int,
        start: int = 0,
        *,
        order: Order | None = None,
        share: slice = ALL,
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the batches of an epoch, from batch `start` on, in an order that (seed, epoch) alone decides.

        So an epoch taken up in its middle goes on with the very batches that were left. The order is random unless
        `order` gives another. Of each batch the images of `share` are yielded, with the labels of all.
        """
        order = epoch_order(len(self), seed, epoch) if order is None else order
        mirrored = flips(seed, epoch, len(order)) if self.flip else np.zeros(len(order), np.bool_)
        batches = [slice(first, first + batch_size) for first in range(start * batch_size, len(order), batch_size)]
        indices = (self.index[order[places]][share] for places in batches)
        with closing(ahead(self._read, indices, self.workers)) as read:
            for places, pixels in zip(batches, read, strict=True):
                index = torch.from_numpy(order[places]).to(self.device)
                yield self._floats(pixels, mirrored[places][share]), self.labels[index]

    def in_order(self, batch_size: int, order: Order | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all images and labels in the order of `index`, or those of `order` in that order, never mirrored."""
        order = np.arange(len(self)) if order is None else order
        batches = [order[first : first + batch_size] for first in range(0, len(order), batch_size)]
        with closing(ahead(self._read, (self.index[places] for places in batches), self.workers)) as read:
            for places, pixels in zip(batches, read, strict=True):
                yield self._floats(pixels), self.labels[torch.from_numpy(places).to(self.device)]

    def _read(self, index: NDArray[np.intp]) -> Tensor:
        """Return the source's images at `index`, uint8, where a GPU can copy them from while the host goes on."""
        pixels = torch.from_numpy(self.images.read(index))
        return pixels.pin_memory() if self.device.type == "cuda" else pixels

    def _floats(self, pixels: Tensor, mirrored: NDArray[np.bool_] | None = None) -> Tensor:
        """Bring uint8 `[B, H, W, C]` or `[B, H, W]` to the device, there mirror those chosen, and normalise all."""
        images = pixels.to(self.device, non_blocking=True)
        images = images.permute(0, 3, 1, 2) if images.ndim == 4 else images.unsqueeze(1)
        if mirrored is not None and mirrored.any():
            images = mirror(images, mirrored)
        return images.to(torch.float32, memory_format=torch.channels_last).mul_(SCALE).sub_(1)


def ahead(function: Callable[[Argument], Result], arguments: Iterable[Argument], workers: int) -> Generator[Result]:
    """Yield `function` of each argument in order, computed by `workers` threads before it is asked for.

    No more than `workers` plus `BATCHES_READY` results are begun and not yet yielded. Whoever stops early closes the
    iterator: what was not begun is then dropped, what was is waited for. With no workers nothing is computed ahead.
    """
    if not workers:
        yield from map(function, arguments)
        return
    pool = ThreadPoolExecutor(workers)
    try:
        pending: deque[Future[Result]] = deque()
        for argument in arguments:
            if len(pending) == workers + BATCHES_READY:
                yield pending.popleft().result()
            pending.append(pool.submit(function, argument))
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
