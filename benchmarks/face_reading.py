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
import json
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from shared.data.formats.recordio import INDEX, RECORDS, RecordFaces, write_records
from shared.data.rendered.faces import render
from shared.training import device as devices
from shared.training.streaming import StreamedImages

WAYS = ("plain", "streamed")


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


def seconds_of(begin: Callable[[], Iterator[tuple[Tensor, Tensor]]]) -> float:
    """Return how long a pass takes, to its last batch."""
    began = time.perf_counter()
    for images, labels in begin():
        assert len(images) == len(labels)
    return time.perf_counter() - began


def measured(folder: Path, batch: int, workers: int, repetitions: int) -> dict[str, list[float]]:
    """Return the seconds of each way's passes, made in turn after one of each to warm up."""
    ways = {"plain": plain(folder, batch, workers), "streamed": streamed(folder, batch, workers)}
    rounds = [{way: seconds_of(begin) for way, begin in ways.items()} for _ in range(repetitions + 1)]
    return {way: [one[way] for one in rounds[1:]] for way in WAYS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the faces, measure both ways and print them."""
    parser = argparse.ArgumentParser(description="speed of reading faces for training")
    parser.add_argument("--faces", type=int, default=8192)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--workers", type=int, nargs="+", default=[0, 1, 2], help="numbers of workers to compare at")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the seconds to this file")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    devices.keep_freed_memory()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people = np.arange(given.faces) // 16
        write_records(folder, render(people, np.arange(given.faces) % 16).images, people)
        kilobytes = (folder / RECORDS).stat().st_size / given.faces / 1000
        seconds = {workers: measured(folder, given.batch, workers, given.repetitions) for workers in given.workers}
    print(f"{devices.describe(torch.device('cpu'))}, torch {torch.__version__}")
    print(
        f"{given.faces} faces of {kilobytes:.1f} kB, batches of {given.batch}, {given.repetitions} repetitions in turn"
    )
    print("workers  way       images/s  times the plain way (least to most)")
    for workers, ways in seconds.items():
        for way in WAYS:
            ratios = sorted(slow / fast for slow, fast in zip(ways["plain"], ways[way], strict=True))
            speed = given.faces / median(ways[way])
            print(f"{workers:7d}  {way:8s} {speed:9.0f}  {median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})")
    if given.json:
        result: dict[str, Any] = {
            "faces": given.faces,
            "batch": given.batch,
            "kilobytes": kilobytes,
            "seconds": seconds,
        }
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
