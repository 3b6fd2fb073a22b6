"""Streamed images: the very batches of images held in memory, read ahead in order, ended cleanly; the benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.face_reading import PlainFaces
from shared.data.formats.recordio import RecordFaces, write_records
from shared.data.image_source import ArraySource, EncodedSource, jpeg
from shared.errors import UserError
from shared.training.batches import ImageTensor, Normalisation, flips
from shared.training.streaming import BATCHES_READY, StreamedImages, ahead
from tests.conftest import ROOT

CPU = torch.device("cpu")
WORKERS = (0, 1, 3)
PATIENCE = 30


def pictures(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *shape), np.uint8)


def streamed(images: np.ndarray, *, flip: bool = False, workers: int = 0) -> tuple[StreamedImages, ImageTensor]:
    """Some of the images, in another order, as a stream and in memory."""
    index = np.random.default_rng(0).permutation(len(images))[: len(images) - 3]
    labels = np.arange(len(images))[index] % 5
    in_memory = ImageTensor(images[index], labels, Normalisation(0.5, 0.5), CPU, flip=flip)
    return StreamedImages(ArraySource(images), index, labels, CPU, flip=flip, workers=workers), in_memory


def same(one, other) -> bool:
    """Whether two sequences of batches are of the same bits, in the same layout."""
    pairs = list(zip(one, other, strict=True))
    return bool(pairs) and all(
        torch.equal(images, expected) and images.stride() == expected.stride() and torch.equal(labels, expected_labels)
        for (images, labels), (expected, expected_labels) in pairs
    )


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("shape", [(6, 5, 3), (6, 5)])
@pytest.mark.parametrize("flip", [False, True])
def test_batches_are_those_of_images_in_memory(workers, shape, flip):
    stream, memory = streamed(pictures(40, *shape), flip=flip, workers=workers)
    assert len(stream) == len(memory) == 37
    assert torch.equal(stream.labels, memory.labels)
    assert same(stream.epoch(8, 3, 1), memory.epoch(8, 3, 1))
    assert same(stream.epoch(8, 3, 2, start=2), memory.epoch(8, 3, 2, start=2))
    assert same(stream.in_order(8), memory.in_order(8))
    order = np.array([5, 5, 0, 36, 7, 2, 9])
    assert same(stream.in_order(3, order), memory.in_order(3, order))
    chosen = torch.cat([batch for batch, _ in memory.in_order(3, order)])
    assert torch.equal(chosen, memory.normalised(torch.from_numpy(order)))
    share = slice(1, None, 2)
    assert same(stream.epoch(3, 3, 1, order=order, share=share), memory.epoch(3, 3, 1, order=order, share=share))


def test_chosen_images_are_those_of_images_in_memory():
    stream, memory = streamed(pictures(40, 6, 5, 3), flip=True)
    for index in (torch.tensor([30, 2, 2]), slice(4, 9)):
        assert torch.equal(stream.normalised(index), memory.normalised(index))


@pytest.mark.parametrize("workers", WORKERS)
def test_an_epoch_taken_up_in_its_middle_goes_on_with_the_same_batches(workers):
    stream, _ = streamed(pictures(40, 6, 5, 3), flip=True, workers=workers)
    whole = list(stream.epoch(6, 1, 4))
    for start in (0, 1, 6):
        assert same(stream.epoch(6, 1, 4, start=start), whole[start:])
    assert list(stream.epoch(6, 1, 4, start=7)) == []


def test_pixels_run_from_minus_one_to_one_with_channels_last():
    greys = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    images = np.stack([greys, 255 - greys, greys // 2], axis=3)
    stream = StreamedImages(ArraySource(images), np.zeros(1, np.intp), np.zeros(1, int), CPU)
    batch = stream.normalised(slice(0, 1))
    assert batch.dtype == torch.float32
    assert batch.is_contiguous(memory_format=torch.channels_last)
    expected = (images.astype(np.float64).transpose(0, 3, 1, 2) - 127.5) / 127.5
    assert np.abs(batch.numpy() - expected).max() < 2e-7
    assert batch.min().item() == -1


def test_images_are_mirrored_where_the_place_in_the_order_says():
    images = pictures(64, 4, 4, 3)
    images[:, 0, 0] = np.arange(64)[:, None]
    images[:, 0, 3] = np.arange(64)[:, None] + 100
    stream = StreamedImages(ArraySource(images), np.arange(64), np.arange(64), CPU, flip=True)
    for epoch in (0, 1):
        batches = [((batch + 1) * 127.5, labels) for batch, labels in stream.epoch(10, 7, epoch)]
        corners = torch.cat([batch[:, 0, 0, 0] for batch, _ in batches]).round().to(torch.int64)
        labels = torch.cat([labels for _, labels in batches])
        mirrored = flips(7, epoch, 64)
        assert ((corners - labels == 100).numpy() == mirrored).all()
        assert ((corners - labels == 0).numpy() == ~mirrored).all()
        assert 10 < mirrored.sum() < 54


def test_no_images_give_no_batches():
    nothing = np.zeros(0, np.intp)
    stream = StreamedImages(ArraySource(pictures(3, 4, 4)), nothing, nothing, CPU, flip=True, workers=2)
    assert len(stream) == 0
    assert list(stream.in_order(4)) == list(stream.epoch(4, 0, 0)) == []


@pytest.mark.parametrize("workers", WORKERS)
def test_an_image_that_cannot_be_read_reaches_whoever_asks_for_its_batch(workers):
    contents = [jpeg(image, 95) for image in pictures(12, 8, 8, 3)]
    contents[7] = contents[7][:100]
    source = EncodedSource(contents, (3, 8, 8), [f"face {number}" for number in range(12)])
    stream = StreamedImages(source, np.arange(12), np.arange(12), CPU, workers=workers)
    before = threading.active_count()
    batches = stream.in_order(2)
    assert [labels.tolist() for _, labels in (next(batches), next(batches), next(batches))] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(UserError, match="face 7 cannot be decoded"):
        next(batches)
    assert list(batches) == []
    assert threading.active_count() == before


@pytest.mark.parametrize("workers", WORKERS)
def test_whoever_stops_early_leaves_no_thread_and_no_work_behind(workers):
    before = threading.active_count()
    calls: list[int] = []

    def called(number: int) -> int:
        calls.append(number)
        return number

    results = ahead(called, range(1000), workers)
    assert [next(results), next(results)] == [0, 1]
    results.close()
    assert threading.active_count() == before
    assert len(calls) <= 2 + workers + BATCHES_READY

    stream, _ = streamed(pictures(40, 6, 5, 3), workers=workers)
    for _ in stream.epoch(2, 0, 0):
        break
    assert threading.active_count() == before


@pytest.mark.parametrize("workers", [1, 3])
def test_no_more_is_begun_than_is_allowed(workers):
    calls: list[int] = []

    def called(number: int) -> int:
        calls.append(number)
        return number

    for number, result in enumerate(ahead(called, range(50), workers)):
        assert number == result
        assert len(calls) <= number + workers + BATCHES_READY
    assert sorted(calls) == list(range(50))


def test_batches_are_computed_before_they_are_asked_for():
    reached = threading.Event()

    def called(number: int) -> int:
        if number == 2:
            reached.set()
        return number

    results = ahead(called, range(5), 1)
    assert next(results) == 0
    assert reached.wait(PATIENCE)
    assert list(results) == [1, 2, 3, 4]


def test_a_batch_that_is_late_is_waited_for():
    later = threading.Event()

    def called(number: int) -> int:
        if number == 0:
            assert later.wait(PATIENCE)
        if number == 1:
            later.set()
        return number

    assert list(ahead(called, range(4), 2)) == [0, 1, 2, 3]


@pytest.mark.gpu
def test_a_gpu_gets_the_same_batches():
    images = pictures(40, 6, 5, 3)
    on_cpu, _ = streamed(images, flip=True, workers=2)
    on_gpu = StreamedImages(
        on_cpu.images, on_cpu.index, on_cpu.labels.numpy(), torch.device("cuda"), flip=True, workers=2
    )
    batches = [(batch.cpu(), labels.cpu()) for batch, labels in on_gpu.epoch(8, 3, 1)]
    assert same(batches, on_cpu.epoch(8, 3, 1))


def test_the_benchmark_compares_two_ways_to_the_same_faces(tmp_path: Path):
    images = pictures(6, 112, 112, 3)
    write_records(tmp_path, images, np.array([2, 0, 1, 1, 0, 2]))
    faces = RecordFaces(tmp_path)
    plain = PlainFaces(tmp_path)
    stream = StreamedImages(faces, np.arange(6), faces.labels, CPU)
    assert len(plain) == 6
    samples = [plain[index] for index in range(6)]
    assert plain.file is not None
    plain.file.close()
    assert [label for _, label in samples] == faces.labels.tolist()
    assert torch.allclose(torch.stack([image for image, _ in samples]), stream.normalised(slice(None)), atol=1e-6)


def test_the_benchmark_runs_from_end_to_end(tmp_path: Path):
    file = tmp_path / "rows.json"
    options = ["--faces", "32", "--batch", "8", "--workers", "0", "1", "--repetitions", "1", "--json", str(file)]
    command = [sys.executable, str(ROOT / "benchmarks" / "face_reading.py"), *options]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(file.read_text())["rows"]
    assert [one["part"] for one in rows] == [f"{way}, {n} workers" for n in (0, 1) for way in ("plain", "streamed")]
    for plain, ours in (rows[:2], rows[2:]):
        assert ours["count"] == 32
        assert ours["ratio"][0] == pytest.approx(plain["seconds"] / ours["seconds"])
