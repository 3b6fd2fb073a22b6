"""The Database of Faces: read from a zip or a folder, cropped; what is missing or broken."""

import hashlib
import socket
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.data.image_source import LabelledSource
from shared.data.sampling import Sampling, UnderRepresented, sample
from shared.data.sets import olivetti
from shared.data.sets.olivetti import Olivetti
from shared.errors import UserError

HEADER = b"P5\n92 112\n255\n"
NAMES = [f"s{person}/{image}.pgm" for person in range(1, 41) for image in range(1, 11)]


def pixels(name: str) -> NDArray[np.uint8]:
    """A face [112, 92]: rows of rising grey, moved by the person, the image in the first pixel of the square."""
    person, image = name[1:-4].split("/")
    rows = (np.arange(112)[:, None] + np.arange(92) + 3 * int(person)) % 256
    rows[10, 0] = int(image)
    return rows.astype(np.uint8)


def put_zip(root: Path, prefix: str = "", **changed: bytes | None) -> Path:
    """A zip of the 400 faces, last to first, with some changed by name (s1_2 for s1/2.pgm) or left out."""
    path = root / "orl_faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{prefix}README", "no face")
        for name in reversed(NAMES):
            content = changed.get(name[:-4].replace("/", "_"), HEADER + pixels(name).tobytes())
            if content is not None:
                archive.writestr(prefix + name, content)
    return path


def images(faces: LabelledSource) -> NDArray[np.uint8]:
    return faces.images.read(np.arange(len(faces.images)))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    put_zip(root)
    return root


def test_the_zip_is_read_in_order_of_people_and_numbers(root: Path):
    faces = Olivetti().load(root)
    assert faces.images.shape == Olivetti().image_shape == (1, 92, 92)
    assert images(faces).dtype == np.uint8
    assert faces.classes == Olivetti().trained_classes == 40
    assert faces.labels.tolist() == [person for person in range(40) for _ in range(10)]
    assert images(faces)[:, 0, 0].tolist() == list(range(1, 11)) * 40
    # The middle of the picture, pixel by pixel: ten rows less above and below.
    np.testing.assert_array_equal(images(faces)[37 * 10 + 4], pixels("s38/5.pgm")[10:102])
    whole = b"".join(HEADER + pixels(name).tobytes() for name in NAMES)
    assert faces.checksums == {"orl_faces": hashlib.md5(whole).hexdigest()}
    assert sorted(path.name for path in root.iterdir()) == ["orl_faces.zip"]


def test_a_folder_and_a_zip_with_a_folder_in_it_are_the_same(root: Path, tmp_path: Path):
    expected = olivetti.read(root)
    (tmp_path / "folded").mkdir()
    put_zip(tmp_path / "folded", prefix="att_faces/")
    with zipfile.ZipFile(root / "orl_faces.zip") as archive:
        archive.extractall(tmp_path / "orl_faces")
    for faces in (olivetti.read(tmp_path), olivetti.read(tmp_path / "folded")):
        np.testing.assert_array_equal(images(faces), images(expected))
        assert faces.checksums == expected.checksums


def test_a_comment_in_a_header_is_no_matter(tmp_path: Path):
    put_zip(tmp_path, s7_3=b"P5 # made by hand\n92\n112 255 " + pixels("s7/3.pgm").tobytes())
    np.testing.assert_array_equal(images(olivetti.read(tmp_path))[62], pixels("s7/3.pgm")[10:102])


