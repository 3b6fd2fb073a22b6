"""How far the head is turned in each image of a RecordIO set, in a file beside it: yaw.txt, or landmarks.txt.

No owner of a face set gives these files. Their form is this suite's own: a line for each image, in the order of the
images' keys, numbers apart by spaces.

- yaw.txt has the yaw in degrees, from -180 to 180: 0 where the face is seen from the front, positive where it is turned
  to the right of the image.
- landmarks.txt has ten numbers, x and y in pixels of the left eye, the right eye, the tip of the nose, the left and the
  right corner of the mouth, left and right as one looks at the image. From these the yaw is estimated. Where yaw.txt is
  there too, this file is not read.

What is not known is nan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.data.files import md5, write_atomically
from shared.data.formats.yaw import yaw_from_landmarks
from shared.data.lazy import np
from shared.data.reading.numbers import table
from shared.data.reading.regular import contents
from shared.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

YAW, LANDMARKS = "yaw.txt", "landmarks.txt"
POINTS = 5
LARGEST = 180.0


def read_yaw(folder: Path, images: int) -> tuple[NDArray[np.float32] | None, dict[str, str]]:
    """Return the yaw of so many images, float32 [N] in degrees, and the MD5 of the file in `folder` that it is from.

    It is None, and there is no MD5, where neither file is there. Raises UserError where the file has other numbers or
    another number of lines.
    """
    path = folder / YAW
    if path.is_file():
        yaw = _read_table(path, images, 1)
        _refuse(path, np.abs(yaw) > LARGEST, "an angle from -180 to 180 degrees, or nan")
        return yaw[:, 0].astype(np.float32), {YAW: md5(path)}
    path = folder / LANDMARKS
    if path.is_file():
        points = _read_table(path, images, 2 * POINTS)
        _refuse(path, np.isinf(points), "ten coordinates, finite or nan,")
        return yaw_from_landmarks(points.reshape(-1, POINTS, 2)), {LANDMARKS: md5(path)}
    return None, {}


def write_yaw(folder: Path, yaw: NDArray[np.floating]) -> None:
    """Write the yaw of each image, [N], in degrees."""
    _write_table(folder / YAW, yaw[:, None])


def write_landmarks(folder: Path, landmarks: NDArray[np.floating]) -> None:
    """Write the five points of each image, [N, 5, 2], as (x, y)."""
    _write_table(folder / LANDMARKS, landmarks.reshape(len(landmarks), -1))


def _read_table(path: Path, rows: int, columns: int) -> NDArray[np.float64]:
    """Return the numbers of a file, [rows, columns]."""
    try:
        numbers: NDArray[np.float64] = table(contents(path), np.float64, columns)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UserError(f"{path} is not lines of {columns} numbers ({error}); replace or remove it") from None
    if len(numbers) != rows:
        raise UserError(
            f"{path} has {len(numbers)} lines, where {rows} lines of {columns}, one for each "
            "image, are expected; replace or remove it"
        )
    return numbers


def _refuse(path: Path, wrong: NDArray[np.bool_], expected: str) -> None:
    """Raise UserError where some numbers, [rows, columns], are wrong, for the first image that has one."""
    if wrong.any():
        image = np.argmax(wrong.any(axis=1)) + 1
        raise UserError(f"{path} does not have {expected} for image {image}; replace or remove it")


def _write_table(path: Path, table: NDArray[np.floating]) -> None:
    lines = [" ".join(f"{number:.3f}" for number in row) + "\n" for row in table.tolist()]
    write_atomically(path, "".join(lines).encode())
