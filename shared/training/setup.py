"""What a run trains with: its images by split, as they are drawn for a seed, and its scheme, on their device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from shared.data.image_arrays import ImageArrays
from shared.data.image_source import ArraySource, ImageSource, LabelledSource
from shared.data.sampling import Sample, sample, select
from shared.training.batches import Images, ImageTensor, Normalisation
from shared.training.streaming import StreamedImages

if TYPE_CHECKING:
    from shared.runs.fields import Split
    from shared.runs.registry import Run

FACES = Normalisation(mean=0.5, std=0.5)


class Setup:
    """One seed of a run before its first step; afterwards `scheme` is what was trained.

    `images` are those of each split, on `device`; `drawn` says which images of the data set they are, and `checksums`
    of which files. The initial weights are the seed's.

    Raises:
        UserError: the data set cannot be had, or leaves nothing to train on.

    """

    def __init__(self, run: Run, seed: int, root: Path, device: torch.device) -> None:
        config = run.config
        self.run, self.seed, self.device = run, seed, device
        loaded = config.data.load(root)
        training, test = _parts(loaded, config.data.classes)
        self.drawn: Sample = sample(
            training.labels,
            config.data.sampling,  # type: ignore[attr-defined]
            training.classes,
            seed,
            training.division,
        )
        self.classes = self.drawn.classes
        self.checksums = training.checksums
        self._normalisation = (
            Normalisation.of(loaded.train_images[self.drawn.train]) if isinstance(loaded, ImageArrays) else FACES
        )
        self.images = self._trained_on(training) | self._tested_on(training, test)
        torch.manual_seed(seed)
        self.scheme = config.scheme.build(config, training.images.shape, self.classes, self.device)

    def _trained_on(self, training: LabelledSource) -> dict[Split, Images]:
        drawn, flip = self.drawn, self.run.config.training.flip
        return {
            "train": self.on_device(training.images, drawn.train, drawn.train_labels, flip=flip, yaw=training.yaw),
            "held-out": self.on_device(training.images, drawn.held_out, drawn.held_out_labels),
        }

    def _tested_on(self, training: LabelledSource, test: LabelledSource) -> dict[Split, Images]:
        """Return the test images of classes trained on, those of other classes, and those to search in."""
        chosen = self.run.config.data.sampling.classes  # type: ignore[attr-defined]
        tested = np.arange(len(test.labels))
        labels: np.ndarray[Any, Any] = test.labels
        if chosen is not None:
            tested, labels, _ = select(labels, chosen, training.classes)
        unseen = np.setdiff1d(np.arange(len(labels)), tested)
        gallery = np.empty(0, np.intp)
        division = self.drawn.division
        if division is not None:
            test, tested, labels, gallery = training, division.test, division.labels, division.gallery
        return {
            "test": self.on_device(test.images, tested, labels[tested]),
            "unseen": self.on_device(test.images, unseen, test.labels[unseen]),
            "gallery": self.on_device(test.images, gallery, labels[gallery]),
        }

    def on_device(
        self,
        images: ImageSource,
        index: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        *,
        flip: bool = False,
        yaw: np.ndarray[Any, Any] | None = None,
    ) -> Images:
        """Return the images at `index` on the device where they are in memory, else a stream that reads when asked.

        `yaw` is that of all the images of the source.
        """
        turned = None if yaw is None else yaw[index]
        if isinstance(images, ArraySource):
            return ImageTensor(images.images[index], labels, self._normalisation, self.device, flip=flip, yaw=turned)
        workers = self.run.config.training.workers
        return StreamedImages(images, index, labels, self.device, flip=flip, yaw=turned, workers=workers)


def _parts(loaded: ImageArrays | LabelledSource, classes: int) -> tuple[LabelledSource, LabelledSource]:
    """Return the images to train on and the test images, none where the data set has no test images of its own."""
    if isinstance(loaded, ImageArrays):
        return (
            LabelledSource(ArraySource(loaded.train_images), loaded.train_labels, classes, loaded.checksums),
            LabelledSource(ArraySource(loaded.test_images), loaded.test_labels, classes, loaded.checksums),
        )
    channels, height, width = loaded.images.shape
    nothing = np.empty((0, height, width, *([channels] if channels > 1 else [])), np.uint8)
    return loaded, LabelledSource(ArraySource(nothing), np.empty(0, np.int64), loaded.classes, loaded.checksums)
