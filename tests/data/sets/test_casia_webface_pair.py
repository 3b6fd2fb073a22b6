"""Two identities of CASIA-WebFace, from folders or records: which are taken, how they are split, what is refused."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.formats.recordio import RecordFaces, write_records
from shared.data.sets.casia_webface_pair import CasiaPair
from shared.errors import UserError


def put(root: Path, sizes: dict[str, int]) -> Path:
    """Folders of identities with so many faces; face k of each, written last to first, is all of the grey 10 k."""
    folder = root / "casia-webface"
    for identity, size in sizes.items():
        (folder / identity).mkdir(parents=True)
        for face in reversed(range(size)):
            image = Image.new("RGB", (250, 250), (10 * face,) * 3)
            image.save(folder / identity / f"{face + 1:03}.jpg", quality=95)
    return folder


def greys(images: np.ndarray) -> list[int]:
    """The grey of each image, which is all of one grey, to the nearest ten."""
    assert images.shape[1:] == (56, 56)
    assert (np.ptp(images, axis=(1, 2)) <= 1).all()
    return [int(round(grey, -1)) for grey in images.mean((1, 2))]


def test_the_two_largest_by_name_where_equal_and_every_fifth_for_testing(tmp_path: Path):
    folder = put(tmp_path, {"0000099": 11, "0000045": 11, "0000102": 16, "0000001": 3})
    (folder / "list.txt").write_text("0000045")
    (folder / "0000099" / "notes.txt").write_text("no face")
    arrays = CasiaPair().load(tmp_path)
    assert arrays.train_labels.tolist() == [0] * 13 + [1] * 9
    assert arrays.test_labels.tolist() == [0, 0, 0, 1, 1]
    assert arrays.train_labels.dtype == arrays.train_images.dtype == np.uint8
    assert greys(arrays.test_images) == [40, 90, 140, 40, 90]
    assert greys(arrays.train_images) == [
        *(0, 10, 20, 30, 50, 60, 70, 80, 100, 110, 120, 130, 150),
        *(0, 10, 20, 30, 50, 60, 70, 80, 100),
    ]
    assert arrays.checksums == {
        identity: hashlib.md5(
            b"".join((folder / identity / f"{face:03}.jpg").read_bytes() for face in range(1, size + 1))
        ).hexdigest()
        for identity, size in {"0000102": 16, "0000045": 11}.items()
    }
    assert len(arrays.checksums) == CasiaPair.classes


def test_a_face_that_would_be_stretched_is_refused(tmp_path: Path):
    folder = put(tmp_path, {"a": 10, "b": 10})
    Image.new("RGB", (96, 112)).save(folder / "b" / "003.jpg")
    with pytest.raises(UserError, match=r"003\.jpg has 96 x 112 pixels, which would be stretched to 56 x 56"):
        CasiaPair().load(tmp_path)


def test_a_face_that_is_of_both_people_by_a_link_is_refused(tmp_path: Path):
    folder = put(tmp_path, {"a": 10, "b": 10})
    (folder / "b" / "011.jpg").symlink_to("../a/001.jpg")
    with pytest.raises(UserError, match=r"a/001\.jpg is the file .*b/011\.jpg, which is of another class"):
        CasiaPair().load(tmp_path)


def test_colours_become_grey_and_the_picture_stays_upright(tmp_path: Path):
    folder = put(tmp_path, {"a": 10, "b": 10})
    quarters = np.zeros((112, 112, 3), np.uint8)
    quarters[:56, :56] = (255, 0, 0)
    quarters[:56, 56:] = (0, 255, 0)
    quarters[56:, :56] = (0, 0, 255)
    Image.fromarray(quarters).save(folder / "a" / "001.jpg", quality=100, subsampling=0)
    image = CasiaPair().load(tmp_path).train_images[0]
    # ITU-R BT.601: 0.299 R + 0.587 G + 0.114 B.
    corners = [int(image[row, column]) for row, column in ((10, 10), (10, 45), (45, 10), (45, 45))]
    assert corners == pytest.approx([76, 150, 29, 0], abs=3)


def test_no_folder(tmp_path: Path):
    with pytest.raises(UserError) as error:
        CasiaPair().load(tmp_path)
    for part in ("CASIA-WebFace", str(tmp_path / "casia-webface"), "owner", "001.jpg"):
        assert part in str(error.value)


@pytest.mark.parametrize("sizes", [{"a": 12}, {"a": 12, "b": 9}, {"a": 0, "b": 0}])
def test_too_few_images(tmp_path: Path, sizes):
    put(tmp_path, sizes)
    with pytest.raises(UserError, match=r"casia-webface has not two identities with 10 images or more"):
        CasiaPair().load(tmp_path)


def put_records(root: Path, sizes: list[int]) -> Path:
    """Records of identities with so many faces, face k of each all of the grey 10 k, those of the last one first."""
    greys = [10 * face for size in reversed(sizes) for face in range(size)]
    labels = [label for label in reversed(range(len(sizes))) for _ in range(sizes[label])]
    images = np.empty((len(greys), 112, 112, 3), np.uint8)
    images[:] = np.array(greys)[:, None, None, None]
    write_records(root / "casia-webface", images, np.array(labels))
    return root / "casia-webface"


def test_the_packaging_of_insightface_gives_the_same_choice(tmp_path: Path):
    folder = put_records(tmp_path, [3, 11, 16, 11])
    (folder / "0000045").mkdir()
    arrays = CasiaPair().load(tmp_path)
    assert arrays.train_labels.tolist() == [0] * 13 + [1] * 9
    assert greys(arrays.test_images) == [40, 90, 140, 40, 90]
    assert greys(arrays.train_images)[13:] == [0, 10, 20, 30, 50, 60, 70, 80, 100]
    images = RecordFaces(folder)
    assert arrays.checksums == {
        identity: hashlib.md5(b"".join(map(images.encoded, keys))).hexdigest()
        for identity, keys in {"2": range(14, 30), "1": range(3, 14)}.items()
    }


def test_too_few_images_in_records(tmp_path: Path):
    put_records(tmp_path, [9, 16])
    with pytest.raises(UserError, match=r"casia-webface has not two identities with 10 images or more"):
        CasiaPair().load(tmp_path)


def test_records_without_their_index(tmp_path: Path):
    (put_records(tmp_path, [12, 12]) / "train.idx").unlink()
    with pytest.raises(UserError, match=r"CASIA-WebFace, two identities: .*casia-webface has no train\.idx"):
        CasiaPair().load(tmp_path)


def test_unreadable_images_are_named(tmp_path: Path):
    folder = put(tmp_path, {"a": 10, "b": 10})
    faulty = folder / "b" / "007.jpg"
    whole = faulty.read_bytes()
    for content in (b"", b"<html>", whole[: len(whole) // 2]):
        faulty.write_bytes(content)
        with pytest.raises(UserError, match=r"two identities: .*b/007\.jpg cannot be decoded as an image"):
            CasiaPair().load(tmp_path)
    faulty.unlink()
    faulty.mkdir()
    with pytest.raises(UserError, match=r"b/007\.jpg is called as a picture, but is no file"):
        CasiaPair().load(tmp_path)
