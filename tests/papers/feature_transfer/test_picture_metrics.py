"""Pictures of centers, transfer and interpolation, of a scheme whose rich features are the pixels themselves."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from papers.feature_transfer.picture_metrics import (
    PAIRS,
    PARTNERS,
    SHOWN,
    STEPS,
    TransferredPictures,
    as_bytes,
    evenness,
    opposite_pairs,
    symmetry,
)
from papers.feature_transfer.transfer import Samples, Statistics, update_statistics, yaw_at
from shared.errors import UserError
from shared.training.batches import Images, ImageTensor
from tests.papers.feature_transfer.samples import images_of

SIDE = 4


class Grey:
    def framed(self, images: Tensor) -> Tensor:
        return images


class PixelScheme:
    """Enc and Dec do nothing, and so say of every rich feature what its picture is."""

    few = 2
    network = Grey()

    def __init__(self, classes: int, components: int = SIDE**2) -> None:
        self.classes, self.components = classes, components

    def embed_rich(self, batches: Iterable[Tensor]) -> Tensor:
        return torch.cat([images.flatten(1) for images in batches])

    def decode(self, rich: Tensor) -> Tensor:
        return rich.reshape(-1, 1, SIDE, SIDE)

    def statistics_of(self, images: Images) -> Statistics:
        order = np.argsort(images.labels.numpy(), kind="stable")
        pixels = images.normalised(torch.from_numpy(order))
        yaw = torch.from_numpy(yaw_at(images, order))
        labels = images.labels[torch.from_numpy(order)]
        return update_statistics(
            [Samples(pixels.flatten(1), pixels.flip(3).flatten(1), labels, torch.from_numpy(order), yaw)],
            classes=self.classes,
            regular=images.labels.bincount(minlength=self.classes) > self.few,
            limit=90,
            components=self.components,
        )


def made_up(sizes, *, yaw: bool = True, seed: int = 0) -> ImageTensor:
    """Return images of classes of some sizes, each a bright place of its class with noise on it."""
    stream = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    images = stream.integers(0, 40, size=(len(labels), SIDE, SIDE))
    images.reshape(len(labels), -1)[np.arange(len(labels)), labels] += 200
    angles = stream.uniform(-40, 40, len(labels)).astype(np.float32) if yaw else None
    return images_of(images, labels, angles)


def measured(images: ImageTensor, scheme: PixelScheme | None = None):
    scheme = scheme or PixelScheme(int(images.labels.max()) + 1)
    return scheme, *TransferredPictures()(scheme, images)


def test_pictures_are_the_bytes_that_were_normalised():
    values = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    assert np.array_equal(as_bytes(values / 127.5 - 1), values[:, 0].numpy())
    assert as_bytes(torch.full((1, 1, 1, 1), 1.2)).item() == 255


def test_the_symmetry_of_a_picture_by_hand():
    left = torch.tensor([[1.0, 0.0], [1.0, 0.0]])[None, None]
    assert symmetry(left) == pytest.approx(-1)
    assert symmetry(left.transpose(2, 3)) == pytest.approx(1)
    assert symmetry(torch.full((1, 1, 2, 2), 0.3)) == 1
    # Of 3 1 / 0 0 the mean is 1: 2 0 / -1 -1 with its mirror image 0 2 / -1 -1, (0 + 0 + 1 + 1) / (4 + 0 + 1 + 1).
    assert symmetry(torch.tensor([[3.0, 1.0], [0.0, 0.0]])[None, None]) == pytest.approx(1 / 3)
    assert symmetry(torch.cat([left, left.transpose(2, 3)])) == pytest.approx(0)


def test_the_evenness_of_a_path_by_hand():
    path = torch.tensor([0.0, 1.0, 2.0, 3.0]).reshape(4, 1, 1, 1)
    assert evenness(path) == pytest.approx(1)
    jump = torch.tensor([0.0, 0.0, 2.0, 2.0]).reshape(4, 1, 1, 1)
    assert evenness(jump) == pytest.approx(3)
    # Steps of 5 = |(3, 4)|, 0 and 1: 5 over their mean, 2.
    steps = torch.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0], [3.0, 5.0]]).reshape(4, 1, 1, 2)
    assert evenness(steps) == pytest.approx(5 / 2)


def test_pairs_are_turned_most_oppositely_and_no_class_comes_twice():
    yaw = np.array([-40, -38, 35, 39, 5, -3], np.float32)
    # Both ends are of class 0: -40 with 35 of class 1 is further apart than -38 of class 2 with 39, by less than 39.
    labels = np.array([0, 2, 1, 0, 3, 4])
    assert opposite_pairs(labels, yaw, 5).tolist() == [[1, 3], [5, 2]]
    assert opposite_pairs(labels, yaw, 1).tolist() == [[1, 3]]


def test_samples_of_unknown_yaw_pair_as_they_come():
    labels = np.array([2, 0, 0, 1, 3])
    unknown = np.full(5, np.nan, np.float32)
    assert opposite_pairs(labels, unknown, 5).tolist() == [[0, 4], [1, 3]]
    assert opposite_pairs(np.zeros(3, int), np.zeros(3, np.float32), 5).shape == (0, 2)


turned = st.lists(st.tuples(st.integers(0, 6), st.floats(-80, 80, width=32) | st.just(np.nan)), min_size=1, max_size=30)


@given(turned, st.integers(1, 4))
def test_the_first_pair_differs_the_most_of_all(samples, count):
    labels = np.array([label for label, _ in samples])
    yaw = np.array([angle for _, angle in samples], np.float32)
    pairs = opposite_pairs(labels, yaw, count)
    assert len(pairs) == min(count, len(np.unique(labels)) // 2)
    assert len(set(labels[pairs].ravel().tolist())) == 2 * len(pairs)
    known = np.nan_to_num(yaw)
    if len(pairs):
        apart = [abs(known[i] - known[j]) for i, j in np.ndindex(len(yaw), len(yaw)) if labels[i] != labels[j]]
        assert known[pairs[0, 1]] - known[pairs[0, 0]] == pytest.approx(max(apart))


def test_the_arrays_are_what_the_equations_make_of_pixels():
    images = made_up([6, 5, 4, 7, 1, 2])
    scheme, _, arrays = measured(images, PixelScheme(6, components=5))
    statistics = scheme.statistics_of(images)
    centers, basis = statistics.centers.double(), statistics.basis.double()
    pixels = images.normalised(slice(None)).flatten(1).double()
    assert images.yaw is not None
    places = {tuple(picture.ravel()): place for place, picture in enumerate(images.images[:, 0].numpy())}

    def picture(rich: Tensor) -> np.ndarray:
        return as_bytes(rich.reshape(-1, 1, SIDE, SIDE).float())

    for pair, (first_class, second_class) in enumerate(arrays["pair_classes"]):
        first, second = (places[tuple(arrays["inputs"][pair, side].ravel())] for side in (0, 1))
        assert (images.labels[first], images.labels[second]) == (first_class, second_class)
        assert arrays["pair_yaw"][pair].tolist() == [images.yaw[first], images.yaw[second]]
        assert arrays["pair_yaw"][pair, 0] <= arrays["pair_yaw"][pair, 1]
        assert np.array_equal(arrays["reconstructed"][pair], arrays["inputs"][pair])
        there = centers[second_class] + basis @ (basis.T @ (pixels[first] - centers[first_class]))
        back = centers[first_class] + basis @ (basis.T @ (pixels[second] - centers[second_class]))
        assert np.array_equal(arrays["moved"][pair], picture(torch.stack([there, back])))
        if pair == 0:
            weights = torch.linspace(0, 1, STEPS).double()[:, None]
            assert arrays["weights"] == pytest.approx(weights[:, 0].numpy())
            assert np.array_equal(arrays["plain"], picture(pixels[first] + weights * (pixels[second] - pixels[first])))
            printed = centers[first_class] + weights * (basis @ (basis.T @ (pixels[second] - centers[second_class])))
            assert np.array_equal(arrays["variation"], picture(printed))
            identity = pixels[first] + weights * (centers[second_class] - centers[first_class])
            assert np.array_equal(arrays["identity"], picture(identity))
    assert arrays["sample_classes"].tolist() == [0, 1, 2, 3]
    assert np.array_equal(arrays["centers"], picture(centers[:4]))
    for sample, label, angle in zip(arrays["samples"], arrays["sample_classes"], arrays["sample_yaw"], strict=True):
        place = places[tuple(sample.ravel())]
        assert (images.labels[place], images.yaw[place]) == (label, angle)


def test_shapes_and_kinds_where_there_is_more_than_is_shown():
    _, metrics, arrays = measured(made_up([4] * 13 + [1, 2], yaw=False))
    assert {name: array.shape[: array.ndim - 2] for name, array in arrays.items() if array.dtype == np.uint8} == {
        "samples": (SHOWN,),
        "centers": (SHOWN,),
        **dict.fromkeys(["inputs", "reconstructed", "moved"], (PAIRS, 2)),
        **dict.fromkeys(["plain", "variation", "identity"], (STEPS,)),
    }
    assert len(set(arrays["sample_classes"].tolist())) == SHOWN
    assert np.isnan(arrays["sample_yaw"]).all()
    assert np.isnan(arrays["pair_yaw"]).all()
    assert all(np.isfinite(value) for value in metrics.values())


def test_all_components_keep_the_spread_whole():
    _, metrics, _ = measured(made_up([8, 9, 1, 2]))
    assert metrics["energy"] == pytest.approx(100)
    assert metrics["identity_kept"] == metrics["identity_unmoved"] == 100
    assert metrics["variance_ratio"] == pytest.approx(1, abs=0.15)
    # A path in pixel space is as even as the weights.
    for name in ("plain", "variation", "identity"):
        assert metrics[f"evenness_{name}"] == pytest.approx(1, abs=1e-5)
    assert metrics["center_symmetry"] == pytest.approx(1)
    assert metrics["pair_symmetry"] == pytest.approx(1)
    assert metrics["sample_symmetry"] < 0.9
    assert metrics["center_identity"] == metrics["sample_identity"] == 100


def test_the_metrics_of_transfer_by_the_slow_way():
    images = made_up([6, 7, 2, 1])
    scheme, metrics, _ = measured(images, PixelScheme(4, components=3))
    statistics = scheme.statistics_of(images)
    eigenvalues = statistics.eigenvalues.numpy()
    assert metrics["energy"] == pytest.approx(100 * eigenvalues[:3].sum() / eigenvalues.sum())
    centers = statistics.centers.double()
    pixels = images.normalised(slice(None)).flatten(1).double()
    means = torch.stack([pixels[images.labels == label].mean(0) for label in (0, 1)])
    assert metrics["mean_symmetry"] == pytest.approx(symmetry(means.reshape(-1, 1, SIDE, SIDE)), abs=1e-6)
    assert metrics["mean_symmetry"] < metrics["center_symmetry"]
    squares = (pixels - centers[images.labels]).square().sum(1)
    regular = squares[images.labels < 2].mean()
    assert metrics["variance_ratio_before"] == pytest.approx(float(squares[images.labels >= 2].mean() / regular))
    # With what Q keeps of the 13 regular samples, drawn PARTNERS times for each of two classes, it is about the energy.
    assert metrics["variance_ratio"] == pytest.approx(metrics["energy"] / 100, rel=3 / np.sqrt(2 * PARTNERS))


def test_a_feature_that_lands_with_another_class_loses_its_identity():
    # Class 2 lies at the center of class 0 but for one grey level, so that half of what moves there is lost.
    images = made_up([6, 6, 1])
    images.images[-1] = images.images[:6].float().mean(0).round().byte()
    _, metrics, _ = measured(images)
    assert metrics["identity_kept"] < 100


def test_features_that_lie_with_another_class_lack_its_identity_before_they_are_moved():
    images = made_up([6, 6, 1])
    images.images[0] = images.images[6:12].float().mean(0).round().byte()
    _, metrics, _ = measured(images)
    assert 100 * 3 / 6 < metrics["identity_unmoved"] < 100


def test_a_center_that_is_decoded_as_another_loses_its_identity():
    images = made_up([6, 7, 5, 1])

    class OnlyTheFirst(PixelScheme):
        """A decoder that makes one picture of everything."""

        def decode(self, rich: Tensor) -> Tensor:
            return super().decode(self.statistics_of(images).centers[:1].expand(len(rich), -1))

    _, metrics, _ = measured(images, OnlyTheFirst(4))
    assert metrics["center_identity"] == pytest.approx(100 / 3)
    assert metrics["sample_identity"] == pytest.approx(100 * 6 / 18)


def test_classes_without_images_attract_nothing():
    images = made_up([5, 5, 0, 2])
    assert torch.isnan(PixelScheme(4).statistics_of(images).centers[2]).all()
    _, metrics, _ = measured(images)
    assert metrics["identity_kept"] == 100


def test_without_under_represented_classes_nothing_is_said_of_them():
    _, metrics, arrays = measured(made_up([4, 5, 6]))
    assert not {"identity_kept", "identity_unmoved", "variance_ratio", "variance_ratio_before"} & set(metrics)
    assert len(arrays["inputs"]) == 1


def test_one_regular_class_has_no_partner():
    with pytest.raises(UserError, match="between two regular classes, of more than 2 images"):
        measured(made_up([5, 1, 2]))


def test_the_same_is_drawn_each_time():
    images = made_up([6, 5, 4, 1, 2])
    first, second = (measured(images)[1:] for _ in range(2))
    assert first[0] == second[0]
    assert all(np.array_equal(first[1][name], second[1][name], equal_nan=True) for name in first[1])
