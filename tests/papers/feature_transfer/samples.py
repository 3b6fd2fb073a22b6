"""Images that the tests of feature transfer make up."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from shared.training.batches import ImageTensor, Normalisation

CPU = torch.device("cpu")
FACES = Normalisation(mean=0.5, std=0.5)
"""With this pixels are numbers from -1 to 1."""
AS_THEY_ARE = Normalisation(mean=0.0, std=1 / 255)
"""With this they are numbers from 0 to 255."""


def images_of(
    pixels: ArrayLike,
    labels: ArrayLike,
    yaw: ArrayLike | None = None,
    normalisation: Normalisation = FACES,
    *,
    flip: bool = False,
) -> ImageTensor:
    """Return images [N, H, W] or [N, H, W, 3] with their labels and yaw [N]."""
    turned = None if yaw is None else np.asarray(yaw, np.float32)
    return ImageTensor(np.asarray(pixels, np.uint8), np.asarray(labels), normalisation, CPU, flip=flip, yaw=turned)