def test_all_people_are_trained_on_some_with_few_images(root: Path):
    option = UnderRepresented(regular=24, few=16, images=3, tested=(24, 16), test_images=1, held_out_images=5)
    data = Olivetti(sampling=Sampling(under_represented=option))
    assert data.trained_classes == 40
    loaded = data.load(root)
    drawn = sample(loaded.labels, data.sampling, loaded.classes, seed=0)
    # All have ten images, so that the rank of a person is his number.
    assert drawn.counts["train"] == [9] * 24 + [3] * 16
    assert drawn.counts["held_out"] == [0] * 24 + [5] * 16
    assert drawn.minority == tuple(range(24, 40))
    assert set(drawn.train_labels[drawn.train // 10 == 32]) == {32}


def test_squares_of_another_size_are_resized():
    small = np.zeros((2, 64, 64), np.uint8)
    small[:, :32] = 200
    large = olivetti.squares(small)
    assert large.shape == (2, 92, 92)
    assert (large[:, :42] == 200).all()
    assert (large[:, 50:] == 0).all()


def test_what_is_missing_or_broken_in_a_zip_is_named(tmp_path: Path):
    whole = HEADER + pixels("s3/4.pgm").tobytes()
    for content, message in (
        (None, r"orl_faces\.zip has 399 of the 400 faces, not s3/4\.pgm; put orl_faces\.zip"),
        (whole[:5000], r"orl_faces\.zip: s3/4\.pgm cannot be decoded as an image"),
        (b"", r"orl_faces\.zip: s3/4\.pgm cannot be decoded as an image"),
        (b"P5\n91 112\n255\n" + bytes(91 * 112), r"s3/4\.pgm is not grey, 92 wide and 112 high"),
        (b"P6\n92 112\n255\n" + bytes(3 * 92 * 112), r"s3/4\.pgm is not grey"),
    ):
        put_zip(tmp_path, s3_4=content)
        with pytest.raises(UserError, match=message):
            olivetti.read(tmp_path)


def test_a_zip_that_is_cut_short_or_altered(tmp_path: Path):
    path = put_zip(tmp_path)
    whole = path.read_bytes()
    place = whole.index(pixels("s20/2.pgm").tobytes())
    for content in (whole[:100_000], b"", whole[:place] + b"\1\2\3\4" + whole[place + 4 :]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"orl_faces\.zip cannot be read as a zip"):
            olivetti.read(tmp_path)


def test_what_is_missing_or_broken_in_a_folder_is_named(root: Path, tmp_path: Path):
    with zipfile.ZipFile(root / "orl_faces.zip") as archive:
        archive.extractall(tmp_path / "orl_faces")
    faulty = tmp_path / "orl_faces" / "s12" / "9.pgm"
    faulty.write_bytes(b"P5\n")
    with pytest.raises(UserError, match=r"orl_faces/s12/9\.pgm cannot be decoded as an image"):
        olivetti.read(tmp_path)
    faulty.unlink()
    with pytest.raises(UserError, match=r"orl_faces has 399 of the 400 faces, not s12/9\.pgm"):
        olivetti.read(tmp_path)
    faulty.symlink_to("../s1/1.pgm")
    with pytest.raises(UserError, match=r"s12/9\.pgm is the file .*s1/1\.pgm, which is of another class"):
        olivetti.read(tmp_path)


def test_scikit_learns_copy_is_asked_for_last_and_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stored = np.random.RandomState(0).randint(0, 256, (400, 64, 64)).astype(np.uint8)
    asked = []

    def fetch(data_home):
        asked.append(data_home)
        (Path(data_home) / "olivetti_py3.pkz").touch()
        # Its images are turned without moving their bytes, so that they do not lie in memory as they are told.
        return SimpleNamespace(images=np.asfortranarray(stored.astype(np.float32) / 255))

    monkeypatch.setattr("sklearn.datasets.fetch_olivetti_faces", fetch)
    with pytest.raises(UserError, match=r"has neither orl_faces\.zip nor orl_faces nor olivetti_py3\.pkz; put"):
        olivetti.read(tmp_path)
    assert asked == []
    faces = Olivetti().load(tmp_path)
    np.testing.assert_array_equal(images(faces), olivetti.squares(stored))
    assert set(asked) == {str(tmp_path)}
    assert faces.checksums == {"olivetti_faces of scikit-learn, 64 x 64": hashlib.md5(stored.tobytes()).hexdigest()}


@pytest.mark.parametrize("content", [b"", b"half", b"\x78\x9chalf", b"\x80\x05X"])
def test_a_damaged_copy_of_scikit_learns_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "olivetti_py3.pkz").write_bytes(content)
    with pytest.raises(UserError, match=r"olivetti_py3\.pkz cannot be read .*; remove it"):
        olivetti.read(tmp_path)


def test_without_files_and_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("sklearn.datasets.fetch_olivetti_faces", refuse)
    with pytest.raises(UserError) as error:
        Olivetti().load(tmp_path)
    for part in (str(tmp_path), "orl_faces.zip", "scikit-learn could not download", "no network", "s40/10.pgm"):
        assert part in str(error.value)
