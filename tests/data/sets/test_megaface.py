"""MegaFace: the devkit's lists by hand, the largest of which is taken, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.files import md5
from shared.data.sets import megaface
from shared.errors import UserError
from tests.data.samples import card

CARD = card("MegaFace", "it is withdrawn")
PROBES = {"Zoe/Zoe_1.png": 10, "Adam_B/Adam_B_5.jpg": 60, "Zoe/Zoe_7.jpg": 110}
DISTRACTORS = {"363/19404768@N00/36.jpg_0.jpg": 20, "0/1@N03/4.jpg_1.jpg": 70}


def put(folder: Path) -> Path:
    for images, greys in (("facescrub_images", PROBES), ("megaface_images", DISTRACTORS)):
        for name, grey in greys.items():
            path = folder / "data" / images / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (112, 112), (grey,) * 3).save(path)
    lists = folder / "devkit" / "templatelists"
    lists.mkdir(parents=True)
    probes = '{"path": ["Zoe/Zoe_1.png", "Adam_B/Adam_B_5.jpg", "Zoe/Zoe_7.jpg"], "id": ["Zoe", "Adam_B", "Zoe"]}'
    (lists / "facescrub_features_list.json").write_text(probes)
    for count in (1, 2):
        paths = list(DISTRACTORS)[:count]
        content = json.dumps({"id": paths, "path": paths})
        (lists / f"megaface_features_list.json_{count}_1").write_text(content)
    (lists / "megaface_features_list.json_10_2").write_text("another set")
    return lists


def test_lists_by_hand(tmp_path: Path):
    lists = put(tmp_path)
    found = megaface.read(tmp_path, CARD)
    assert found.probes.read(np.arange(3))[:, 0, 0, 0].tolist() == pytest.approx([10, 60, 110], abs=1)
    assert found.people.tolist() == [0, 1, 0]
    assert found.people.dtype == np.int64
    assert found.distractors.read(np.arange(2))[:, 0, 0, 0].tolist() == pytest.approx([20, 70], abs=1)
    assert len(found.distractors) == 2
    names = ["facescrub_features_list.json", "megaface_features_list.json_2_1"]
    assert found.checksums == {name: md5(lists / name) for name in names}


def test_written_lists_are_read(tmp_path: Path):
    put(tmp_path)
    megaface.write_lists(tmp_path, ["Zoe/Zoe_7.jpg", "Zoe/Zoe_1.png"], ["Zoe", "Zoe"], list(DISTRACTORS)[:1] * 3)
    found = megaface.read(tmp_path, CARD)
    assert found.people.tolist() == [0, 0]
    assert len(found.distractors) == 3


@pytest.mark.parametrize("name", ["facescrub_features_list.json", "megaface_features_list.json_2_1"])
@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1, 2",
        "[]",
        '{"path": ["a"]}',
        '{"path": ["a"], "id": ["a", "b"]}',
        '{"path": [1], "id": ["a"]}',
        '{"path": [], "id": []}',
        '{"path": 3, "id": 3}',
        '{"path": ["a"], "id": ["a"], "id": ["b"]}',
        '{"path": ["a"], "id": [NaN]}',
        '{"path": {"a": 1}, "id": [1]}',
        "\xff",
    ],
)
def test_other_content_is_refused(tmp_path: Path, name, content):
    lists = put(tmp_path)
    (lists / name).write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match=rf"MegaFace: .*{name} is no JSON"):
        megaface.read(tmp_path, CARD)


def test_missing_lists(tmp_path: Path):
    lists = put(tmp_path)
    (lists / "facescrub_features_list.json").unlink()
    with pytest.raises(UserError, match=r"there is no file .*facescrub_features_list\.json; it is withdrawn"):
        megaface.read(tmp_path, CARD)
    for count in (1, 2):
        (lists / f"megaface_features_list.json_{count}_1").unlink()
    with pytest.raises(UserError, match=r"there is no .*megaface_features_list\.json_1000000_1; it is withdrawn"):
        megaface.read(tmp_path, CARD)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data/facescrub_images/Zoe/Zoe_7.jpg", "entry 3 of .*facescrub_features_list.json names Zoe/Zoe_7.jpg"),
        (
            "data/megaface_images/0/1@N03/4.jpg_1.jpg",
            "entry 2 of .*megaface_features_list.json_2_1 names 0/1@N03/4.jpg",
        ),
    ],
)
def test_absent_images_are_named(tmp_path: Path, path, message):
    put(tmp_path)
    (tmp_path / path).unlink()
    with pytest.raises(UserError, match=f"MegaFace: {message}.*, which is not in .*images; take the list"):
        megaface.read(tmp_path, CARD)
