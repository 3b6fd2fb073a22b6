"""EMNIST's balanced split: files put down byte by byte, turned upright; what is refused; where they are fetched."""

import gzip
import hashlib
import struct
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from shared.data.fetching import torchvision_says
from shared.data.formats import emnist
from shared.data.formats.emnist import CHARACTERS
from shared.data.sets import emnist_balanced
from shared.data.sets.emnist_balanced import EmnistBalanced
from shared.errors import UserError

NAMES = (
    "emnist-balanced-train-images-idx3-ubyte",
    "emnist-balanced-train-labels-idx1-ubyte",
    "emnist-balanced-test-images-idx3-ubyte",
    "emnist-balanced-test-labels-idx1-ubyte",
)
OTHERS = {
    f"emnist-{variant}-test-{kind}-ubyte": f"{kind} of {variant}".encode()
    for variant in ("bymerge", "byclass")
    for kind in ("images-idx3", "labels-idx1")
}
AN_F = [[0] * 28 for _ in range(28)]
for row in range(4, 24):
    AN_F[row][8] = 200
for column in range(8, 20):
    AN_F[4][column] = 255
for column in range(8, 15):
    AN_F[12][column] = 100


def images_file(count: int) -> bytes:
    """An F, then images that are all of one grey; the columns come before the rows, as in EMNIST's files."""
    letter = bytes(AN_F[row][column] for column in range(28) for row in range(28))
    greys = b"".join(bytes([image % 256]) * 784 for image in range(1, count))
    return bytes([0, 0, 8, 3]) + struct.pack(">III", count, 28, 28) + letter + greys


def labels_file(labels: list[int]) -> bytes:
    return bytes([0, 0, 8, 1]) + struct.pack(">I", len(labels)) + bytes(labels)


# Two training images and one test image of each class.
FILES = dict(
    zip(
        NAMES,
        (images_file(94), labels_file([*range(47), *range(47)]), images_file(47), labels_file([*range(46, -1, -1)])),
        strict=True,
    )
)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch):
    """Two images stand for 2,400 and one for 400, of no owner; nothing is asked of torchvision or of the network."""
    monkeypatch.setattr(EmnistBalanced, "card", EmnistBalanced.card.model_copy(update={"checksums": {}}))
    monkeypatch.setattr(emnist_balanced, "TRAINING", 2)
    monkeypatch.setattr(emnist_balanced, "TEST", 1)
    monkeypatch.setattr(emnist, "archive", lambda: ("http://127.0.0.1:9/gzip.zip", "0" * 32))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def put(root: Path, files: dict[str, bytes] = FILES) -> Path:
    folder = root / "EMNIST" / "raw"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def check(root: Path) -> None:
    arrays = EmnistBalanced().load(root)
    assert arrays.train_images.shape == (94, 28, 28)
    assert arrays.test_images.shape == (47, 28, 28)
    assert arrays.train_images.dtype == arrays.test_images.dtype == np.uint8
    assert arrays.train_images[0].tolist() == arrays.test_images[0].tolist() == AN_F
    assert arrays.train_images[1:].mean((1, 2)).tolist() == list(range(1, 94))
    assert arrays.train_labels.tolist() == [*range(47), *range(47)]
    assert arrays.test_labels.tolist() == [*range(46, -1, -1)]
    assert arrays.checksums == {name: hashlib.md5(content).hexdigest() for name, content in FILES.items()}


@pytest.mark.parametrize("compressed", [False, True])
def test_images_come_out_upright(tmp_path: Path, compressed):
    put(tmp_path, {f"{name}.gz": gzip.compress(content) for name, content in FILES.items()} if compressed else FILES)
    check(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (NAMES[0], FILES[NAMES[0]][:-1], f"{NAMES[0]} is truncated"),
        (NAMES[3], FILES[NAMES[3]] + b"\0", f"{NAMES[3]} has trailing bytes"),
        (NAMES[2], gzip.compress(FILES[NAMES[2]])[:-9], f"{NAMES[2]} is a truncated or damaged gzip file"),
        (NAMES[0], images_file(93), "do not hold 2 images .*the images are uint8 \\[93, 28, 28\\]"),
        (NAMES[2], FILES[NAMES[0]], "do not hold 1 images .*the images are uint8 \\[94, 28, 28\\]"),
        (NAMES[0], FILES[NAMES[1]], "the images are uint8 \\[94\\]"),
        (NAMES[1], FILES[NAMES[3]], "the labels are uint8 \\[47\\]"),
        (NAMES[3], FILES[NAMES[3]][:2] + b"\x09" + FILES[NAMES[3]][3:], "the labels are int8 \\[47\\]"),
        (NAMES[1], labels_file([*range(1, 48), *range(47)]), "a label is 47"),
        (NAMES[1], labels_file([*range(47), *range(46), 7]), "of each of 47 classes: class 7 has 3"),
    ],
)
def test_another_content_is_refused(tmp_path: Path, name, content, message):
    folder = put(tmp_path, {**FILES, name: content})
    with pytest.raises(UserError, match=message) as error:
        EmnistBalanced().load(tmp_path)
    for part in ("EMNIST, balanced", name, str(folder), "www.nist.gov"):
        assert part in str(error.value)
    assert (folder / name).read_bytes() == content


