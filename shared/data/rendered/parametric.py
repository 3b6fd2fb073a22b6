"""What pictures drawn from parameters have in common: their numbers, each a function of its keys alone, and coverage.

Arrays that hold a number an image are [N, 1, 1], so that they go with fields of pixels, [N, H, W].
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Numbers = dict[str, Floats]
    Keys = NDArray[np.integer[Any]]

STEP = np.uint64(0x9E3779B97F4A7C15)


def uniforms(count: int, *keys: Keys | int) -> Floats:
    """Return `count` numbers in [0, 1) for each of N tuples of integer keys, [N, count].

    Each is a hash of its keys and its place: SplitMix64 (Steele, Lea, Flood 2014), started anew at every key from what
    the keys before it gave. Hence it depends on nothing else that is drawn with it.
    """
    state = np.zeros(1, np.uint64)
    for key in keys:
        state = _mixed(state + STEP * (np.atleast_1d(key).astype(np.int64).view(np.uint64) + np.uint64(1)))
    mixed = _mixed(state[:, None] + STEP * np.arange(1, count + 1, dtype=np.uint64))
    return (mixed >> np.uint64(11)) * 2.0**-53


def between(ranges: Mapping[str, tuple[float, float]], chances: Floats) -> Numbers:
    """Return for each name a number in its range, [N, 1, 1], as far along it as its column of `chances` says."""
    low, high = np.array(list(ranges.values())).T
    numbers = (low + (high - low) * chances).astype(np.float32).T[:, :, None, None]
    return dict(zip(ranges, numbers, strict=True))


def covered(distance: Floats) -> Floats:
    """Return what part of a pixel a shape covers whose edge is at a distance in pixels, positive inside; in place."""
    distance += np.float32(0.5)
    return limited(distance)


def limited(share: Floats) -> Floats:
    """Bring numbers between 0 and 1; in place."""
    return np.clip(share, 0, 1, out=share)


def length(one: Floats, other: Floats) -> Floats:
    """Return the length of vectors; far from overflow, so there is no need of the slow care of `np.hypot`."""
    squares: Floats = one * one
    squares += other * other
    return np.sqrt(squares, out=squares)


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
