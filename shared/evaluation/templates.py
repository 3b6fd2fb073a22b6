"""Templates: one direction for the several images of a person, and the scores of pairs of templates.

The images of one medium (a still, or the frames of one video) are averaged, the averages of the media are summed, and
the sum is divided by its length. That is one linear combination of the images, so that all templates are the product of
one sparse matrix of weights with the embeddings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from shared.errors import UserError
from shared.evaluation.angles import normalised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Numbers = NDArray[np.integer]
    Places = NDArray[np.intp]

BLOCK = 1024


def media_weights(template: Numbers, media: Numbers) -> Floats:
    """Return for each image, [N], one over the number of images of its medium in its template."""
    _, in_template = np.unique(template, return_inverse=True)
    kinds, in_media = np.unique(media, return_inverse=True)
    _, group, sizes = np.unique(in_template * len(kinds) + in_media, return_inverse=True, return_counts=True)
    weights: Floats = (1 / sizes[group]).astype(np.float32)
    return weights


def pooled(embeddings: Floats, template: Numbers, weights: Floats) -> tuple[Numbers, Floats]:
    """Return the distinct template numbers, ascending, and the direction, [T, d], of each one's weighted sum.

    Of the images, [N], `template` gives the template and `weights` the weight. A sum of no length has the direction 0.
    """
    numbers, group = np.unique(template, return_inverse=True)
    images = np.arange(len(group))
    matrix = sparse.csr_array((weights, (group, images)), shape=(len(numbers), len(images)))
    return numbers, normalised(matrix @ embeddings).astype(np.float32)


def places_of(wanted: Numbers, numbers: Numbers) -> Places:
    """Return the place of each wanted number among distinct ones; raises UserError, naming it, where one is absent."""
    places = pd.Index(numbers).get_indexer(pd.Index(wanted))
    if (places < 0).any():
        absent = wanted[places < 0][0]
        raise UserError(f"number {absent} is compared but has no images: use the lists of one protocol")
    return places


def products(first: Floats, second: Floats) -> Floats:
    """Return the scalar products of all rows of `first`, [A, d], with all of `second`, [B, d]: [A, B]."""
    result: Floats = torch.mm(torch.from_numpy(first), torch.from_numpy(second).T).numpy()
    return result


def pair_scores(directions: Floats, first: Places, second: Places) -> Floats:
    """Return the cosine of each pair of directions, [P], given by their places.

    Whole blocks of products are formed, and the pairs asked for picked from them. To gather both directions of a pair
    costs about as much as a hundred products, and IJB-C asks for one product in seventeen.
    """
    # numpy sorts integers of up to 16 bits in linear time.
    order = np.argsort(first.astype(np.min_scalar_type(len(directions))), kind="stable")
    counts = np.bincount(first, minlength=len(directions))
    ends = counts.cumsum()
    occurring = np.flatnonzero(counts)
    scores = np.empty(len(first), np.float32)
    for begin in range(0, len(occurring), BLOCK):
        rows = occurring[begin : begin + BLOCK]
        part = order[ends[rows[0]] - counts[rows[0]] : ends[rows[-1]]]
        row = np.repeat(np.arange(len(rows)), counts[rows])
        scores[part] = products(directions[rows], directions)[row, second[part]]
    return scores
