"""Embeddings of faces, alone or joined with those of their mirror images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from shared.errors import UserError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.data.evaluation_sets import Embed
    from shared.data.image_source import ImageSource

Flip = Literal["none", "sum", "concatenate"]


def embedded(images: ImageSource, embed: Embed, flip: Flip) -> NDArray[np.float32]:
    """Return the embeddings of images, [N, d], or [N, 2 d] where they are concatenated with their mirror images'.

    `sum` adds the two and `concatenate` puts them side by side, both as the network gives them: neither is normalised
    before. Raises UserError where the network's embeddings are not finite.
    """
    embeddings = embed(images, False)
    if flip == "sum":
        embeddings = embeddings + embed(images, True)
    elif flip == "concatenate":
        embeddings = np.concatenate([embeddings, embed(images, True)], axis=1)
    if not np.isfinite(embeddings.sum()):
        raise UserError("the network's embeddings are not finite numbers: train it again, at a lower learning rate")
    return np.require(embeddings, np.float32, ["C", "W"])
