"""What a run trains with, on its device: its images by split, and its scheme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from shared.data.image_source import ArraySource
from shared.errors import UserError
from shared.training.batches import Images, ImageTensor, Normalisation
from shared.training.loop import fit
from shared.training.streaming import StreamedImages

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.data.drawn import Drawn, Part
    from shared.runs.config import Run
    from shared.runs.fields import Split
    from shared.training.checkpoint import Checkpoints
    from shared.training.loop import Position

FACES = Normalisation(mean=0.5, std=0.5)


class Setup:
    """One seed of a run before its first step, with the initial weights of that seed; `scheme` is what is trained."""

    def __init__(self, run: Run, seed: int, drawn: Drawn, device: torch.device) -> None:
        self.run, self.seed, self.drawn, self.device = run, seed, drawn, device
        self._normalisation = FACES if run.config.backbone.signed else _normalisation(drawn)
        self.images: dict[Split, Images] = {
            split: self.on_device(part, augmented=split == "train") for split, part in drawn.parts.items()
        }
        torch.manual_seed(seed)
        shape = drawn.parts["train"].images.shape
        self.scheme = run.config.scheme.build(run.config, shape, drawn.classes, device)

    def fit(self, checkpoints: Checkpoints, measure: Callable[[], dict[str, float]] | None = None) -> Position:
        """Train to the end, as `shared.training.loop.fit` does; a scheme may watch the held-out images on the way."""
        held_out = self.images["held-out"]
        if hasattr(self.scheme, "watch"):
            self.scheme.watch(held_out)
        return fit(
            self.scheme,
            self.images["train"],
            self.run.config.training,
            self.seed,
            checkpoints,
            held_out=held_out if len(held_out) else None,
            measure=measure,
            label=f"{self.run.paper} {self.run.name} seed {self.seed}",
        )

    def on_device(self, part: Part, *, augmented: bool = False) -> Images:
        """Return images on the device where they are in memory, else a stream that reads when asked.

        Raises:
            UserError: images that are not in memory are to be moved.

        """
        training = self.run.config.training
        flip, moved = augmented and training.flip, training.translate if augmented else 0
        if isinstance(part.images, ArraySource):
            pixels = part.images.images[part.index]
            return ImageTensor(
                pixels, part.labels, self._normalisation, self.device, flip=flip, translate=moved, yaw=part.yaw
            )
        if moved:
            raise UserError(
                f"run '{self.run.name}' sets training.translate, but the images of {self.run.config.data.name} are not "
                "held in memory; leave it out"
            )
        workers = training.workers
        return StreamedImages(
            part.images, part.index, part.labels, self.device, flip=flip, yaw=part.yaw, workers=workers
        )


def _normalisation(drawn: Drawn) -> Normalisation:
    part = drawn.parts["train"]
    if drawn.in_memory and isinstance(part.images, ArraySource):
        return Normalisation.of(part.images.images[part.index])
    return FACES
