"""Training images moved by some pixels: exactly, only in training, and alike after a resumption."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from shared.data.drawn import draw
from shared.errors import UserError
from shared.runs.registry import paper
from shared.training.batches import ImageTensor, Normalisation, translate, translations
from shared.training.setup import Setup

CPU = torch.device("cpu")


def images(count: int, most: int) -> ImageTensor:
    pixels = np.random.default_rng(0).integers(1, 256, size=(count, 5, 4), dtype=np.uint8)
    return ImageTensor(pixels, np.arange(count) % 3, Normalisation(0.3, 0.2), CPU, translate=most)


def test_an_image_moves_down_and_right_and_what_comes_in_is_filled():
    image = torch.arange(1.0, 13).view(1, 1, 3, 4)
    moved = translate(image, np.array([[1, -2]]), fill=-7.0)
    assert moved.tolist() == [[[[-7, -7, -7, -7], [3, 4, -7, -7], [7, 8, -7, -7]]]]
    assert torch.equal(translate(image, np.array([[0, 0]]), fill=-7.0), image)


def test_each_image_of_a_batch_moves_on_its_own_with_all_its_channels():
    batch = torch.randn(6, 3, 5, 4).to(memory_format=torch.channels_last)
    by = np.array([[0, 0], [2, 1], [-1, 2], [0, -2], [1, 0], [-2, -2]])
    moved = translate(batch, by, fill=9.0)
    assert moved.is_contiguous(memory_format=torch.channels_last)
    for image, (down, right), found in zip(batch, by, moved, strict=True):
        rolled = image.roll((int(down), int(right)), (1, 2))
        rows = np.r_[max(down, 0) : 5 + min(down, 0)]
        columns = np.r_[max(right, 0) : 4 + min(right, 0)]
        inside = np.ix_(range(3), rows, columns)
        assert torch.equal(found[inside], rolled[inside])
        assert torch.count_nonzero(found == 9.0) == 3 * (20 - len(rows) * len(columns))


def test_all_moves_are_as_likely():
    drawn = translations(0, 1, 50_000, 2)
    counts = np.bincount(5 * (drawn[:, 0] + 2) + drawn[:, 1] + 2, minlength=25)
    assert len(counts) == 25
    assert np.abs(counts - 2000).max() < 5 * np.sqrt(2000)


def test_a_resumed_epoch_moves_the_same_and_no_other_epoch_does():
    whole = list(images(12, 2).epoch(5, 0, 3))
    resumed = list(images(12, 2).epoch(5, 0, 3, start=1))
    assert all(torch.equal(one[0], other[0]) for one, other in zip(whole[1:], resumed, strict=True))
    assert not np.array_equal(translations(0, 3, 12, 2), translations(0, 4, 12, 2))


def test_black_comes_in_and_images_taken_in_order_stay():
    moved, plain = images(12, 2), images(12, 0)
    shown = torch.cat([batch for batch, _ in moved.epoch(5, 0, 3)])
    # Black is darker than each of the pixels.
    assert shown.min() == pytest.approx((0 - 0.3) / 0.2)
    assert torch.equal(torch.cat([b for b, _ in moved.in_order(5)]), torch.cat([b for b, _ in plain.in_order(5)]))


def test_a_run_moves_its_training_images_alone(digits_root):
    run = paper("gaussian_affinity").run("search/recipe/longer-shifted/softmax", "smoke")
    setup = Setup(run, 0, draw(run.config.data, 0, digits_root), CPU)
    moved = {
        split: given.translate for split, given in setup.images.items() if isinstance(given, ImageTensor) and len(given)
    }
    assert moved == {"train": 2, "held-out": 0, "test": 0}


def test_images_that_are_read_when_asked_for_are_refused(tmp_path):
    run = paper("gaussian_affinity").run("table3/softmax", "smoke")
    training = run.config.training.model_copy(update={"translate": 1})
    moving = replace(run, config=run.config.model_copy(update={"training": training}))
    with pytest.raises(UserError, match=r"run 'table3/softmax' sets training\.translate, but the images of vggface2"):
        Setup(moving, 0, draw(run.config.data, 0, tmp_path), CPU)
