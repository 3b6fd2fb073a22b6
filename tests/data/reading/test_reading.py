from __future__ import annotations

import gzip
import io
import os
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.formats import idx, image_lists, verification_bin
from shared.data.image_source import ALIGNED, decode
from shared.data.reading import archives, faults, listing, numbers, pictures, texts
from shared.data.sets import emnist_selection
from shared.errors import UserError
from tests.data.samples import card

CARD = card("Faces")


def encoded(image: Image.Image, form: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def corner() -> np.ndarray:
    """Grey, 2 x 3, each pixel another, so that each turn is told from the others."""
    return np.array([[0, 40, 80], [120, 160, 200]], np.uint8)


AS_SHOWN = {
    1: corner(),
    2: corner()[:, ::-1],
    3: np.rot90(corner(), 2),
    4: corner()[::-1],
    5: corner().T,
    6: np.rot90(corner(), -1),
    7: np.rot90(corner(), 2).T,
    8: np.rot90(corner()),
}


@pytest.mark.parametrize("orientation", AS_SHOWN)
@pytest.mark.parametrize("form", ["PNG", "TIFF", "WEBP"])
def test_a_picture_is_turned_as_its_exif_says(orientation, form):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if form == "WEBP" else {}
    content = encoded(Image.fromarray(corner()).convert("RGB"), form, exif=exif, **options)
    assert np.array_equal(np.asarray(pictures.decoded(content, "L", "x")), AS_SHOWN[orientation])


def test_a_jpeg_of_the_right_size_is_turned_too():
    exif = Image.Exif()
    exif[0x0112] = 3
    half = np.zeros((16, 16, 3), np.uint8)
    half[:8] = 200
    upright = decode(encoded(Image.fromarray(half), "JPEG", exif=exif), (3, 16, 16), "x")
    assert (upright[:6] < 40).all()
    assert (upright[10:] > 160).all()


@pytest.mark.parametrize("form", ["PNG", "TIFF", "PPM"])
def test_sixteen_bits_are_divided_by_256(form):
    values = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    found = np.asarray(pictures.decoded(encoded(Image.fromarray(values), form), "L", "x"))
    assert found.tolist() == [[0, 0, 1, 128, 255]]


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_other_numbers_are_refused(dtype):
    content = encoded(Image.fromarray(np.zeros((2, 2), dtype)), "TIFF")
    with pytest.raises(UserError, match=r"x cannot be decoded as an image \(its numbers are neither 8 nor 16 bits"):
        pictures.decoded(content, "RGB", "x")


@pytest.mark.parametrize("content", [b"", b"<html>", b"%!PS-Adobe-3.0 EPSF-3.0\n", bytes.fromhex("00051607")])
def test_what_is_no_picture_is_refused_without_an_address(content):
    with pytest.raises(UserError, match="x cannot be decoded as an image") as error:
        pictures.decoded(content, "RGB", "x")
    assert "0x" not in str(error.value)


def test_a_picture_of_too_many_pixels_is_refused():
    content = b"P5 20000 4000 255\n" + bytes(9)
    with pytest.raises(UserError, match="20000 x 4000 pixels"):
        pictures.decoded(content, "L", "x")


def test_what_programs_leave_is_dropped(tmp_path: Path):
    for name in (
        ".DS_Store",
        "._1.jpg",
        ".ipynb_checkpoints/1.jpg",
        "__MACOSX/1.jpg",
        "@eaDir/1.jpg",
        "Thumbs.db",
        "1.jpg~",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("10.JPG", "2.webp", "1.bmp", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "a").mkdir()
    assert [path.name for path in listing.pictures_in(tmp_path, CARD)] == ["1.bmp", "10.JPG", "2.webp"]
    assert listing.folders(tmp_path, CARD) == [tmp_path / "a"]


@pytest.mark.parametrize("target", ["/nowhere/1.jpg", "1.jpg"])
def test_a_link_to_nowhere_is_refused(tmp_path: Path, target):
    (tmp_path / "1.jpg").symlink_to(target)
    with pytest.raises(UserError, match=r"1\.jpg is a link to nowhere"):
        listing.pictures_in(tmp_path, CARD)


def waited_for(path: Path) -> None:
    os.mkfifo(path)


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("put", [waited_for, endless])
@pytest.mark.parametrize(
    "read",
    [
        lambda path: texts.read_lines(path, CARD),
        pictures.opened,
        idx.read_idx,
        lambda path: verification_bin.read(path, CARD),
        emnist_selection.from_archive,
    ],
    ids=["text", "picture", "idx", "bin", "zip"],
)
def test_what_could_be_read_for_ever_is_refused(tmp_path: Path, put, read):
    put(tmp_path / "a")
    with pytest.raises(UserError, match=r"a cannot be read.*it is a pipe, a socket or a device, not a file"):
        read(tmp_path / "a")


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        texts.read_list(tmp_path, CARD)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_one_name_in_two_forms_of_unicode_is_refused(tmp_path: Path, kind):
    for name in (COMPOSED, DECOMPOSED):
        (tmp_path / name).touch() if kind == "file" else (tmp_path / name).mkdir()
    with pytest.raises(UserError, match="twice, in two of Unicode's forms; take one away"):
        listing.entries(tmp_path, CARD)


@pytest.mark.parametrize("other", ["a//1.jpg", "a/./1.jpg", "./a/1.jpg", "a/././/1.jpg"])
def test_a_file_has_one_name_however_a_list_writes_it(tmp_path: Path, other):
    (tmp_path / "a").mkdir()
    (tmp_path / "a/1.jpg").touch()
    assert listing.find_files(CARD, tmp_path / "list", tmp_path, ["a/1.jpg", other]) == ["a/1.jpg", "a/1.jpg"]
    (tmp_path / "list").write_text(f"a/1.jpg 0\n{other} 1\n")
    with pytest.raises(UserError, match=r"line 2 of .*list is not about another image than one of class 0 before"):
        image_lists.load_list(tmp_path, "list", ALIGNED, CARD)


def test_a_good_link_is_followed(tmp_path: Path):
    (tmp_path / "a").touch()
    (tmp_path / "1.jpg").symlink_to(tmp_path / "a")
    assert listing.pictures_in(tmp_path, CARD) == [tmp_path / "1.jpg"]


def test_other_names_are_refused(tmp_path: Path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/Jos\xe9.jpg")).touch()
    with pytest.raises(UserError, match=r"not in UTF-8, b'Jos\\xe9\.jpg'"):
        listing.pictures_in(tmp_path, CARD)


@pytest.mark.parametrize(("name", "message"), [("1.heic", "format that is not read"), ("1.jpg", "is no file")])
def test_a_picture_that_cannot_be_read_is_refused(tmp_path: Path, name, message):
    (tmp_path / name).mkdir()
    with pytest.raises(UserError, match=message):
        listing.pictures_in(tmp_path, CARD)


@pytest.mark.parametrize("name", ["a\0/1.jpg", "\ud800/1.jpg", "../1.jpg", "/etc/passwd", "x" * 3000])
def test_a_name_that_leads_nowhere_is_refused(tmp_path: Path, name):
    with pytest.raises(UserError, match=r"line 1 of .*list names") as error:
        listing.find_files(CARD, tmp_path / "list", tmp_path, [name])
    str(error.value).encode()
    assert len(str(error.value)) < 700


def test_lines_of_a_text(tmp_path: Path):
    path = tmp_path / "list"
    path.write_bytes("\ufeffa\u0085b 1\r\nc\u2028d 2\n\n \r\n".encode())
    assert texts.read_lines(path, CARD) == ["a\u0085b 1", "c\u2028d 2"]


@pytest.mark.parametrize(("content", "message"), [(b"a\nb\0\n", "line 2 of"), (b"\xff\xfea\0", "no text in UTF-8")])
def test_what_is_no_text_is_refused(tmp_path: Path, content, message):
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(UserError, match=message):
        texts.read_lines(tmp_path / "list", CARD)


@pytest.mark.parametrize("text", ['a,"b', "a," + "x" * 200_000])
def test_a_table_that_cannot_be_read_is_refused(tmp_path: Path, text):
    (tmp_path / "list").write_text(f"a,b\n{text}\n")
    with pytest.raises(UserError, match=r"line 2 of .*list is not fields with commas"):
        texts.read_rows(tmp_path / "list", CARD)


COMPOSED, DECOMPOSED = "Jos\u00e9", "Jose\u0301"


@pytest.mark.parametrize(("listed", "there"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_names_in_another_form_of_unicode_find_their_files(tmp_path: Path, listed, there):
    path = tmp_path / f"{there}/{there} {there}.jpg"
    path.parent.mkdir()
    path.touch()
    (tmp_path / f"{there}.jpg").touch()
    names = [f"{listed}/{listed} {listed}.jpg", f"{listed}.jpg", f"./{there}/{there} {there}.jpg"]
    found = listing.find_files(CARD, tmp_path / "list", tmp_path, names)
    assert found == [f"{there}/{there} {there}.jpg", f"{there}.jpg", f"{there}/{there} {there}.jpg"]
    assert all((tmp_path / name).is_file() for name in found)
    with pytest.raises(UserError, match=r"line 7 of .*list names"):
        listing.find_files(CARD, tmp_path / "list", tmp_path, [f"{listed}/2.jpg"], numbers=[7])


def test_of_two_names_that_differ_in_form_each_finds_its_own(tmp_path: Path):
    for name in (COMPOSED, DECOMPOSED):
        (tmp_path / name).touch()
    names = [DECOMPOSED, COMPOSED]
    assert listing.find_files(CARD, tmp_path / "list", tmp_path, names) == names


def test_of_many_faults_of_a_kind_the_first_are_told_and_the_others_counted():
    said: list[str] = []
    told = faults.Told(said.append)
    assert not told
    with faults.all_told(told.tell):
        for number in range(faults.MOST_TOLD + 7):
            faults.refuse(UserError(f"line {number} is wrong"))
        faults.refuse(UserError("the heading is wrong"))
        with pytest.raises(UserError, match="record 2"):
            faults.end(UserError(f"record {number} is cut") for number in range(3))
    told.tell_rest()
    assert told
    ends = [
        "the heading is wrong",
        "record 0 is cut",
        "record 1 is cut",
        "and 7 more such as the first: line 0 is wrong",
    ]
    assert said == [f"line {number} is wrong" for number in range(faults.MOST_TOLD)] + ends


def test_the_first_fault_ends_what_is_not_to_tell_all():
    with pytest.raises(UserError, match="record 0"):
        faults.end(UserError(f"record {number} is cut") for number in range(3))


def test_all_absent_files_are_told_where_all_faults_are_asked_for(tmp_path: Path):
    (tmp_path / "a").touch()
    told: list[UserError] = []
    with faults.all_told(told.append):
        found = listing.find_files(CARD, tmp_path / "list", tmp_path, ["a", "b", "../c", "d"])
    assert found == ["a", "", "", ""]
    assert [str(error).split(" of ")[0] for error in told] == ["Faces: line 3", "Faces: line 2", "Faces: line 4"]
    with pytest.raises(UserError, match="line 2 of"):
        listing.find_files(CARD, tmp_path / "list", tmp_path, ["a", "b"])


def test_files_below_a_folder_are_listed_once(tmp_path: Path):
    for name in ("b/2", "a/c/1", "3", ".hidden/4", "__MACOSX/5"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert [path.relative_to(tmp_path).as_posix() for path in listing.files_below(tmp_path, CARD)] == [
        "3",
        "a/c/1",
        "b/2",
    ]


def test_a_folder_holds_something(tmp_path: Path):
    assert not listing.holds_something(tmp_path / "absent")
    (tmp_path / ".DS_Store").touch()
    (tmp_path / "Thumbs.db").touch()
    assert not listing.holds_something(tmp_path)
    (tmp_path / "1.jpg").touch()
    assert listing.holds_something(tmp_path)


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


@pytest.mark.parametrize(
    ("before_the_scan", "turned"),
    [
        (segment(0xE0, b"JFIF\0"), False),
        (segment(0xE1, b"Exif\0\0MM"), True),
        (segment(0xE0, b"JFIF\0") + segment(0xFE, b"comment") + segment(0xE1, b"Exif\0\0II"), True),
        (segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0Exif"), False),
        (segment(0xE0, b"JFIF\0") + b"\xff\xe2\0\0", True),
        (b"no segment", True),
    ],
)
def test_exif_is_looked_for_in_the_segments_before_the_image(before_the_scan, turned):
    scan = segment(0xDA, b"\1\2") + b"\xff\xe1\0\x08Exif\0\0"
    content = b"\xff\xd8" + before_the_scan + scan
    assert pictures.may_be_turned(content) is turned
    assert pictures.may_be_turned(memoryview(content)) is turned


@pytest.mark.parametrize("size", [(112, 112), (250, 250), (250, 249), (96, 96)])
def test_pictures_of_the_aspect_asked_for(size):
    pictures.check_aspect(size, (112, 112), "x")


@pytest.mark.parametrize("size", [(96, 112), (112, 96), (250, 240)])
def test_pictures_of_another_aspect_are_refused(size):
    with pytest.raises(UserError, match=f"x has {size[0]} x {size[1]} pixels, which would be stretched"):
        pictures.check_aspect(size, (112, 112), "x")


def test_the_size_of_a_picture_is_that_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert pictures.size(encoded(Image.new("RGB", (30, 20)), "JPEG"), "x") == (30, 20)
    assert pictures.size(encoded(Image.new("RGB", (30, 20)), "JPEG", exif=exif), "x") == (20, 30)
    with pytest.raises(UserError, match="x cannot be decoded as an image"):
        pictures.size(b"<html>", "x")


def test_frames_are_in_the_order_of_their_numbers():
    names = ["aligned_detect_0.100.jpg", "aligned_detect_0.9.jpg", "aligned_detect_0.٣.jpg"]
    assert [numbers.within(name) for name in names] == [[0, 100], [0, 9], [0]]


@pytest.mark.parametrize("text", ["", "-1", "+1", "1_0", "1.0", "٣", "²", "1e3", "9" * 19, "9" * 5000, "0x1"])
def test_what_is_no_whole_number(text):
    with pytest.raises(ValueError, match="no whole number from 0 to"):
        numbers.whole(text)


def test_whole_numbers_to_the_last():
    assert numbers.whole(" 007 ") == 7
    assert numbers.whole(str(2**63 - 1)) == 2**63 - 1
    assert numbers.whole("-1", -1) == -1
    assert numbers.decimal("-1.5e2", -150, 0) == -150


@pytest.mark.parametrize("text", ["nan", "inf", "1_0", "1e300", "1.5.2", "", "٣", "0x1p3"])
def test_what_is_no_decimal_within_its_bounds(text):
    with pytest.raises(ValueError, match="no number from"):
        numbers.decimal(text, -1e6, 1e6)


def test_a_table_of_numbers():
    assert numbers.table(b"\xef\xbb\xbf1 2\r\n\n3\t4\n", np.int64, 2).tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "content", [b"", b"1 2 3\n4 5\n6 7\n", b"1\n2\n", b"1 1_0\n", b"1 9223372036854775808\n", "1 ٣".encode()]
)
def test_what_is_no_table_of_numbers(content):
    with pytest.raises(ValueError, match=r"."):
        numbers.table(content, np.int64, 2)


@pytest.mark.parametrize("content", ["", "[1, 2", '{"a": 1, "a": 2}', "[" * 100_000, "1_0", "'a'"])
def test_what_is_no_json_is_refused(tmp_path: Path, content):
    (tmp_path / "a").write_text(content)
    with pytest.raises(UserError, match=r"Faces: .*a is no JSON"):
        texts.read_json(tmp_path / "a", CARD)


def test_json_may_have_a_byte_order_mark_but_is_utf_8(tmp_path: Path):
    (tmp_path / "a").write_text('\ufeff{"b": [1, "c"]}')
    assert texts.read_json(tmp_path / "a", CARD) == {"b": [1, "c"]}
    (tmp_path / "a").write_text("[1]", encoding="utf-16")
    with pytest.raises(UserError, match=r"a is no JSON .it is no text in UTF-8"):
        texts.read_json(tmp_path / "a", CARD)


@pytest.mark.parametrize("name", ["a/", "a/1.jpg/", "a/b/", "a/."])
def test_a_name_that_ends_as_that_of_a_folder_is_no_file(tmp_path: Path, name):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.jpg").write_bytes(b"1")
    with pytest.raises(UserError, match=rf"line 1 of .*list names {re.escape(name)}, which is not in"):
        listing.find_files(CARD, tmp_path / "list", tmp_path, [name])


def test_a_gzip_file_is_expanded_up_to_its_bound():
    content = gzip.compress(bytes(1001))
    assert archives.gunzipped(io.BytesIO(content), "a", 1001) == bytes(1001)
    assert archives.gunzipped(io.BytesIO(content), "a", 10, cut=True) == bytes(10)
    with pytest.raises(ValueError, match="a expands to more than 1000 bytes"):
        archives.gunzipped(io.BytesIO(content), "a", 1000)


def test_arrays_of_an_archive(tmp_path: Path):
    given = {"a": np.arange(6).reshape(2, 3), "b": np.asfortranarray(np.ones((3, 2))), "c": np.array([{}, None])}
    np.savez_compressed(tmp_path / "a.npz", allow_pickle=True, **given)
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        for name in "ab":
            assert np.array_equal(archives.array(archive, name), given[name])
        with pytest.raises(ValueError, match="c holds objects"):
            archives.array(archive, "c")
        with pytest.raises(ValueError, match="a expands to more than 47 bytes"):
            archives.array(archive, "a", 47)
        with pytest.raises(KeyError):
            archives.array(archive, "d")


def test_what_expands_beyond_its_bound_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(1001))
        assert len(archives.member(archive, "a", 1001)) == 1001
        with pytest.raises(ValueError, match="a expands to more than 1000 bytes"):
            archives.member(archive, "a", 1000)
    assert len(archives.inflated(zlib.compress(bytes(1000)), 1000)) == 1000
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        archives.inflated(zlib.compress(bytes(1001)), 1000)
    with pytest.raises(zlib.error):
        archives.inflated(zlib.compress(bytes(1000))[:-2], 1000)


def test_what_is_said_of_a_damaged_member_is_short_however_much_of_the_file_zipfile_quotes(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a", bytes(5000))
    content = bytearray((tmp_path / "a.zip").read_bytes())
    # The name before the member, unlike that in the directory, takes 4,000 bytes of what follows.
    content[26:28] = (4000).to_bytes(2, "little")
    (tmp_path / "a.zip").write_bytes(content)
    with archives.zipped(tmp_path / "a.zip") as archive, pytest.raises(zipfile.BadZipFile, match="'a' and he") as error:
        archives.member(archive, "a")
    assert len(str(error.value)) < 250
