"""Files of the yaw beside a RecordIO set: their form, which is read, what is refused; the set's reader has them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from shared.data.formats import recordio
from shared.data.formats.yaw import yaw_from_landmarks
from shared.data.formats.yaw_files import read_yaw, write_landmarks, write_yaw
from shared.errors import UserError
from tests.data.samples import TEMPLATE, card

CARD = card()
FACE = " ".join(f"{number:.3f}" for number in TEMPLATE.ravel())


def test_a_line_is_an_angle_in_degrees(tmp_path: Path):
    content = b"-12.5\n0\r\n90.25\nnan\n1e1"
    (tmp_path / "yaw.txt").write_bytes(content)
    yaw, checksums = read_yaw(tmp_path, 5)
    assert yaw is not None
    assert yaw.dtype == np.float32
    np.testing.assert_array_equal(yaw, np.array([-12.5, 0, 90.25, np.nan, 10], np.float32))
    assert checksums == {"yaw.txt": hashlib.md5(content).hexdigest()}


def test_a_line_is_five_points_of_which_the_yaw_is_estimated(tmp_path: Path):
    text = "30 50 70 50 58 70 34 90 66 90\n30 50 70 50 42 70 34 90 66 90\n"
    (tmp_path / "landmarks.txt").write_text(text)
    yaw, checksums = read_yaw(tmp_path, 2)
    points = np.array([[[30, 50], [70, 50], [nose, 70], [34, 90], [66, 90]] for nose in (58.0, 42.0)])
    assert yaw is not None
    assert yaw.dtype == np.float32
    np.testing.assert_allclose(yaw, yaw_from_landmarks(points), rtol=1e-6)
    assert yaw[0] * yaw[1] < 0
    assert checksums == {"landmarks.txt": hashlib.md5(text.encode()).hexdigest()}


def test_a_point_that_is_not_known_leaves_the_yaw_unknown(tmp_path: Path):
    (tmp_path / "landmarks.txt").write_text(f"{FACE}\n{FACE.replace('41.549', 'nan')}\n")
    yaw, _ = read_yaw(tmp_path, 2)
    assert yaw is not None
    assert np.isnan(yaw).tolist() == [False, True]


def test_nothing_is_known_without_a_file(tmp_path: Path):
    assert read_yaw(tmp_path, 3) == (None, {})


def test_an_angle_that_is_given_goes_before_an_estimate(tmp_path: Path):
    (tmp_path / "landmarks.txt").write_text("not even numbers")
    write_yaw(tmp_path, np.array([3.0004, -70], np.float32))
    assert (tmp_path / "yaw.txt").read_text() == "3.000\n-70.000\n"
    yaw, checksums = read_yaw(tmp_path, 2)
    assert yaw is not None
    assert yaw.tolist() == [3, -70]
    assert list(checksums) == ["yaw.txt"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("yaw.txt", "1\n2\n", r"has 2 lines, where 3 lines of 1, one for each image, are expected"),
        ("yaw.txt", "1\n2\n3\n4\n", "has 4 lines"),
        ("yaw.txt", "1 1\n2 2\n3 3\n", "is not lines of 1 numbers"),
        ("yaw.txt", "1\n2\n3 3\n", "is not lines of 1 numbers"),
        ("yaw.txt", "", "is not lines of 1 numbers"),
        ("yaw.txt", "1\nleft\n3\n", "is not lines of 1 numbers .*'left'"),
        ("yaw.txt", "1\n2\n181\n", r"does not have an angle from -180 to 180 degrees, or nan for image 3"),
        ("yaw.txt", "1\n-inf\n0\n", "does not have an angle .* for image 2"),
        ("landmarks.txt", f"{FACE}\n{FACE}\n", "has 2 lines, where 3 lines of 10"),
        ("landmarks.txt", "1\n2\n3\n", "is not lines of 10 numbers"),
        ("landmarks.txt", f"{FACE}\n{FACE}\n{FACE} 7\n", "is not lines of 10 numbers"),
        (
            "landmarks.txt",
            f"{FACE}\n{FACE.replace('41.549', 'inf')}\n{FACE}\n",
            "does not have ten coordinates, finite or nan, for image 2",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(UserError, match=rf"{name} {message}.*; replace or remove it") as error:
        read_yaw(tmp_path, 3)
    assert "\n" not in str(error.value)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path):
    (tmp_path / "yaw.txt").write_bytes(b"1\n\xff\n")
    with pytest.raises(UserError, match=r"yaw\.txt is not lines of 1 numbers"):
        read_yaw(tmp_path, 2)


def test_the_set_beside_it_has_the_yaw_in_the_order_of_its_images(tmp_path: Path):
    images, labels = np.zeros((4, 112, 112, 3), np.uint8), np.array([0, 0, 1, 2])
    recordio.write_records(tmp_path, images, labels)
    assert recordio.load(tmp_path, CARD).yaw is None
    write_landmarks(tmp_path, np.tile(TEMPLATE, (4, 1, 1)))
    estimated = recordio.load(tmp_path, CARD)
    assert estimated.yaw is not None
    assert np.ptp(estimated.yaw) == 0
    write_yaw(tmp_path, np.array([1.5, -2, 30, 0]))
    loaded = recordio.load(tmp_path, CARD)
    assert loaded.yaw is not None
    assert loaded.yaw.tolist() == [1.5, -2, 30, 0]
    assert set(loaded.checksums) == {"train.rec", "train.idx", "property", "yaw.txt"}
    write_yaw(tmp_path, np.zeros(3))
    with pytest.raises(UserError, match=r"yaw\.txt has 3 lines"):
        recordio.load(tmp_path, CARD)
