"""Time and memory of the statistics of rich features, in one pass and with all features in memory.

The features, random and 320 of an image, come in batches grouped by class, as from an encoder, with those of the mirror
images and a yaw; most classes are regular. Both ways return centers, principal components and hard samples:

    stream  `papers.feature_transfer.transfer`
    plain   numpy: everything is collected, then centered in float64 and multiplied at once

They take turns in one process, and what they return is compared. The peak memory of each is that of a process of its
own, above what it has before, at two numbers of images; how it grows from one to the other says what more images need.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.measuring import Row, apart, at_least, in_turn, main, parser, rise, row, seconds
from papers.feature_transfer.transfer import Samples, update_statistics

LIMIT, COMPONENTS = 30.0, 150
PAPER = 4_800_000
"""Images of MS-Celeb-1M as the paper cleans it."""


@dataclass(frozen=True)
class Stream:
    """Batches of random features of so many images, `of_class` of each class; one class in ten is not regular.

    A few batches are drawn once and come again and again, so that drawing takes no time.
    """

    images: int
    of_class: int
    dimensions: int
    batch: int

    @property
    def classes(self) -> int:
        """The number of classes."""
        return -(-self.images // self.of_class)

    @property
    def regular(self) -> torch.Tensor:
        """Which classes are regular, [C]."""
        return torch.arange(self.classes) % 10 > 0

    def __iter__(self) -> Iterator[Samples]:
        """Yield the batches; the first image of each class is frontal."""
        generator = torch.Generator().manual_seed(0)
        scale = torch.linspace(2, 0.1, self.dimensions)
        kept = [scale * torch.randn(2, self.batch, self.dimensions, generator=generator) for _ in range(8)]
        for number, first in enumerate(range(0, self.images, self.batch)):
            places = torch.arange(first, min(first + self.batch, self.images))
            rich, mirrored = kept[number % len(kept)][:, : len(places)]
            yaw = (places % self.of_class) * 60.0 / self.of_class
            yield Samples(rich, mirrored, places // self.of_class, places, yaw)


Found = tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.integer]]


def streamed(stream: Stream) -> Found:
    """Return centers, eigenvalues and hard places, in one pass."""
    found = update_statistics(
        stream, classes=stream.classes, regular=stream.regular, limit=LIMIT, components=COMPONENTS
    )
    return found.centers.numpy(), found.eigenvalues.numpy(), found.hard.numpy()


def plain(stream: Stream) -> Found:
    """Return the same with all features in memory."""
    batches = [[part.clone().numpy() for part in batch if part is not None] for batch in stream]
    rich, mirrored, labels, places, yaw = map(np.concatenate, zip(*batches, strict=True))
    begins = np.flatnonzero(np.diff(labels, prepend=-1))
    counted = abs(yaw) <= LIMIT
    both = (rich + mirrored.astype(np.float64)) * counted[:, None]
    centers = np.add.reduceat(both, begins) / (2 * np.add.reduceat(counted, begins, dtype=np.int64))[:, None]
    spread = stream.regular.numpy()[labels]
    centered = rich[spread] - centers[labels[spread]]
    distances = np.linalg.norm(centered, axis=1)
    means = np.bincount(labels[spread], distances) / np.maximum(np.bincount(labels[spread]), 1)
    values, _ = np.linalg.eigh(centered.T @ centered)
    return centers, values[::-1], places[spread][distances > means[labels[spread]]]


RUN: dict[str, Callable[[Stream], Found]] = {"plain": plain, "stream": streamed}


def peak(way: str, stream: Stream) -> float:
    """Return how far (MiB) the memory of this process rises above its present level."""
    RUN[way](Stream(10 * stream.of_class, stream.of_class, stream.dimensions, stream.batch))
    return rise(lambda: RUN[way](stream))


def difference(stream: Stream) -> tuple[float, float, bool]:
    """Return how far the ways differ: centers and eigenvalues, relative to the greatest, and whether hard ones do."""
    (centers, values, hard), (true_centers, true_values, true_hard) = streamed(stream), plain(stream)
    off = float(abs(centers - true_centers).max() / abs(true_centers).max())
    return off, float(abs(values - true_values).max() / true_values[0]), np.array_equal(hard, true_hard)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Measure both ways in turn, and the peak memory of each at half and at all of the images."""
    stream, half = (
        Stream(images, given.of_class, given.dimensions, given.batch) for images in (given.images, given.images // 2)
    )
    centers, values, same = difference(stream)
    taken = in_turn({way: partial(seconds, partial(run, stream)) for way, run in RUN.items()}, given.repetitions)
    for way, one in taken.items():
        less, peak_mib = (apart(peak, way, part) for part in (half, stream))
        slope = (peak_mib - less) / (stream.images - half.images)
        note = f"{peak_mib + slope * (PAPER - stream.images):,.0f} MiB at {PAPER:,}"
        if way == "stream":
            note += f"; centers differ by {centers:.1e}, eigenvalues by {values:.1e}"
            note += f", hard samples {'do not' if same else 'do'}"
        yield row(way, one, taken["plain"], count=given.images, unit="images", peak_mib=peak_mib, note=note)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    options = parser(__doc__, threads=os.cpu_count() or 1, repetitions=3)
    options.add_argument("--images", type=at_least(2), default=400_000)
    options.add_argument(
        "--of-class", type=at_least(1), default=63, help="images of each class (63, as in MS-Celeb-1M)"
    )
    options.add_argument("--dimensions", type=at_least(COMPONENTS), default=320, help=f"at least {COMPONENTS}")
    options.add_argument("--batch", type=at_least(1), default=512)
    return options.parse_args(arguments)


if __name__ == "__main__":
    main(measured, parsed())
