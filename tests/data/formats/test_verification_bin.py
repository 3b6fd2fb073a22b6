"""InsightFace's pickled pairs: both of Python's pickles from bytes put down by hand, and nothing hostile is run."""

import io
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.model_selection import KFold

from shared.data.files import md5
from shared.data.formats import verification_bin
from shared.data.formats.inert_pickle import ByteArray, unpickled
from shared.errors import UserError
from tests.data.samples import card

CARD = card("LFW", "ask its owner")


def encoded(grey: int, side: int = 112, width: int = 0) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width or side, side), (grey,) * 3).save(file, "PNG")
    return file.getvalue()


ONE, TWO, THREE = encoded(10), encoded(20), encoded(30)
PROTOCOL_2 = b"\x80\x02"


def python_2(images: list[bytes], same: bytes) -> bytes:
    """What cPickle of Python 2 writes at protocol 2: each image a BINSTRING, four bytes of length, put in the memo."""
    texts = b"".join(
        b"T" + struct.pack("<i", len(image)) + image + b"q" + bytes([number]) for number, image in enumerate(images, 3)
    )
    return PROTOCOL_2 + b"]q\x01(" + texts + b"e]q\x02(" + same + b"e\x86q\xff."


def python_3(images: list[bytes], same: bytes) -> bytes:
    """What Python 3 writes at protocol 4: a frame of eight bytes of length, each image a BINBYTES, memoized."""
    texts = b"".join(b"B" + struct.pack("<I", len(image)) + image + b"\x94" for image in images)
    body = b"]\x94(" + texts + b"e]\x94(" + same + b"e\x86\x94."
    return b"\x80\x04\x95" + struct.pack("<Q", len(body)) + body


def python_2_array(image: bytes) -> bytes:
    """What cPickle writes of an array of shape [N, 1] of uint8, as OpenCV's encoder returns it."""
    length = struct.pack("<i", len(image))
    return (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tU\x01btR"
        b"(K\x01(J" + length + b"K\x01tcnumpy\ndtype\n(U\x02u1K\x00K\x01tR(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + length + image + b"tb"
    )


def load(path: Path, content: bytes):
    path.write_bytes(content)
    return verification_bin.read(path, CARD)


@pytest.mark.parametrize("written", [python_2, python_3])
def test_both_pickles_by_hand(tmp_path: Path, written):
    path = tmp_path / "lfw.bin"
    content = written([ONE, TWO, THREE, ONE], b"\x88\x89")
    pairs = load(path, content)
    assert pairs.same.tolist() == [True, False]
    assert pairs.same.dtype == np.bool_
    shown = pairs.images.read(np.stack([pairs.first, pairs.second], 1).ravel())
    assert shown.shape == (4, 112, 112, 3)
    assert shown[:, 0, 0, 0].tolist() == [10, 20, 30, 10]
    assert len(pairs.images) == 3
    assert pairs.checksums == {"lfw.bin": md5(content)}
    assert pickle.loads(content, encoding="bytes") == ([ONE, TWO, THREE, ONE], [True, False])


def test_arrays_of_bytes_by_hand(tmp_path: Path):
    content = PROTOCOL_2 + b"](" + 2 * (python_2_array(ONE) + python_2_array(TWO)) + b"e](I01\nI00\ne\x86."
    pairs = load(tmp_path / "cfp_fp.bin", content)
    assert pairs.images.read(np.arange(2))[:, 0, 0, 0].tolist() == [10, 20]
    assert pairs.same.tolist() == [True, False]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("booleans", [list, np.array, lambda same: [np.bool_(value) for value in same]])
