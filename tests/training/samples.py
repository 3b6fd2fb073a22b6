"""Images that tell their numbers, for the tests of what schemes hand out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from shared.training.batches import ImageTensor, Normalisation


def numbered(sizes: Sequence[int]) -> ImageTensor:
    """Return noise of classes of these sizes, mixed; the first pixel of an image is its number."""
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat(np.arange(len(sizes)), sizes))
    images = random.integers(0, 256, (len(labels), 8, 8), dtype=np.uint8)
    images[:, 0, 0] = np.arange(len(labels))
    return ImageTensor(images, labels, Normalisation(0.0, 1.0), torch.device("cpu"))


def numbers(images: Tensor) -> list[int]:
    """Return the numbers of images as a scheme hands them out, [B, 1, 8, 8]."""
    return torch.round(images[:, 0, 0, 0] * 255).long().tolist()
