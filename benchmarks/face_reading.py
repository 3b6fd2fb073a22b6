"""Speed of reading faces for training: from the records of an InsightFace set to batches of normalised floats.

The faces, 112 x 112, are drawn by this suite and written as InsightFace packs them. The ways are

    plain      a Dataset that seeks, reads one record and decodes it with Pillow, torchvision's ToTensor and Normalize,
               a DataLoader with worker processes
    streamed   what the suite trains from: the memory map, libjpeg-turbo, worker threads, batches normalised at once

For each number of workers both give all faces, in a random order, in batches. They take turns, and each pass is
compared with the plain one of its own repetition.
"""

from __future__ import annotations

import argparse
import itertools
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from benchmarks.measuring import Row, at_least, in_turn, main, parser, row, seconds
from shared.data.formats.recordio import INDEX, RECORDS, RecordFaces, write_records
from shared.data.rendered.faces import render
from shared.training.device import keep_freed_memory
from shared.training.streaming import StreamedImages


class PlainFaces(Dataset[tuple[Tensor, int]]):
    """The images of an InsightFace set, one seek and one read each."""

    def __init__(self, folder: Path) -> None:
        from torchvision import transforms  # noqa: PLC0415 - only the plain way needs it

        offsets = {}
        for line in (folder / INDEX).read_text().splitlines():
            key, offset = line.split("\t")
            offsets[int(key)] = int(offset)
        with (folder / RECORDS).open("rb") as file:
            file.seek(offsets[0] + 8 + 24)
            first_identity = int(struct.unpack("<f", file.read(4))[0])
        self.offsets = [offsets[key] for key in range(1, first_identity)]
        self.path = folder / RECORDS
        self.file: BinaryIO | None = None
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.5] * 3, [0.5] * 3)])

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        if self.file is None:
            self.file = self.path.open("rb")
        self.file.seek(self.offsets[index])
        _, length = struct.unpack("<II", self.file.read(8))
        content = self.file.read(length)
        labels, *_ = struct.unpack_from("<IfQQ", content)
        (label,) = struct.unpack_from("<f", content, 24)
        image = Image.open(BytesIO(content[24 + 4 * labels :])).convert("RGB")
        return self.transform(image), int(label)


def plain(folder: Path, batch: int, workers: int) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    """Return a function that begins a pass over all faces in the plain way; its processes outlive a pass."""
    loader = DataLoader(
        PlainFaces(folder), batch_size=batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )
    return lambda: iter(loader)


def streamed(folder: Path, batch: int, workers: int) -> Callable[[], Iterator[tuple[Tensor, Tensor]]]:
    """Return a function that begins a pass over all faces as the suite's training does."""
    faces = RecordFaces(folder)
    images = StreamedImages(faces, np.arange(len(faces)), faces.labels, torch.device("cpu"), workers=workers)
    epochs = itertools.count()
    return lambda: images.epoch(batch, 0, next(epochs))


def read(begin: Callable[[], Iterator[tuple[Tensor, Tensor]]]) -> None:
    """Take a pass to its last batch."""
    for images, labels in begin():
        assert len(images) == len(labels)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Write the faces, and measure passes of both ways in turn, for each number of workers."""
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        people = np.arange(given.faces) // 16
        write_records(folder, render(people, np.arange(given.faces) % 16).images, people)
        kilobytes = (folder / RECORDS).stat().st_size / given.faces / 1000
        for workers in given.workers:
            ways = {"plain": plain(folder, given.batch, workers), "streamed": streamed(folder, given.batch, workers)}
            parts = {way: partial(seconds, partial(read, begin)) for way, begin in ways.items()}
            taken = in_turn(parts, given.repetitions)
            for way, one in taken.items():
                name = f"{way}, {workers} workers"
                yield row(
                    name, one, taken["plain"], count=given.faces, unit="images", note=f"{kilobytes:.1f} kB a face"
                )


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    options = parser(__doc__, threads=1, repetitions=5)
    options.add_argument("--faces", type=at_least(1), default=8192)
    options.add_argument("--batch", type=at_least(1), default=512)
    options.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="numbers of workers to compare at")
    return options.parse_args(arguments)


if __name__ == "__main__":
    main(measured, parsed())
