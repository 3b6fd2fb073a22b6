"""Metrics of classes by how many images they have, on images small enough to reckon and on faces of known truth."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from papers.feature_transfer.class_metrics import (
    SHOWN,
    Arrays,
    CenterErrors,
    ClassBias,
    NearestToCenters,
    class_samples,
    class_variances,
    extremes,
    few_images,
)
from papers.feature_transfer.transfer import class_center
from shared.data.image_source import ArraySource
from shared.data.rendered.faces import render
from shared.errors import UserError
from shared.runs.catalogue import benchmarks
from shared.runs.registry import paper
from shared.training.batches import ImageTensor, Normalisation
from shared.training.streaming import StreamedImages
from tests.papers.feature_transfer.samples import AS_THEY_ARE, CPU, images_of


class Pixels:
    """A scheme whose features are an image's pixels, coarsely seen where `side` is given."""

    def __init__(self, weights: ArrayLike = (), *, side: int | None = None) -> None:
        self.weights, self.side = torch.tensor(weights, dtype=torch.float32), side

    def embed(self, batches: Iterable[Tensor]) -> Tensor:
        """Return the features of batches of images."""
        coarse = torch.nn.AdaptiveAvgPool2d(self.side) if self.side else torch.nn.Identity()
        return torch.cat([coarse(batch).flatten(1) for batch in batches])

    def class_vectors(self) -> Tensor:
        return self.weights[:, None]


def of_pixels(pixels, labels, yaw=None) -> ImageTensor:
    """Return images whose features are numbers from 0 to 255."""
    return images_of(pixels, labels, yaw, AS_THEY_ARE)


def bias(weights, pixels, labels, yaw=None) -> tuple[dict[str, float], Arrays]:
    """Return what is measured of images of one row of grey pixels."""
    return ClassBias()(Pixels(weights), of_pixels(np.asarray(pixels)[:, None], labels, yaw))  # type: ignore[arg-type]


REGULAR = [[100, 100], [120, 120], [100, 100], [120, 120]]


