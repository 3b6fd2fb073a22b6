from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from shared.commands import cli
from shared.commands.check import check, decoded, known, recognised
from shared.data import stand_ins
from shared.data.formats import verification_bin
from shared.data.image_source import ArraySource, jpeg
from shared.errors import UserError

WRITERS: dict[str, tuple[Callable[..., None], dict[str, int], str]] = {
    "casia-webface": (
        stand_ins.write_casia_webface,
        {"identities": 3, "most": 3, "least": 2},
        "7 images, 3 classes, 3 in the largest class, 2 in the smallest, 7 of 112 x 112 pixels",
    ),
    "qmul-survface": (stand_ins.write_qmul_survface, {}, "24 classes"),
    "ijb-c": (stand_ins.write_ijbc, {"people": 3}, "18 images, 9 templates, 18 pairs, 6 of one person"),
    "ytf": (stand_ins.write_ytf, {}, "videos"),
    "megaface": (
        stand_ins.write_megaface,
        {"people": 2, "distractors": 5},
        "2 people, 5 distractors, ",
    ),
    "lfw": (stand_ins.write_verification, {"images": 2}, "of one person"),
}


@pytest.mark.parametrize("name", WRITERS)
def test_a_set_under_any_name_is_recognised_and_right(tmp_path: Path, name, capsys):
    folder = tmp_path / "copy"
    folder.mkdir()
    write, options, counts = WRITERS[name]
    write(folder, **options)
    assert name in recognised(folder)
    assert check(folder)
    told = capsys.readouterr()
    assert f": {name}: " in told.out
    assert counts in told.out
    assert not told.err


def test_of_sets_of_one_form_that_is_meant_which_is_called_so(tmp_path: Path):
    for name in ("vggface2", "copy"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "train.rec").touch()
    assert list(recognised(tmp_path / "vggface2")) == ["vggface2"]
    assert list(recognised(tmp_path / "copy")) == ["casia-webface"]
    (tmp_path / "cfp_fp.bin").touch()
    assert recognised(tmp_path / "cfp_fp.bin") == {"cfp-fp": tmp_path / "cfp_fp.bin"}
    assert recognised(tmp_path) == {"cfp-fp": tmp_path / "cfp_fp.bin"}


def test_every_set_that_is_not_made_by_itself_says_how_it_is_told():
    silent = [name for name, entry in known().items() if not (entry.sign or entry.file)]
    assert silent == ["emnist-lesion-sizes"]  # of another set, of which it is a part


def told(capsys) -> list[str]:
    return list(capsys.readouterr().err.splitlines())


@pytest.mark.parametrize("processes", [1, 2])
def test_all_faults_are_told_at_once(tmp_path: Path, capsys, processes):
    stand_ins.write_ijbc(tmp_path, people=3)
    crops = sorted((tmp_path / "loose_crop").iterdir())
    crops[1].write_bytes(b"<html>")
    crops[4].write_bytes(b"")
    crops[5].unlink()
    meta = tmp_path / "meta"
    landmarks = (meta / "ijbc_name_5pts_score.txt").read_text().splitlines()
    landmarks[6] = landmarks[6].replace(" ", " x", 1)
    (meta / "ijbc_name_5pts_score.txt").write_text("\n".join(landmarks))
    with (meta / "ijbc_template_pair_label.txt").open("a") as file:
        file.write("1 2\n1 99 0\n1 2 3\n")
    with (meta / "ijbc_1N_probe_mixed.csv").open("a") as file:
        file.write("x,1\n")
    assert not check(tmp_path, "ijb-c", processes)
    lines = told(capsys)
    for fault in (
        f"{crops[1].name} cannot be decoded as an image (it is no JPEG",
        f"{crops[4].name} cannot be decoded as an image (it is empty)",
        f"names {crops[5].name}, which is not in",
        "line 7 of",
        "line 19 of",
        "line 20 of",
        "line 21 of",
        "probe_mixed.csv is not a template and a subject",
    ):
        assert sum(fault in line for line in lines) == 1, (fault, lines)
    assert len(lines) == 8


def test_images_that_are_held_in_memory_go_to_no_other_process(tmp_path: Path, monkeypatch):
    asked: list[int] = []
    faults: list[UserError] = []

    def noted(work, things, most):
        asked.append(most)
        return map(work, things)

    monkeypatch.setattr("shared.commands.check.each", noted)
    held = SimpleNamespace(counts={}, sources={"train": ArraySource(np.zeros((300, 28, 28), np.uint8))})
    assert decoded(held, faults.append, processes=2) == {(28, 28): 300}
    assert asked == [1]
    stand_ins.write_megaface(tmp_path)
    assert check(tmp_path, processes=2)
    assert set(asked[1:]) == {2}


