"""IDX files against bytes put down by hand."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from shared.data.files import md5
from shared.data.formats import idx
from shared.errors import UserError

NUMBERS = [
    (0x08, "B", [0, 1, 255], "uint8"),
    (0x09, "b", [-128, 0, 127], "int8"),
    (0x0B, "h", [-32768, 258, 32767], "int16"),
    (0x0C, "i", [-(2**31), 16909060, 2**31 - 1], "int32"),
    (0x0D, "f", [-1.5, 0.0, 2.0**100], "float32"),
    (0x0E, "d", [-1.5, 1e-300, 3.25e200], "float64"),
]


@pytest.mark.parametrize(("code", "letter", "numbers", "dtype"), NUMBERS)
def test_reads_each_number_type(tmp_path: Path, code, letter, numbers, dtype):
    path = tmp_path / "numbers"
    path.write_bytes(bytes([0, 0, code, 1]) + struct.pack(f">I3{letter}", 3, *numbers))
    array = idx.read_idx(path)
    assert array.dtype == np.dtype(dtype)
    assert array.dtype.isnative
    assert array.tolist() == numbers


@pytest.mark.parametrize(("code", "letter", "numbers", "dtype"), NUMBERS)
def test_writes_each_number_type(tmp_path: Path, code, letter, numbers, dtype):
    idx.write_idx(tmp_path / "numbers", np.array(numbers, dtype))
    expected = bytes([0, 0, code, 1]) + struct.pack(f">I3{letter}", 3, *numbers)
    assert (tmp_path / "numbers").read_bytes() == expected


def test_last_dimension_varies_fastest(tmp_path: Path):
    path = tmp_path / "images"
    path.write_bytes(bytes([0, 0, 8, 3]) + struct.pack(">III", 2, 1, 3) + bytes([1, 2, 3, 4, 5, 6]))
    assert idx.read_idx(path).tolist() == [[[1, 2, 3]], [[4, 5, 6]]]
    idx.write_idx(tmp_path / "turned", np.array([[1, 2], [3, 4]], "uint8").T)
    assert (tmp_path / "turned").read_bytes()[-4:] == bytes([1, 3, 2, 4])


def test_gzip_is_told_by_content_and_arrays_are_writable(tmp_path: Path):
    content = bytes([0, 0, 8, 1]) + struct.pack(">I", 2) + b"\x07\x09"
    for level in (0, 1, 9):
        path = tmp_path / f"labels{level}.gz"
        path.write_bytes(gzip.compress(content, level))
        array = idx.read_idx(path, md5(content))
        assert array.tolist() == [7, 9]
        array[0] = 1
    browser = tmp_path / "expanded.gz"
    browser.write_bytes(content)
    array = idx.read_idx(browser)
    array[0] = 1
    assert array.tolist() == [1, 9]
    assert browser.read_bytes() == content


@given(
    array=arrays.arrays(
        st.sampled_from([np.dtype(name) for *_, name in NUMBERS]),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip(tmp_path: Path, array):
    idx.write_idx(tmp_path / "array", array)
    read = idx.read_idx(tmp_path / "array")
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


GOOD = bytes([0, 0, 8, 1]) + struct.pack(">I", 3) + b"abc"
# Without the time, which would stand in the tests' names: processes that share out tests must agree on those.
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no IDX file: it begins with nothing"),
        (b"\x01" + GOOD[1:], "no IDX file: it begins with 01 00 08 01"),
        (b"\x00\x00\x0a\x01" + GOOD[4:], "no IDX file: it begins with 00 00 0a 01"),
        (GOOD[:6], "truncated: its header of 8 bytes ends after 6"),
        (GOOD[:-1], "truncated: 10 bytes, where its header says 11"),
        (GOOD + b"d", "trailing bytes: 12 bytes, where its header says 11"),
        (bytes([0, 0, 8, 4]) + b"\xff" * 16, "its dimensions are 4294967295 x"),
        (bytes([0, 0, 8, 2]) + b"\xff" * 8, "truncated|its dimensions"),
        (PACKED[:-5], "truncated or damaged gzip"),
        (PACKED[:-8] + bytes(8), "truncated or damaged gzip"),
        (PACKED[:10] + b"\xff\xff\xff" + PACKED[13:], "truncated or damaged gzip"),
    ],
)
def test_faulty_files_are_named(tmp_path: Path, content, message):
    path = tmp_path / "faulty"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message) as error:
        idx.read_idx(path)
    assert str(path) in str(error.value)


def test_missing_file(tmp_path: Path):
    with pytest.raises(UserError, match="absent cannot be read: No such file"):
        idx.read_idx(tmp_path / "absent")


def test_checksum_is_of_the_expanded_content(tmp_path: Path):
    path = tmp_path / "file.gz"
    path.write_bytes(PACKED)
    altered = GOOD[:-1] + b"x"
    with pytest.raises(UserError, match=f"md5 {md5(GOOD)}, expected {md5(altered)}"):
        idx.read_idx(path, md5(altered))


def test_no_type_for_it(tmp_path: Path):
    with pytest.raises(ValueError, match="no type for int64"):
        idx.write_idx(tmp_path / "file", np.zeros(3, "int64"))
    assert not list(tmp_path.iterdir())


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="no space left on device"):
        idx.write_idx(path, np.zeros(3, "uint8"))
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"