def test_bias_by_hand():
    metrics, arrays = bias([[3, 4], [1, 0]], [*REGULAR, [50, 60], [60, 70]], [0, 0, 0, 0, 1, 1])
    assert metrics == pytest.approx(
        {
            "norm_correlation": 1,
            "norm_regular": 5,
            "norm_ur": 1,
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
    _, arrays = bias([[3, 4], [1, 0]], [*REGULAR, [50, 60], [60, 70]], [0, 0, 0, 0, 1, 1])
    np.testing.assert_allclose(arrays["transferred"], [[50, 50], [70, 70]] * 2, atol=1e-3)


def test_without_mirror_images_virtual_samples_are_moved_between_the_means_of_the_images():
    pixels = [[90, 110], [110, 130], [100, 120], [50, 60], [60, 70]]
    images = of_pixels(np.asarray(pixels)[:, None], [0, 0, 0, 1, 1])
    _, arrays = ClassBias(mirror=False)(Pixels([[3, 4], [1, 0]]), images)  # type: ignore[arg-type]
    # From the mean (100, 120) to the mean (55, 65); with mirror images both would lie on the diagonal.
    np.testing.assert_allclose(arrays["transferred"], [[45, 55], [65, 75], [55, 65]], atol=1e-3)


def test_a_head_turned_far_does_not_count_in_the_center():
    _, arrays = bias([[3, 4], [1, 0]], [*REGULAR, [50, 60], [10, 20]], [0, 0, 0, 0, 1, 1], [0, 10, -10, 0, 5, -80])
    np.testing.assert_allclose(arrays["transferred"], [[45, 45], [65, 65]] * 2, atol=1e-3)


def test_only_the_components_of_most_energy_are_transferred():
    # About the center (110, 110) there is a little spread across the diagonal, which the mirror images do not move.
    regular = [[90, 90], [130, 130], [111, 109], [109, 111]]
    _, arrays = bias([[3, 4], [1, 0]], [*regular, [50, 50], [50, 50]], [0, 0, 0, 0, 1, 1])
    np.testing.assert_allclose(arrays["transferred"], [[30, 30], [70, 70], [50, 50], [50, 50]], atol=1e-3)


def test_equal_norms_correlate_with_nothing():
    labels = [0, 0, 0, 0, 1, 1]
    metrics, _ = bias([[0.6, 0.8], [1, 1e-7]], [*REGULAR, [50, 60], [60, 70]], labels)
    assert "norm_correlation" not in metrics
    assert metrics["norm_regular"] == pytest.approx(metrics["norm_ur"])


def test_variances_by_hand_where_twenty_images_divide_the_classes():
    pixels, labels = [*REGULAR * 6, [50, 60], [60, 70], [1, 2]], [*[0] * 24, 1, 1, 2]
    metrics, arrays = bias([[3, 4], [1, 0], [2, 0]], pixels, labels)
    assert arrays["few"] == 20
    # Of 24 pixels half is 10 above and half 10 below the mean; of a class of one image there is no variance.
    assert metrics["variance_regular"] == pytest.approx(2 * 2400 / 23)
    assert metrics["variance_ur"] == pytest.approx(2 * 50)


def test_of_classes_of_one_image_there_is_no_variance():
    pixels = [*REGULAR * 6, [50, 60], [60, 70]]
    metrics, arrays = bias([[3, 4], [1, 0], [2, 0]], pixels, [*[0] * 24, 1, 2])
    assert "variance_regular" in metrics
    assert "variance_ur" not in metrics
    assert metrics["norm_ur"] == 1.5
    assert len(arrays["ur"]) == 1


def test_a_class_of_one_image_is_not_shown_where_another_has_more():
    labels = np.repeat(np.arange(6), [1, 4, 2, 4, 1, 4])
    _, arrays = bias(np.ones((6, 2)), np.arange(32).reshape(16, 2), labels)
    assert arrays["few"] == 3
    assert arrays["chosen"][1] == 2


def test_at_most_two_hundred_samples_of_a_class_are_kept():
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [300, 4, 30])
    pixels = random.integers(0, 256, (len(labels), 3))
    metrics, arrays = bias(np.eye(3), pixels, random.permutation(labels))
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
    (_, first), (_, second) = (bias(random.normal(size=(20, 2)), pixels, labels) for _ in range(2))
    assert first["chosen"].tolist() == second["chosen"].tolist()
    np.testing.assert_array_equal(first["regular"], second["regular"])
    np.testing.assert_array_equal(first["transferred"], second["transferred"])


def test_classes_that_are_equally_large_cannot_be_divided():
    with pytest.raises(UserError, match="all 2 classes have 2 training images"):
        bias([[3, 4], [1, 0]], [[1, 2]] * 4, [0, 0, 1, 1])


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
    scheme = config.scheme.build(config, (1, 28, 28), 3, CPU)
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [25, 30, 4])
    digits = images_of(random.integers(0, 256, (59, 28, 28), dtype=np.uint8), labels, flip=True)
    metrics, arrays = ClassBias()(scheme, digits)
    vectors = scheme.class_vectors()[:, 0].numpy()
    np.testing.assert_allclose(arrays["norms"], np.linalg.norm(vectors, axis=1), rtol=1e-6)
    embeddings = scheme.embed([digits.normalised(slice(None))]).numpy()
    np.testing.assert_allclose(arrays["ur"], embeddings[labels == 2], rtol=1e-4, atol=1e-5)
    assert metrics["variance_ur"] == pytest.approx(embeddings[55:].var(axis=0, ddof=1).sum(), rel=1e-4)


class Brightness:
    """A scheme that embeds an image to its mean pixel alone, and counts what it was given."""

    def __init__(self) -> None:
        self.embedded = 0

    def embed(self, batches: Iterable[Tensor]) -> Tensor:
        means = torch.cat([batch.flatten(1).mean(dim=1, keepdim=True) for batch in batches])
        self.embedded += len(means)
        return means


def nearest(pixels, labels, classes=1, yaw=None, scheme=None) -> tuple[dict[str, float], Arrays]:
    return NearestToCenters(classes=classes)(scheme or Brightness(), images_of(pixels, labels, yaw))


def plain(*values: int) -> np.ndarray:
    """Return images of 2 x 2 pixels, each of one grey."""
    return np.repeat(values, 4).reshape(-1, 2, 2)


