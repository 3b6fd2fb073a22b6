"""Errors of PickOne, AvgAll and AvgFlip: by hand, against a slow way, and on faces whose truth is known."""

import itertools

import numpy as np
import pytest
import torch

from papers.feature_transfer.center_error import CenterErrors, samples_of
from papers.feature_transfer.statistics import class_center
from shared.data.rendered.faces import render
from shared.errors import UserError
from shared.training.batches import ImageTensor, Normalisation

AS_THEY_ARE = Normalisation(0.0, 1 / 255)
"""With this an image tensor gives pixels as numbers from 0 to 255."""


class Pixels:
    """A network whose features are an image's pixels, coarsely seen where `side` is given."""

    def __init__(self, side: int | None = None) -> None:
        self.side = side

    def embed(self, batches):
        """Return the features of batches of images."""
        coarse = torch.nn.AdaptiveAvgPool2d(self.side) if self.side else torch.nn.Identity()
        return torch.cat([coarse(batch).flatten(1) for batch in batches])


def of_pixels(pixels, labels, yaw=None) -> ImageTensor:
    """Return images [N, H, W] as numbers with their labels."""
    yaw = None if yaw is None else np.asarray(yaw, np.float32)
    return ImageTensor(np.asarray(pixels, np.uint8), np.asarray(labels), AS_THEY_ARE, torch.device("cpu"), yaw=yaw)


def test_by_hand():
    # Images of one row and two pixels, so that a mirror image has them in turn.
    pixels = [[[0, 0]], [[8, 0]], [[20, 20]], [[20, 28]]]
    found = CenterErrors(sizes=(1,), draws=3)(Pixels(), of_pixels(pixels, [0, 0, 1, 1]))
    # Means (4, 0) and (20, 24), 4 from all their samples; half of their distance of sqrt(832) is the unit.
    unit = 832**0.5 / 2
    assert found["classes"] == 2
    for name in ("pick_one@1", "avg_all@1", "intra_min", "intra_mean", "intra_max"):
        assert found[name] == pytest.approx(4 / unit), name
    for name in ("inter_min", "inter_mean", "inter_max"):
        assert found[name] == pytest.approx(2), name
    # AvgFlip of one image: (0, 0), (4, 4), (20, 20) or (24, 24), each 4 from the mean of its class.
    assert found["avg_flip@1"] == pytest.approx(4 / unit)
    # Eq. 5 of all: (2, 2) and (22, 22); a single image is sqrt(8), or sqrt(40) where it is the turned one.
    possible = {(a + b) / 6 for a, b in itertools.product(*[[n * 8**0.5 + (3 - n) * 40**0.5 for n in range(4)]] * 2)}
    assert min(abs(found["pick_one_frontal@1"] - value / unit) for value in possible) < 1e-9
    assert found["avg_flip_frontal@1"] == pytest.approx(8**0.5 / unit)


def test_the_estimators_are_those_of_the_paper():
    stream = np.random.default_rng(0)
    labels = stream.permutation(np.repeat(np.arange(5), 8))
    pixels, yaw = stream.integers(0, 256, (40, 3, 4)), stream.normal(0, 30, 40)
    images = of_pixels(pixels, labels, yaw)
    # With as many draws as there are subsets of one class and more, a mean over draws is near the mean over subsets.
    found = CenterErrors(sizes=(7,), draws=400, limit=25.0)(Pixels(), images)
    flat, turned = pixels.reshape(40, -1).astype(np.float64), pixels[:, :, ::-1].reshape(40, -1).astype(np.float64)
    means = np.stack([flat[labels == label].mean(0) for label in range(5)])
    unit = np.sqrt(((means - means.mean(0)) ** 2).sum(1).mean())
    errors: dict[str, list[np.floating]] = {"pick_one@7": [], "avg_all@7": [], "avg_flip@7": []}
    for label in range(5):
        for subset in itertools.combinations(np.flatnonzero(labels == label), 7):
            near = [k for k in subset if abs(yaw[k]) <= 25] or [min(subset, key=lambda k: abs(yaw[k]))]
            flip = (flat[near].mean(0) + turned[near].mean(0)) / 2
            errors["pick_one@7"].append(np.mean(np.linalg.norm(flat[list(subset)] - means[label], axis=1)))
            errors["avg_all@7"].append(np.linalg.norm(flat[list(subset)].mean(0) - means[label]))
            errors["avg_flip@7"].append(np.linalg.norm(flip - means[label]))
    for name, values in errors.items():
        assert found[name] == pytest.approx(np.mean(values) / unit, rel=0.02), name


