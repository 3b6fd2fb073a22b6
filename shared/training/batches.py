"""A small image set as one uint8 tensor on the device, and the batches drawn from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

Order = NDArray[np.intp]


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of the training set's pixels, on the scale 0..1."""

    mean: float
    std: float

    @classmethod
    def of(cls, images: NDArray[np.uint8]) -> Normalisation:
        """Measure them exactly, from the counts of the 256 values, some images at a time to save memory."""
        parts = (images[first : first + 1000] for first in range(0, len(images), 1000))
        counts = sum((np.bincount(part.reshape(-1), minlength=256) for part in parts), np.zeros(256, np.int64))
        values = np.arange(256) / 255
        mean = float(counts @ values / counts.sum())
        return cls(mean, max(float(np.sqrt(counts @ (values - mean) ** 2 / counts.sum())), 1e-6))


def epoch_order(images: int, seed: int, epoch: int) -> Order:
    """Return the random order of the images of an epoch, which (seed, epoch) alone decides."""
    return np.random.default_rng([seed, epoch]).permutation(images)


class ByClass:
    """The places of samples by their class: `members`, [N], one class after the other, and `sizes` of all classes."""

    def __init__(self, labels: NDArray[np.integer], classes: int = 0) -> None:
        self.members = np.argsort(labels, kind="stable")
        self.sizes = np.bincount(labels, minlength=classes)
        self.begins = np.cumsum(self.sizes) - self.sizes

    def at(self, classes: NDArray[np.integer], numbers: NDArray[np.integer]) -> Order:
        """Return the places of samples given by class and by number within the class, from 0, in their order."""
        places: Order = self.members[self.begins[classes] + numbers]
        return places


