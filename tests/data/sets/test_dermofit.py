"""The Dermofit library: its packagings, labels, folds and squares by hand, and what is missing or broken."""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.data import stand_ins
from shared.data.image_arrays import ImageArrays
from shared.data.rendered import lesions as rendered_lesions
from shared.data.sets import dermofit
from shared.errors import UserError
from tests.data.samples import card

CARD = card("Dermofit", "ask its owner")
CODES = ["AK", "BCC", "ML", "SCC", "SK", "IEC", "PYO", "VASC", "DF", "MEL"]
NAMES = {
    "AK": "Actinic Keratosis",
    "BCC": "basal_cell_carcinoma",
    "ML": "Melanocytic Nevus (mole)",
    "SCC": "Squamous Cell Carcinoma SCC",
    "SK": "Seborrhoeic Keratosis",
    "IEC": "IEC - Intraepithelial Carcinoma",
    "PYO": "PyogenicGranuloma",
    "VASC": "Haemangioma (VASC)",
    "DF": "dermatofibroma",
    "MEL": "Malignant Melanoma",
}


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def put(folder: Path, counts: dict[str, int], place: Callable[[str, str], str] = lambda code, name: name) -> Path:
    """Lesions 0, 1, ... of each class, written last to first: grey 10 x class + number, the mask in the middle."""
    for label, (code, count) in enumerate(counts.items()):
        for number in reversed(range(count)):
            name = f"{code[0]}{number:02}"
            file = folder / code / place(code, name) / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            mask = np.zeros((30, 40), np.bool_)
            mask[10:20, 15:25] = True
            file.write_bytes(png(np.full((30, 40, 3), 10 * label + number, np.uint8)))
            file.with_name(f"{name}mask.png").write_bytes(png(mask))
    return folder


def load(folder: Path, fold: int = 0, size: int = 8, **options) -> ImageArrays:
    return dermofit.read(folder, fold=fold, size=size, card=CARD, **options)


