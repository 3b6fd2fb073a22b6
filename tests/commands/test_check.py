from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shared.commands.check import check, recognised
from shared.data import stand_ins
from shared.errors import UserError

WRITERS: dict[str, tuple[Callable[..., None], dict[str, int]]] = {
    "casia-webface": (stand_ins.write_casia_webface, {"identities": 3, "most": 3, "least": 2}),
    "qmul-survface": (stand_ins.write_qmul_survface, {}),
    "ijb-c": (stand_ins.write_ijbc, {"people": 3}),
    "ytf": (stand_ins.write_ytf, {}),
    "megaface": (stand_ins.write_megaface, {"people": 2, "distractors": 5}),
    "lfw": (stand_ins.write_verification, {"images": 2}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_set_under_any_name_is_recognised_and_right(tmp_path: Path, name, capsys):
    folder = tmp_path / "copy"
    folder.mkdir()
    write, options = WRITERS[name]
    write(folder, **options)
    assert name in recognised(folder)
    assert check(folder)
    assert f"{folder}: {name}: " in capsys.readouterr().out


@pytest.mark.parametrize("processes", [1, 2])
def test_all_faults_are_told_at_once(tmp_path: Path, capsys, processes):
    stand_ins.write_ijbc(tmp_path, people=3)
    crops = sorted((tmp_path / "loose_crop").iterdir())
    crops[1].write_bytes(b"<html>")
    crops[4].write_bytes(b"")
    assert not check(tmp_path, "ijb-c", processes)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert crops[1].name in told[0] + told[1]
    assert crops[4].name in told[0] + told[1]


def test_what_is_no_set(tmp_path: Path):
    with pytest.raises(UserError, match="say which by --set NAME"):
        check(tmp_path)
    with pytest.raises(UserError, match="there is no file or folder"):
        check(tmp_path / "absent")
