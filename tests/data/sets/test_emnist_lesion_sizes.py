"""Letters in Dermofit's sizes: drawn from a selection that is made up, in folds."""

from pathlib import Path

import numpy as np
import pytest

from shared.data.drawn import draw
from shared.data.formats.emnist import CHARACTERS
from shared.data.image_arrays import ImageArrays
from shared.data.sets.dermofit import KINDS
from shared.data.sets.emnist_selection import EmnistLesionSizes, EmnistSelection
from shared.errors import UserError

SIZES = [kind.lesions for kind in KINDS]


def selection(each: int) -> ImageArrays:
    """So many training images of every character; each has its number in its first two pixels, its class in a third."""
    labels = np.arange(len(CHARACTERS), dtype=np.uint8).repeat(each)
    images = np.zeros((len(labels), 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(len(labels)), 256)
    images[:, 0, 2] = labels
    return ImageArrays(images, labels, images[:0], labels[:0], {"images": "0"})


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmnistSelection, "at", lambda *_: Path())
    monkeypatch.setattr(EmnistSelection, "read", lambda *_: selection(400))


def numbers(images: np.ndarray) -> set[int]:
    return set((images[:, 0, 0].astype(int) * 256 + images[:, 0, 1]).tolist())


def load(**options: int) -> ImageArrays:
    arrays: ImageArrays = EmnistLesionSizes.model_validate(options).load(Path())
    return arrays


def test_the_letters_have_as_many_images_as_the_lesions() -> None:
    arrays = load()
    both = np.bincount(arrays.train_labels) + np.bincount(arrays.test_labels)
    assert both.tolist() == SIZES
    shown = np.concatenate([arrays.train_images, arrays.test_images])[:, 0, 2]
    labels = np.concatenate([arrays.train_labels, arrays.test_labels])
    # A is the eleventh character.
    assert np.array_equal(shown, 10 + labels)


def test_each_image_is_tested_in_one_fold_and_trained_on_in_the_others() -> None:
    folds = [load(fold=fold) for fold in range(3)]
    tested = [numbers(fold.test_images) for fold in folds]
    assert sum(map(len, tested)) == len(set.union(*tested)) == sum(SIZES)
    for fold, images in zip(folds, tested, strict=True):
        assert numbers(fold.train_images) == set.union(*tested) - images
        shares = np.bincount(fold.test_labels)
        assert (np.abs(shares - np.array(SIZES) / 3) < 1).all()


def test_each_seed_draws_its_own_images_unless_a_draw_is_given() -> None:
    assert EmnistLesionSizes().of_seed(3) == EmnistLesionSizes(draw=3)
    assert EmnistLesionSizes(draw=7).of_seed(3) == EmnistLesionSizes(draw=7)
    assert numbers(load(draw=1).test_images) == numbers(load(draw=1).test_images)
    assert numbers(load(draw=1).test_images) != numbers(load(draw=2).test_images)


def test_five_classes_have_the_images_that_they_have_among_ten() -> None:
    five = EmnistLesionSizes.model_validate({"sampling": {"classes": [0, 1, 2, 3, 4]}, "fold": 1})
    drawn = draw(five, 2, Path())
    assert (np.array(drawn.counts["train"]) + drawn.counts["test"]).tolist() == SIZES[:5]
    tested = drawn.parts["test"]
    ten = load(fold=1, draw=2)
    assert np.array_equal(ten.test_images[tested.index], ten.test_images[ten.test_labels < 5])


def test_a_letter_with_too_few_images_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmnistSelection, "read", lambda *_: selection(300))
    with pytest.raises(UserError, match="there are 300 images of C, not 331"):
        load()
