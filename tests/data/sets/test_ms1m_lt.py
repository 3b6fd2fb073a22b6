"""MS1M-LT by its list: what is written is read, and the list must be there."""

from pathlib import Path

import numpy as np
import pytest

from shared.data.formats.image_lists import write_list
from shared.data.sets.ms1m_lt import Ms1mLt
from shared.errors import UserError


def test_ms1m_lt_is_written_and_read(tmp_path: Path):
    greys = np.array([10, 60, 110, 160], np.uint8)
    images = np.broadcast_to(greys[:, None, None, None], (4, 112, 112, 3)).copy()
    folder = tmp_path / "ms1m-lt"
    write_list(folder, "MS1M_LT_train.txt", images, np.array([1, 0, 1, 2]))
    assert (folder / "MS1M_LT_train.txt").read_text().splitlines()[3] == "2/3.jpg 2"
    loaded = Ms1mLt().load(tmp_path)
    assert loaded.labels.tolist() == [1, 0, 1, 2]
    assert loaded.classes == 3
    assert np.array_equal(loaded.images.read(np.arange(4)), images)


def test_a_missing_list(tmp_path: Path):
    with pytest.raises(UserError, match=r"MS1M-LT: there is no file .*MS1M_LT_train\.txt; MS-Celeb-1M is withdrawn"):
        Ms1mLt().load(tmp_path)


def test_a_crop_of_another_size_is_refused(tmp_path: Path):
    write_list(tmp_path / "ms1m-lt", "MS1M_LT_train.txt", np.zeros((2, 112, 96, 3), np.uint8), np.array([0, 1]))
    loaded = Ms1mLt().load(tmp_path)
    with pytest.raises(UserError, match=r"0\.jpg has 96 x 112 pixels, not 112 x 112; crop .* ArcFace's template"):
        loaded.images.read(np.array([0]))
