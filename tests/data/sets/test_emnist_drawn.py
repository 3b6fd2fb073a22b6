"""The characters of EMNIST drawn in fonts: whole, upright, the same every time, and neither trivial nor hopeless."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from shared.data.files import md5
from shared.data.formats.emnist import CHARACTERS, FILES
from shared.data.formats.idx import read_idx
from shared.data.image_arrays import ImageArrays
from shared.data.sets import emnist_drawn as drawn_characters
from shared.data.sets.emnist_drawn import EmnistDrawn
from shared.errors import UserError


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root in which the set has been drawn."""
    root = tmp_path_factory.mktemp("root")
    EmnistDrawn().load(root)
    return root


@pytest.fixture(scope="module")
def drawn(root: Path) -> ImageArrays:
    loaded: ImageArrays = EmnistDrawn().load(root)
    return loaded


def test_every_character_has_its_images(drawn: ImageArrays):
    assert drawn.train_images.shape == (2820, 28, 28)
    assert drawn.test_images.shape == (940, 28, 28)
    assert drawn.train_images.dtype == np.uint8
    assert np.bincount(drawn.train_labels).tolist() == [60] * 47
    assert np.bincount(drawn.test_labels).tolist() == [20] * 47
    assert (EmnistDrawn.training_images, EmnistDrawn.classes) == (2820, 47)


def test_the_files_are_emnists_transposed(root: Path, drawn: ImageArrays):
    folder = root / "emnist-drawn" / "raw"
    assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
    assert drawn.checksums == {name: md5(folder / name) for name in FILES}
    held = read_idx(folder / "emnist-balanced-test-images-idx3-ubyte")
    np.testing.assert_array_equal(held[5].T, drawn.test_images[5])


def test_white_on_black_upright_and_of_one_size(drawn: ImageArrays):
    images = drawn.train_images
    assert images.max() == 255
    assert np.median(images) == 0
    assert (images.max((1, 2)) > 128).all()
    assert len(np.unique(np.concatenate([images, drawn.test_images]), axis=0)) == 3760
    ink = {character: images[drawn.train_labels == label].mean(0) for label, character in enumerate(CHARACTERS)}
    # An L is heavy below and on the left, a T above, a 7 above, and a J below and on the right.
    assert ink["L"][14:].sum() > 1.3 * ink["L"][:14].sum()
    assert ink["L"][:, :14].sum() > 1.3 * ink["L"][:, 14:].sum()
    assert ink["T"][:14].sum() > 1.3 * ink["T"][14:].sum()
    assert ink["7"][:14].sum() > 1.1 * ink["7"][14:].sum()
    assert ink["J"][:, 14:].sum() > 1.1 * ink["J"][:, :14].sum()
    rows, columns = np.any(images > 64, 2), np.any(images > 64, 1)
    longer = np.maximum(rows.sum(1), columns.sum(1))
    assert longer.min() >= 14
    assert longer.max() <= 28


def test_the_nearest_neighbour_is_often_right_and_often_wrong(drawn: ImageArrays):
    nearest = KNeighborsClassifier(1).fit(drawn.train_images.reshape(2820, -1) / 255, drawn.train_labels)
    accuracy = nearest.score(drawn.test_images.reshape(940, -1) / 255, drawn.test_labels)
    assert 10 / 47 < accuracy < 0.9


def test_drawn_again_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drawn_characters, "TRAINING", 2)
    monkeypatch.setattr(drawn_characters, "TEST", 1)
    first = EmnistDrawn().load(tmp_path / "first")
    np.random.seed(5)
    second = EmnistDrawn().load(tmp_path / "second")
    assert first.checksums == second.checksums
    assert len(set(first.checksums.values())) == 4


def test_a_set_of_other_counts_is_refused(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(drawn_characters, "TEST", 21)
    with pytest.raises(UserError, match=r"drawn: .*do not hold 21 images .*made by itself"):
        EmnistDrawn().load(root)


def test_a_missing_font_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mpl, "get_data_path", lambda: str(tmp_path))
    with pytest.raises(UserError, match=r"DejaVuSans\.ttf cannot be read .*install the locked requirements"):
        EmnistDrawn().load(tmp_path / "root")
    assert not (tmp_path / "root" / "emnist-drawn" / "raw").exists()