def test_all_faults_of_a_list_of_images_are_told(tmp_path: Path, capsys):
    for name, side in (("a", 112), ("b", 112), ("c", 96)):
        Image.new("RGB", (side, 112)).save(tmp_path / f"{name}.png")
    (tmp_path / "MS1M_LT_train.txt").write_text("a.png 0\nb.png x\nd.png 0\na.png 2\n../b.png 1\nc.png 1\nb.png 3\n")
    assert not check(tmp_path)
    lines = told(capsys)
    for line, fault in ((2, "an image's path"), (3, "names d.png"), (4, "another image"), (5, "no path below")):
        assert sum(f"line {line} of" in text and fault in text for text in lines) == 1
    assert any("has the class 3, where 2 is expected" in text for text in lines)
    assert any("c.png has 96 x 112 pixels, not 112 x 112" in text for text in lines)
    assert len(lines) == 6


def test_pairs_of_one_kind_and_stretched_faces_are_both_told(tmp_path: Path, capsys):
    import numpy as np

    faces = [jpeg(np.full((112, side, 3), grey, np.uint8), 95) for grey, side in enumerate((112, 96, 112, 112))]
    verification_bin.write(tmp_path / "own.bin", [*faces[:3], b"<html>"], [True, True])
    assert not check(tmp_path / "own.bin")
    lines = told(capsys)
    for fault in ("image 1 of", "image 3 of", "all pairs in"):
        assert sum(fault in line for line in lines) == 1
    assert "96 x 112 pixels, which would be stretched to 112 x 112" in "\n".join(lines)
    assert len(lines) == 3


def test_a_folder_of_people_with_several_faults(tmp_path: Path, capsys):
    for place in ("training_set/1/a.jpg", "training_set/2/b.jpg", "training_set/2/c.heic", "training_set/3/readme"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20, 24)).save(tmp_path / place, "JPEG")
    (tmp_path / "training_set/1/gone.jpg").symlink_to("nowhere")
    assert not check(tmp_path, "qmul-survface")
    lines = told(capsys)
    for fault in (
        "c.heic is a picture of a format that is not read",
        "gone.jpg is a link to nowhere",
        "3 has no image",
    ):
        assert sum(fault in line for line in lines) == 1
    assert len(lines) == 3


def test_the_entries_of_a_list_of_probes(tmp_path: Path, capsys):
    stand_ins.write_megaface(tmp_path, people=2, distractors=3)
    path = tmp_path / "devkit/templatelists/facescrub_features_list.json"
    listed = json.loads(path.read_text())
    listed["path"] += [listed["path"][0], "nobody/1.jpg"]
    listed["id"] += [listed["id"][0], "nobody"]
    path.write_text(json.dumps(listed))
    assert not check(tmp_path)
    lines = told(capsys)
    assert len(lines) == 2
    assert "names nobody/1.jpg, which is not in" in lines[0]
    assert "an image is listed twice" in lines[1]


def test_every_path_is_looked_at_whatever_is_wrong_with_those_before(tmp_path: Path, capsys):
    good = tmp_path / "copy"
    good.mkdir()
    stand_ins.write_verification(good, images=2)
    with pytest.raises(SystemExit) as ended:
        cli._check(Namespace(paths=[tmp_path / "absent", tmp_path, good / "lfw.bin"], name=None, processes=1))
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert f"{good / 'lfw.bin'}: lfw: " in out
    assert [line.split(";")[0] for line in err.splitlines()] == [
        f"error: there is no file or folder {tmp_path / 'absent'}",
        f"error: {tmp_path} is no data set that is told by its files",
    ]


def test_the_present_folder_is_no_set_by_having_no_name(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^\. is no data set that is told by its files"):
        recognised(Path())


def test_what_is_no_set(tmp_path: Path):
    with pytest.raises(UserError, match="say which by --set NAME"):
        check(tmp_path)
    with pytest.raises(UserError, match="there is no file or folder"):
        check(tmp_path / "absent")
    with pytest.raises(UserError, match="there is no data set 'lwf'; did you mean 'lfw'"):
        check(tmp_path, "lwf")


def test_of_a_truncated_set_all_records_are_counted(tmp_path: Path, capsys):
    stand_ins.write_casia_webface(tmp_path, identities=2, most=75, least=75)
    whole = (tmp_path / "train.rec").read_bytes()
    (tmp_path / "train.rec").write_bytes(whole[: len(whole) // 100])
    assert not check(tmp_path, "casia-webface")
    lines = told(capsys)
    assert sum("there is no whole record at byte" in line for line in lines[:-1]) == len(lines) - 1 == 101
    more = int(lines[-1].split(": casia-webface: and ")[1].split()[0])
    listed = len((tmp_path / "train.idx").read_text().splitlines())
    assert listed - 5 < 101 + more <= listed


def test_of_templates_without_crops_each_is_told_once(tmp_path: Path, capsys):
    stand_ins.write_ijbc(tmp_path, people=3)
    with (tmp_path / "meta/ijbc_template_pair_label.txt").open("a") as file:
        file.writelines(f"1 {number} 0\n1 {number} 0\n" for number in range(1000, 1120))
    assert not check(tmp_path, "ijb-c")
    lines = told(capsys)
    assert len(lines) == 101
    assert "line 19 of" in lines[0]
    assert "compares the template 1000 (as do 1 more), but no crop is in it" in lines[0]
    assert "ijb-c: and 20 more such as the first: " in lines[-1]
