"""Files found below a folder by the names of a list."""

from __future__ import annotations

import errno
import os

import pytest

from shared.data.reading.listing import Below
from shared.errors import UserError


def test_one_entry_that_cannot_be_looked_at_hides_no_other(tmp_path):
    (tmp_path / "a.jpg").touch()
    (tmp_path / "loop").symlink_to("loop")
    below = Below(tmp_path)
    assert below.file("a.jpg") == "a.jpg"
    assert below.file("loop") == ""


def test_a_folder_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    def refuse(folder):
        raise PermissionError(errno.EACCES, "Permission denied", str(folder))

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UserError, match=f"^{tmp_path}.* cannot be read: Permission denied"):
        Below(tmp_path).file("a.jpg")
