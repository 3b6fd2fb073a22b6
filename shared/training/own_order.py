"""Classification in an order of images that a sampler of one's own gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shared.errors import UserError
from shared.runs.config import RunConfig
from shared.runs.own_calls import asked, said
from shared.runs.own_code import OwnSampler
from shared.training import parallel
from shared.training.batches import Images, Order
from shared.training.classification import ClassificationScheme


class Sampler(Protocol):
    """What a sampler is: built with the labels trained on, [N], the number of classes and the size of a batch."""

    def order(self, seed: int, epoch: int) -> NDArray[np.integer]:
        """Return the places, 0..N-1, of the N images of an epoch, some perhaps more than once, others not at all.

        The batches are taken from it in turn. Asked again with the same seed and epoch it returns the same.
        """


class OwnOrderScheme(ClassificationScheme):
    """The usual scheme with the order of a sampler of one's own; an epoch has as many images as any other."""

    def __init__(
        self,
        config: RunConfig,
        shape: tuple[int, int, int],
        classes: int,
        device: torch.device,
        *,
        sampler: OwnSampler,
    ) -> None:
        super().__init__(config, shape, classes, device)
        self._options, self._classes = sampler, classes
        self._sampler: Sampler | None = None

    def batches(
        self, images: Images, batch_size: int, seed: int, epoch: int, start: int
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yield the batches of an epoch in the order that the sampler gives.

        Raises:
            UserError: that is no order of places of so many images, or not the same when it is asked for again.

        """
        if self._sampler is None:
            labels = images.labels.cpu().numpy().copy()  # those trained with are another's to change
            self._sampler = self._options.build(labels, self._classes, batch_size)
        order = checked_order(self._sampler, len(images), seed, epoch, self._options.name)
        yield from images.epoch(batch_size, seed, epoch, start, order=order, share=parallel.share())


def checked_order(sampler: Sampler, images: int, seed: int, epoch: int, name: str) -> Order:
    """Return the order of an epoch, asked for twice.

    Raises:
        UserError: it raises something, or is no order of places of so many images, or not the same when it is asked
            for again.

    """
    first, second = (_asked(sampler, seed, epoch, name) for _ in range(2))
    if first.shape != (images,) or not np.issubdtype(first.dtype, np.integer):
        kind = f"{first.dtype} of shape {first.shape}"
        raise UserError(f"{name}: order({seed}, {epoch}) gives {kind}; let it be {images} places, whole numbers.")
    if first.size and (first.min() < 0 or first.max() >= images):
        raise UserError(f"{name}: order({seed}, {epoch}) gives places beyond 0..{images - 1}; let them be among these.")
    if not np.array_equal(first, second):
        raise UserError(
            f"{name}: order({seed}, {epoch}) gives another order when asked again, so that a training that was stopped "
            "could not go on; draw from np.random.default_rng([seed, epoch])."
        )
    return first.astype(np.intp)


def _asked(sampler: Sampler, seed: int, epoch: int, name: str) -> NDArray[Any]:
    question = f"{name}: order({seed}, {epoch})"
    if not callable(getattr(sampler, "order", None)):
        raise UserError(
            f"{name}: it has no method 'order'; give it order(seed, epoch), the places of an epoch's images."
        )
    with asked(question):
        given = sampler.order(seed, epoch)
    try:
        return np.array(given)  # a copy, as one array may be given again and again, in another order
    except Exception as error:
        raise UserError(f"{question} gives no array ({said(error)}); let it be an array of places.") from error