def paired_order(order: Order, labels: NDArray[np.integer], batch_size: int, seed: int, epoch: int) -> Order:
    """Return an order of as many images in which each batch is pairs of one class.

    The first half of a batch follows `order`; its second half has for each of them another image of its class, drawn
    at random, or the same where the class has one image only. A batch of an odd number ends with an image without
    partner.
    """
    stream = np.random.default_rng(np.random.SeedSequence([seed, epoch], spawn_key=tuple(b"pairs")))
    by_class = ByClass(labels)
    number = np.empty(len(labels), np.intp)
    number[by_class.members] = np.arange(len(labels)) - np.repeat(by_class.begins, by_class.sizes)
    steps = stream.random(len(order))
    parts = []
    used = 0
    for first in range(0, len(order), batch_size):
        size = min(batch_size, len(order) - first)
        anchors = order[used : used + (size + 1) // 2]
        used += len(anchors)
        paired = anchors[: size // 2]
        others = by_class.sizes[labels[paired]]
        step = 1 + (steps[first : first + len(paired)] * np.maximum(others - 1, 1)).astype(np.intp)
        parts += [anchors, by_class.at(labels[paired], (number[paired] + step) % others)]
    return np.concatenate(parts)


def flips(seed: int, epoch: int, images: int) -> NDArray[np.bool_]:
    """Decide for each place in the order of an epoch whether the image there is mirrored, with probability 1/2."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, epoch], spawn_key=tuple(b"flip")))
    mirrored: NDArray[np.bool_] = stream.random(images) < 0.5
    return mirrored


def mirror(images: Tensor, chosen: NDArray[np.bool_]) -> Tensor:
    """Return images `[B, C, H, W]`, of which those `chosen`, `[B]`, are mirrored left-right."""
    flags = torch.from_numpy(chosen).to(images.device)
    return torch.where(flags[:, None, None, None], images.flip(3), images)


def translations(seed: int, epoch: int, images: int, most: int) -> NDArray[np.int64]:
    """Draw for each place in the order of an epoch how far the image there is moved, [N, 2], from -`most` to `most`."""
    stream = np.random.default_rng(np.random.SeedSequence([seed, epoch], spawn_key=tuple(b"translate")))
    return stream.integers(-most, most, size=(images, 2), endpoint=True)


def translate(images: Tensor, by: NDArray[np.int64], fill: float) -> Tensor:
    """Return images `[B, C, H, W]` moved down and right `by` so many pixels, `[B, 2]`; what comes in is of `fill`."""
    most = int(np.abs(by).max(initial=0))
    padded = functional.pad(images, (most, most, most, most), value=fill)
    height, width = images.shape[2:]
    down, right = (most - torch.from_numpy(by).to(images.device)).T
    rows = down[:, None] + torch.arange(height, device=images.device)
    columns = right[:, None] + torch.arange(width, device=images.device)
    number = torch.arange(len(images), device=images.device)
    # Channels last, as the index leaves them and as the images are.
    return padded[number[:, None, None], :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


ALL = slice(None)


class Images(Protocol):
    """What training and evaluation ask of a set of labelled images, wherever it is kept."""

    @property
    def labels(self) -> Tensor: ...  # noqa: D102
    @property
    def yaw(self) -> NDArray[np.float32] | None: ...  # noqa: D102
    @property
    def flip(self) -> bool: ...  # noqa: D102
    def __len__(self) -> int: ...
    def normalised(self, index: Tensor) -> Tensor: ...  # noqa: D102
    def epoch(  # noqa: D102
        self,
        batch_size: int,
        seed: int,
        epoch: int,
        start: int = 0,
        *,
        order: Order | None = None,
        share: slice = ALL,
    ) -> Iterator[tuple[Tensor, Tensor]]: ...
    def in_order(  # noqa: D102
        self, batch_size: int, order: Order | None = None
    ) -> Iterator[tuple[Tensor, Tensor]]: ...


class ImageTensor:
    """Images `[N, H, W]` or `[N, H, W, 3]` (uint8) with labels `[N]`, held on a device and normalised batch by batch.

    With `flip` each image of an epoch is mirrored left-right with probability 1/2; with `translate` it is moved by up
    to so many pixels. `yaw`, `[N]`, is how far each head is turned, in degrees, where that is known.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        labels: NDArray[np.integer],
        normalisation: Normalisation,
        device: torch.device,
        *,
        flip: bool = False,
        translate: int = 0,
        yaw: NDArray[np.float32] | None = None,
    ) -> None:
        pixels = torch.from_numpy(np.ascontiguousarray(images))
        self.images = (pixels.permute(0, 3, 1, 2) if pixels.ndim == 4 else pixels.unsqueeze(1)).to(device)
        self.labels = torch.from_numpy(np.asarray(labels, dtype=np.int64)).to(device)
        self.scale = 1 / (255 * normalisation.std)
        self.shift = -normalisation.mean / normalisation.std
        self.flip, self.translate, self.yaw = flip, translate, yaw

    def __len__(self) -> int:
        return len(self.images)

    def normalised(self, index: Tensor | slice) -> Tensor:
        """Return the images at `index` as float32 `[B, C, H, W]`, channels last, with zero mean and unit deviation."""
        floats = self.images[index].to(torch.float32, memory_format=torch.channels_last)
        return floats.mul_(self.scale).add_(self.shift)

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
        mirrored = flips(seed, epoch, len(order)) if self.flip else None
        moved = translations(seed, epoch, len(order), self.translate) if self.translate else None
        for first in range(start * batch_size, len(order), batch_size):
            places = slice(first, first + batch_size)
            index = torch.from_numpy(order[places]).to(self.images.device)
            images = self.normalised(index[share])
            if mirrored is not None:
                images = mirror(images, mirrored[places][share])
            if moved is not None:
                images = translate(images, moved[places][share], fill=self.shift)
            yield images, self.labels[index]

    def in_order(self, batch_size: int, order: Order | None = None) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all images and labels in the order of the files, or those of `order` in that order, as they are."""
        places = None if order is None else torch.from_numpy(order).to(self.images.device)
        for first in range(0, len(self) if places is None else len(places), batch_size):
            part = slice(first, first + batch_size)
            chosen = part if places is None else places[part]
            yield self.normalised(chosen), self.labels[chosen]
