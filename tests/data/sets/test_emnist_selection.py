"""The selection of EMNIST: taken from files put down byte by byte, merged, upright; alike from the ready archive."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from shared.data.formats import emnist
from shared.data.formats.emnist import CHARACTERS
from shared.data.sets import emnist_selection
from shared.data.sets.emnist_selection import LIST, MERGED, EmnistSelection
from shared.errors import UserError

SOURCE = [0, 1, 2, 1, 0, 1]
ROW = [1, 2, 0, 0, 0, 1]
LABELS = {"bymerge-test": [3, 46], "byclass-test": [10, 61, 36], "balanced-train": [5]}
CLASSES = [46, CHARACTERS.index("a"), 5, CHARACTERS.index("A"), 3, CHARACTERS.index("Z")]
"""Of the rows listed: ByClass has 10 for A, 61 for z and 36 for a."""


def image(file: int, row: int) -> np.ndarray:
    """One that is not its own transpose, upright, and of its own place."""
    upright = np.zeros((28, 28), np.uint8)
    upright[2, 5:20] = 100 * file + row + 1
    return upright


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data root with the owner's six files, and a list of six images, the last two to test on."""
    folder = tmp_path / "EMNIST" / "raw"
    folder.mkdir(parents=True)
    for file, (name, labels) in enumerate(LABELS.items()):
        pixels = b"".join(image(file, row).T.tobytes() for row in range(len(labels)))
        header = bytes([0, 0, 8, 3]) + struct.pack(">III", len(labels), 28, 28)
        (folder / f"emnist-{name}-images-idx3-ubyte").write_bytes(header + pixels)
        header = bytes([0, 0, 8, 1]) + struct.pack(">I", len(labels))
        (folder / f"emnist-{name}-labels-idx1-ubyte").write_bytes(header + bytes(labels))
    listed = tmp_path / "list.npz"
    np.savez_compressed(listed, source=np.array(SOURCE, np.uint8), row=np.array(ROW, np.int32))
    monkeypatch.setattr(emnist_selection, "LIST", listed)
    monkeypatch.setattr(emnist_selection, "TRAINING", 4)
    monkeypatch.setattr(emnist, "archive", lambda: ("http://127.0.0.1:9/gzip.zip", "0" * 32))
    images = np.stack([image(*place) for place in zip(SOURCE, ROW, strict=True)])
    checksums = {
        "images": hashlib.md5(images.tobytes()).hexdigest(),
        "labels": hashlib.md5(bytes(CLASSES)).hexdigest(),
    }
    monkeypatch.setattr(EmnistSelection, "card", EmnistSelection.card.model_copy(update={"checksums": checksums}))
    return tmp_path


def archived(root: Path, labels: list[int] = CLASSES) -> Path:
    images = np.stack([image(*place) for place in zip(SOURCE, ROW, strict=True)])
    np.savez_compressed(root / EmnistSelection.file, images=images, labels=np.array(labels, np.uint8))
    return root / EmnistSelection.file


def check(root: Path) -> None:
    arrays = EmnistSelection().load(root)
    expected = [image(*place) for place in zip(SOURCE, ROW, strict=True)]
    np.testing.assert_array_equal(arrays.train_images, expected[:4])
    np.testing.assert_array_equal(arrays.test_images, expected[4:])
    assert [*arrays.train_labels, *arrays.test_labels] == CLASSES
    assert arrays.train_images.dtype == arrays.train_labels.dtype == np.uint8


def test_the_owners_files_and_the_archive_give_the_same_bytes(root):
    check(root)
    archived(root)
    for path in (root / "EMNIST" / "raw").iterdir():
        path.unlink()
    check(root)


def test_lower_case_letters_that_look_like_their_capitals_are_one_class_with_them():
    merged = "".join(CHARACTERS[label] for label in MERGED)
    assert merged == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabCdefghIJKLMnOPqrStUVWXYZ"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("emnist-bymerge-test-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x01\x03", "are not the owner's"),
        ("emnist-bymerge-test-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x02\x03\x2f", "are not the owner's"),
        ("emnist-byclass-test-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x03\x0a\x3e\x24", "are not the owner's"),
        ("emnist-bymerge-test-labels-idx1-ubyte", b"\0\0\x08\x01\0\0\0\x02\x04\x2e", "has of labels is altered"),
        ("emnist-byclass-test-images-idx3-ubyte", None, "has neither emnist-byclass-test-images-idx3-ubyte nor"),
    ],
)
def test_other_files_are_refused(root, name, content, message):
    path = root / "EMNIST" / "raw" / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        EmnistSelection().load(root)
    assert "EMNIST, a selection" in str(error.value)


@pytest.mark.parametrize(
    ("content", "message"), [(b"no archive", "cannot be read"), (None, "has of labels is altered")]
)
def test_another_archive_is_refused(root, content, message):
    path = archived(root, CLASSES[::-1])
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        EmnistSelection().load(root)
    assert str(path) in str(error.value)


def test_without_any_file_it_is_said_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr(emnist, "archive", lambda: ("http://127.0.0.1:9/gzip.zip", "0" * 32))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with pytest.raises(UserError, match=f"EMNIST, a selection.*could not be fetched.*{EmnistSelection.file}"):
        EmnistSelection().load(tmp_path)


def test_the_list_names_each_image_once_and_as_many_as_the_card_says():
    with np.load(LIST) as listed:
        source, row = listed["source"], listed["row"]
    assert len(source) == len(row) == EmnistSelection.training_images + 47 * 200
    assert len(set(zip(source.tolist(), row.tolist(), strict=True))) == len(row)
    sizes = {0: 116_323, 1: 116_323, 2: 112_800}
    for number, size in sizes.items():
        assert 0 <= row[source == number].min() <= row[source == number].max() < size