@pytest.mark.parametrize("image", [bytes, lambda data: np.frombuffer(data, np.uint8).reshape(-1, 1), np.array])
def test_all_that_numpy_pickles(tmp_path: Path, protocol, booleans, image):
    if image is np.array:

        def image(data):
            return np.frombuffer(data, np.uint8).copy()

    content = pickle.dumps(([image(data) for data in (ONE, TWO, ONE, THREE)], booleans([True, False])), protocol)
    pairs = load(tmp_path / "agedb_30.bin", content)
    assert pairs.images.read(pairs.first)[:, 0, 0, 0].tolist() == [10, 10]
    assert pairs.images.read(pairs.second)[:, 0, 0, 0].tolist() == [20, 30]
    assert pairs.same.tolist() == [True, False]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.text(max_size=8)
    | st.binary(min_size=1, max_size=300),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=12,
)


@given(value=VALUES, protocol=st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_plain_values_as_pickle_reads_them(value, protocol):
    assert unpickled(pickle.dumps(value, protocol)) == value


def test_one_list_twice_is_one_list():
    images = [b"x"]
    first, second = unpickled(pickle.dumps((images, images)))
    assert first is second


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_altered_bytes_are_refused_or_plain(data):
    content = bytearray(pickle.dumps(([b"ab", np.frombuffer(b"cd", np.uint8)], [True]), data.draw(st.integers(0, 5))))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        value = unpickled(bytes(content))
    except (ValueError, TypeError):
        return
    assert isinstance(value, (list, tuple, bytes, str, int, ByteArray, type(None))) or type(value).__module__ == (
        "shared.data.formats.inert_pickle"
    )


def hostile(marker: Path) -> dict[str, bytes]:
    """Pickles that create the file `marker` where a plain reader reads them."""
    command = f"echo run > {marker}"
    text = b"X" + struct.pack("<I", len(command)) + command.encode()
    system = f"c{os.system.__module__}\nsystem\n".encode()

    class Reduced:
        def __reduce__(self):
            return os.system, (command,)

    evaluated = f"(V__import__('os').system('{command}')\ntR.".encode()
    return {
        "reduce, protocol 0": pickle.dumps(([b"x"], [Reduced()]), 0),
        "reduce, protocol 2": pickle.dumps(([b"x"], [Reduced()]), 2),
        "reduce, protocol 4": pickle.dumps(([b"x"], [Reduced()]), 4),
        "by hand": PROTOCOL_2 + system + text + b"\x85R.",
        "inst": b"(" + text + f"i{os.system.__module__}\nsystem\n.".encode(),
        "obj": b"(" + system + text + b"o.",
        "eval": b"cbuiltins\neval\n" + evaluated,
        "eval of Python 2": b"c__builtin__\neval\n" + evaluated,
        "through numpy": b"cnumpy.core.multiarray\n_reconstruct\n0" + system + text + b"\x85R.",
        "hidden after the end of a frame": b"\x80\x04\x95" + struct.pack("<Q", 1) + b"N" + system + text + b"\x85R.",
    }


@pytest.mark.parametrize("kind", list(hostile(Path("x"))))
def test_nothing_hostile_is_run(tmp_path: Path, kind):
    marker = tmp_path / "marker"
    content = hostile(marker)[kind]
    with pytest.raises(UserError, match=r"lfw\.bin is not a set of pairs of images: .*; ask its owner") as error:
        load(tmp_path / "lfw.bin", content)
    assert "nothing was run" in str(error.value)
    assert not marker.exists()
    if kind != "hidden after the end of a frame":
        pickle.loads(content)
        assert marker.exists(), "the pickle does no harm, so that the test would prove nothing"


@pytest.mark.parametrize(
    ("content", "instruction"),
    [
        (PROTOCOL_2 + b"cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"\x82\x01.", "EXT1"),
        (b"Pname\n.", "PERSID"),
        (b"Vname\nQ.", "BINPERSID"),
        (b"}.", "EMPTY_DICT"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"G" + bytes(8) + b".", "BINFLOAT"),
        (b"\x8f.", "EMPTY_SET"),
    ],
)
def test_instructions_without_a_place(tmp_path: Path, content, instruction):
    with pytest.raises(UserError, match=f"the instruction {instruction} at byte [0-9]+ has no place there"):
        load(tmp_path / "lfw.bin", content)


@pytest.mark.parametrize("written", [python_2, python_3])
def test_truncated_anywhere(tmp_path: Path, written):
    content = written([b"abc", b"def"], b"\x88")
    for length in range(len(content)):
        with pytest.raises(UserError, match="is not a set of pairs of images"):
            load(tmp_path / "lfw.bin", content[:length])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([[ONE, TWO]], "no pair of lists"),
        (([ONE, TWO], [True], []), "no pair of lists"),
        ((ONE, [True]), "no pair of lists"),
        (([ONE, TWO], True), "no pair of lists"),
        (7, "no pair of lists"),
        (([ONE, TWO, ONE], [True]), "3 images for 1 pairs"),
        (([ONE, TWO], [True, False]), "2 images for 2 pairs"),
        (([], []), "0 images for 0 pairs"),
        (([ONE, "text"], [True]), "image 1 is no bytes but str"),
        (([ONE, TWO], ["yes"]), "whether pair 0 shows one person"),
        (([ONE, TWO], [2]), "whether pair 0 shows one person"),
        (([ONE, np.zeros(3)], [True]), "an array is of type f8, not u1"),
        (([ONE, TWO], np.array([1.0])), "an array is of type f8, not of whole numbers"),
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_other_content_is_refused(tmp_path: Path, value, message, protocol):
    with pytest.raises(UserError, match=rf"LFW: .*lfw\.bin is not a set of pairs of images: .*{message}"):
        load(tmp_path / "lfw.bin", pickle.dumps(value, protocol))


def test_an_image_cut_short_is_named_by_its_place_when_it_is_read(tmp_path: Path):
    file = io.BytesIO()
    Image.effect_noise((112, 112), 50).convert("RGB").save(file, "JPEG")
    cut = file.getvalue()[:-1000]
    pairs = load(tmp_path / "lfw.bin", pickle.dumps(([ONE, ONE, TWO, cut], [True, False])))
    assert pairs.images.read(pairs.first)[:, 0, 0, 0].tolist() == [10, 20]
    with pytest.raises(UserError, match=r"image 3 of .*lfw\.bin cannot be decoded"):
        pairs.images.read(pairs.second)


def test_another_size_is_resized(tmp_path: Path):
    pairs = load(tmp_path / "lfw.bin", pickle.dumps(([encoded(40, 96), ONE, ONE, TWO], [True, False])))
    assert pairs.images.read(np.arange(2)).shape == (2, 112, 112, 3)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"<html>", "image 2 of .* cannot be decoded as an image .it is no JPEG"),
        (b"", "image 2 of .* cannot be decoded as an image"),
        (encoded(9, width=96), "image 2 of .* has 96 x 112 pixels, which would be stretched"),
    ],
)
def test_what_is_no_aligned_face_by_its_header_is_refused_when_it_is_opened(tmp_path: Path, image, message):
    verification_bin.write(tmp_path / "own.bin", [ONE, TWO, image, THREE], [True, False])
    with pytest.raises(UserError, match=message):
        verification_bin.read(tmp_path / "own.bin", CARD)


def test_no_file(tmp_path: Path):
    with pytest.raises(UserError, match=r"LFW: there is no file .*lfw\.bin; ask its owner"):
        verification_bin.read(tmp_path / "lfw.bin", CARD)


@pytest.mark.parametrize("pairs", [10, 13, 79, 80, 6000, 7000])
def test_folds_are_those_of_k_fold_without_shuffling(pairs):
    folds = verification_bin.consecutive_folds(pairs)
    for fold, (_, tested) in enumerate(KFold(10).split(np.arange(pairs))):
        np.testing.assert_array_equal(np.flatnonzero(folds == fold), tested)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_written_pairs_are_read(tmp_path: Path, protocol):
    path = tmp_path / "lfw.bin"
    verification_bin.write(path, [ONE, TWO, TWO, THREE], [False, True], protocol)
    pairs = verification_bin.read(path, CARD)
    assert (pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist()) == ([0, 1], [1, 2], [False, True])
    assert pairs.folds.tolist() == [0, 1]
