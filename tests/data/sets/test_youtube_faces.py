"""YouTube Faces: the list of pairs by hand, which frames are taken, and their central half."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.files import md5
from shared.data.sets import youtube_faces as ytf
from shared.errors import UserError
from tests.data.samples import card

CARD = card("YouTube Faces", "ask its owner")
LIST = """split number, pair number, first name, second name, is same
1, 1, A_Person/1, A_Person/3, 1
1, 2, B_Person/0, A_Person/1, 0
2, 1, B_Person/0, A_Person/3, 0
"""
FRAMES = {"A_Person/1": [9, 10, 100], "A_Person/3": [1], "B_Person/0": [5, 6]}


def put(folder: Path, listed: str = LIST) -> Path:
    """Frames of 40 x 60 whose central half has the grey of the frame's number; what is around it is white."""
    for video, frames in FRAMES.items():
        (folder / "aligned_images_DB" / video).mkdir(parents=True)
        for frame in frames:
            image = np.full((60, 40, 3), 255, np.uint8)
            image[15:45, 10:30] = frame
            name = f"aligned_detect_{video[-1]}.{frame}.jpg"
            Image.fromarray(image).save(folder / "aligned_images_DB" / video / name, quality=100, subsampling=0)
    (folder / "aligned_images_DB" / "C_Person" / "0").mkdir(parents=True)
    (folder / "splits.txt").write_text(listed)
    return folder


def middles(pairs) -> list[int]:
    return [
        round(float(value))
        for value in pairs.frames.read(np.arange(len(pairs.frames)))[:, 50:60, 50:60].mean((1, 2, 3))
    ]


def test_list_and_frames_by_hand(tmp_path: Path):
    pairs = ytf.read(put(tmp_path), CARD)
    assert pairs.first.tolist() == [0, 2, 2]
    assert pairs.second.tolist() == [1, 0, 1]
    assert pairs.same.tolist() == [True, False, False]
    assert pairs.folds.tolist() == [0, 0, 1]
    assert pairs.video.tolist() == [0, 0, 0, 1, 2, 2]
    # Frames are in the order of their numbers, not of their names.
    assert middles(pairs) == pytest.approx([9, 10, 100, 1, 5, 6], abs=2)
    assert pairs.checksums["splits.txt"] == md5(tmp_path / "splits.txt")
    assert pairs.frames.shape == (3, 112, 112)


def test_videos_whose_names_are_in_another_form_of_unicode_are_found(tmp_path: Path):
    put(tmp_path, LIST.replace("A_Person", "Jos\u00e9"))
    (tmp_path / "aligned_images_DB/A_Person").rename(tmp_path / "aligned_images_DB/Jose\u0301")
    assert middles(ytf.read(tmp_path, CARD)) == pytest.approx([9, 10, 100, 1, 5, 6], abs=2)


def test_the_central_half_fills_the_crop(tmp_path: Path):
    pairs = ytf.read(put(tmp_path), CARD)
    image = pairs.frames.read(np.array([2]))[0].astype(int)
    assert (abs(image[8:-8, 8:-8] - 100) < 12).all()


def test_a_frame_that_is_no_square_is_not_stretched(tmp_path: Path):
    put(tmp_path)
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[40:60, 90:110] = 200
    for path in (tmp_path / "aligned_images_DB/B_Person/0").iterdir():
        Image.fromarray(frame).save(path, quality=100, subsampling=0)
    seen = ytf.read(tmp_path, CARD).frames.read(np.array([4]))[0, ..., 0] > 100
    # A square of a fifth of the shorter side is one of two fifths of the crop.
    assert [int(np.ptp(np.flatnonzero(seen.any(axis)))) + 1 for axis in (0, 1)] == pytest.approx([45, 45], abs=2)


def test_a_video_has_one_name_however_it_is_written(tmp_path: Path):
    put(tmp_path, LIST.replace("A_Person/1", "A_Person//1", 1))
    pairs = ytf.read(tmp_path, CARD)
    assert pairs.video.tolist() == [0, 0, 0, 1, 2, 2]


