"""The faces drawn for feature transfer: counted, of known yaw, the same every time, people told apart."""

import numpy as np
import pytest

from shared.data.files import md5
from shared.data.sets import faces_drawn
from shared.data.sets.faces_drawn import FacesDrawn


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data root in which six people with ten images each have been drawn."""
    with pytest.MonkeyPatch.context() as few:
        few.setattr(faces_drawn, "PEOPLE", 6)
        few.setattr(faces_drawn, "IMAGES", 10)
        root = tmp_path_factory.mktemp("root")
        FacesDrawn().load(root)
    return root


def test_every_person_has_as_many_images_and_each_image_its_yaw(root):
    drawn = FacesDrawn().load(root)
    assert np.bincount(drawn.labels).tolist() == [10] * 6
    assert drawn.classes == 6
    assert drawn.images.read(np.array([0])).shape == (1, 112, 112, 3)
    assert drawn.yaw is not None
    assert np.abs(drawn.yaw).max() <= 60
    assert (drawn.yaw < -20).any()
    assert (drawn.yaw > 20).any()
    assert (FacesDrawn.classes, FacesDrawn.training_images) == (200, 8000)


def test_a_turned_head_shows_more_of_its_skin_on_one_side(root):
    drawn = FacesDrawn().load(root)
    assert drawn.yaw is not None
    turned = drawn.images.read(np.argsort(drawn.yaw)[[0, -1]]).astype(float)
    # Mirrored, the head that is turned furthest to one side looks more like the one turned to the other.
    left, right = (image.mean(2) - image.mean() for image in turned)
    assert (left[:, ::-1] * right).mean() > (left * right).mean()


def test_drawn_again_the_bytes_are_the_same(root, tmp_path, monkeypatch):
    monkeypatch.setattr(faces_drawn, "PEOPLE", 6)
    monkeypatch.setattr(faces_drawn, "IMAGES", 10)
    faces_drawn.write(tmp_path)
    names = sorted(path.name for path in (root / "faces-drawn").iterdir())
    assert names == ["property", "train.idx", "train.rec", "yaw.txt"]
    assert [md5(tmp_path / name) for name in names] == [md5(root / "faces-drawn" / name) for name in names]
