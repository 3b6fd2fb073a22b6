"""Where data lies, checksums, and folders that are prepared whole or not at all."""

from pathlib import Path

import pytest

from shared.data.files import checked_md5, data_root, md5, prepared
from shared.errors import UserError


def test_a_failed_preparation_leaves_nothing(tmp_path: Path):
    def fails(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepared(tmp_path / "set", fails)
    assert [path.name for path in tmp_path.iterdir()] == [".set.lock"]


def test_data_root(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("REPLICATION_DATA", raising=False)
    assert data_root() == Path("data")
    monkeypatch.setenv("REPLICATION_DATA", "/elsewhere")
    assert data_root() == Path("/elsewhere")
    assert data_root(Path("here")) == Path("here")


def test_md5_of_bytes_and_files(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"abc")
    # RFC 1321, appendix A.5.
    assert md5(b"abc") == md5(tmp_path / "file") == "900150983cd24fb0d6963f7d28e17f72"
    assert checked_md5(b"", "d41d8cd98f00b204e9800998ecf8427e", "nothing") == "d41d8cd98f00b204e9800998ecf8427e"
    with pytest.raises(UserError, match="nothing is altered"):
        checked_md5(b"x", "d41d8cd98f00b204e9800998ecf8427e", "nothing")
