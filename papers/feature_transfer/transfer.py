"""Transfer of the spread of regular classes to the center of another class: eqs. 5 to 7 and section 4.6.

The statistics of all rich features, centers, principal components and hard samples, are UpdateStats of algorithm 1;
eq. 7 moves a sample by them, and so do the three interpolations that figure 8 shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from shared.errors import UserError
from shared.training.batches import Images, Order
from shared.training.loop import EVALUATION_BATCH

TOGETHER = 4096


class Samples(NamedTuple):
    """Features of a batch of images, `rich` [B, d], and of their mirror images, `mirrored` [B, d].

    `labels` and `places` [B]: the class of each image and where it lies among the training images. `yaw` [B]: how far
    each head is turned, in degrees, NaN where that is not known.
    """

    rich: Tensor
    mirrored: Tensor
    labels: Tensor
    places: Tensor
    yaw: Tensor


def samples_at(
    embed: Callable[[Iterable[Tensor]], Tensor], images: Images, places: Order, *, mirror: bool = True
) -> Iterator[Samples]:
    """Yield in batches what `embed` makes of the images at some places [N] and of their mirror images.

    Without `mirror` each image stands for its mirror image, so that eq. 5 is the mean of the images alone.
    """
    device, first = images.labels.device, 0
    for batch, labels in images.in_order(EVALUATION_BATCH, places):
        part = places[first : first + len(labels)]
        first += len(labels)
        if mirror:
            rich, mirrored = embed([torch.cat([batch, batch.flip(3)])]).chunk(2)
        else:
            rich = mirrored = embed([batch])
        yaw = torch.from_numpy(yaw_at(images, part)).to(device)
        yield Samples(rich, mirrored, labels, torch.from_numpy(part).to(device), yaw)


def yaw_at(images: Images, places: Order) -> NDArray[np.float32]:
    """Return how far the heads at some places [N] are turned, in degrees, NaN where that is not known."""
    return np.full(len(places), np.nan, np.float32) if images.yaw is None else images.yaw[places]


@dataclass(frozen=True)
class Statistics:
    """What is transferred, and where to.

    `centers` [C, d] float32: the center of each class (eq. 5), NaN for a class without samples, so that a use of it
    cannot go unnoticed. `basis` [d, n] float32: Q, the first principal components of the regular classes, as
    orthonormal columns. `hard` [H] int64: the places of the regular samples further from their center than the average
    of their class. `eigenvalues` [d] float64: those of V (eq. 6), in descending order.
    """

    centers: Tensor
    basis: Tensor
    hard: Tensor
    eigenvalues: Tensor

    def energy(self, components: int | None = None) -> float:
        """Return the share, 0..1, of the variance that lies in the first components, by default those of the basis."""
        components = self.basis.shape[1] if components is None else components
        return float(_shares(self.eigenvalues)[components - 1])


def update_statistics(
    samples: Iterable[Samples],
    *,
    classes: int,
    regular: Tensor,
    limit: float,
    components: int | None = None,
    energy: float | None = None,
) -> Statistics:
    """Return the statistics of samples that come grouped by class, in one pass.

    `regular` [C], bool: the classes whose spread is measured. `limit`: the greatest |yaw| in degrees that counts for a
    center (see `class_center`). The basis has `components` columns, 150 in the paper, or the fewest that hold a share
    `energy` of the variance, which the paper says is 0.95; give one of the two.

    V (eq. 6) is the sum of outer products of the regular samples about their centers, as the text has it; the equation
    sums over all classes, and as printed it is a scalar (FT-E5). It is kept in float64, d x d, however many samples
    there are; of these no more are held than one class or a few thousand. Each class enters as a whole, so the result
    has the same bits however the batches are cut.

    Raises:
        UserError: no regular class has samples, or the features have fewer dimensions than `components`.
        ValueError: a class comes back after another, or not exactly one of `components` and `energy` is given.

    """
    if (components is None) == (energy is None):
        raise ValueError("give either the components or the energy")
    is_regular = regular.tolist()
    centers, scatter = torch.empty(0), _Scatter(0, torch.device("cpu"))
    hard: list[Tensor] = []
    for label, rich, mirrored, places, yaw in _by_class(samples):
        if not len(centers):
            centers = rich.new_full((classes, rich.shape[1]), torch.nan, dtype=torch.float32)
            scatter = _Scatter(rich.shape[1], rich.device)
        center = class_center(rich, mirrored, yaw, limit)
        centers[label] = center
        if is_regular[label]:
            centered = rich.double() - center
            distances = centered.norm(dim=1)
            hard.append(places[distances > distances.mean()])
            scatter.add(centered)
    if not hard:
        raise UserError("no regular class has images, so there is no spread to transfer; let more classes be regular")
    eigenvalues, vectors = principal_components(scatter.total())
    if energy is not None:
        components = _components(eigenvalues, energy)
    if components is None or not 1 <= components <= len(eigenvalues):
        raise UserError(f"components: {components} is not from 1 to {len(eigenvalues)}, the rich features' dimensions")
    return Statistics(centers, vectors[:, :components].float().contiguous(), torch.cat(hard), eigenvalues)


def class_center(rich: Tensor, mirrored: Tensor, yaw: Tensor, limit: float) -> Tensor:
    """Return the center of one class (eq. 5), [d] float64, from samples `rich` and their mirror images [m, d].

    Those count whose |yaw|, [m], is at most `limit` degrees: mirroring turns the sign of the yaw, so the sum of both
    that eq. 5 bounds by tau is twice the yaw, and `limit` is half of tau (FT-E19). A sample of unknown yaw, NaN,
    counts. Where none counts, the most frontal do, since a class must have a center.
    """
    turned = yaw.abs()
    within = turned.nan_to_num(nan=0.0).min().clamp(min=limit)
    counted = (~(turned > within)).double()
    return counted @ (rich.double() + mirrored.double()) / (2 * counted.sum())


def principal_components(scatter: Tensor) -> tuple[Tensor, Tensor]:
    """Return the eigenvalues [d], descending, and eigenvectors [d, d], as columns, of a symmetric matrix [d, d].

    Eigenvalues that rounding has made negative are 0. Of each vector the entry of greatest magnitude is positive. It is
    done on the CPU, so that one matrix has one answer.
    """
    values, vectors = torch.linalg.eigh(scatter.cpu())
    values, vectors = values.flip(0).clamp_(min=0), vectors.flip(1)
    largest = vectors.gather(0, vectors.abs().argmax(dim=0, keepdim=True))
    return values.to(scatter.device), (vectors * largest.sign()).to(scatter.device)


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


class _Scatter:
    """The sum of the outer products of rows, [d, d] float64.

    Rows of several classes are multiplied at once, since threads lose more than they gain on a few.
    """

    def __init__(self, dimensions: int, device: torch.device) -> None:
        self.sum = torch.zeros(dimensions, dimensions, dtype=torch.float64, device=device)
        self.held: list[Tensor] = []
        self.rows = 0

    def add(self, rows: Tensor) -> None:
        """Add rows [m, d]."""
        self.held.append(rows)
        self.rows += len(rows)
        if self.rows >= TOGETHER:
            self.total()

    def total(self) -> Tensor:
        """Return the sum over all rows so far."""
        if self.held:
            rows = torch.cat(self.held)
            self.sum.addmm_(rows.T, rows)
            self.held, self.rows = [], 0
        return self.sum


def _shares(eigenvalues: Tensor) -> Tensor:
    """Return the share of the variance in the first 1, 2, ... d components; 1 where there is no variance."""
    # A GPU's cumulative sum is not repeatable, and so refused where algorithms are to be deterministic.
    values = eigenvalues.cpu()
    total = values.sum()
    return values.cumsum(0) / total if total > 0 else torch.ones_like(values)


def _components(eigenvalues: Tensor, energy: float) -> int:
    return min(int((_shares(eigenvalues) < energy).sum()) + 1, len(eigenvalues))


def _by_class(samples: Iterable[Samples]) -> Iterator[tuple[int, Tensor, Tensor, Tensor, Tensor]]:
    """Yield each class whole: its label, features, features of the mirror images, places and yaw."""
    seen: set[int] = set()
    held: list[tuple[Tensor, ...]] = []
    current: int | None = None
    for batch in samples:
        labels, counts = torch.unique_consecutive(batch.labels, return_counts=True)
        sizes = counts.tolist()
        pieces = [torch.split(part, sizes) for part in (batch.rich, batch.mirrored, batch.places, batch.yaw)]
        for label, *piece in zip(labels.tolist(), *pieces, strict=True):
            if label != current:
                if current is not None:
                    yield current, *_joined(held)
                if label in seen:
                    raise ValueError(f"class {label} comes back; the samples of a class must follow one another")
                seen.add(label)
                current, held = label, []
            held.append(tuple(piece))
    if current is not None:
        yield current, *_joined(held)


def _joined(held: list[tuple[Tensor, ...]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rich, mirrored, places, yaw = map(torch.cat, zip(*held, strict=True))
    return rich, mirrored, places, yaw