OF_TWO = plain(10, 200, 20, 10, 150, 90, 110), [1, 0, 1, 0, 1, 1, 0]
"""Images of two classes, whose means are 106.7 (110 is nearest) and 67.5 (90 is)."""


def test_the_nearest_by_hand():
    metrics, arrays = nearest(*OF_TWO)
    assert metrics == {}
    assert arrays["classes_largest"].tolist() == [1]
    assert arrays["classes_smallest"].tolist() == [0]
    assert (arrays["sizes_largest"].tolist(), arrays["sizes_smallest"].tolist()) == ([4], [3])
    np.testing.assert_array_equal(arrays["largest"], plain(90))
    np.testing.assert_array_equal(arrays["smallest"], plain(110))


def test_yaw_is_of_the_images_found():
    metrics, arrays = nearest(*OF_TWO, yaw=[-70, 5, -11, 4, 90, -12, 3])
    assert metrics == {"yaw_largest": 12, "yaw_smallest": 3}
    assert (arrays["yaws_largest"].tolist(), arrays["yaws_smallest"].tolist()) == ([-12], [3])


def test_a_yaw_that_is_not_known_is_left_out_of_the_mean():
    pixels, labels = plain(*[1, 2, 3, 10] * 2, *[1, 2, 3] * 2), np.repeat([0, 1, 2, 3], [4, 4, 3, 3])
    yaw = [9, 9, np.nan, 9, 9, 9, -5, 9, *[9, np.nan, 9] * 2]
    metrics, _ = nearest(pixels, labels, classes=2, yaw=yaw)
    assert metrics == {"yaw_largest": 5}


def test_only_the_images_of_the_classes_shown_are_embedded():
    scheme = Brightness()
    sizes = [5, 2, 9, 3, 4]
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(5), sizes))
    _, arrays = nearest(plain(*range(23)), labels, scheme=scheme)
    assert scheme.embedded == 9 + 3
    assert (arrays["classes_largest"].tolist(), arrays["classes_smallest"].tolist()) == ([2], [3])


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 3)])
def test_pictures_have_the_pixels_of_the_files(shape):
    pixels = np.stack([np.arange(np.prod(shape)).astype(np.uint8).reshape(shape)] * 7)
    pixels[3], pixels[6] = 0, 255
    labels = np.array([0, 0, 0, 1, 1, 1, 1])
    _, in_memory = nearest(pixels, labels)
    streamed = StreamedImages(ArraySource(pixels), np.arange(7), labels, CPU)
    _, from_stream = NearestToCenters(classes=1)(Brightness(), streamed)
    for arrays in (in_memory, from_stream):
        assert arrays["largest"].dtype == np.uint8
        np.testing.assert_array_equal(arrays["largest"], pixels[[4]])
        np.testing.assert_array_equal(arrays["smallest"], pixels[[0]])


@given(st.lists(st.integers(0, 9), min_size=2, max_size=30).map(np.array), st.integers(1, 9))
def test_the_largest_and_the_smallest_classes_are_apart_and_in_order(sizes, classes):
    ordered = np.sort(sizes[sizes >= 3])
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


def test_errors_by_hand():
    # Images of one row and two pixels, so that a mirror image has them in turn.
    pixels = [[[0, 0]], [[8, 0]], [[20, 20]], [[20, 28]]]
    found = CenterErrors(sizes=(1,), draws=3)(Pixels(), of_pixels(pixels, [0, 0, 1, 1]))
    # Means (4, 0) and (20, 24), 4 from all their samples; half of their distance of sqrt(832) is the unit.
    unit = 832**0.5 / 2
    assert found["classes"] == 2
    for name in ("intra_min", "intra_mean", "intra_max"):
        assert found[name] == pytest.approx(4 / unit), name
    for name in ("inter_min", "inter_mean", "inter_max"):
        assert found[name] == pytest.approx(2), name
    # One image is 8 from the other of its class.
    assert found["pick_one@1"] == found["avg_all@1"] == pytest.approx(8 / unit)
    # AvgFlip of (0, 0) and (20, 20) is 8 from the other too, of (8, 0) and (20, 28), at (4, 4) and (24, 24), sqrt(32).
    possible = [(8 * n + 32**0.5 * (6 - n)) / 6 for n in range(7)]
    assert min(abs(found["avg_flip@1"] - value / unit) for value in possible) < 1e-9


