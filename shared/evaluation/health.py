"""What a trained run makes of the very images that it was trained on: whether it got anywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from shared.data.drawn import Part
from shared.training.loop import embed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.training.setup import Setup

LARGEST_SAMPLE = 5000
"""Of so many images the error, if it is half, has a standard error of 0.7 points."""


def measure_health(setup: Setup) -> dict[str, float]:
    """Return what the scheme, trained, makes of the images it was trained on, or of 5,000 of them, always the same.

    `images`: how many. `error`: of the prediction, in percent; `chance`: that of always answering the most frequent
    class. `classes`: how many there are, `predicted`: how many are ever predicted. `spread`, in 0..1: the variance of
    the embeddings over their mean squared length, 0 where all are alike, NaN where one is not finite. No random number
    of torch is drawn.
    """
    part = _sample(setup.drawn.parts["train"])
    images = setup.on_device(part)
    embeddings = embed(setup.scheme.embed, images)
    predictions = setup.scheme.predict(embeddings).cpu().numpy()
    frequencies = np.bincount(part.labels)
    return {
        "images": len(part.labels),
        "classes": setup.drawn.classes,
        "error": 100 * float(np.mean(predictions != part.labels)),
        "chance": 100 * (1 - float(frequencies.max()) / len(part.labels)),
        "predicted": len(np.unique(predictions)),
        "spread": spread(embeddings.double().cpu().numpy()),
    }


def spread(embeddings: NDArray[np.float64]) -> float:
    """Return the variance of embeddings [N, d] over their mean squared length, 0 of embeddings without length."""
    square = float(np.square(embeddings).sum(1).mean())
    return float(embeddings.var(0).sum()) / square if square != 0 else 0.0


def _sample(part: Part) -> Part:
    """Return the images of a part, or as many as are looked at, drawn by a generator of its own."""
    if len(part.labels) <= LARGEST_SAMPLE:
        return part
    chosen = np.sort(np.random.default_rng(0).choice(len(part.labels), LARGEST_SAMPLE, replace=False))
    return Part(part.images, part.index[chosen], part.labels[chosen])
