"""Sources of images: pixels as Pillow decodes them, sizes, greys and colours, and images that cannot be read."""

from __future__ import annotations

import pickle
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data.image_source import ArraySource, EncodedSource, FileSource, ImageSource, decode
from shared.errors import UserError

SHAPE = (3, 112, 112)


def picture(height: int = 112, width: int = 112, seed: int = 0) -> np.ndarray:
    """A picture with smooth colours and sharp noise, so that every part of a JPEG decoder matters."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    smooth = np.stack([rows + columns, 255 - rows, 2 * columns], axis=2) % 256
    return np.clip(smooth + rng.normal(0, 20, (height, width, 3)), 0, 255).astype(np.uint8)


def encoded(pixels: np.ndarray, form: str = "JPEG", **options) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


def pillow(content: bytes, mode: str = "RGB") -> np.ndarray:
    with Image.open(BytesIO(content)) as file:
        return np.asarray(file.convert(mode))


@pytest.mark.parametrize("quality", [30, 75, 95, 100])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_has_the_pixels_that_pillow_decodes(quality, subsampling, progressive):
    content = encoded(picture(seed=quality), quality=quality, subsampling=subsampling, progressive=progressive)
    assert np.array_equal(decode(content, SHAPE, "image"), pillow(content))
    assert np.array_equal(decode(memoryview(content), SHAPE, "image"), pillow(content))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "PPM", "BMP"])
@pytest.mark.parametrize(("height", "width"), [(112, 112), (250, 250), (56, 112), (40, 30), (113, 111)])
def test_other_forms_and_sizes_are_what_pillow_makes_of_them(form, height, width):
    content = encoded(picture(height, width), form)
    with Image.open(BytesIO(content)) as file:
        resized = file.convert("RGB")
        if resized.size != (112, 112):
            resized = resized.resize((112, 112), Image.Resampling.BICUBIC)
    assert np.array_equal(decode(content, SHAPE, "image", stretched=True), np.asarray(resized))


def test_greys_and_colours_become_what_is_asked_for():
    colours = encoded(picture())
    assert np.array_equal(decode(colours, (1, 112, 112), "image"), pillow(colours, "L"))
    grey = encoded(picture()[:, :, 0])
    assert np.array_equal(decode(grey, (1, 112, 112), "image"), pillow(grey, "L"))
    assert np.array_equal(decode(grey, SHAPE, "image"), pillow(grey))
    file = BytesIO()
    Image.fromarray(picture()).convert("CMYK").save(file, "JPEG")
    assert np.abs(decode(file.getvalue(), SHAPE, "image").astype(int) - pillow(file.getvalue())).max() <= 1


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_cut_short_or_of_something_else_is_named(form, channels):
    whole = encoded(picture(), form)
    for content in (b"", b"<html>", whole[:2], whole[: len(whole) // 2], whole[:-200]):
        with pytest.raises(UserError, match=r"^face 7 cannot be decoded as an image \(.*\); replace it$"):
            decode(content, (channels, 112, 112), "face 7")


def test_a_header_that_promises_a_huge_image_is_refused():
    content = bytearray(encoded(picture()))
    frame = content.index(b"\xff\xc0") + 5
    content[frame : frame + 4] = b"\xff\xff\xff\xff"
    with pytest.raises(UserError, match="face 7 cannot be decoded"):
        decode(bytes(content), SHAPE, "face 7")


def test_sources_give_the_images_in_the_order_asked_for(tmp_path: Path):
    pictures = np.stack([picture(seed=seed) for seed in range(4)])
    contents = [encoded(one, "PNG") for one in pictures]
    paths = [tmp_path / f"{index}.png" for index in range(4)]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    sources: list[ImageSource] = [
        ArraySource(pictures),
        EncodedSource(contents, SHAPE, [path.name for path in paths]),
        FileSource(paths, SHAPE),
        FileSource([str(path) for path in paths], SHAPE),
    ]
    for source in sources:
        for one in (source, pickle.loads(pickle.dumps(source))):
            assert (len(one), one.shape) == (4, SHAPE)
            images = one.read(np.array([3, 0, 0, 2]))
            assert images.dtype == np.uint8
            assert np.array_equal(images, pictures[[3, 0, 0, 2]])
            assert one.read(np.zeros(0, np.intp)).shape == (0, 112, 112, 3)


def test_grey_images_have_one_channel():
    source = ArraySource(picture()[None, :, :, 0])
    assert source.shape == (1, 112, 112)
    assert source.read(np.array([0, 0])).shape == (2, 112, 112)
    encoded_source = EncodedSource([encoded(picture()[:, :, 0], "PNG")], (1, 112, 112), ["face"])
    for indices in (np.array([0, 0, 0]), np.zeros(0, np.intp)):
        assert encoded_source.read(indices).shape == (len(indices), 112, 112)


def test_reading_an_array_leaves_the_array_alone():
    pictures = np.stack([picture(seed=seed) for seed in range(2)])
    ArraySource(pictures).read(np.array([0, 1]))[:] = 0
    assert pictures.any()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "folder.png").mkdir()
    source = FileSource([tmp_path / "gone.png", tmp_path / "folder.png"], SHAPE)
    with pytest.raises(UserError, match=r"gone\.png cannot be read: No such file or directory; put the file there"):
        source.read(np.array([0]))
    with pytest.raises(UserError, match=r"folder\.png cannot be read: Is a directory"):
        source.read(np.array([1]))
