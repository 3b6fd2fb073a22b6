"""The one-shot challenge by four lists: what is trained on, searched in and tested on; what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.sets.ms_celeb_one_shot import LISTS, read, write_lists
from shared.errors import UserError
from tests.data.samples import card

CARD = card("One shot")
LINES = {
    "base_train.txt": "a/1.png 0\na/2.png 0\nb/1.png 1\n",
    "novel_train.txt": "/c/1.png 2\n",
    "base_test.txt": "b/2.png 1\na/3.png 0\n",
    "novel_test.txt": "c/2.png 2\n c/3.png 2\n",
}
IMAGES = ["a/1.png", "a/2.png", "b/1.png", "c/1.png", "b/2.png", "a/3.png", "c/2.png", "c/3.png"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The lists of `LINES` and images of the greys 0, 20, 40, ... in the order of `IMAGES`."""
    for number, name in enumerate(IMAGES):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (112, 112), (20 * number,) * 3).save(path)
    for name, text in LINES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_base_and_novel_are_trained_on_and_tested(folder: Path):
    loaded = read(folder, CARD)
    assert (loaded.classes, loaded.images.shape) == (3, (3, 112, 112))
    assert loaded.labels.tolist() == [0, 0, 1, 2, 1, 0, 2, 2]
    greys = loaded.images.read(np.arange(8))[:, 0, 0, 0]
    assert (greys // 20).tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    division = loaded.division
    assert division is not None
    assert division.train.tolist() == division.gallery.tolist() == [0, 1, 2, 3]
    assert division.test.tolist() == [4, 5, 6, 7]
    assert division.labels.tolist() == loaded.labels.tolist()
    assert (division.classes, division.under_represented) == (3, (2,))
    assert loaded.checksums == {name: hashlib.md5(text.encode()).hexdigest() for name, text in LINES.items()}


def test_what_is_written_is_read(tmp_path: Path):
    labels = {"base_train.txt": [0, 1, 1], "novel_train.txt": [2], "base_test.txt": [1, 0], "novel_test.txt": [2, 2]}
    greys = dict(zip(LISTS, ([10, 20, 30], [40], [50, 60], [70, 80]), strict=True))
    parts = {
        name: (np.tile(np.array(greys[name], np.uint8)[:, None, None, None], (1, 112, 112, 3)), np.array(labels[name]))
        for name in LISTS
    }
    write_lists(tmp_path, parts)
    loaded = read(tmp_path, CARD)
    assert loaded.labels.tolist() == [0, 1, 1, 2, 1, 0, 2, 2]
    assert loaded.images.read(np.arange(8))[:, 5, 5, 1].tolist() == [10, 20, 30, 40, 50, 60, 70, 80]
    assert (tmp_path / "base_test.txt").read_text() == "base_test/1/0.jpg 1\nbase_test/0/1.jpg 0\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("base_train.txt", "a/1.png 0\nb/1.png 2\n", r"base_train\.txt has the class 2, where 1 is expected"),
        ("base_train.txt", "a/1.png 1\nb/1.png 2\n", r"base_train\.txt has the class 1, where 0 is expected"),
        ("novel_train.txt", "c/1.png 0\n", r"novel_train\.txt has the class 0, where 2 is expected"),
        ("novel_train.txt", "c/1.png 3\n", r"novel_train\.txt has the class 3, where 2 is expected"),
        ("base_test.txt", "a/1.png 0\nc/1.png 2\n", r"line 2 of .*base_test\.txt has the class 2, of which base_train"),
        (
            "novel_test.txt",
            "c/1.png 3\n",
            r"line 1 of .*novel_test\.txt has the class 3, of which novel_train\.txt has",
        ),
        ("novel_test.txt", "c/1.png\n", r"line 1 of .*novel_test\.txt is not an image's path, a space and its class"),
        ("novel_test.txt", "c/9.png 2\n", r"line 1 of .*novel_test\.txt names c/9\.png, which is not in"),
        ("base_test.txt", None, r"there is no file .*base_test\.txt; ask nobody"),
    ],
)
def test_what_is_refused(folder: Path, name, text, message):
    if text is None:
        (folder / name).unlink()
    else:
        (folder / name).write_text(text)
    with pytest.raises(UserError, match=f"One shot: .*{message}" if text else message) as error:
        read(folder, CARD)
    assert "\n" not in str(error.value)


def test_an_image_to_test_on_that_is_trained_on_by_a_link_is_refused(folder: Path):
    (folder / "a" / "linked.png").symlink_to("1.png")
    (folder / "base_test.txt").write_text("a/linked.png 0\n")
    with pytest.raises(UserError, match=r"base_test\.txt is not about an image to test on: it is trained on too"):
        read(folder, CARD)


def test_an_image_to_test_on_as_two_people_is_refused(folder: Path):
    file, _, _ = (folder / "base_test.txt").read_text().splitlines()[0].rpartition(" ")
    with (folder / "novel_test.txt").open("a") as listed:
        listed.write(f"{file} 2\n")
    with pytest.raises(UserError, match=r"novel_test\.txt is not about an image to test on: it is in the other list"):
        read(folder, CARD)
