"""Images by a list of paths and classes: what a line is, what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.formats.image_lists import load_list
from shared.errors import UserError
from tests.data.samples import card

CARD = card()
SHAPE = (3, 8, 8)


def put(folder: Path, text: str, *names: str) -> Path:
    """A list, and images of the greys 0, 20, 40, ..."""
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (20 * number,) * 3).save(path)
    (folder / "list.txt").write_text(text)
    return folder


def test_a_line_is_a_path_and_a_class(tmp_path: Path):
    text = "m.01/b.png 2\n/m.02/a.png 0\nm.01/a face.png 2\r\n  m.02/c.png\t1 \n\n"
    put(tmp_path, text, "m.01/b.png", "m.02/a.png", "m.01/a face.png", "m.02/c.png")
    loaded = load_list(tmp_path, "list.txt", SHAPE, CARD)
    assert loaded.labels.tolist() == [2, 0, 2, 1]
    assert loaded.labels.dtype == np.int64
    assert (loaded.classes, loaded.images.shape) == (3, SHAPE)
    assert loaded.images.read(np.array([2, 0, 1, 3]))[:, 0, 0, 0].tolist() == [40, 0, 20, 60]
    assert loaded.checksums == {"list.txt": hashlib.md5((tmp_path / "list.txt").read_bytes()).hexdigest()}


@pytest.mark.parametrize("line", ["a.png", "a.png -1", "a.png x", "a.png 1.0", " 3", "/ 3", ""])
def test_a_malformed_line_is_named(tmp_path: Path, line):
    put(tmp_path, f"a.png 0\n{line}\na.png 1\n", "a.png")
    with pytest.raises(UserError, match=r"Faces: line 2 of .*list\.txt is not an image's path, a space and its class"):
        load_list(tmp_path, "list.txt", SHAPE, CARD)


def test_an_absent_image_is_named(tmp_path: Path):
    put(tmp_path, "a/1.png 0\na/2.png 0\nb/3.png 1\n", "a/1.png")
    with pytest.raises(UserError, match=r"Faces: line 2 of .*list\.txt names a/2\.png, which is not in"):
        load_list(tmp_path, "list.txt", SHAPE, CARD)


def test_an_empty_and_a_missing_list(tmp_path: Path):
    put(tmp_path, "\n")
    with pytest.raises(UserError, match=r"Faces: .*list\.txt names no image; ask nobody"):
        load_list(tmp_path, "list.txt", SHAPE, CARD)
    with pytest.raises(UserError, match=r"Faces: there is no file .*MS1M_LT_train\.txt; ask nobody"):
        load_list(tmp_path, "MS1M_LT_train.txt", SHAPE, CARD)


def test_an_image_that_is_of_two_classes_by_a_link_is_named(tmp_path: Path):
    put(tmp_path, "a/1.png 0\na/2.png 0\nb/3.png 1\n", "a/1.png", "b/4.png")
    (tmp_path / "a" / "2.png").symlink_to("1.png")
    (tmp_path / "b" / "3.png").symlink_to("../a/1.png")
    with pytest.raises(UserError, match=r"line 3 of .*list\.txt is not about another image than one of class 0 before"):
        load_list(tmp_path, "list.txt", SHAPE, CARD)
