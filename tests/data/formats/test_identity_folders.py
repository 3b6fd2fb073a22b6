"""Faces in folders of identities: classes, order, forms of files, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.formats.identity_folders import load_folders, write_folders
from shared.errors import UserError
from tests.data.samples import card

CARD = card()
COLOUR, GREY = (3, 16, 12), (1, 16, 12)


def put(path: Path, grey: int, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (12, 16), (grey,) * 3 if mode == "RGB" else grey).save(path)


def greys(images: np.ndarray) -> list[int]:
    """The grey of each image, which is all of one grey, in tens."""
    flat = images.reshape(len(images), -1)
    assert (np.ptp(flat, axis=1) <= 2).all()
    return [int(round(grey, -1)) for grey in flat.mean(axis=1)]


def test_classes_and_images_are_in_the_order_of_their_names(tmp_path: Path):
    for grey, name in enumerate(("b/2.jpg", "b/10.jpg", "a/x.png", "c/1.pgm", "a/y.JPEG", "c/0.ppm")):
        put(tmp_path / name, 10 + 20 * grey, "L" if name.endswith("pgm") else "RGB")
    (tmp_path / "list.txt").write_text("b")
    (tmp_path / "a" / "notes.txt").write_text("no face")
    loaded = load_folders(tmp_path, COLOUR, CARD)
    assert loaded.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert loaded.labels.dtype == np.int64
    assert (loaded.classes, loaded.images.shape) == (3, COLOUR)
    assert greys(loaded.images.read(np.arange(6))) == [50, 90, 30, 10, 110, 70]


def test_the_checksum_is_of_names_and_sizes(tmp_path: Path):
    put(tmp_path / "a" / "1.png", 20)
    put(tmp_path / "b" / "1.png", 20)
    before = load_folders(tmp_path, COLOUR, CARD).checksums
    assert load_folders(tmp_path, COLOUR, CARD).checksums == before
    (tmp_path / "b" / "1.png").rename(tmp_path / "b" / "2.png")
    assert load_folders(tmp_path, COLOUR, CARD).checksums != before


@pytest.mark.parametrize(("suffix", "shape"), [(".png", COLOUR), (".ppm", COLOUR), (".pgm", GREY), (".png", GREY)])
def test_what_is_written_is_read(tmp_path: Path, suffix, shape):
    channels = (3,) if shape == COLOUR else ()
    images = np.random.default_rng(0).integers(0, 256, (5, *shape[1:], *channels), np.uint8)
    write_folders(tmp_path, images, np.array([7, 3, 7, 3, 12]), suffix=suffix)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000003", "0000007", "0000012"]
    assert sorted(path.name for path in (tmp_path / "0000007").iterdir()) == [f"001{suffix}", f"002{suffix}"]
    loaded = load_folders(tmp_path, shape, CARD)
    assert loaded.labels.tolist() == [0, 0, 1, 1, 2]
    assert np.array_equal(loaded.images.read(np.arange(5)), images[[1, 3, 0, 2, 4]])


def test_jpegs_are_written_unless_asked_otherwise(tmp_path: Path):
    write_folders(tmp_path, np.full((1, 16, 12, 3), 90, np.uint8), np.array([45]))
    assert [path.name for path in (tmp_path / "0000045").iterdir()] == ["001.jpg"]
    assert greys(load_folders(tmp_path, COLOUR, CARD).images.read(np.array([0]))) == [90]


def test_no_folder_and_no_identity(tmp_path: Path):
    for folder in (tmp_path / "gone", tmp_path):
        with pytest.raises(UserError, match=rf"Faces: there is no folder {folder} with folders in it; ask nobody"):
            load_folders(folder, COLOUR, CARD)


def test_an_identity_without_an_image(tmp_path: Path):
    put(tmp_path / "a" / "1.png", 20)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").write_text("no face")
    with pytest.raises(UserError, match=r"Faces: .*/b has no image; take it away, or put its images there; ask nobody"):
        load_folders(tmp_path, COLOUR, CARD)


def test_an_image_cut_short_is_named_when_it_is_read(tmp_path: Path):
    put(tmp_path / "a" / "1.jpg", 20)
    content = (tmp_path / "a" / "1.jpg").read_bytes()
    (tmp_path / "a" / "2.jpg").write_bytes(content[:-30])
    images = load_folders(tmp_path, COLOUR, CARD).images
    with pytest.raises(UserError, match=r"a/2\.jpg cannot be decoded"):
        images.read(np.array([0, 1]))


def link_a_file(folder: Path) -> None:
    (folder / "b" / "9.png").symlink_to("../a/1.png")


def link_two_files_to_one(folder: Path) -> None:
    put(folder / "elsewhere.png", 60)
    for identity in "ab":
        (folder / identity / "9.png").symlink_to(folder / "elsewhere.png")


def link_a_folder(folder: Path) -> None:
    (folder / "c").symlink_to("a", target_is_directory=True)


@pytest.mark.parametrize("link", [link_a_file, link_two_files_to_one, link_a_folder])
def test_an_image_that_is_of_two_classes_by_a_link_is_refused(tmp_path: Path, link):
    for identity in "ab":
        put(tmp_path / identity / "1.png", 20)
    link(tmp_path)
    with pytest.raises(
        UserError, match=r"Faces: .*/[bc]/[19]\.png is the file .*/a/[19]\.png, which is of another class"
    ):
        load_folders(tmp_path, COLOUR, CARD)


def test_links_within_a_class_and_to_elsewhere_are_followed(tmp_path: Path):
    put(tmp_path / "kept" / "1.png", 20)
    put(tmp_path / "kept" / "2.png", 40)
    faces = tmp_path / "faces"
    for identity, number in zip("ab", (1, 2), strict=True):
        (faces / identity).mkdir(parents=True)
        for name in "xy":
            (faces / identity / f"{name}.png").symlink_to(tmp_path / "kept" / f"{number}.png")
    loaded = load_folders(faces, COLOUR, CARD)
    assert loaded.labels.tolist() == [0, 0, 1, 1]
    assert greys(loaded.images.read(np.arange(4))) == [20, 20, 40, 40]
