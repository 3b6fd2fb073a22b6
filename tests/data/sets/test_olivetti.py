"""The Database of Faces: read from a zip or a folder, split by people, all pairs; what is missing or broken."""

import hashlib
import socket
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest

from shared.data.sampling import Sampling, UnderRepresented, sample
from shared.data.sets import olivetti
from shared.data.sets.olivetti import Olivetti
from shared.errors import UserError

HEADER = b"P5\n92 112\n255\n"
NAMES = [f"s{person}/{image}.pgm" for person in range(1, 41) for image in range(1, 11)]
TESTED = [4, 10, 11, 15, 18, 20, 22, 25, 28, 29]


def pixels(name: str) -> bytes:
    """The 92 x 112 bytes of a face: rows of rising grey, moved by the person, the image in the first pixel."""
    person, image = name[1:-4].split("/")
    rows = (np.arange(112)[:, None] + np.arange(92) + 3 * int(person)) % 256
    rows[0, 0] = int(image)
    return rows.astype(np.uint8).tobytes()


def put_zip(root: Path, prefix: str = "", **changed: bytes | None) -> Path:
    """A zip of the 400 faces, last to first, with some changed by name (s1_2 for s1/2.pgm) or left out."""
    path = root / "orl_faces.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{prefix}README", "no face")
        for name in reversed(NAMES):
            content = changed.get(name[:-4].replace("/", "_"), HEADER + pixels(name))
            if content is not None:
                archive.writestr(prefix + name, content)
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    put_zip(root)
    return root


def test_the_zip_is_read_in_order_of_people_and_numbers(root: Path):
    faces = olivetti.read(root)
    assert faces.images.shape == (400, 112, 92)
    assert faces.images.dtype == np.uint8
    assert faces.people.dtype == np.int64
    assert faces.people.tolist() == [person for person in range(40) for _ in range(10)]
    assert faces.images[:, 0, 0].tolist() == list(range(1, 11)) * 40
    assert faces.images[37 * 10 + 4].tobytes() == pixels("s38/5.pgm")
    whole = b"".join(HEADER + pixels(name) for name in NAMES)
    assert faces.checksums == {"orl_faces": hashlib.md5(whole).hexdigest()}
    assert sorted(path.name for path in root.iterdir()) == ["orl_faces.zip"]


def test_a_folder_and_a_zip_with_a_folder_in_it_are_the_same(root: Path, tmp_path: Path):
    expected = olivetti.read(root)
    (tmp_path / "folded").mkdir()
    put_zip(tmp_path / "folded", prefix="att_faces/")
    with zipfile.ZipFile(root / "orl_faces.zip") as archive:
        archive.extractall(tmp_path / "orl_faces")
    for faces in (olivetti.read(tmp_path), olivetti.read(tmp_path / "folded")):
        np.testing.assert_array_equal(faces.images, expected.images)
        assert faces.checksums == expected.checksums


def test_a_comment_in_a_header_is_no_matter(tmp_path: Path):
    put_zip(tmp_path, s7_3=b"P5 # made by hand\n92\n112 255 " + pixels("s7/3.pgm"))
    assert olivetti.read(tmp_path).images[62].tobytes() == pixels("s7/3.pgm")


def test_thirty_people_train_and_ten_others_test(root: Path):
    trained, tested = olivetti.split()
    assert tested == TESTED
    assert sorted(trained + tested) == list(range(40))
    faces = olivetti.training(root)
    assert faces.classes == 30
    assert faces.labels.dtype == np.int64
    assert faces.labels.tolist() == [label for label in range(30) for _ in range(10)]
    assert faces.images.shape == (1, 112, 112)
    images = faces.images.read(np.arange(300))
    source = olivetti.read(root)
    for label, person in enumerate(trained):
        np.testing.assert_array_equal(
            images[faces.labels == label][..., 10:102], source.images[source.people == person]
        )
    assert faces.checksums == source.checksums


def test_some_people_may_keep_few_images(root: Path):
    faces = olivetti.training(root, few=(0, 7, 29), few_images=2)
    assert Counter(faces.labels.tolist()) == {label: 2 if label in (0, 7, 29) else 10 for label in range(30)}
    images = faces.images.read(np.arange(len(faces.labels)))
    assert images[faces.labels == 7][:, 0, 10].tolist() == [1, 2]
    sizes = np.bincount(olivetti.training(root, few_images=3).labels)
    assert sizes.tolist() == [10] * 15 + [3] * 15
    for wrong, message in (
        ({"few": (30,)}, "few: 30 are not all classes from 0 to 29"),
        ({"few": (0, -1)}, "few: 0, -1 are not"),
        ({"few": (1,), "few_images": 0}, "few_images: 0 is not from 1 to 10"),
        ({"few": (), "few_images": 11}, "few_images: 11 is not"),
    ):
        with pytest.raises(UserError, match=message):
            olivetti.training(root, **wrong)


