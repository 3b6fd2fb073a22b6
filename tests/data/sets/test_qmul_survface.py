"""QMUL-SurvFace: training folders, and pairs from MATLAB files put down byte by byte."""

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from shared.data.files import md5
from shared.data.formats.mat_cells import read_names
from shared.data.sets import qmul_survface as qmul
from shared.errors import UserError
from tests.data.samples import card

CARD = card("QMUL-SurvFace", "ask its owner")
UINT16, INT8, INT32, UINT32, MATRIX = 4, 1, 5, 6, 14
CELL, CHARACTERS = 1, 4


def element(kind: int, content: bytes) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(array_class: int, shape: tuple[int, int], name: str, content: bytes) -> bytes:
    flags = element(UINT32, struct.pack("<II", array_class, 0))
    return element(MATRIX, flags + element(INT32, struct.pack("<2i", *shape)) + element(INT8, name.encode()) + content)


def mat_file(variable: str, pairs: list[tuple[str, str]]) -> bytes:
    """A MAT-file, version 5: a header of 128 bytes and a cell array [P, 2], column by column, of rows of characters."""
    names = [pair[side] for side in range(2) for pair in pairs]
    cells = [matrix(CHARACTERS, (1, len(name)), "", element(UINT16, name.encode("utf-16-le"))) for name in names]
    header = b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + b"\x00\x01IM"
    return header + matrix(CELL, (len(pairs), 2), variable, b"".join(cells))


POSITIVE = [("1_cam1_1.jpg", "1_cam2_1.jpg"), ("2_cam1_1.jpg", "2_cam1_2.jpg")]
NEGATIVE = [("1_cam1_1.jpg", "2_cam1_1.jpg")]
GREYS = {"1_cam1_1.jpg": 10, "1_cam2_1.jpg": 60, "2_cam1_1.jpg": 110, "2_cam1_2.jpg": 160}


def grey(path: Path, value: int, size: tuple[int, int] = (20, 24)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value,) * 3).save(path, quality=95)


def put(folder: Path, positive: bytes | None = None, negative: bytes | None = None) -> Path:
    top = folder / "Face_Verification_Test_Set"
    for name, value in GREYS.items():
        grey(top / "verification_images" / name, value)
    (top / "positive_pairs_names.mat").write_bytes(positive or mat_file("positive_pairs_names", POSITIVE))
    (top / "negative_pairs_names.mat").write_bytes(negative or mat_file("negative_pairs_names", NEGATIVE))
    return top


def test_pairs_by_hand(tmp_path: Path):
    top = put(tmp_path)
    pairs = qmul.read_pairs(tmp_path, CARD)
    first, second = (pairs.images.read(places)[:, 50, 50, 0] for places in (pairs.first, pairs.second))
    assert first.tolist() == pytest.approx([10, 110, 10], abs=1)
    assert second.tolist() == pytest.approx([60, 160, 110], abs=1)
    assert pairs.same.tolist() == [True, True, False]
    assert pairs.images.shape == (3, 112, 112)
    assert len(pairs.images) == 4
    names = ["positive_pairs_names.mat", "negative_pairs_names.mat"]
    assert pairs.checksums == {name: md5(top / name) for name in names}


def test_written_lists_are_read_and_have_no_date(tmp_path: Path):
    top = put(tmp_path)
    many = [("1_cam1_1.jpg", "1_cam2_1.jpg")] * 25
    qmul.write_pairs(tmp_path, many, many[:13])
    pairs = qmul.read_pairs(tmp_path, CARD)
    assert (pairs.first == 0).all()
    assert (pairs.second == 1).all()
    assert pairs.same.tolist() == [True] * 25 + [False] * 13
    # Folds are runs of consecutive pairs of either list.
    assert pairs.folds[:25].tolist() == sorted([*range(10)] * 2 + [*range(5)])
    assert pairs.folds[25:].tolist() == sorted([*range(10), *range(3)])
    content = (top / "positive_pairs_names.mat").read_bytes()
    assert content[:116].rstrip() == b"MATLAB 5.0 MAT-file"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no MATLAB file"),
        (b"<html>Please sign in</html>" * 20, "is no MATLAB file"),
        (mat_file("positive_pairs_names", POSITIVE)[:300], "it is truncated"),
        (mat_file("pairs", POSITIVE), "positive_pairs_names"),
        (b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\x00\x02IM" + bytes(400), "is no MATLAB file"),
    ],
)
def test_no_such_matlab_file(tmp_path: Path, content, message):
    top = put(tmp_path)
    (top / "positive_pairs_names.mat").write_bytes(content)
    with pytest.raises(UserError, match=rf"QMUL-SurvFace: .*positive_pairs_names\.mat .*{message}"):
        qmul.read_pairs(tmp_path, CARD)