def test_pairs_of_one_split_are_refused_when_they_are_read(tmp_path: Path):
    put(tmp_path, LIST.replace("\n2,", "\n1,"))
    with pytest.raises(UserError, match=r"all pairs in .*splits\.txt are of one split"):
        ytf.read(tmp_path, CARD)


def test_most_frames_are_equally_far_apart(tmp_path: Path):
    put(tmp_path)
    assert middles(ytf.read(tmp_path, CARD, most_frames=2)) == pytest.approx([9, 100, 1, 5, 6], abs=2)
    assert middles(ytf.read(tmp_path, CARD, most_frames=1)) == pytest.approx([9, 1, 5], abs=2)


def test_the_corrected_list_has_a_column_more(tmp_path: Path):
    corrected = (
        LIST.replace(", is same", ", is same before, is same").replace(", 0\n", ", 1, 0\n").replace(", 1\n", ", 0, 1\n")
    )
    pairs = ytf.read(put(tmp_path, corrected), CARD)
    assert pairs.same.tolist() == [True, False, False]
    assert pairs.first.tolist() == [0, 2, 2]


def test_written_pairs_are_read(tmp_path: Path):
    put(tmp_path, "")
    ytf.write_splits(tmp_path, [(1, "A_Person/1", "A_Person/3", True), (2, "B_Person/0", "A_Person/3", False)])
    assert (tmp_path / "splits.txt").read_text().splitlines()[1:] == [
        "1, 1, A_Person/1, A_Person/3, 1",
        "2, 1, B_Person/0, A_Person/3, 0",
    ]
    assert ytf.read(tmp_path, CARD).same.tolist() == [True, False]


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("2, 1, B_Person/0, A_Person/3", 4),
        ("2, 1, B_Person/0, A_Person/3, 2", 4),
        ("0, 1, B_Person/0, A_Person/3, 1", 4),
        ("x, 1, B_Person/0, A_Person/3, 1", 4),
        ("\n2, 1, B_Person/0, A_Person/3, 1", 4),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, line, number):
    put(tmp_path, LIST.replace("2, 1, B_Person/0, A_Person/3, 0", line))
    with pytest.raises(
        UserError, match=rf"YouTube Faces: line {number} of .*splits\.txt is not a split, a number, two"
    ):
        ytf.read(tmp_path, CARD)


@pytest.mark.parametrize("video", ["C_Person/0", "D_Person/0"])
def test_a_video_without_frames_is_named(tmp_path: Path, video):
    put(tmp_path, LIST + f"2, 2, A_Person/1, {video}, 1\n")
    with pytest.raises(UserError, match=rf"line \d of .*splits\.txt names {video}, but .* has no file \*\.jpg"):
        ytf.read(tmp_path, CARD)


def test_missing_empty_and_unreadable_lists(tmp_path: Path):
    with pytest.raises(UserError, match=r"there is no file .*splits\.txt; ask its owner"):
        ytf.read(tmp_path, CARD)
    put(tmp_path, "split number\n")
    with pytest.raises(UserError, match=r"splits\.txt names no pair; ask its owner"):
        ytf.read(tmp_path, CARD)
    (tmp_path / "splits.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match=r"splits\.txt is no text in UTF-8"):
        ytf.read(tmp_path, CARD)


def test_a_frame_cut_short_is_named_when_it_is_read(tmp_path: Path):
    put(tmp_path)
    path = tmp_path / "aligned_images_DB" / "B_Person" / "0" / "aligned_detect_0.6.jpg"
    path.write_bytes(path.read_bytes()[:300])
    pairs = ytf.read(tmp_path, CARD)
    with pytest.raises(UserError, match=r"aligned_detect_0\.6\.jpg cannot be decoded as an image"):
        pairs.frames.read(np.array([5]))
