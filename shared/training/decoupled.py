"""Representation and classifier trained one after the other (Kang et al., Decoupling, ICLR 2020)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from shared.errors import UserError
from shared.runs.config import RunConfig
from shared.training import parallel
from shared.training.batches import ByClass, Images, Order
from shared.training.classification import ClassificationScheme


class DecoupledScheme(ClassificationScheme):
    """The usual training, and in its last part a classifier that is trained anew: their cRT.

    For the share `retraining` of all steps the backbone stays as it is, and the run's loss, drawn anew, learns by
    itself from batches in which each class is as likely, and then each of its images. Its rate falls from
    `learning_rate`, or that of the optimizer where none is given, to 0 by half a cosine, as in the authors' code, where
    10 of 100 epochs are such. The milestones of the training cut the rate of its first part alone.

    In that code the batch normalisation of the fixed backbone goes on as in training; here what is fixed is fixed.
    Their other way to a balanced classifier, tau-normalisation, trains nothing and is a loss:
    `shared.losses.tau_normalised`.

    Raises:
        UserError: the loss has no weights to be trained.

    """

    def __init__(
        self,
        config: RunConfig,
        shape: tuple[int, int, int],
        classes: int,
        device: torch.device,
        *,
        retraining: float,
        learning_rate: float | None,
        pairs: bool,
    ) -> None:
        super().__init__(config, shape, classes, device, pairs=pairs)
        self.config, self.classes, self.retraining = config, classes, retraining
        rate = config.optimizer.learning_rate if learning_rate is None else learning_rate
        if not any(parameter.requires_grad for parameter in self.loss.parameters()):
            raise UserError(
                f"the loss '{config.loss.name}' has no weights that the scheme 'decoupled' could train anew; leave "
                "that scheme to losses whose classifier is learned."
            )
        alone = config.optimizer.model_copy(update={"learning_rate": rate})
        self.classifier_optimizer = alone.build(self.loss.parameters())
        self.retrained = -1.0
        """Which share of the second part is done; less than 0 in the first."""

    def batches(
        self, images: Images, batch_size: int, seed: int, epoch: int, start: int
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yield images and labels, ceil(len(images) / batch_size) times an epoch, from batch `start` on.

        The part of the training that is yielded for is that of `retrained`, so that each batch is to be trained on
        before the next is asked for.

        Raises:
            UserError: as of the usual scheme.

        """
        count = -(-len(images) // batch_size)
        total = self.config.training.length(count)
        steps = max(1, round(self.retraining * total))
        past = epoch * count + start - (total - steps)
        if past < 0:
            self.retrained = -1.0
            with closing(cast("Any", super().batches(images, batch_size, seed, epoch, start))) as usual:
                yield from islice(usual, -past)
            start, past = start - past, 0
        if start >= count:
            return
        order = self._balanced_order(images, seed, epoch)
        with closing(
            cast("Any", images.epoch(batch_size, seed, epoch, start, order=order, share=parallel.share()))
        ) as balanced:
            for batch in balanced:
                if past == 0:
                    self._begin_anew(seed)
                self.retrained = past / steps
                yield batch
                past += 1

    def step(self, *batch: Tensor) -> dict[str, Tensor]:
        """Update backbone and loss, or the loss alone; return the loss and its terms before the update, detached."""
        if self.retrained < 0:
            return super().step(*batch)
        images, labels = batch
        self.backbone.eval()
        self.loss.train()
        self.classifier_optimizer.zero_grad()
        with self._autocast:
            with torch.no_grad():
                embedding = parallel.whole_batch(self._network(images), len(labels))
            terms: dict[str, Tensor] = self.loss(embedding, labels)
        torch.autograd.backward(terms["loss"])
        self.classifier_optimizer.step((1 + math.cos(math.pi * self.retrained)) / 2)
        return {name: term.detach() for name, term in terms.items()}

    def state(self) -> dict[str, Any]:
        """Return what the usual scheme does, and the state of the second optimizer."""
        return super().state() | {"classifier_optimizer": self.classifier_optimizer.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state that `state` gave."""
        super().restore(state)
        self.classifier_optimizer.load_state_dict(state["classifier_optimizer"])

    def _begin_anew(self, seed: int) -> None:
        """Give the loss fresh weights, which the seed decides."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            fresh = self.config.loss.build(self.config.backbone.embedding, self.classes)
        self.loss.load_state_dict(fresh.state_dict())

    def _balanced_order(self, images: Images, seed: int, epoch: int) -> Order:
        """Return as many images as there are, drawn with replacement: first the class, of those that have any."""
        by_class = ByClass(images.labels.cpu().numpy(), self.classes)
        stream = np.random.default_rng(np.random.SeedSequence([seed, epoch], spawn_key=tuple(b"balanced")))
        drawn = stream.choice(np.flatnonzero(by_class.sizes), size=len(images))
        return by_class.at(drawn, stream.integers(by_class.sizes[drawn]))