def test_everyone_may_be_trained_on(root: Path):
    faces = olivetti.training(root, everyone=True)
    assert faces.classes == 40
    assert faces.labels.tolist() == [person for person in range(40) for _ in range(10)]
    source = olivetti.read(root)
    np.testing.assert_array_equal(faces.images.read(np.arange(400))[..., 10:102], source.images)
    loaded = Olivetti(everyone=True).load(root)
    assert (loaded.classes, len(loaded.images)) == (40, 400)


def test_everyone_can_be_divided(root: Path):
    option = UnderRepresented(regular=10, few=20, images=3, tested=(10, 10), test_images=5)
    data = Olivetti(everyone=True, sampling=Sampling(under_represented=option))
    assert data.trained_classes == 30
    loaded = data.load(root)
    drawn = sample(loaded.labels, data.sampling, loaded.classes, seed=0)
    # All have ten images, so that the rank of a person is his number.
    assert drawn.counts["train"] == [5] * 10 + [3] * 20
    assert drawn.counts["test"] == [5] * 20 + [0] * 10
    assert drawn.counts["gallery"] == [5] * 10 + [3] * 10 + [0] * 10
    assert drawn.minority == tuple(range(10, 30))
    assert set(drawn.train_labels[drawn.train // 10 == 12]) == {12}


def test_the_options_say_who_is_trained_on():
    assert Olivetti().trained_classes == 30
    assert Olivetti(everyone=True).trained_classes == 40
    assert Olivetti(everyone=True, sampling=Sampling(classes=(3, 35))).trained_classes == 2
    assert "everyone" not in Olivetti(few_images=2).model_dump()
    assert Olivetti(everyone=True).model_dump()["everyone"] is True
    with pytest.raises(ValueError, match="give either few_images or everyone"):
        Olivetti(everyone=True, few_images=2)


def test_all_pairs_once_and_every_fold_with_both_kinds(root: Path):
    pairs = olivetti.pairs(root)
    assert len(pairs.images) == 100
    drawn = {tuple(sorted(pair)) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}
    assert drawn == {(one, other) for one in range(100) for other in range(one + 1, 100)}
    assert len(pairs.first) == len(drawn)
    np.testing.assert_array_equal(pairs.same, pairs.first // 10 == pairs.second // 10)
    np.testing.assert_array_equal(pairs.folds, pairs.first // 10)
    assert np.bincount(pairs.folds[pairs.same]).tolist() == [45] * 10
    assert np.bincount(pairs.folds[~pairs.same]).tolist() == [500, 400] * 5
    # By hand: the pairs of the people in places 8 and 2, in the fold of 8, from which it is four steps on to 2.
    assert set(pairs.folds[np.isin(pairs.first // 10, (2, 8)) & np.isin(pairs.second // 10, (2, 8)) & ~pairs.same]) == {
        8
    }
    assert set(pairs.second[(pairs.folds == 8) & ~pairs.same] // 10) == {9, 0, 1, 2, 3}
    assert set(pairs.second[(pairs.folds == 7) & ~pairs.same] // 10) == {8, 9, 0, 1}
    images = olivetti.read(root)
    np.testing.assert_array_equal(
        pairs.images.read(np.arange(100))[..., 10:102], images.images[np.isin(images.people, TESTED)]
    )


def test_edges_are_repeated_and_other_sizes_resized():
    narrow = np.arange(112 * 92, dtype=np.uint32).astype(np.uint8).reshape(1, 112, 92)
    [square] = olivetti.squared(narrow)
    assert (square[:, :10] == narrow[0, :, :1]).all()
    assert (square[:, 102:] == narrow[0, :, -1:]).all()
    small = np.zeros((2, 64, 64), np.uint8)
    small[:, :32] = 200
    large = olivetti.squared(small)
    assert large.shape == (2, 112, 112)
    assert (large[:, :50] == 200).all()
    assert (large[:, 62:] == 0).all()


def test_what_is_missing_or_broken_in_a_zip_is_named(tmp_path: Path):
    whole = HEADER + pixels("s3/4.pgm")
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
    place = whole.index(pixels("s20/2.pgm"))
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


def test_scikit_learns_copy_is_asked_for_last_and_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stored = np.random.RandomState(0).randint(0, 256, (400, 64, 64)).astype(np.uint8)
    asked = []

    def fetch(data_home):
        asked.append(data_home)
        return SimpleNamespace(images=stored.astype(np.float32) / 255)

    monkeypatch.setattr("sklearn.datasets.fetch_olivetti_faces", fetch)
    faces = olivetti.read(tmp_path)
    np.testing.assert_array_equal(faces.images, stored)
    assert asked == [str(tmp_path)]
    assert faces.checksums == {"olivetti_faces of scikit-learn, 64 x 64": hashlib.md5(stored.tobytes()).hexdigest()}
    assert olivetti.pairs(tmp_path).images.shape == (1, 112, 112)


def test_without_files_and_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("sklearn.datasets.fetch_olivetti_faces", refuse)
    with pytest.raises(UserError) as error:
        olivetti.read(tmp_path)
    for part in (str(tmp_path), "orl_faces.zip", "scikit-learn could not download", "no network", "s40/10.pgm"):
        assert part in str(error.value)
