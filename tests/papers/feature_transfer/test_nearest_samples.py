"""The images nearest to the centers of the largest and of the smallest classes."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from papers.feature_transfer.nearest_samples import Arrays, NearestToCenters, extremes
from shared.data.image_source import ArraySource
from shared.errors import UserError
from shared.training.batches import ImageTensor, Normalisation
from shared.training.streaming import StreamedImages

FACES = Normalisation(mean=0.5, std=0.5)
CPU = torch.device("cpu")


class Brightness:
    """A scheme that embeds an image to its mean pixel alone, and counts what it was given."""

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, batches: Iterable[Tensor]) -> Tensor:
        means = torch.cat([batch.flatten(1).mean(dim=1, keepdim=True) for batch in batches])
        self.embedded += len(means)
        return means


def measure(pixels, labels, classes=1, yaw=None, scheme=None) -> tuple[dict[str, float], Arrays]:
    turned = None if yaw is None else np.asarray(yaw, np.float32)
    images = ImageTensor(np.asarray(pixels, np.uint8), np.asarray(labels), FACES, CPU, yaw=turned)
    return NearestToCenters(classes=classes)(scheme or Brightness(), images)  # type: ignore[arg-type]


def plain(*values: int) -> np.ndarray:
    """Return images of 2 x 2 pixels, each of one grey."""
    return np.repeat(values, 4).reshape(-1, 2, 2)


def test_by_hand():
    # The means are 60 (10, 20, 150: 20 is 40 away) and 105; of equals the first is found.
    metrics, arrays = measure(plain(10, 200, 20, 10, 150), [1, 0, 1, 0, 1])
    assert metrics == {}
    assert arrays["classes_largest"].tolist() == [1]
    assert arrays["classes_smallest"].tolist() == [0]
    assert (arrays["sizes_largest"].tolist(), arrays["sizes_smallest"].tolist()) == ([3], [2])
    np.testing.assert_array_equal(arrays["largest"], plain(20))
    np.testing.assert_array_equal(arrays["smallest"], plain(200))


def test_yaw_is_of_the_images_found():
    yaw = [-70, 3, -12, 4, 90]
    metrics, arrays = measure(plain(10, 200, 20, 10, 150), [1, 0, 1, 0, 1], yaw=yaw)
    assert metrics == {"yaw_largest": 12, "yaw_smallest": 3}
    assert (arrays["yaws_largest"].tolist(), arrays["yaws_smallest"].tolist()) == ([-12], [3])


def test_a_yaw_that_is_not_known_is_left_out_of_the_mean():
    pixels, labels = plain(*[1, 2, 3] * 2, *[1, 2] * 2), [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]
    yaw = [9, np.nan, 9, 9, -5, 9, np.nan, 9, np.nan, 9]
    metrics, _ = measure(pixels, labels, classes=2, yaw=yaw)
    assert metrics == {"yaw_largest": 5}


def test_only_the_images_of_the_classes_shown_are_embedded():
    scheme = Brightness()
    sizes = [5, 2, 9, 3, 4]
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), sizes))
    _, arrays = measure(plain(*range(23)), labels, scheme=scheme)
    assert scheme.embedded == 9 + 2
    assert (arrays["classes_largest"].tolist(), arrays["classes_smallest"].tolist()) == ([2], [1])


@pytest.mark.parametrize("shape", [(5, 8, 8), (5, 8, 8, 3)])
def test_pictures_have_the_pixels_of_the_files(shape):
    pixels = np.stack([np.arange(np.prod(shape[1:])).astype(np.uint8).reshape(shape[1:])] * 5)
    pixels[2], pixels[4] = 0, 255
    labels = np.array([0, 0, 1, 1, 1])
    _, in_memory = measure(pixels, labels)
    streamed = StreamedImages(ArraySource(pixels), np.arange(5), labels, CPU)
    _, from_stream = NearestToCenters(classes=1)(Brightness(), streamed)  # type: ignore[arg-type]
    for arrays in (in_memory, from_stream):
        assert arrays["largest"].dtype == np.uint8
        np.testing.assert_array_equal(arrays["largest"], pixels[[3]])
        np.testing.assert_array_equal(arrays["smallest"], pixels[[0]])


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30).map(np.array), st.integers(1, 9))
def test_the_largest_and_the_smallest_classes_are_apart_and_in_order(sizes, classes):
    ordered = np.sort(sizes[sizes >= 2])
    if len(set(ordered)) < 2:
        with pytest.raises(UserError, match="differ in size"):
            extremes(sizes, classes)
        return
    largest, smallest = extremes(sizes, classes)
    count = len(largest)
    assert len(smallest) == count <= classes
    assert sizes[largest].min() > sizes[smallest].max()
    assert sizes[largest].tolist() == ordered[::-1][:count].tolist()
    assert sizes[smallest].tolist() == ordered[:count].tolist()
    if count < min(classes, len(ordered)):
        assert ordered[::-1][count] <= ordered[count]
