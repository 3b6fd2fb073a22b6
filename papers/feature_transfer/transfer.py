"""Transfer of a class's spread to another class's center (eq. 7), and the three interpolations of section 4.6."""

from __future__ import annotations

from torch import Tensor


def transferred(rich: Tensor, source_centers: Tensor, target_centers: Tensor, basis: Tensor) -> Tensor:
    """Return c_i + Q Q^T (g_j - c_j), [B, d]: the samples `rich` [B, d] of some classes, moved to others.

    `source_centers` and `target_centers`, each [B, d] or [d], are c_j and c_i; `basis` [d, n] is Q. Eq. 7 prints the
    sample and center of the class i itself in the bracket; this is its text and algorithm 1 (FT-E3).
    """
    return target_centers + spread(rich - source_centers, basis)


def spread(offsets: Tensor, basis: Tensor) -> Tensor:
    """Return Q Q^T x for each of the offsets x from a center, [..., d], with Q [d, n] of orthonormal columns."""
    return offsets @ basis @ basis.T


def plain_path(first: Tensor, second: Tensor, weights: Tensor) -> Tensor:
    """Return g_1 + alpha (g_2 - g_1), [A, d], for two samples [d] and each alpha of `weights` [A]."""
    return first + weights[:, None] * (second - first)


def variation_path(
    first_center: Tensor, second: Tensor, second_center: Tensor, basis: Tensor, weights: Tensor
) -> Tensor:
    """Return c_1 + alpha Q Q^T (g_2 - c_2), [A, d]: what is not identity changes, for each alpha of `weights` [A].

    `first_center`, `second`, `second_center` [d] are c_1, g_2 and c_2. It is as printed, so it sets out from the center
    of the first class and not from a sample (FT-E15), and ends where `transferred` moves the second sample.
    """
    return first_center + weights[:, None] * spread(second - second_center, basis)


def identity_path(first: Tensor, first_center: Tensor, second_center: Tensor, weights: Tensor) -> Tensor:
    """Return g_1 + alpha (c_2 - c_1), [A, d]: identity alone changes, for each alpha of `weights` [A].

    `first`, `first_center`, `second_center` [d] are g_1, c_1 and c_2.
    """
    return first + weights[:, None] * (second_center - first_center)
