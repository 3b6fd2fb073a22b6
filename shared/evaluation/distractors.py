"""The distractors most like each probe, and the most alike of all pairs, without keeping the scores of the others.

The cosines of a thousand probes and a million distractors are too many to keep and too costly to form in double
precision. Blocks of approximate cosines are formed fast, each with a bound on its error; a pair that the bound does not
rule out is scored again by `shared.evaluation.cosine`. What is returned are the values that scoring all pairs that way
would give, to the last bit, whatever the screening.

The bound. Let u be the direction of a probe and v that of a distractor. Screening in int8 rounds them to integers of at
most 127, u = q / a + e and v = r / b + f, with one scale a for a probe and one scale b for a block of distractors. Then
u v = q r / (a b) + e v + (q / a) f, and since |v| = 1 and |q / a| <= 1 + |e|, by Cauchy and Schwarz

    | u v - q r / (a b) |  <=  |e| + (1 + |e|) |f| .

The norms of e and f are measured, and q r is exact in 32 bits for d < 2^31 / 127^2 dimensions. Screening in float32 has
a = b = 1 and e = f = 0. Both round in float32 as well, with unit roundoff w = 2^-24: each of u and v by at most
(d / 2 + 4) w, as a length is the root of a sum of d squares; each measured norm by (d / 2 + 3) w; and in float32 the
sum of d products, in any order, by d w. Together that is less than 4 (d + 8) w, which is added to the bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from shared.evaluation.cosine import cosines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Embeddings = NDArray[np.float32]
    Floats = NDArray[np.float64]

Screening = Literal["int8", "float32"]

BLOCK = 1024
LARGEST = 127
ROUNDOFF = 2.0**-24
SMALLEST = 2.0**-149


def fastest_screening() -> Screening:
    """Return int8 where the processor sums products of bytes in 32 bits, else float32.

    Other processors sum two products in 16 bits first, which can overflow. So does any where ONEDNN_MAX_CPU_ISA keeps
    oneDNN from its instructions, so the largest products are tried.
    """
    capabilities = torch.cpu.get_capabilities()
    if not any(capabilities.get(name) for name in ("avx512_vnni", "avx_vnni", "amx_int8")):
        return "float32"
    largest = torch.full((32, 64), LARGEST, dtype=torch.int8)
    return "int8" if (_products(largest, largest) == 64 * LARGEST**2).all() else "float32"


def strongest(
    probes: Embeddings, distractors: Embeddings, keep: int, screening: Screening | None = None
) -> tuple[Floats, Floats]:
    """Return the cosine of each probe's most alike distractor, [P], and the `keep` greatest of all pairs' cosines.

    `probes` is [P, d], `distractors` [D, d]; the greatest cosines come in ascending order, and where there are fewer
    pairs than `keep`, all of them. A probe without distractors has minus infinity.
    """
    screening = screening or fastest_screening()
    nearest, greatest = np.full(len(probes), -np.inf), np.empty(0)
    sought = _rounded(torch.from_numpy(probes), screening, together=False)
    for begin in range(0, len(distractors), BLOCK):
        block = distractors[begin : begin + BLOCK]
        found = _rounded(torch.from_numpy(block), screening, together=True)
        tensor = _products(sought.values, found.values)
        products, peaks = tensor.numpy(), tensor.amax(dim=1).numpy()
        scale = sought.scale * found.scale
        error = _bound(sought, found)

        wanted = np.maximum(nearest, peaks / scale - error)
        if len(greatest) == keep:
            wanted = np.minimum(wanted, greatest.min(initial=np.inf))
        elif products.size >= keep:
            least = (products / scale[:, None] - error[:, None]).ravel()
            wanted = np.minimum(wanted, np.partition(least, -keep)[-keep])
        else:
            wanted = np.full_like(nearest, -np.inf)

        cut = _not_below((wanted - error) * scale, products.dtype)
        rows = np.flatnonzero(peaks >= cut)
        row, column = np.nonzero(products[rows] >= cut[rows, None])
        scores = cosines(probes, rows[row], block, column)
        np.maximum.at(nearest, rows[row], scores)
        greatest = np.concatenate([greatest, scores])
        if len(greatest) > keep:
            greatest = np.partition(greatest, -keep)[-keep:] if keep else greatest[:0]
    return nearest, np.sort(greatest)


@dataclass(frozen=True)
class _Rounded:
    """Directions times `scale`, rounded, [N, d], and how far `values / scale` is from each, both [N] or [1]."""

    values: Tensor
    scale: Floats
    error: Floats


def _rounded(points: Tensor, screening: Screening, *, together: bool) -> _Rounded:
    """Round the directions of points, [N, d], for screening, at one scale for all `together` or at one for each.

    They are divided by their largest coordinate first, so that no square leaves the range of float32.
    """
    largest = points.abs().amax(dim=1, keepdim=True)
    points = points / largest.clamp_min_(SMALLEST)
    lengths = torch.linalg.vector_norm(points, dim=1, keepdim=True).clamp_min_(1)
    if screening == "float32":
        return _Rounded(points.div_(lengths), np.ones(1), np.zeros(1))
    scale = LARGEST * (lengths.min() if together else lengths)
    points.mul_(scale / lengths)
    values = points.round()
    errors = torch.linalg.vector_norm(points.sub_(values), dim=1, keepdim=True) / scale
    return _Rounded(values.to(torch.int8), scale.double().flatten().numpy(), errors.double().flatten().numpy())


def _bound(sought: _Rounded, found: _Rounded) -> Floats:
    """Return for each probe, [P], how far its products over their scale are at most from its cosines with a block."""
    rounding = 4 * (sought.values.shape[1] + 8) * ROUNDOFF
    bound: Floats = sought.error + (1 + sought.error) * found.error.max() + rounding
    return bound


def _products(first: Tensor, second: Tensor) -> Tensor:
    """Return the scalar products of all pairs of rows, [A, B], as int32 of int8 or as float32."""
    product = torch._int_mm if first.dtype == torch.int8 else torch.mm
    return product(first, second.T)


def _not_below(bounds: Floats, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return bounds in the type of the products, so that no product at or above one is below what is returned."""
    if dtype == np.float32:
        return bounds.astype(dtype)
    limits = np.iinfo(dtype)
    below: NDArray[Any] = np.floor(bounds).clip(limits.min, limits.max).astype(dtype)
    return below