def greys(images: np.ndarray) -> list[int]:
    assert (np.ptp(images.reshape(len(images), -1), axis=1) == 0).all()
    return [int(grey) for grey in images[:, 0, 0, 0]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return put(tmp_path / "dermofit", {code: 5 if code == "ML" else 4 if code == "AK" else 3 for code in CODES})


def test_the_classes_are_the_librarys_with_the_five_of_experiment_1_first():
    assert [kind.code for kind in dermofit.KINDS] == CODES == list(rendered_lesions.CLASSES)
    assert sum(kind.lesions for kind in dermofit.KINDS) == 1300
    sizes = sorted(kind.lesions for kind in dermofit.KINDS)
    # Section 4.1 of the paper: between 24 and 331, mean 130, median 83, nearly half of all in the top two classes.
    assert [sizes[0], sizes[-1], float(np.mean(sizes)), float(np.median(sizes))] == [24, 331, 130, 83]


def test_three_folds_share_out_each_class_in_order_of_names(folder: Path):
    folds = [load(folder, fold) for fold in range(3)]
    # By hand: AK has lesions 0 to 3, of which fold 0 takes 0 and 3; ML has 20 to 24, fold 0 takes 20 and 23.
    assert greys(folds[0].test_images) == [0, 3, 10, 20, 23, 30, 40, 50, 60, 70, 80, 90]
    assert greys(folds[1].test_images) == [1, 11, 21, 24, 31, 41, 51, 61, 71, 81, 91]
    assert greys(folds[2].test_images) == [2, 12, 22, 32, 42, 52, 62, 72, 82, 92]
    assert folds[0].test_labels.tolist() == [0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9]
    for fold in folds:
        assert sorted(greys(fold.train_images) + greys(fold.test_images)) == sorted(
            grey for part in folds for grey in greys(part.test_images)
        )
        assert [grey // 10 for grey in greys(fold.train_images)] == fold.train_labels.tolist()
        assert fold.train_images.shape[1:] == (8, 8, 3)
        assert fold.train_images.dtype == fold.train_labels.dtype == np.uint8
        assert fold.checksums == folds[0].checksums
    with pytest.raises(UserError, match="fold: 3 is not from 0 to 2"):
        load(folder, 3)


def test_the_checksum_of_a_class_is_that_of_its_files_in_order(folder: Path):
    contents = [(folder / "IEC" / f"I0{n}" / f"I0{n}{end}.png").read_bytes() for n in range(3) for end in ("", "mask")]
    assert load(folder).checksums["IEC"] == hashlib.md5(b"".join(contents)).hexdigest()
    assert list(load(folder).checksums) == CODES


def same(one: ImageArrays, other: ImageArrays) -> bool:
    return one.checksums == other.checksums and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("train_images", "train_labels", "test_images", "test_labels")
    )


def test_zips_and_full_names_and_other_layouts_are_read_alike(folder: Path, tmp_path: Path):
    expected = load(folder)
    zipped = tmp_path / "zipped"
    zipped.mkdir()
    for code in CODES:
        # As macOS makes them: the folder itself in the zip, and a copy of what it knows of each file.
        shutil.make_archive(str(zipped / code), "zip", folder, code)
        with zipfile.ZipFile(zipped / f"{code}.zip", "a") as archive:
            archive.writestr(f"__MACOSX/{code}/{code[0]}00/._{code[0]}00.png", b"no picture")
            archive.writestr(f"{code}/._{code[0]}01mask.png", b"no picture")
            archive.writestr(f"{code}/readme.txt", b"lesions")
    assert same(load(zipped), expected)
    named = tmp_path / "named"
    for code in CODES:
        shutil.copytree(folder / code, named / NAMES[code])
    (named / "licence").mkdir()
    assert same(load(named), expected)
    (named / "Haemangioma (VASC)").rename(named / "aside")
    shutil.copy(zipped / "VASC.zip", named / "Hemangioma.ZIP")
    assert same(load(named), expected)
    straight = put(
        tmp_path / "straight", {code: len(list((folder / code).iterdir())) for code in CODES}, lambda *_: "."
    )
    assert (straight / "AK" / "A00mask.png").exists()
    assert same(load(straight), expected)
    for path in straight.rglob("*mask.png"):
        path.rename(path.with_name(path.name.replace("mask.png", "_Mask.PNG")))
    assert same(load(straight), expected)


def test_a_square_about_the_lesion_with_a_margin(folder: Path):
    # The mask's box is 20 rows by 10 columns: the square has 20 x 1.3 = 26, rows 7 to 32 and columns 22 to 47.
    photograph = np.random.RandomState(0).randint(0, 256, (50, 60, 3)).astype(np.uint8)
    mask = np.zeros((50, 60), np.uint8)
    mask[10:30, 30:40] = 255
    lesion = folder / "AK" / "A00"
    for mode in ("1", "L", "RGB", "P"):
        (lesion / "A00.png").write_bytes(png(photograph))
        Image.fromarray(mask).convert(mode).save(lesion / "A00mask.png")
        np.testing.assert_array_equal(load(folder, size=26).test_images[0], photograph[7:33, 22:48])
    # In a corner the square is moved into the photograph.
    corner = np.zeros_like(mask)
    corner[45:50, 40:60] = 255
    (lesion / "A00mask.png").write_bytes(png(corner))
    np.testing.assert_array_equal(load(folder, size=26).test_images[0], photograph[24:50, 34:60])
    # A lesion that fills the photograph: 60 x 1.3 = 78, of which 14 before and after the rows, 9 beside the columns.
    (lesion / "A00mask.png").write_bytes(png(np.full_like(mask, 255)))
    square = load(folder, size=78).test_images[0]
    np.testing.assert_array_equal(square[14:64, 9:69], photograph)
    assert (square[:14, 9:69] == photograph[:1]).all()
    assert (square[14:64, 69:] == photograph[:, -1:]).all()


def test_missing_classes_are_named_with_their_lesions(folder: Path):
    shutil.rmtree(folder / "PYO")
    shutil.rmtree(folder / "DF")
    with pytest.raises(UserError) as error:
        load(folder)
    for part in (
        *("Dermofit", str(folder), "8 of 10 classes", "Pyogenic Granuloma (PYO, 24 lesions)"),
        *("Dermatofibroma (DF, 65 lesions)", "PYO.zip", "ask its owner"),
    ):
        assert part in str(error.value)
    with pytest.raises(UserError, match=r"there is no folder .*nowhere; ask its owner"):
        load(folder / "nowhere")


def test_too_few_lesions(folder: Path):
    shutil.rmtree(folder / "SCC" / "S01")
    with pytest.raises(UserError, match=r"has not all lesions \(SCC 2 of at least 3\); ask its owner"):
        load(folder)
    put(folder, {"AK": 0, "BCC": 0, "ML": 0, "SCC": 3})
    counts = {kind.code: kind.lesions for kind in dermofit.KINDS}
    with pytest.raises(UserError, match=r"\(AK 4 of 45, BCC 3 of 239, ML 5 of 331, .* MEL 3 of 76\)"):
        load(folder, expected=counts)
    assert load(folder, expected={"AK": 4, "ML": 5}).checksums


@pytest.mark.parametrize("packed", [False, True])
def test_a_photograph_without_mask_and_a_mask_without_photograph(folder: Path, packed):
    for name, message in (
        ("S01mask.png", r"SCC(\.zip)?: the photograph .*S01/S01\.png has no mask; put the file beside it"),
        ("S01.png", r"SCC(\.zip)?: the mask .*S01/S01mask\.png has no photograph"),
    ):
        whole = (folder / "SCC" / "S01" / name).read_bytes()
        (folder / "SCC" / "S01" / name).unlink()
        if packed:
            shutil.make_archive(str(folder / "SCC"), "zip", folder, "SCC")
            (folder / "SCC").rename(folder / "aside")
        with pytest.raises(UserError, match=message):
            load(folder)
        if packed:
            (folder / "aside").rename(folder / "SCC")
        (folder / "SCC" / "S01" / name).write_bytes(whole)


def test_a_lesion_that_is_of_two_classes_by_a_link_is_refused(folder: Path):
    linked = folder / "SCC" / "S09"
    linked.symlink_to(next((folder / "BCC").iterdir()), target_is_directory=True)
    with pytest.raises(UserError, match=r"is the file .*, which is of another class; take one of them away"):
        load(folder)
    linked.unlink()
    (folder / "licence.txt").write_text("one for all classes")
    for code in ("BCC", "SCC"):
        (folder / code / "licence.txt").symlink_to(folder / "licence.txt")
    load(folder)


def test_unreadable_pictures_are_named(folder: Path):
    file = folder / "MEL" / "M02" / "M02.png"
    whole = png(np.random.RandomState(0).randint(0, 256, (30, 40, 3)).astype(np.uint8))
    for content in (b"", b"<html>", whole[: len(whole) // 2], whole[:60] + b"abcd" + whole[64:]):
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"Dermofit: .*M02/M02\.png cannot be decoded as an image .*; replace it"):
            load(folder)
    file.write_bytes(whole)
    mask = file.with_name("M02mask.png")
    for content, message in (
        (b"", r"the mask of Dermofit: .*M02/M02\.png cannot be decoded as an image"),
        (png(np.zeros((30, 40), np.uint8)), r"the mask of .*M02/M02\.png marks no lesion"),
        (png(np.ones((40, 30), np.bool_)), r"the mask of .*M02\.png is 30 x 40, the photograph 40 x 30; replace"),
    ):
        mask.write_bytes(content)
        with pytest.raises(UserError, match=message):
            load(folder)


def test_a_zip_that_is_cut_short_or_altered(folder: Path):
    shutil.make_archive(str(folder / "DF"), "zip", folder, "DF")
    pixels = (folder / "DF" / "D01" / "D01.png").read_bytes()
    shutil.rmtree(folder / "DF")
    archive = folder / "DF.zip"
    load(folder)
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as stored:
        stored.writestr("D01.png", pixels)
        stored.writestr("D01mask.png", pixels)
    altered = archive.read_bytes().replace(pixels, pixels[:-1] + b"!")
    for content in (whole[: len(whole) // 2], b"", altered):
        archive.write_bytes(content)
        with pytest.raises(UserError, match=r"DF\.zip(: D01\.png or its mask)? cannot be read .*; ask its owner"):
            load(folder)


def test_a_zip_with_two_files_of_one_name_is_refused(folder: Path):
    shutil.make_archive(str(folder / "DF"), "zip", folder, "DF")
    pixels = (folder / "DF" / "D01" / "D01.png").read_bytes()
    shutil.rmtree(folder / "DF")
    with zipfile.ZipFile(folder / "DF.zip", "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("DF/D01/D01mask.png", pixels)
    with pytest.raises(UserError, match=r"DF\.zip cannot be read \(it has two members of one name, DF/D01/D01mask"):
        load(folder)


def test_drawn_lesions_are_written_as_the_library_is(tmp_path: Path):
    folder = tmp_path / "drawn"
    folder.mkdir()
    stand_ins.write_dermofit(folder, size=48, share=0.1)
    counts = [len(list((folder / code).iterdir())) for code in CODES]
    assert counts == [4, 24, 33, 9, 26, 8, 3, 10, 6, 8]
    assert {path.name for path in (folder / "ML" / "M2033").iterdir()} == {"M2033.png", "M2033mask.png"}
    drawn = load(folder, size=32)
    sizes = np.bincount(drawn.train_labels) + np.bincount(drawn.test_labels)
    assert sizes.tolist() == counts
    assert len(np.unique(drawn.train_images, axis=0)) == len(drawn.train_images)
    again = tmp_path / "again"
    again.mkdir()
    stand_ins.write_dermofit(again, size=48, share=0.1)
    assert same(load(again, size=32), drawn)
    other = tmp_path / "other"
    other.mkdir()
    stand_ins.write_dermofit(other, size=48, share=0.01, seed=1)
    assert [len(list((other / code).iterdir())) for code in CODES] == [3] * 10
    image, mask = rendered_lesions.render(np.array([2]), np.array([32]), size=48)
    written = np.asarray(Image.open(folder / "ML" / "M2033" / "M2033.png"))
    np.testing.assert_array_equal(written, image[0])
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "ML" / "M2033" / "M2033mask.png")), mask[0])
