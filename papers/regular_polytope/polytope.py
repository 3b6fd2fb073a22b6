"""The three regular polytopes of every dimension: how many dimensions K classes take, their vertices, their angles.

Eq. 7 prints the dimensions in the order simplex, cube, orthoplex, while the classifiers are introduced, and the scatter
plots counted, in the order simplex, orthoplex, cube; the geometry leaves no choice. Eq. 3 prints d - 1 basis vectors
and a sum over d - 1; with alpha = (1 - sqrt(d + 1)) / d only d of them and a sum over d make all distances equal.
"""

from __future__ import annotations

from math import acos, pi, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Name = Literal["simplex", "orthoplex", "cube"]
POLYTOPES: tuple[Name, ...] = ("simplex", "orthoplex", "cube")
Vertices = NDArray[np.float64]


def dimension(polytope: Name, classes: int) -> int:
    """Return the least d in which the polytope has as many vertices as there are classes, 2 or more (eq. 7)."""
    if polytope == "simplex":
        return classes - 1
    # The bit length is exact where a logarithm of a large number might be rounded up.
    return (classes + 1) // 2 if polytope == "orthoplex" else (classes - 1).bit_length()


def vertices(polytope: Name, classes: int) -> Vertices:
    """Return unit vectors [classes, d], d = `dimension(polytope, classes)`, around the origin (eqs. 3 to 5).

    The orthoplex has 2d vertices and the cube 2^d. Where there are fewer classes the paper does not say which are
    used; here they come in opposite pairs, so that an even number of classes has its centroid in the origin and an odd
    one no farther from it than 1 / classes. Class 2i of the cube has the bits of i for signs, class 2i + 1 the opposite
    ones. Memory is that of the result.
    """
    d = dimension(polytope, classes)
    if polytope == "simplex":
        corners = np.vstack([np.eye(d), np.full(d, (1 - sqrt(d + 1)) / d)])
        corners -= corners.mean(axis=0)
        corners /= np.linalg.norm(corners, axis=1, keepdims=True)
        return corners
    pairs = np.arange(classes) // 2
    opposite = np.where(np.arange(classes) % 2, -1.0, 1.0)
    if polytope == "orthoplex":
        corners = np.zeros((classes, d))
        corners[np.arange(classes), pairs] = opposite
        return corners
    bits = (pairs[:, None] >> np.arange(d)) & 1
    signed: Vertices = (1 - 2 * bits) * opposite[:, None] / sqrt(d)
    return signed


def angle(polytope: Name, d: int) -> float:
    """Return phi, the angle in radians between two connected vertices in d dimensions (eqs. 10 to 12).

    A segment, d = 1, is all three polytopes; its two vertices are opposite.
    """
    if d == 1:
        return pi
    cosine = {"simplex": -1 / d, "orthoplex": 0.0, "cube": (d - 2) / d}[polytope]
    return acos(cosine)
