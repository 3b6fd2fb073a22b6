"""Where data lies, checksums, and folders that are prepared whole or not at all."""

import errno
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from shared import ROOT
from shared.data.files import checked_md5, data_root, md5, prepared, remove_unfinished, write_atomically
from shared.errors import UserError


def test_a_failed_preparation_leaves_nothing(tmp_path: Path):
    def fails(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path / "set", fails)
    assert [path.name for path in tmp_path.iterdir()] == [".set.lock"]


def test_a_folder_with_nothing_but_what_programs_leave_is_filled(tmp_path: Path):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / ".DS_Store").write_bytes(b"kept")
    prepared(folder, lambda empty: (empty / "file").touch())
    assert sorted(path.name for path in folder.iterdir()) == [".DS_Store", "file"]
    assert (folder / ".DS_Store").read_bytes() == b"kept"


def test_a_link_to_what_is_not_there_yet_or_is_empty_is_filled_where_it_leads(tmp_path: Path):
    other = tmp_path / "other disk"
    for name in ("absent", "empty"):
        (tmp_path / name).symlink_to(other / name)
    (other / "empty").mkdir(parents=True)
    for name in ("absent", "empty"):
        assert prepared(tmp_path / name, lambda empty: (empty / "file").touch()) == tmp_path / name
        assert (other / name / "file").exists()
        assert (tmp_path / name).is_symlink()
        prepared(tmp_path / name, lambda _: pytest.fail("it is there"))


def test_a_file_is_written_whole_or_stays_and_nothing_is_left_of_a_failure(tmp_path: Path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"a", b"b")
    assert path.read_bytes() == b"ab"
    monkeypatch.setattr(os, "fsync", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(UserError, match="no space left on device; free some room"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"ab"
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_writer_left_is_removed_and_what_another_writes_is_not(tmp_path: Path):
    path = tmp_path / "file [1]"
    killed = """
import os, signal, sys
from pathlib import Path
from shared.data.files import write_atomically
os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
write_atomically(Path(sys.argv[1]), b"half")
"""
    subprocess.run([sys.executable, "-c", killed, str(path)], check=False, cwd=ROOT)
    [leftover] = tmp_path.iterdir()
    of_this_process = leftover.with_name(re.sub(r"-\d+\.partial", f"-{os.getppid()}.partial", leftover.name))
    of_this_process.touch()
    of_another = leftover.with_name(leftover.name.replace(f".{platform.node()}-", f".{platform.node()}-01-"))
    assert of_another != leftover
    of_another.touch()
    write_atomically(path, b"whole")
    assert leftover.exists()
    remove_unfinished(tmp_path.parent)
    assert set(tmp_path.iterdir()) == {of_another, of_this_process, path}


def test_data_root(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("REPLICATION_DATA", raising=False)
    assert data_root() == Path("data")
    monkeypatch.setenv("REPLICATION_DATA", "/elsewhere")
    assert data_root() == Path("/elsewhere")
    assert data_root(Path("here")) == Path("here")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("REPLICATION_DATA", "~/data")
    assert data_root() == Path("/home/me/data")
    monkeypatch.setenv("REPLICATION_DATA", "~nobody-of-this-name/data")
    assert data_root() == Path("~nobody-of-this-name/data")


def test_md5_of_bytes_and_files(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"abc")
    # RFC 1321, appendix A.5.
    assert md5(b"abc") == md5(tmp_path / "file") == "900150983cd24fb0d6963f7d28e17f72"
    assert checked_md5(b"", "d41d8cd98f00b204e9800998ecf8427e", "nothing") == "d41d8cd98f00b204e9800998ecf8427e"
    with pytest.raises(UserError, match="nothing is altered"):
        checked_md5(b"x", "d41d8cd98f00b204e9800998ecf8427e", "nothing")


def test_what_cannot_be_written_is_called_by_its_own_name(tmp_path: Path):
    with pytest.raises(UserError, match=f"^{tmp_path}/none/a: no such file or directory; "):
        write_atomically(tmp_path / "none" / "a", b"")
