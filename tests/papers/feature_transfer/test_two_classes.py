"""Class sizes, weight norms and variances, and the two classes of figure 1, on images small enough to reckon."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from papers.feature_transfer.two_classes import SHOWN, Arrays, ClassBias, class_variances, few_images
from shared.errors import UserError
from shared.runs.registry import paper
from shared.training.batches import ImageTensor, Normalisation

FACES = Normalisation(mean=0.5, std=0.5)


class Pixels:
    """A scheme whose embedding of an image is its pixels, from 0 to 255."""

    def __init__(self, weights) -> None:
        self.weights = torch.tensor(weights, dtype=torch.float32)

    def embed(self, batches: Iterable[Tensor]) -> Tensor:
        return torch.cat([((batch + 1) * 127.5).flatten(1) for batch in batches])

    def class_vectors(self) -> Tensor:
        return self.weights[:, None]


def images(pixels, labels, yaw=None) -> ImageTensor:
    """Return images of one row of grey pixels."""
    rows = np.asarray(pixels, np.uint8)[:, None]
    turned = None if yaw is None else np.asarray(yaw, np.float32)
    return ImageTensor(rows, np.asarray(labels), FACES, torch.device("cpu"), yaw=turned)


def measure(weights, *given) -> tuple[dict[str, float], Arrays]:
    return ClassBias()(Pixels(weights), images(*given))  # type: ignore[arg-type]


REGULAR = [[100, 100], [120, 120], [100, 100], [120, 120]]


def test_by_hand():
    metrics, arrays = measure([[3, 4], [1, 0]], [*REGULAR, [50, 60], [60, 70]], [0, 0, 0, 0, 1, 1])
    assert metrics == pytest.approx(
        {
            "norm_correlation": 1,
            "norm_regular": 5,
            "norm_ur": 1,
            "variance_regular": 2 * 400 / 3,
            "variance_ur": 2 * 50,
            "below_20": 100,
        }
    )
    assert arrays["sizes"].tolist() == [4, 2]
    assert arrays["norms"].tolist() == [5, 1]
    assert arrays["chosen"].tolist() == [0, 1]
    assert arrays["few"] == 3
    assert arrays["weights"].tolist() == [[3, 4], [1, 0]]
    np.testing.assert_allclose(arrays["regular"], REGULAR, atol=1e-4)
    np.testing.assert_allclose(arrays["ur"], [[50, 60], [60, 70]], atol=1e-4)


def test_virtual_samples_have_the_spread_of_the_regular_class_about_the_center_of_the_other():
    # With the mirror images the center of class 1 is (60, 60); the regular samples lie 10 from theirs, either way.
    _, arrays = measure([[3, 4], [1, 0]], [*REGULAR, [50, 60], [60, 70]], [0, 0, 0, 0, 1, 1])
    np.testing.assert_allclose(arrays["transferred"], [[50, 50], [70, 70]] * 2, atol=1e-3)


def test_a_head_turned_far_does_not_count_in_the_center():
    _, arrays = measure([[3, 4], [1, 0]], [*REGULAR, [50, 60], [10, 20]], [0, 0, 0, 0, 1, 1], [0, 10, -10, 0, 5, -80])
    np.testing.assert_allclose(arrays["transferred"], [[45, 45], [65, 65]] * 2, atol=1e-3)


def test_only_the_components_of_most_energy_are_transferred():
    # About the center (110, 110) there is a little spread across the diagonal, which the mirror images do not move.
    regular = [[90, 90], [130, 130], [111, 109], [109, 111]]
    _, arrays = measure([[3, 4], [1, 0]], [*regular, [50, 50], [50, 50]], [0, 0, 0, 0, 1, 1])
    np.testing.assert_allclose(arrays["transferred"], [[30, 30], [70, 70], [50, 50], [50, 50]], atol=1e-3)


def test_equal_norms_correlate_with_nothing():
    labels = [0, 0, 0, 0, 1, 1]
    metrics, _ = measure([[0.6, 0.8], [1, 1e-7]], [*REGULAR, [50, 60], [60, 70]], labels)
    assert "norm_correlation" not in metrics
    assert metrics["norm_regular"] == pytest.approx(metrics["norm_ur"])


def test_of_classes_of_one_image_there_is_no_variance():
    metrics, arrays = measure([[3, 4], [1, 0], [2, 0]], [*REGULAR, [50, 60], [60, 70]], [0, 0, 0, 0, 1, 2])
    assert "variance_ur" not in metrics
    assert metrics["norm_ur"] == 1.5
    assert len(arrays["ur"]) == 1


def test_a_class_of_one_image_is_not_shown_where_another_has_more():
    labels = np.repeat(np.arange(6), [1, 4, 2, 4, 1, 4])
    _, arrays = measure(np.ones((6, 2)), np.arange(32).reshape(16, 2), labels)
    assert arrays["few"] == 3
    assert arrays["chosen"][1] == 2


def test_at_most_two_hundred_samples_of_a_class_are_kept():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [300, 4, 30])
    pixels = random.integers(0, 256, (len(labels), 3))
    metrics, arrays = measure(np.eye(3), pixels, random.permutation(labels))
    assert metrics["below_20"] == pytest.approx(100 / 3)
    assert arrays["few"] == 20
    regular, ur = arrays["chosen"]
    assert (regular in (0, 2), ur) == (True, 1)
    assert len(arrays["regular"]) == len(arrays["transferred"]) == min(SHOWN, arrays["sizes"][regular])
    assert arrays["ur"].shape == (4, 3)
    everything = {tuple(row) for row in pixels.tolist()}
    assert {tuple(row) for row in arrays["regular"].round().astype(int).tolist()} <= everything


def test_the_same_images_show_the_same_classes_whatever_the_network():
    random = np.random.default_rng(1)
    labels = np.repeat(np.arange(20), [*range(21, 31), *range(2, 12)])
    pixels = random.integers(0, 256, (len(labels), 2))
    (_, first), (_, second) = (measure(random.normal(size=(20, 2)), pixels, labels) for _ in range(2))
    assert first["chosen"].tolist() == second["chosen"].tolist()
    np.testing.assert_array_equal(first["regular"], second["regular"])
    np.testing.assert_array_equal(first["transferred"], second["transferred"])


def test_classes_that_are_equally_large_cannot_be_divided():
    with pytest.raises(UserError, match="all 2 classes have 2 training images"):
        measure([[3, 4], [1, 0]], [[1, 2]] * 4, [0, 0, 1, 1])


@pytest.mark.parametrize(
    ("sizes", "few"),
    [
        ([500, 21, 20, 3], 20),
        ([50, 40, 30, 30], 35),
        ([10, 10, 10, 5, 5], 9),
        ([10, 10, 5, 5, 5], 5),
        ([9, 7, 4, 2], 5),
        ([20, 19], 19),
    ],
)
def test_how_many_images_an_under_represented_class_has_at_most(sizes, few):
    assert few_images(np.array(sizes)) == few


@given(st.lists(st.integers(1, 60), min_size=2, max_size=30).filter(lambda sizes: len(set(sizes)) > 1).map(np.array))
def test_there_are_always_regular_and_under_represented_classes(sizes):
    few = few_images(sizes)
    assert sizes.min() <= few < sizes.max()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40).map(np.array), st.integers(0, 2**32 - 1))
def test_variances_are_those_of_each_class_alone(labels, seed):
    points = np.random.default_rng(seed).normal(size=(len(labels), 3)).astype(np.float32) + 100
    found = class_variances(points, labels, 6)
    for label in range(6):
        own = points[labels == label].astype(float)
        slow = sum(np.cov(column) for column in own.T) if len(own) > 1 else np.nan
        assert found[label] == pytest.approx(slow, nan_ok=True)


def test_a_scheme_is_looked_into():
    config = paper("feature_transfer").run("figure5/softmax", "smoke").config
    torch.manual_seed(0)
    scheme = config.scheme.build(config, (1, 28, 28), 3, torch.device("cpu"))
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [25, 30, 4])
    digits = ImageTensor(
        random.integers(0, 256, (59, 28, 28), dtype=np.uint8), labels, FACES, torch.device("cpu"), flip=True
    )
    metrics, arrays = ClassBias()(scheme, digits)
    vectors = scheme.class_vectors()[:, 0].numpy()
    np.testing.assert_allclose(arrays["norms"], np.linalg.norm(vectors, axis=1), rtol=1e-6)
    embeddings = scheme.embed([digits.normalised(slice(None))]).numpy()
    np.testing.assert_allclose(arrays["ur"], embeddings[labels == 2], rtol=1e-4, atol=1e-5)
    assert metrics["variance_ur"] == pytest.approx(embeddings[55:].var(axis=0, ddof=1).sum(), rel=1e-4)