def test_gzipped_files_must_be_the_owner_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    zipped = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in FILES.items()}
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in zipped.items()}
    monkeypatch.setattr(EmnistBalanced, "card", EmnistBalanced.card.model_copy(update={"checksums": sums}))
    folder = put(tmp_path, zipped)
    check(tmp_path)
    name = f"{NAMES[1]}.gz"
    other = gzip.compress(labels_file([*range(1, 47), 0, *range(47)]), mtime=0)
    (folder / name).write_bytes(other)
    found = hashlib.sha256(other).hexdigest()
    with pytest.raises(
        UserError, match=f"{name} is altered or truncated: it has sha256 {found}, expected {sums[name]}"
    ):
        EmnistBalanced().load(tmp_path)
    # Of what is expanded no checksum is known.
    (folder / name).unlink()
    (folder / NAMES[1]).write_bytes(FILES[NAMES[1]])
    check(tmp_path)


def test_the_card_has_the_sha256_of_the_four_gzipped_files(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    assert list(EmnistBalanced.card.checksums) == [f"{name}.gz" for name in NAMES]
    assert {len(bytes.fromhex(checksum)) for checksum in EmnistBalanced.card.checksums.values()} == {32}


def test_one_file_missing_is_named_and_nothing_is_fetched(tmp_path: Path):
    folder = put(tmp_path)
    (folder / NAMES[1]).unlink()
    with pytest.raises(UserError, match=f"has neither {NAMES[1]} nor {NAMES[1]}.gz; add it"):
        EmnistBalanced().load(tmp_path)
    assert not (folder / NAMES[1]).exists()


def refused(root: Path) -> str:
    """The message with which a set that is nowhere is refused; it leaves nothing but the lock."""
    with pytest.raises(UserError) as error:
        EmnistBalanced().load(root)
    assert [path.name for path in (root / "EMNIST").iterdir()] == [".raw.lock"]
    for part in ("EMNIST, balanced", f"{root / 'EMNIST'} has no folder raw with", *NAMES, "www.nist.gov"):
        assert part in str(error.value)
    return str(error.value)


def test_no_network(tmp_path: Path):
    assert "could not be fetched (http://127.0.0.1:9/gzip.zip: <urlopen error" in refused(tmp_path)


def test_no_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken() -> tuple[str, str]:
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(emnist, "archive", broken)
    assert "could not be fetched (torchvision's address: Command 'python'" in refused(tmp_path)


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Returns a function that offers an archive of files and of `OTHERS`, or other content, under a MD5."""

    def offer(files: dict[str, bytes], md5: str | None = None, content: bytes | None = None) -> str:
        path = tmp_path / "offered.zip"
        with zipfile.ZipFile(path, "w") as members:
            for name, plain in (OTHERS | files).items():
                members.writestr(f"gzip/{name}.gz", gzip.compress(plain))
        if content is not None:
            path.write_bytes(content)
        found = hashlib.md5(path.read_bytes()).hexdigest()
        monkeypatch.setattr(emnist, "archive", lambda: (path.as_uri(), md5 or found))
        return found

    return offer


def test_only_the_files_that_a_set_needs_are_taken_from_the_archive(tmp_path: Path, archive):
    archive({"emnist-digits-train-images-idx3-ubyte": b"others", **FILES, "emnist-balanced-mapping": b"1 49"})
    root = tmp_path / "root"
    check(root)
    assert sorted(path.name for path in (root / "EMNIST" / "raw").iterdir()) == sorted([*NAMES, *OTHERS])
    assert (root / "EMNIST" / "raw" / NAMES[0]).read_bytes() == FILES[NAMES[0]]
    archive({}, content=b"not asked for again")
    check(root)


def test_an_archive_of_another_md5_is_refused(tmp_path: Path, archive):
    found = archive(FILES, md5="ab" * 16)
    assert f"its content has md5 {found}, expected {'ab' * 16})" in refused(tmp_path / "root")


@pytest.mark.parametrize(
    ("files", "content", "message"),
    [
        ({}, b"<html>Please sign in</html>", "File is not a zip file"),
        ({name: FILES[name] for name in NAMES[:3]}, None, f"no item named 'gzip/{NAMES[3]}.gz'"),
    ],
)
def test_an_archive_without_the_files_is_refused(tmp_path: Path, archive, files, content, message):
    archive(files, content=content)
    assert message in refused(tmp_path / "root")


def test_torchvision_agrees_on_archive_and_characters(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    url, md5 = emnist.archive()
    assert url.startswith("http")
    assert url.endswith("gzip.zip")
    assert len(bytes.fromhex(md5)) == 16
    assert torchvision_says("*datasets.EMNIST.classes_split_dict['balanced']") == list(CHARACTERS)


def test_the_card_counts_what_is_read(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    assert EmnistBalanced.classes == len(CHARACTERS) == 47
    assert EmnistBalanced.training_images == 47 * emnist_balanced.TRAINING == 112_800
    assert 47 * emnist_balanced.TEST == 18_800