@pytest.mark.parametrize(
    "values", [np.zeros((3, 2)), np.array([["ab", "cd", "ef"]], object), np.zeros((0, 2), object), "text"]
)
def test_no_pairs_of_names(tmp_path: Path, values):
    top = put(tmp_path)
    savemat(top / "negative_pairs_names.mat", {"negative_pairs_names": values})
    with pytest.raises(UserError, match=r"negative_pairs_names\.mat is no MATLAB file, version 5, with pairs of names"):
        qmul.read_pairs(tmp_path, CARD)


@pytest.mark.parametrize("compressed", [False, True])
def test_what_scipy_writes_among_other_variables(compressed):
    names = np.array([["a.jpg", "Ä €.jpg", "b"], ["x" * 300, "c.jpg", "dd"]], dtype=object)
    file: Any = BytesIO()
    savemat(file, {"first": np.eye(3), "names": names, "last": "text"}, do_compression=compressed)
    np.testing.assert_array_equal(read_names(file.getvalue(), "names"), names)
    for other in ("first", "last", "absent"):
        with pytest.raises(ValueError, match=f"(it has no variable )?{other}"):
            read_names(file.getvalue(), other)


def test_big_endian_and_eight_bit_characters():
    def turned(kind: int, content: bytes) -> bytes:
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    def flagged(array_class: int, shape: tuple[int, int], name: bytes, content: bytes) -> bytes:
        flags = turned(UINT32, struct.pack(">II", array_class, 0)) + turned(INT32, struct.pack(">2i", *shape))
        # A name of up to four bytes stands where its length would.
        small = struct.pack(">HH", len(name), INT8) + name.ljust(4, b"\0") if name else turned(INT8, b"")
        return turned(MATRIX, flags + small + content)

    cells = flagged(CHARACTERS, (1, 3), b"", turned(16, b"abc")) + flagged(CHARACTERS, (1, 1), b"", turned(2, b"z"))
    content = b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + b"\x01\x00MI" + flagged(CELL, (1, 2), b"x", cells)
    assert read_names(content, "x").tolist() == [["abc", "z"]]


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_bytes_are_refused_or_names(data):
    content = bytearray(mat_file("names", POSITIVE))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(116, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        names = read_names(bytes(content), "names")
    except ValueError:
        return
    assert all(isinstance(name, str) for name in names.ravel())


def test_any_part_of_the_file_is_refused():
    file: Any = BytesIO()
    savemat(file, {"names": np.array([["a.jpg", "b.jpg"]], object)}, do_compression=True)
    for content in (mat_file("names", POSITIVE), file.getvalue()):
        for length in range(len(content)):
            with pytest.raises(ValueError, match=r"\w"):
                read_names(content[:length], "names")


def test_pairs_that_name_an_absent_file(tmp_path: Path):
    top = put(tmp_path)
    (top / "verification_images" / "2_cam1_2.jpg").unlink()
    with pytest.raises(
        UserError, match=r"pair 2 of .*positive_pairs_names\.mat names 2_cam1_2\.jpg, which is not in .*images"
    ):
        qmul.read_pairs(tmp_path, CARD)


def test_no_list(tmp_path: Path):
    top = put(tmp_path)
    (top / "negative_pairs_names.mat").unlink()
    with pytest.raises(UserError, match=r"there is no file .*negative_pairs_names\.mat; ask its owner"):
        qmul.read_pairs(tmp_path, CARD)


def test_training_folders(tmp_path: Path):
    for identity, values in {"10": [5], "2": [100, 150], "300": [200]}.items():
        for number, value in enumerate(values):
            grey(tmp_path / "training_set" / identity / f"{identity}_cam1_{number}.jpg", value, (18, 25))
    (tmp_path / "training_set" / "list.txt").write_text("no folder")
    source = qmul.read_training(tmp_path, CARD)
    assert source.labels.tolist() == [0, 1, 1, 2]
    assert source.labels.dtype == np.int64
    assert source.classes == 3
    images = source.images.read(np.arange(4))
    assert images.shape == (4, 112, 112, 3)
    assert images[:, 60, 60, 1].tolist() == pytest.approx([5, 100, 150, 200], abs=1)
    (checksum,) = source.checksums.values()
    grey(tmp_path / "training_set" / "2" / "2_cam1_7.jpg", 1)
    assert list(qmul.read_training(tmp_path, CARD).checksums.values()) != [checksum]


def test_training_images_are_resized_bicubically(tmp_path: Path):
    image = np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    path = tmp_path / "training_set" / "1" / "1.jpg"
    path.parent.mkdir(parents=True)
    Image.fromarray(image).save(path, quality=100, subsampling=0)
    with Image.open(path) as stored:
        expected = np.asarray(stored.resize((112, 112), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(qmul.read_training(tmp_path, CARD).images.read(np.array([0]))[0], expected)


def test_training_folders_without_images(tmp_path: Path):
    with pytest.raises(UserError, match=r"there is no folder .*training_set with folders in it; ask its owner"):
        qmul.read_training(tmp_path, CARD)
    (tmp_path / "training_set" / "7").mkdir(parents=True)
    with pytest.raises(UserError, match=r"training_set/7 has no image"):
        qmul.read_training(tmp_path, CARD)
