"""IJB-B and IJB-C: the lists by hand, faults named by file and line, and crops aligned by their landmarks."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.files import md5
from shared.data.formats.alignment import align
from shared.data.sets import ijb
from shared.errors import UserError
from tests.data.samples import TEMPLATE, card

CARD = card("IJB-C", "ask NIST")
POINTS = "38.0 52.5 74 52 56 72 42 92 71 92"
LISTS = {
    "ijbc_name_5pts_score.txt": (
        f"1.jpg {POINTS} 0.999\n2.jpg 30.5 40 60 40 45 55 33 70 58 70 0.5\n3.jpg {POINTS} 0.75\n4.jpg {POINTS} 1\n"
    ),
    "ijbc_face_tid_mid.txt": "1.jpg 1 69544\n2.jpg 1 69544\n3.jpg 11 7\n4.jpg 20 8\n",
    "ijbc_template_pair_label.txt": "1 11 1\n1 20 0\n11 20 0\n",
    "ijbc_1N_gallery_G1.csv": 'TEMPLATE_ID,SUBJECT_ID,FILENAME\n1,500,img/1.jpg\n1,500,"frames/a,b.jpg"\n',
    "ijbc_1N_gallery_G2.csv": "TEMPLATE_ID,SUBJECT_ID,FILENAME\n20,501,img/4.jpg\n",
    "ijbc_1N_probe_mixed.csv": "TEMPLATE_ID,SUBJECT_ID,FILENAME\n20,501,img/4.jpg\n11,500,img/3.jpg\n",
}
LANDMARKS, MEDIA, PAIRS, GALLERY, _, PROBES = LISTS


def put(folder: Path, **changed: str | None) -> Path:
    (folder / "loose_crop").mkdir()
    (folder / "meta").mkdir()
    stream = np.random.default_rng(0)
    for number in range(1, 5):
        image = stream.integers(0, 256, (150, 130, 3), dtype=np.uint8)
        Image.fromarray(image).save(folder / "loose_crop" / f"{number}.jpg", quality=95)
    for name, content in LISTS.items():
        (folder / "meta" / name).write_text(content)
    return folder


def change(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / "meta" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def test_lists_by_hand(tmp_path: Path):
    found = ijb.read(put(tmp_path), CARD, "ijbc")
    assert found.template.tolist() == [1, 1, 11, 20]
    assert found.media.tolist() == [69544, 69544, 7, 8]
    assert found.first.tolist() == [1, 1, 11]
    assert found.second.tolist() == [11, 20, 20]
    assert found.same.tolist() == [True, False, False]
    assert found.subjects == {1: 500, 20: 501, 11: 500}
    assert [gallery.tolist() for gallery in found.galleries] == [[1], [20]]
    assert found.probes.tolist() == [11, 20]
    assert found.scores is not None
    np.testing.assert_allclose(found.scores, [0.999, 0.5, 0.75, 1], rtol=1e-6)
    for numbers in (found.template, found.media, found.first, found.second, found.probes, *found.galleries):
        assert numbers.dtype == np.int64
    assert found.checksums == {name: md5(tmp_path / "meta" / name) for name in LISTS}


def test_crops_are_aligned_by_their_own_landmarks(tmp_path: Path):
    found = ijb.read(put(tmp_path), CARD, "ijbc")
    points = np.array([30.5, 40, 60, 40, 45, 55, 33, 70, 58, 70]).reshape(5, 2)
    with Image.open(tmp_path / "loose_crop" / "2.jpg") as image:
        expected = align(image.convert("RGB"), points)
    np.testing.assert_array_equal(found.images.read(np.array([1]))[0], expected)
    assert found.images.shape == (3, 112, 112)
    assert len(found.images) == 4


def test_verification_alone(tmp_path: Path):
    put(tmp_path)
    for name in LISTS:
        if "1N" in name:
            (tmp_path / "meta" / name).unlink()
    found = ijb.read(tmp_path, CARD, "ijbc")
    assert (found.subjects, found.galleries, found.probes.tolist()) == ({}, (), [])
    assert list(found.checksums) == [LANDMARKS, MEDIA, PAIRS]


def test_the_galleries_of_ijb_b_have_other_names(tmp_path: Path):
    put(tmp_path)
    for name in LISTS:
        other = name.replace("ijbc", "ijbb").replace("_G", "_S")
        (tmp_path / "meta" / name).rename(tmp_path / "meta" / other)
    assert [gallery.tolist() for gallery in ijb.read(tmp_path, CARD, "ijbb").galleries] == [[1], [20]]
    with pytest.raises(UserError, match=r"there is no file .*ijbc_name_5pts_score\.txt; ask NIST"):
        ijb.read(tmp_path, CARD, "ijbc")


@pytest.mark.parametrize("name", list(LISTS))
def test_each_list_is_needed(tmp_path: Path, name):
    put(tmp_path)
    (tmp_path / "meta" / name).unlink()
    with pytest.raises(UserError, match=rf"IJB-C: there is no file .*meta/{name}; ask NIST"):
        ijb.read(tmp_path, CARD, "ijbc")


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (LANDMARKS, "58 70 0.5", "58 0.5", "line 2 .* is not a name, five points x y and a score"),
        (LANDMARKS, "58 70 0.5", "58 70 0.5 1", "line 2 .* is not a name, five points"),
        (LANDMARKS, "58 70 0.5", "58 y 0.5", "line 2 .* is not a name, five points"),
        (LANDMARKS, "58 70 0.5", "58 nan 0.5", "line 2 .* is not a name, five points"),
        (LANDMARKS, "58 70 0.5", "58 7,0 0.5", "line 2 .* is not a name, five points"),
        (LANDMARKS, f"3.jpg {POINTS}", "3.jpg" + " 50 60" * 5, "line 3 .* is not five points that differ"),
        (LANDMARKS, "3.jpg", "33.jpg", "line 3 of .* names 33.jpg, which is not in .*loose_crop"),
        (MEDIA, "3.jpg 11 7", "3.jpg 11", "line 3 .* is not a name, a template and a medium"),
        (PAIRS, "1 20 0", "1\xa020\xa0x", "line 2 .* is not two templates and 0 or 1"),
        (MEDIA, "3.jpg 11 7", "3.jpg \ufeff11 7", "line 3 .* is not a name, a template and a medium"),
        (MEDIA, "3.jpg 11 7", "3.jpg 11 7.5", "line 3 .* is not a name, a template and a medium"),
        (MEDIA, "2.jpg", "3.jpg", "ijbc_face_tid_mid.txt and .*score.txt are not about the same crops from line 2 on"),
        (MEDIA, "4.jpg 20 8\n", "", "not about the same crops from line 4 on"),
        (PAIRS, "1 20 0", "1 20", "line 2 .* is not two templates and 0 or 1"),
        (PAIRS, "1 20 0", "1 20 0 1", "line 2 .* is not two templates and 0 or 1"),
        (PAIRS, "1 20 0", "1 20 2", "line 2 .* is not two templates and 0 or 1"),
        (PAIRS, "1 20 0", "1 t20 0", "line 2 .* is not two templates and 0 or 1"),
        (PAIRS, "1 20 0\n11 20 0", "1 20\n11 20 0 0", "line 2 .* is not two templates and 0 or 1"),
        (PAIRS, "1 20 0", "1 21 0", "line 2 .* compares the template 21, but no crop is in it"),
        (PAIRS, "11 20 0", "12 20 0", "line 3 .* compares the template 12, but no crop is in it"),
        (GALLERY, "1,500,img", "one,500,img", "line 2 .* is not a template and a subject"),
        (GALLERY, "1,500,img/1.jpg", "1", "line 2 .* is not a template and a subject"),
        (GALLERY, "1,500,img", "2,500,img", "line 2 .* is not about a template that has a crop and one subject"),
        (PROBES, "SUBJECT_ID", "TEMPLATE_ID", "line 1 .* is not a heading with TEMPLATE_ID"),
        (PROBES, "TEMPLATE_ID", "\nTEMPLATE_ID", "line 1 .* is not a heading with TEMPLATE_ID"),
        (PAIRS, "1 20 0", "1 +20 0", "line 2 .* is not two templates and 0 or 1"),
        (MEDIA, "3.jpg 11 7", "3.jpg -11 7", "line 3 .* is not a name, a template and a medium"),
        (PROBES, "20,501", "20,500", "line 2 .* is not about a template that has a crop and one subject"),
    ],
)
def test_faults_are_named_by_file_and_line(tmp_path: Path, name, old, new, message):
    put(tmp_path)
    change(tmp_path, name, old, new)
    with pytest.raises(UserError, match=f"IJB-C: .*{message}") as error:
        ijb.read(tmp_path, CARD, "ijbc")
    assert name in str(error.value)


def test_the_columns_of_identification_are_found_by_their_names(tmp_path: Path):
    path = put(tmp_path) / "meta" / GALLERY
    rows = [line.split(",") for line in path.read_text().splitlines()]
    path.write_text("\n".join(",".join([second, first, *rest]) for first, second, *rest in rows))
    found = ijb.read(tmp_path, CARD, "ijbc")
    assert [gallery.tolist() for gallery in found.galleries] == [[1], [20]]
    assert found.subjects == {1: 500, 20: 501, 11: 500}


def test_an_empty_list_of_landmarks(tmp_path: Path):
    put(tmp_path)
    (tmp_path / "meta" / LANDMARKS).write_text("")
    with pytest.raises(UserError, match="is empty"):
        ijb.read(tmp_path, CARD, "ijbc")


def test_an_absent_crop_and_one_cut_short(tmp_path: Path):
    put(tmp_path)
    path = tmp_path / "loose_crop" / "3.jpg"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    found = ijb.read(tmp_path, CARD, "ijbc")
    with pytest.raises(UserError, match=r"loose_crop/3\.jpg cannot be decoded as an image"):
        found.images.read(np.array([0, 2]))
    path.unlink()
    with pytest.raises(UserError, match=r"loose_crop/3\.jpg cannot be read: No such file"):
        found.images.read(np.array([2]))
    with pytest.raises(UserError, match=r"line 3 of .*score\.txt names 3\.jpg, which is not in .*loose_crop"):
        ijb.read(tmp_path, CARD, "ijbc")


def test_line_ends_of_windows_and_none_at_the_end(tmp_path: Path):
    put(tmp_path)
    for name in (LANDMARKS, MEDIA, PAIRS):
        path = tmp_path / "meta" / name
        path.write_bytes(path.read_text().rstrip().replace("\n", "\r\n").encode())
    found = ijb.read(tmp_path, CARD, "ijbc")
    assert found.same.tolist() == [True, False, False]
    assert found.media.tolist() == [69544, 69544, 7, 8]


def test_written_lists_are_read(tmp_path: Path):
    put(tmp_path)
    landmarks = np.stack([TEMPLATE, TEMPLATE + 1, TEMPLATE + 2])
    ijb.write_lists(
        tmp_path,
        "ijbc",
        names=["1.jpg", "2.jpg", "4.jpg"],
        landmarks=landmarks,
        scores=np.array([0.25, 0.5, 1]),
        template=np.array([3, 3, 9]),
        media=np.array([5, 6, 7]),
        pairs=[(3, 9, False), (9, 9, True)],
        galleries=[[(3, 70)], [(3, 70)]],
        probes=[(9, 71)],
    )
    found = ijb.read(tmp_path, CARD, "ijbc")
    assert (found.template.tolist(), found.media.tolist()) == ([3, 3, 9], [5, 6, 7])
    assert (found.first.tolist(), found.second.tolist(), found.same.tolist()) == ([3, 9], [9, 9], [False, True])
    assert [gallery.tolist() for gallery in found.galleries] == [[3], [3]]
    assert (found.probes.tolist(), found.subjects) == ([9], {3: 70, 9: 71})
    assert found.scores is not None
    assert found.scores.tolist() == [0.25, 0.5, 1]
    rows = (tmp_path / "meta" / GALLERY).read_text().splitlines()
    assert rows == ["TEMPLATE_ID,SUBJECT_ID,FILENAME", "3,70,1.jpg", "3,70,2.jpg"]
