"""The usual training scheme: one backbone and one loss, updated together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import torch
from torch import Tensor, nn

from shared.errors import UserError
from shared.runs.config import RunConfig
from shared.training import parallel
from shared.training.batches import Images, epoch_order, paired_order

PREDICTED_TOGETHER = 4096
"""The scores of more embeddings would fill the memory where there are tens of thousands of classes."""
BATCH_NORMALISATION = (nn.BatchNorm1d, nn.BatchNorm2d)


class ClassificationScheme:
    """One batch, one update of the backbone and of the loss's own parameters.

    With `pairs` each batch is made of pairs of images of one class, which losses that compare samples need: the first
    half are images in random order, the second half for each of them another random image of its class.

    Another scheme offers the same methods: `batches`, `step`, `embed`, `predict`, `class_vectors`, `set_learning_rate`,
    `state` and `restore`; the loop asks for nothing else.

    The backbone is drawn before the loss, so that runs of one seed that differ in their loss start alike.
    """

    def __init__(
        self,
        config: RunConfig,
        shape: tuple[int, int, int],
        classes: int,
        device: torch.device,
        *,
        pairs: bool = False,
    ) -> None:
        self.pairs = pairs
        layout = torch.channels_last if config.training.channels_last else torch.contiguous_format
        backbone: nn.Module = config.backbone.build(*shape)
        self.backbone = backbone.to(device).to(memory_format=layout)
        self.loss = config.loss.build(backbone.dimension, classes).to(device)
        self.optimizer = config.optimizer.build([*self.backbone.parameters(), *self.loss.parameters()])
        self._factor = 1.0
        self._autocast = torch.autocast(device.type, dtype=torch.bfloat16, enabled=config.training.precision == "bf16")
        parallel.synchronise_normalisation(self.backbone)
        self._network = cast("nn.Module", torch.compile(self.backbone)) if config.training.compile else self.backbone
        self._trained_network = parallel.distributed(self._network)

    @property
    def parameters(self) -> int:
        """The number of trained parameters."""
        return sum(parameter.numel() for parameter in self.optimizer.parameters)

    def set_learning_rate(self, factor: float) -> None:
        """Multiply the learning rate of the configuration by `factor` from now on."""
        self._factor = factor

    def batches(
        self, images: Images, batch_size: int, seed: int, epoch: int, start: int
    ) -> Iterator[tuple[Tensor, ...]]:
        """Yield what `step` takes, ceil(len(images) / batch_size) times an epoch, from batch `start` on.

        The second tensor of each has a label for each of the samples that the terms of the loss are means over; of
        several processes, each has its share of the images and all labels.

        Raises:
            UserError: the last batch is of one image, and the backbone normalises by the statistics of a batch.

        """
        if len(images) % batch_size == 1 and any(
            isinstance(part, BATCH_NORMALISATION) for part in self.backbone.modules()
        ):
            raise UserError(
                f"{len(images)} images in batches of {batch_size} leave a last batch of one, which batch normalisation "
                "cannot normalise; choose another training.batch_size"
            )
        order = epoch_order(len(images), seed, epoch)
        if self.pairs:
            order = paired_order(order, images.labels.cpu().numpy(), batch_size, seed, epoch)
        yield from images.epoch(batch_size, seed, epoch, start, order=order, share=parallel.share())

    def step(self, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Update on one batch; return the loss and its terms before the update, detached."""
        self.backbone.train()
        self.loss.train()
        self.optimizer.zero_grad()
        with self._autocast:
            embedding = parallel.whole_batch(self._trained_network(images), len(labels))
            terms: dict[str, Tensor] = self.loss(embedding, labels)
        torch.autograd.backward(terms["loss"])
        self.optimizer.step(self._factor)
        return {name: term.detach() for name, term in terms.items()}

    @torch.inference_mode()
    def embed(self, batches: Iterable[Tensor]) -> Tensor:
        """Return the embeddings `[N, d]` (float32) of batches of images."""
        self.backbone.eval()
        with self._autocast:
            return torch.cat([self._network(images).float() for images in batches])

    @torch.inference_mode()
    def predict(self, embeddings: Tensor) -> Tensor:
        """Return the most likely class `[N]` of each embedding."""
        self.loss.eval()
        return torch.cat([self.loss.scores(part).argmax(dim=1) for part in torch.split(embeddings, PREDICTED_TOGETHER)])

    def class_vectors(self) -> Tensor:
        """Return the loss's weights, centres or prototypes, `[classes, m, d]`."""
        vectors: Tensor = self.loss.class_vectors()
        return vectors

    def state(self) -> dict[str, Any]:
        """Return all that decides how training goes on, but random generators and position."""
        return {
            "backbone": self.backbone.state_dict(),
            "loss": self.loss.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the state that `state` gave."""
        self.backbone.load_state_dict(state["backbone"])
        self.loss.load_state_dict(state["loss"])
        self.optimizer.load_state_dict(state["optimizer"])
