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
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.memory import rise
from papers.feature_transfer.transfer import Samples, update_statistics

WAYS = ("stream", "plain")
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


RUN: dict[str, Callable[[Stream], Found]] = {"stream": streamed, "plain": plain}


def peak(way: str, stream: Stream) -> float:
    """Return how far (MiB) the memory of this process rises above its present level."""
    RUN[way](Stream(10 * stream.of_class, stream.of_class, stream.dimensions, stream.batch))
    return rise(lambda: RUN[way](stream))


def measured_peak(arguments: Sequence[str], way: str, images: int) -> float:
    """Return the peak memory of one way, in a process of its own."""
    command = [sys.executable, __file__, *arguments, "--peak-of", way, "--images", str(images)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def seconds(way: str, stream: Stream) -> float:
    """Return how long one way takes."""
    began = time.perf_counter()
    RUN[way](stream)
    return time.perf_counter() - began


def difference(stream: Stream) -> tuple[float, float, bool]:
    """Return how far the ways differ: centers and eigenvalues, relative to the greatest, and whether hard ones do."""
    (centers, values, hard), (true_centers, true_values, true_hard) = streamed(stream), plain(stream)
    off = float(abs(centers - true_centers).max() / abs(true_centers).max())
    return off, float(abs(values - true_values).max() / true_values[0]), np.array_equal(hard, true_hard)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=400_000)
    parser.add_argument("--of-class", type=int, default=63, help="images of each class (63, as in MS-Celeb-1M)")
    parser.add_argument("--dimensions", type=int, default=320, help="at least 150")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--peak-of", choices=WAYS, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    for name, least in {"images": 2, "of_class": 1, "dimensions": COMPONENTS, "batch": 1, "repetitions": 1}.items():
        if getattr(given, name) < least:
            parser.error(f"--{name.replace('_', '-')}: {getattr(given, name)} is below {least}")
    return given


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure both ways and print them, or the peak memory of one in this process."""
    arguments = sys.argv[1:] if arguments is None else arguments
    given = parsed(arguments)
    torch.set_num_threads(given.threads)
    stream = Stream(given.images, given.of_class, given.dimensions, given.batch)
    if given.peak_of:
        print(peak(given.peak_of, stream))
        return
    centers, values, same = difference(stream)
    rounds = [{way: seconds(way, stream) for way in WAYS} for _ in range(given.repetitions)]
    peaks = {way: [measured_peak(arguments, way, count) for count in (given.images // 2, given.images)] for way in WAYS}
    ratios = sorted(one["stream"] / one["plain"] for one in rounds)
    print(
        f"{given.images:,} images, {stream.classes:,} classes, {given.dimensions} dimensions, {given.threads} threads\n"
        f"centers differ by {centers:.1e}, eigenvalues by {values:.1e}, hard samples {'do not' if same else 'do'}"
    )
    print(f"time of stream to plain: {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    print(f"way     s a million images  peak MiB at half and at all  MiB at {PAPER:,}")
    for way in WAYS:
        half, whole = peaks[way]
        more = whole + (whole - half) / (given.images - given.images // 2) * (PAPER - given.images)
        time_taken = median(one[way] for one in rounds) * 1e6 / given.images
        print(f"{way:6} {time_taken:19.1f}  {half:12.1f} {whole:14.1f}  {more:14.0f}")


if __name__ == "__main__":
    main()
