"""RecordIO face sets: files written byte by byte from the format's description, what is refused, other processes."""

from __future__ import annotations

import hashlib
import multiprocessing
import pickle
import struct
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.data.formats.recordio import RecordFaces, RecordFile, load, record, write_records
from shared.errors import UserError
from tests.data.samples import card

MAGIC = b"\x0a\x23\xd7\xce"
CARD = card()
SHAPE = (3, 8, 8)


def face(grey: int, height: int = 8, width: int = 8) -> np.ndarray:
    """A face of one colour, which a JPEG keeps to within 2."""
    return np.full((height, width, 3), (grey, grey // 2, 255 - grey), np.uint8)


def jpeg(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=95)
    return file.getvalue()


def scalar(label: float, image: bytes, key: int = 0) -> bytes:
    """The content of a record with a label in its header."""
    return struct.pack("<IfQQ", 0, label, key, 0) + image


def vector(labels: list[float], image: bytes = b"", key: int = 0) -> bytes:
    """The content of a record with labels after its header."""
    return struct.pack(f"<IfQQ{len(labels)}f", len(labels), 0, key, 0, *labels) + image


def part(content: bytes, kind: int = 0) -> bytes:
    return MAGIC + struct.pack("<I", kind << 29 | len(content)) + content + b"\0" * (-len(content) % 4)


def split(content: bytes) -> bytes:
    """A record, looked through word by word, as the format's owner writes it."""
    cuts = [at for at in range(0, len(content) - 3, 4) if content[at : at + 4] == MAGIC]
    written, begin = b"", 0
    for cut in cuts:
        written += part(content[begin:cut], 2 if begin else 1)
        begin = cut + 4
    return written + part(content[begin:], 3 if begin else 0)


def put(folder: Path, records: dict[int, bytes], size: str = "3,8,8") -> Path:
    """Write records, given by key as their bytes in the file, in this order."""
    offsets = np.cumsum([0, *map(len, records.values())]).tolist()
    (folder / "train.rec").write_bytes(b"".join(records.values()))
    (folder / "train.idx").write_text("".join(f"{key}\t{at}\n" for key, at in zip(records, offsets, strict=False)))
    (folder / "property").write_text(size)
    return folder


def face_set(folder: Path, **changed: bytes) -> Path:
    """Five images of the classes 0, 0, 1, 2, 2, then the header and three identities; `r4=...` changes record 4."""
    contents = {key: vector([label, 1], jpeg(face(40 * key)), key) for key, label in enumerate((0, 0, 1, 2, 2), 1)}
    contents |= {0: vector([6, 9]), 6: vector([1, 3], key=6), 7: vector([3, 4], key=7), 8: vector([4, 6], key=8)}
    contents |= {int(name[1:]): content for name, content in changed.items()}
    return put(folder, {key: part(content) for key, content in contents.items()})


def greys(images: np.ndarray) -> list[int]:
    """The grey that each image, of one colour, was made from, in tens."""
    assert (np.ptp(images, axis=(1, 2)) <= 2).all()
    return [int(round(grey, -1)) for grey in images[..., 0].mean((1, 2))]


def test_a_face_set_of_header_images_and_identities(tmp_path: Path):
    loaded = load(face_set(tmp_path), CARD, shape=SHAPE)
    assert loaded.labels.tolist() == [0, 0, 1, 2, 2]
    assert loaded.labels.dtype == np.int64
    assert (loaded.classes, len(loaded.images), loaded.images.shape) == (3, 5, (3, 8, 8))
    assert greys(loaded.images.read(np.array([4, 0, 2, 2]))) == [200, 40, 120, 120]
    assert loaded.images.read(np.zeros(0, np.intp)).shape == (0, 8, 8, 3)
    assert loaded.checksums == {
        "train.idx": hashlib.md5((tmp_path / "train.idx").read_bytes()).hexdigest(),
        "property": hashlib.md5(b"3,8,8").hexdigest(),
        "train.rec": f"{(tmp_path / 'train.rec').stat().st_size} bytes",
    }


def test_images_have_the_pixels_of_their_jpegs(tmp_path: Path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    faces = RecordFaces(put(tmp_path, {0: part(scalar(2, jpeg(pixels)))}))
    with Image.open(BytesIO(jpeg(pixels))) as image:
        assert np.array_equal(faces.read(np.array([0]))[0], np.asarray(image))
    assert bytes(faces.encoded(0)) == jpeg(pixels)


def test_without_a_header_every_record_is_an_image_and_labels_may_be_of_either_kind(tmp_path: Path):
    images = [jpeg(face(grey)) for grey in (50, 100, 150, 200)]
    records = {
        7: scalar(2, images[2]),
        0: vector([1, 1], images[0]),
        9: vector([0], images[3]),
        3: scalar(0, images[1]),
    }
    faces = RecordFaces(put(tmp_path, {key: part(content) for key, content in records.items()}))
    assert faces.labels.tolist() == [1, 0, 2, 0]
    assert greys(faces.read(np.arange(4))) == [50, 100, 150, 200]
    assert faces.name(2) == f"{tmp_path / 'train.rec'}, record 7"


@pytest.mark.parametrize(
    "pieces", [(b"", b""), (b"ab12", b""), (b"", b"xyz"), (b"ab12", b"c", b"ef34"), (b"", b"", b"")]
)
def test_a_record_that_contains_the_magic_number_is_put_together(tmp_path: Path, pieces):
    # A comment, which a JPEG may have after its first two bytes, holds the number; the header and a label are 28 bytes.
    image = jpeg(face(70))
    held = b"\0\0" + MAGIC.join(piece.ljust(-(-len(piece) // 4) * 4, b"-") for piece in pieces)
    comment = b"\xff\xfe" + struct.pack(">H", 2 + len(held)) + held
    content = vector([2], image[:2] + comment + image[2:])
    assert content[36 + len(pieces[0]) :].startswith(MAGIC)
    whole = vector([1], jpeg(face(130)))
    faces = RecordFaces(put(tmp_path, {0: part(whole), 1: split(content), 2: part(whole)}))
    assert split(content).count(MAGIC) == len(pieces)
    assert faces.labels.tolist() == [1, 2, 1]
    assert bytes(faces.encoded(1)) == content[28:]
    assert greys(faces.read(np.array([1, 2, 0]))) == [70, 130, 130]


def test_labels_are_found_where_the_header_itself_is_split(tmp_path: Path):
    image = jpeg(face(70))
    tricky = {
        0: struct.pack("<If", 0, 1) + MAGIC + b"\0" * 12 + image,
        1: struct.pack("<If", 2, 0) + b"\0" * 16 + struct.pack("<f", 2) + MAGIC + image,
    }
    faces = RecordFaces(put(tmp_path, {key: split(content) for key, content in tricky.items()}))
    assert faces.labels.tolist() == [1, 2]
    assert greys(faces.read(np.arange(2))) == [70, 70]


def test_a_magic_number_that_is_not_aligned_splits_nothing():
    for shift in (1, 2, 3):
        content = b"-" * shift + MAGIC + b"end"
        assert record(content) == part(content)


@given(st.lists(st.sampled_from([MAGIC, b"\x0a", b"word", b"\x0a\x23"]), max_size=12).map(b"".join))
def test_records_are_written_as_their_format_says_and_read_back(content: bytes):
    assert record(content) == split(content)


@given(
    st.lists(
        st.lists(st.sampled_from([MAGIC, b"\x0a", b"word"]), min_size=1, max_size=6).map(b"".join),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_an_image_contains_comes_back(tmp_path_factory, images: list[bytes]):
    folder = put(tmp_path_factory.mktemp("set"), {key: record(scalar(1, image)) for key, image in enumerate(images)})
    faces = RecordFaces(folder)
    assert [bytes(faces.encoded(index)) for index in range(len(images))] == images


def test_the_writer_sorts_by_identity_and_writes_the_form_of_insightface(tmp_path: Path):
    images = np.stack([face(grey) for grey in (200, 20, 120, 60, 160)])
    write_records(tmp_path, images, np.array([2, 0, 1, 0, 2], np.uint8))
    in_order = [face(grey) for grey in (20, 60, 120, 200, 160)]
    expected = {
        key: part(vector([label, 1], jpeg(pixels), key))
        for key, (label, pixels) in enumerate(zip((0, 0, 1, 2, 2), in_order, strict=True), 1)
    }
    expected |= {0: part(vector([6, 9]))}
    expected |= {key: part(vector([*keys], key=key)) for key, keys in {6: (1, 3), 7: (3, 4), 8: (4, 6)}.items()}
    (tmp_path / "expected").mkdir()
    put(tmp_path / "expected", expected)
    for name in ("train.rec", "train.idx", "property"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "expected" / name).read_bytes()
    faces = RecordFaces(tmp_path)
    assert faces.labels.tolist() == [0, 0, 1, 2, 2]
    assert greys(faces.read(np.arange(5))) == [20, 60, 120, 200, 160]


def test_a_label_that_no_image_has_is_a_class_all_the_same(tmp_path: Path):
    write_records(tmp_path, np.stack([face(9), face(8)]), np.array([4, 1]))
    loaded = load(tmp_path, CARD, shape=SHAPE)
    assert loaded.labels.tolist() == [1, 4]
    assert loaded.classes == 5


def in_another_process(faces: RecordFaces) -> list[int]:
    return greys(faces.read(np.array([4, 0, 2])))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_the_same(tmp_path: Path, method):
    faces = RecordFaces(face_set(tmp_path))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(in_another_process, [faces] * 4)) == [[200, 40, 120]] * 4


def test_pickling_leaves_the_file_behind(tmp_path: Path):
    write_records(tmp_path, np.random.default_rng(0).integers(0, 256, (50, 64, 64, 3), np.uint8), np.arange(50))
    faces = RecordFaces(tmp_path)
    pickled = pickle.dumps(faces)
    assert len(pickled) < (tmp_path / "train.rec").stat().st_size / 10
    assert np.array_equal(pickle.loads(pickled).read(np.arange(50)), faces.read(np.arange(50)))


def test_threads_read_the_same(tmp_path: Path):
    faces = RecordFaces(face_set(tmp_path))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(in_another_process, [faces] * 40)) == [[200, 40, 120]] * 40


def refused(folder: Path, *parts: str) -> None:
    """Loading gives one error, which says these things."""
    with pytest.raises(UserError) as error:
        load(folder, CARD, shape=SHAPE)
    for text in ("Faces: ", *parts):
        assert text in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["train.rec", "train.idx", "property"])
def test_a_missing_file(tmp_path: Path, name):
    (face_set(tmp_path) / name).unlink()
    refused(tmp_path, f"{tmp_path} has no {name}; ask nobody")


def test_no_folder(tmp_path: Path):
    refused(tmp_path / "nowhere", "has no train.rec, no train.idx, no property; ask nobody")


@pytest.mark.parametrize("text", ["", "3", "3,8", "3,8,8,8", "a,8,8", "0,8,8", "3,-8,8", "3 8 8", "3,8,8\n3,8,8"])
def test_a_malformed_property(tmp_path: Path, text):
    (face_set(tmp_path) / "property").write_text(text)
    refused(tmp_path, "property does not read as classes,height,width", "ask nobody")


@pytest.mark.parametrize(("height", "width"), [(8, 6), (6, 8), (16, 16)])
def test_a_property_of_another_size_than_that_of_all_benchmarks_is_refused(tmp_path: Path, height, width):
    write_records(tmp_path, np.zeros((2, height, width, 3), np.uint8), np.arange(2))
    refused(tmp_path, f"property says that images have {width} x {height} pixels", "compared at 8 x 8; align them")
    with pytest.raises(UserError, match="compared at 112 x 112"):
        load(tmp_path, CARD)


def test_spaces_in_a_property_do_no_harm(tmp_path: Path):
    (face_set(tmp_path) / "property").write_text(" 3, 8,8 \n")
    assert load(tmp_path, CARD, shape=SHAPE).classes == 3


@pytest.mark.parametrize(
    "text", ["", "\n", "1\n", "1\t0\tx\n", "1,0\n", "1\tzero\n", "1\t0\n2\n", "1\t1.5\n", "# 1\t0\n", "1\t9" + "9" * 20]
)
def test_a_malformed_index(tmp_path: Path, text):
    (face_set(tmp_path) / "train.idx").write_text(text)
    refused(tmp_path, "train.idx is not lines of a key, a tab and an offset", "ask nobody")


def test_an_index_that_is_no_text(tmp_path: Path):
    (face_set(tmp_path) / "train.idx").write_bytes(b"\xff\xfe\0\1")
    refused(tmp_path, "train.idx is not lines of a key, a tab and an offset")


def test_a_key_that_is_there_twice(tmp_path: Path):
    (face_set(tmp_path) / "train.idx").write_text("1\t0\n2\t0\n1\t0\n")
    refused(tmp_path, "train.idx has the key 1 twice")


@pytest.mark.parametrize("offset", [-4, 2, 4, 10**6, 2**40, 2**63 - 4])
def test_an_index_that_points_elsewhere(tmp_path: Path, offset):
    (face_set(tmp_path) / "train.idx").write_text(f"5\t0\n7\t{offset}\n")
    size = (tmp_path / "train.rec").stat().st_size
    refused(
        tmp_path, f"no whole record at byte {offset} of {size}", "that of key 7", "train.rec is truncated or damaged"
    )


@pytest.mark.parametrize("cut", [1, 9, 37, 41, 200, 3000])
def test_a_truncated_file(tmp_path: Path, cut):
    whole = (face_set(tmp_path) / "train.rec").read_bytes()
    (tmp_path / "train.rec").write_bytes(whole[:-cut])
    refused(tmp_path, "train.rec is truncated or damaged", "no whole record at byte", f"of {len(whole) - cut}")


def test_an_empty_file(tmp_path: Path):
    (face_set(tmp_path) / "train.rec").write_bytes(b"")
    refused(tmp_path, "train.rec is empty")


def test_a_wrong_magic_number(tmp_path: Path):
    whole = bytearray((face_set(tmp_path) / "train.rec").read_bytes())
    whole[3] ^= 1
    (tmp_path / "train.rec").write_bytes(whole)
    refused(tmp_path, "train.rec is truncated or damaged", "no whole record at byte 0", "that of key 1")


@pytest.mark.parametrize("kind", [2, 3, 4, 7])
def test_an_index_that_points_into_a_record(tmp_path: Path, kind):
    put(tmp_path, {5: part(scalar(0, jpeg(face(9))), kind)})
    refused(tmp_path, "no whole record at byte 0", "that of key 5")


@pytest.mark.parametrize("written", [part, lambda content: part(content, 1) + part(b"", 3)])
@pytest.mark.parametrize(
    "content",
    [b"", b"short", struct.pack("<IfQQ", 3, 0, 0, 0), struct.pack("<IfQQ", 2**32 - 1, 0, 0, 0)],
)
def test_a_record_too_short_for_its_header(tmp_path: Path, content, written):
    put(tmp_path, {4: part(scalar(0, jpeg(face(9)))), 5: written(content)})
    refused(tmp_path, "record 5 is too short for its header and labels")


@pytest.mark.parametrize(
    "damaged",
    [
        lambda whole: whole[:-4],
        lambda whole: whole[:-12],
        lambda whole: whole[: whole.rindex(MAGIC)],
        lambda whole: whole[: whole.rindex(MAGIC)] + part(scalar(0, b"another")),
        lambda whole: whole[: whole.rindex(MAGIC)] + part(b"begins anew", 1) + part(b"end", 3),
    ],
)
def test_a_split_record_without_its_last_part(tmp_path: Path, damaged: Callable[[bytes], bytes]):
    whole = split(scalar(1, MAGIC + b"rest" + MAGIC + b"0123456789"))
    put(tmp_path, {5: damaged(whole)})
    refused(tmp_path, "train.rec is truncated or damaged: record 5 has no part 3")


@pytest.mark.parametrize("label", [-1, 3, 0.5, float("nan"), float("inf")])
def test_a_label_out_of_range(tmp_path: Path, label):
    face_set(tmp_path, r4=vector([label, 1], jpeg(face(9))))
    refused(tmp_path, f"record 4 has the label {label:g}", "property allows whole numbers from 0 to 2")


@pytest.mark.parametrize("labels", [[5, 9], [6, 8], [6, 10], [1, 9], [-6, 9], [10, 9], [5.5, 9]])
def test_a_header_that_contradicts_the_index(tmp_path: Path, labels):
    face_set(tmp_path, r0=vector(labels))
    refused(tmp_path, "train.idx", "altered or another set's")


def test_an_index_without_one_of_the_images(tmp_path: Path):
    lines = (face_set(tmp_path) / "train.idx").read_text().splitlines(keepends=True)
    (tmp_path / "train.idx").write_text("".join(lines[:2] + lines[3:]))
    refused(tmp_path, "train.idx has 8 keys up to 8, where record 0 says", "from 0 to 8, of images before 6")


@pytest.mark.parametrize("last", [part(scalar(0, jpeg(face(90)))), split(scalar(0, MAGIC + b"ab12" + MAGIC))])
def test_without_a_header_an_index_that_is_cut_is_seen_by_what_follows(tmp_path: Path, last):
    records = {0: part(scalar(1, jpeg(face(50)))), 1: last, 2: part(scalar(2, jpeg(face(60))))}
    lines = (put(tmp_path, records) / "train.idx").read_text().splitlines(keepends=True)
    (tmp_path / "train.idx").write_text("".join(lines[:2]))
    refused(tmp_path, f"train.rec goes on for {len(records[2])} bytes after the last record that train.idx has")
    (tmp_path / "train.rec").write_bytes(records[0] + last)
    assert len(RecordFaces(tmp_path)) == 2


@pytest.mark.parametrize("content", [vector([0, 3]), vector([3, 1]), vector([1, 7]), vector([1, 3], b"image")])
def test_a_record_that_is_no_identity(tmp_path: Path, content):
    face_set(tmp_path, r7=content)
    refused(tmp_path, "record 7 of", "is to be an identity's", "altered or another set's")


def test_an_identity_with_one_label_tells_nothing_that_is_needed(tmp_path: Path):
    expected = load(face_set(tmp_path), CARD, shape=SHAPE)
    (tmp_path / "other").mkdir()
    found = load(face_set(tmp_path / "other", r7=scalar(2, b"")), CARD, shape=SHAPE)
    assert found.labels.tolist() == expected.labels.tolist()


@pytest.mark.parametrize("content", [b"<html>", bytes.fromhex("0005160700020000"), b"%!PS-Adobe-3.0"])
def test_what_begins_as_no_image_is_refused_before_it_is_read(tmp_path: Path, content):
    face_set(tmp_path, r4=vector([1, 1], content))
    refused(tmp_path, "record 4 cannot be decoded as an image (it is no JPEG")


def test_an_image_of_another_aspect_is_refused(tmp_path: Path):
    loaded = load(face_set(tmp_path, r4=vector([1, 1], jpeg(face(9)[:, :6]))), CARD, shape=SHAPE)
    with pytest.raises(UserError, match="record 4 has 6 x 8 pixels, which would be stretched to 8 x 8; crop the"):
        loaded.images.read(np.array([3]))


def test_a_jpeg_cut_short_is_named_when_it_is_read(tmp_path: Path):
    image = jpeg(face(9))
    face_set(tmp_path, r3=vector([1, 1], image[: len(image) // 2]))
    images = load(tmp_path, CARD, shape=SHAPE).images
    assert greys(images.read(np.array([1, 3]))) == [80, 160]
    with pytest.raises(UserError, match=r"train\.rec, record 3 cannot be decoded as an image .*; replace it"):
        images.read(np.array([1, 2]))


def test_the_same_images_give_the_same_bytes(tmp_path: Path):
    images = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), np.uint8)
    for name in ("a", "b"):
        write_records(tmp_path / name, images, np.array([1, 0, 1, 0, 2, 2]))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_a_mapped_file_can_be_replaced(tmp_path: Path):
    file = RecordFile(face_set(tmp_path) / "train.rec")
    write_records(tmp_path, face(9)[None], np.zeros(1, int))
    assert len(file.content) > (tmp_path / "train.rec").stat().st_size
    assert RecordFaces(tmp_path).labels.tolist() == [0]