def test_the_estimators_are_those_of_the_paper_and_the_truth_is_of_images_not_drawn():
    stream = np.random.default_rng(0)
    labels = stream.permutation(np.repeat(np.arange(5), 8))
    pixels, yaw = stream.integers(0, 256, (40, 3, 4)), stream.normal(0, 30, 40)
    images = of_pixels(pixels, labels, yaw)
    # With many more draws than there are subsets of a class, a mean over draws is near the mean over subsets.
    found = CenterErrors(sizes=(4,), draws=400, limit=25.0)(Pixels(), images)
    flat, turned = pixels.reshape(40, -1).astype(np.float64), pixels[:, :, ::-1].reshape(40, -1).astype(np.float64)
    means = np.stack([flat[labels == label].mean(0) for label in range(5)])
    unit = np.sqrt(((means - means.mean(0)) ** 2).sum(1).mean())
    errors: dict[str, list[np.floating]] = {name: [] for name in found if name.endswith("@4")}

    def flip(of: Iterable[np.signedinteger]) -> NDArray[np.float64]:
        near = [k for k in of if abs(yaw[k]) <= 25] or [min(of, key=lambda k: abs(yaw[k]))]
        center: NDArray[np.float64] = (flat[near].mean(0) + turned[near].mean(0)) / 2
        return center

    for label in range(5):
        own = np.flatnonzero(labels == label)
        for subset in itertools.combinations(own, 4):
            others = np.setdiff1d(own, subset)
            for truth, center in {"": flat[others].mean(0), "_eq5": flip(others)}.items():
                picked = np.linalg.norm(flat[list(subset)] - center, axis=1)
                errors[f"pick_one{truth}@4"].append(np.mean(picked))
                errors[f"avg_all{truth}@4"].append(np.linalg.norm(flat[list(subset)].mean(0) - center))
                errors[f"avg_flip{truth}@4"].append(np.linalg.norm(flip(subset) - center))
    assert len(errors) == 6
    for name, values in errors.items():
        assert found[name] == pytest.approx(np.mean(values) / unit, rel=0.02), name


@pytest.mark.parametrize("size", [5, 20])
def test_where_the_true_centers_are_known_the_nearer_estimate_has_the_smaller_error(size):
    """A class is a symmetric center, a pose that a mirror image turns round, and noise, twice as many as are drawn."""
    stream = np.random.default_rng(0)
    count, classes, half = 2 * size, 30, 8
    centers = stream.uniform(90, 160, (classes, half))
    pose = stream.normal(0, 1, (classes, count, 1)) * stream.normal(0, 12, half)
    left, right = (centers[:, None] + sign * pose + stream.normal(0, 6, pose.shape) for sign in (1, -1))
    pixels = np.concatenate([left, right[..., ::-1]], axis=2).round()
    found = CenterErrors(sizes=(size,))(
        Pixels(), of_pixels(pixels.reshape(classes * count, 1, -1), np.repeat(np.arange(classes), count))
    )
    truth = np.concatenate([centers, centers[:, ::-1]], axis=1)
    drawn = pixels[:, :size]
    of_all = np.linalg.norm(drawn.mean(1) - truth, axis=1).mean()
    of_flip = np.linalg.norm((drawn.mean(1) + drawn[..., ::-1].mean(1)) / 2 - truth, axis=1).mean()
    assert of_flip < 0.7 * of_all
    assert found[f"avg_flip@{size}"] < 0.95 * found[f"avg_all@{size}"] < found[f"pick_one@{size}"]


def test_the_features_are_those_of_the_named_method():
    class Both(Pixels):
        def embed_rich(self, batches: Iterable[Tensor]) -> Tensor:
            return self.embed(batches) ** 2

    labels = np.repeat(np.arange(3), 4)
    images = of_pixels(np.random.default_rng(0).integers(0, 256, (12, 2, 2)), labels)
    plain, rich = (CenterErrors(sizes=(1,), embedding=name)(Both(), images) for name in ("embed", "embed_rich"))
    assert plain["pick_one@1"] != pytest.approx(rich["pick_one@1"])
    entry = benchmarks("feature_transfer")["center-error-rich"]
    assert entry.build().embedding == entry.embedding == "embed_rich"


