"""Cosine similarity of pairs of embeddings, in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Embeddings = NDArray[np.floating]
    Floats = NDArray[np.float64]
    Places = NDArray[np.integer]

BLOCK = 2048
SHORTEST = 1e-300


def cosines(first: Embeddings, first_places: Places, second: Embeddings, second_places: Places) -> Floats:
    """Return the cosine of each pair, [P], of a row of `first` and a row of `second`, given by their places.

    A pair's cosine does not depend on the pairs around it, to the last bit, nor on which of the two comes first. That
    of an embedding without length is 0.
    """
    result = np.empty(len(first_places))
    for begin in range(0, len(result), BLOCK):
        part = slice(begin, begin + BLOCK)
        a = first[first_places[part]].astype(np.float64)
        b = second[second_places[part]].astype(np.float64)
        lengths = np.sqrt(_products(a, a)) * np.sqrt(_products(b, b))
        result[part] = _products(a, b) / np.maximum(lengths, SHORTEST)
    return result


def _products(a: Floats, b: Floats) -> Floats:
    products: Floats = (a * b).sum(axis=1)
    return products
