"""The training of figure 5: one class is seen once every two epochs, the others all the time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shared.errors import UserError
from shared.runs.config import RunConfig
from shared.training import parallel
from shared.training.batches import Images
from shared.training.classification import ClassificationScheme

EPOCHS = 2
"""In so many epochs the rare class is seen once."""


class RareClassScheme(ClassificationScheme):
    """Section 4.2: a certain class appears in a mini-batch only once, as a single sample, every two epochs.

    An epoch has as many images as there are, the rare class's among them, so that its length is that of the other
    trainings. The places are dealt in turn to the frequent classes, each of which has its images in random order, over
    and over: every batch of as many images holds all of these classes. One place in every two epochs is given to an
    image of the rare class; place and image are drawn at random, since the paper says only how often. All of this
    depends on the seed and the epoch alone.

    Raises:
        UserError: there is no class `rare`, or none beside it.

    """

    def __init__(
        self, config: RunConfig, shape: tuple[int, int, int], classes: int, device: torch.device, *, rare: int
    ) -> None:
        super().__init__(config, shape, classes, device)
        if rare >= classes or classes < 2:
            raise UserError(f"scheme.rare: {rare} is none of the classes 0 to {classes - 1}, or there is no other")
        self.rare = rare

    def batches(
        self, images: Images, batch_size: int, seed: int, epoch: int, start: int
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yield images and labels of the batches of an epoch, from batch `start` on."""
        order = self._order(images.labels.cpu().numpy(), seed, epoch)
        yield from images.epoch(batch_size, seed, epoch, start, order=order, share=parallel.share())

    def _order(self, labels: NDArray[np.integer], seed: int, epoch: int) -> NDArray[np.intp]:
        """Return the image at each place of an epoch."""
        frequent = [label for label in np.unique(labels) if label != self.rare]
        order = np.empty(len(labels), np.intp)
        stream = np.random.default_rng(np.random.SeedSequence([seed, epoch], spawn_key=tuple(b"frequent")))
        for turn, label in enumerate(frequent):
            members = np.flatnonzero(labels == label)
            places = len(order[turn :: len(frequent)])
            passes = [stream.permutation(members) for _ in range(-(-places // len(members)))]
            order[turn :: len(frequent)] = np.concatenate(passes)[:places]
        once = np.random.default_rng(np.random.SeedSequence([seed, epoch // EPOCHS], spawn_key=tuple(b"rare")))
        turn, place = divmod(int(once.integers(EPOCHS * len(order))), len(order))
        if turn == epoch % EPOCHS:
            order[place] = once.choice(np.flatnonzero(labels == self.rare))
        return order