def test_features_go_with_their_images_and_yaw_wherever_these_lie():
    pixels = np.arange(300 * 2).reshape(300, 1, 2) % 256
    images = of_pixels(pixels, np.zeros(300, np.int64), yaw=np.arange(300))
    members = [np.array([299, 5, 140]), np.arange(0, 300, 2)]
    for own, places in zip(class_samples(Pixels().embed, images, members), members, strict=True):
        assert own.yaw.tolist() == places.tolist()
        np.testing.assert_array_equal(own.features, pixels[places, 0])
        np.testing.assert_array_equal(own.mirrored, pixels[places, 0, ::-1])


def test_sizes_that_too_few_images_allow_are_left_out_for_all_classes():
    counts = [60, 21, 20, 19]
    labels = np.repeat(np.arange(4), counts)
    images = of_pixels(np.random.default_rng(0).integers(0, 256, (len(labels), 2, 2)), labels)
    found = CenterErrors(draws=1)(Pixels(), images)
    assert found["classes"] == 3
    assert {name.split("@")[1] for name in found if "@" in name} == {"1", "5", "10"}
    assert CenterErrors(draws=1, classes=2)(Pixels(), images)["classes"] == 2
    with pytest.raises(UserError, match="no two classes have 44 images, twice the smallest size"):
        CenterErrors(sizes=(22, 30))(Pixels(), images)


def test_the_draws_are_the_same_each_time_and_one_image_is_its_own_mean():
    labels = np.repeat(np.arange(3), 10)
    images = of_pixels(np.random.default_rng(0).integers(0, 256, (30, 2, 2)), labels)
    first, second = (CenterErrors()(Pixels(), images) for _ in range(2))
    assert first == second
    assert first["pick_one@1"] == first["avg_all@1"]


def test_of_features_that_are_all_the_same_nothing_is_said():
    images = of_pixels(np.full((8, 2, 2), 9), np.repeat([0, 1], 4))
    assert CenterErrors(sizes=(1,))(Pixels(), images) == {"classes": 2.0, "yaw_known": 0.0}


PEOPLE, IMAGES = 20, 60
DRAWN = Normalisation(mean=0.5, std=0.25)


@pytest.fixture(scope="module")
def faces():
    """Return drawn faces with some nuisance, their yaw, and whom they show."""
    people, numbers = np.repeat(np.arange(PEOPLE), IMAGES), np.tile(np.arange(IMAGES), PEOPLE)
    return render(people, numbers, nuisance=0.25), people


def test_of_five_drawn_faces_the_mean_with_mirror_images_is_nearest_to_the_mean_of_the_others(faces):
    drawn, people = faces
    images = images_of(drawn.images, people, drawn.yaw, DRAWN)
    found = CenterErrors(sizes=(1, 5))(Pixels(side=8), images)
    assert found["avg_flip@5"] < found["avg_all@5"] < found["pick_one@5"]
    assert found["avg_flip@1"] < found["pick_one@1"]
    assert found["avg_flip@5"] < found["intra_mean"] < found["inter_mean"]


def test_it_is_nearest_to_the_neutral_frontal_face_of_the_person_too(faces):
    drawn, people = faces
    network = Pixels(side=8)
    images = images_of(drawn.images, people, drawn.yaw, DRAWN)
    neutral = render(np.arange(PEOPLE), np.zeros(PEOPLE, np.int64), nuisance=0.0)
    truth = images_of(neutral.images, np.arange(PEOPLE), normalisation=DRAWN)
    truths = class_samples(network.embed, truth, [np.array([person]) for person in range(PEOPLE)])
    errors: dict[str, list[float]] = {"all": [], "flip": []}
    members = [np.flatnonzero(people == person) for person in range(PEOPLE)]
    for own, true in zip(class_samples(network.embed, images, members), truths, strict=True):
        for first in range(0, IMAGES, 5):
            features, mirrored, yaw = (part[first : first + 5] for part in own)
            errors["all"].append(float((features.mean(0) - true.features[0]).norm()))
            errors["flip"].append(float((class_center(features, mirrored, yaw, 15.0) - true.features[0]).norm()))
    assert np.mean(errors["flip"]) < 0.9 * np.mean(errors["all"])