def test_features_go_with_their_images_and_yaw_wherever_these_lie():
    pixels = np.arange(300 * 2).reshape(300, 1, 2) % 256
    images = of_pixels(pixels, np.zeros(300, np.int64), yaw=np.arange(300))
    members = [np.array([299, 5, 140]), np.arange(0, 300, 2)]
    for own, places in zip(samples_of(Pixels(), images, members), members, strict=True):
        assert own.yaw.tolist() == places.tolist()
        np.testing.assert_array_equal(own.features, pixels[places, 0])
        np.testing.assert_array_equal(own.mirrored, pixels[places, 0, ::-1])


def test_sizes_that_too_few_images_allow_are_left_out_for_all_classes():
    counts = [30, 12, 11, 6]
    labels = np.repeat(np.arange(4), counts)
    images = of_pixels(np.random.default_rng(0).integers(0, 256, (len(labels), 2, 2)), labels)
    found = CenterErrors(draws=1)(Pixels(), images)
    assert found["classes"] == 3
    assert {name.split("@")[1] for name in found if "@" in name} == {"1", "5", "10"}
    assert CenterErrors(draws=1, classes=2)(Pixels(), images)["classes"] == 2
    with pytest.raises(UserError, match="no two classes have more than 12 images"):
        CenterErrors(sizes=(12, 20))(Pixels(), images)


def test_the_draws_are_the_same_each_time_and_one_image_is_its_own_mean():
    labels = np.repeat(np.arange(3), 7)
    images = of_pixels(np.random.default_rng(0).integers(0, 256, (21, 2, 2)), labels)
    first, second = (CenterErrors()(Pixels(), images) for _ in range(2))
    assert first == second
    assert first["pick_one@1"] == first["avg_all@1"]


def test_of_features_that_are_all_the_same_nothing_is_said():
    images = of_pixels(np.full((8, 2, 2), 9), np.repeat([0, 1], 4))
    assert CenterErrors(sizes=(1,))(Pixels(), images) == {"classes": 2.0, "yaw_known": 0.0}


PEOPLE, IMAGES = 20, 60


@pytest.fixture(scope="module")
def faces():
    """Return drawn faces with some nuisance, their yaw, and whom they show."""
    people, numbers = np.repeat(np.arange(PEOPLE), IMAGES), np.tile(np.arange(IMAGES), PEOPLE)
    return render(people, numbers, nuisance=0.25), people


def test_of_five_drawn_faces_the_mean_with_mirror_images_is_nearest_to_the_mean_of_all(faces):
    drawn, people = faces
    images = ImageTensor(drawn.images, people, Normalisation(0.5, 0.25), torch.device("cpu"), yaw=drawn.yaw)
    found = CenterErrors(sizes=(1, 5))(Pixels(8), images)
    assert found["avg_flip@5"] < found["avg_all@5"] < found["pick_one@5"]
    assert found["avg_flip_frontal@5"] < found["avg_all_frontal@5"] < found["pick_one_frontal@5"]
    assert found["avg_flip@1"] < found["pick_one@1"]
    assert found["avg_flip@5"] < found["intra_mean"] < found["inter_mean"]


def test_it_is_nearest_to_the_neutral_frontal_face_of_the_person_too(faces):
    drawn, people = faces
    network, plain = Pixels(8), Normalisation(0.5, 0.25)
    images = ImageTensor(drawn.images, people, plain, torch.device("cpu"), yaw=drawn.yaw)
    neutral = render(np.arange(PEOPLE), np.zeros(PEOPLE, np.int64), nuisance=0.0)
    truth = ImageTensor(neutral.images, np.arange(PEOPLE), plain, torch.device("cpu"))
    truths = samples_of(network, truth, [np.array([person]) for person in range(PEOPLE)])
    errors: dict[str, list[float]] = {"all": [], "flip": []}
    members = [np.flatnonzero(people == person) for person in range(PEOPLE)]
    for own, true in zip(samples_of(network, images, members), truths, strict=True):
        for first in range(0, IMAGES, 5):
            features, mirrored, yaw = (part[first : first + 5] for part in own)
            errors["all"].append(float((features.mean(0) - true.features[0]).norm()))
            errors["flip"].append(float((class_center(features, mirrored, yaw, 15.0) - true.features[0]).norm()))
    assert np.mean(errors["flip"]) < 0.9 * np.mean(errors["all"])
