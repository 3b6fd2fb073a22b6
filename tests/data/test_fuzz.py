"""Each reader is given files of its own writer with something changed: it reads them or raises UserError, in bounds."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from io import BytesIO
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from shared.data import stand_ins
from shared.data.files import md5
from shared.data.formats import idx, recordio, verification_bin, yaw_files
from shared.data.formats.image_lists import load_list
from shared.data.image_source import ALIGNED, decode
from shared.data.reading import pictures
from shared.data.reading.faults import all_told
from shared.data.sets import (
    casia_webface_pair,
    dermofit,
    emnist_selection,
    ijb,
    ijb_a,
    megaface,
    ms_celeb_one_shot,
    olivetti,
    omniglot,
    qmul_survface,
    youtube_faces,
)
from shared.data.sets.omniglot import Omniglot
from tests.data.samples import card
from tests.fuzz import Outcome, apart, fuzz

CARD = card("Fuzzed")


def write_idx(folder: Path) -> None:
    idx.write_idx(folder / "a", np.arange(24, dtype=np.uint8).reshape(4, 3, 2))


def write_pictures(folder: Path) -> None:
    from PIL import Image

    picture = Image.fromarray(np.random.RandomState(0).randint(0, 256, (20, 16, 3)).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    for form, (suffix, *_) in pictures.FORMATS.items():
        picture.save(folder / f"1{suffix}", form, **({"exif": exif} if form in {"JPEG", "PNG", "WEBP"} else {}))
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000).save(folder / "2.png")


def write_gzipped(folder: Path) -> None:
    write_idx(folder)
    (folder / "a").write_bytes(gzip.compress((folder / "a").read_bytes(), mtime=0))


def write_selection(folder: Path) -> None:
    np.savez_compressed(folder / "a.npz", images=np.zeros((3, 28, 28), np.uint8), labels=np.arange(3, dtype=np.uint8))


def read_selection(folder: Path) -> None:
    emnist_selection.from_archive(folder / "a.npz")


FEW: dict[str, Any] = {"PEOPLE": 2, "IMAGES": 2}


def write_olivetti(folder: Path) -> None:
    from PIL import Image

    for person in range(1, FEW["PEOPLE"] + 1):
        (folder / f"s{person}").mkdir()
        for number in range(1, FEW["IMAGES"] + 1):
            Image.new("L", (olivetti.WIDTH, olivetti.HEIGHT), person).save(folder / f"s{person}/{number}.pgm")


def read_olivetti(folder: Path) -> None:
    with patch.multiple(olivetti, **FEW):
        olivetti.read(folder)


def write_olivetti_zip(folder: Path) -> None:
    with TemporaryDirectory() as scratch:
        write_olivetti(Path(scratch))
        shutil.make_archive(str(folder / olivetti.NAME), "zip", scratch)


def write_dermofit_zips(folder: Path) -> None:
    stand_ins.write_dermofit(folder, size=32, share=0.01)
    for place in sorted(folder.iterdir()):
        shutil.make_archive(str(place), "zip", place)
        shutil.rmtree(place)


def write_yaw(folder: Path) -> None:
    (folder / "yaw.txt").write_text("1.5\n-20\nnan\n")


def write_landmarks(folder: Path) -> None:
    (folder / "landmarks.txt").write_text("40 50 70 50 55 70 42 90 68 90\n" * 3)


ALPHABETS = {"Greek": 2, "Latin": 1}


def write_omniglot(folder: Path) -> None:
    from PIL import Image

    file = BytesIO()
    Image.new("1", (105, 105), 1).save(file, "PNG")
    with zipfile.ZipFile(folder / "images_background.zip", "w") as archive:
        for alphabet, characters in ALPHABETS.items():
            for place in range(20 * characters):
                name = f"{alphabet}/character{place // 20 + 1:02}/0001_{place % 20 + 1:02}.png"
                archive.writestr(f"images_background/{name}", file.getvalue())
    with zipfile.ZipFile(folder / omniglot.TRIALS, "w") as archive:
        for part in ("test/item", "training/class"):
            for number in (1, 2):
                archive.writestr(f"run01/{part}0{number}.png", file.getvalue())
        lines = [f"run01/test/item0{one}.png run01/training/class0{3 - one}.png" for one in (1, 2)]
        archive.writestr(f"run01/{omniglot.LABELS}", "\n".join(lines))


def read_omniglot(folder: Path) -> None:
    """Read archives whose checksums are taken for the owner's, which else no mutated one has."""
    sums = {path.name: md5(path) for path in folder.glob("*.zip")}
    with patch.multiple(omniglot, ARCHIVES=omniglot.ARCHIVES | sums, ALPHABETS=ALPHABETS):
        Omniglot.model_construct(alphabets=tuple(ALPHABETS), unseen=("Latin",)).read(folder)
        omniglot.trials(folder)


def read_pictures(folder: Path) -> None:
    for path in folder.iterdir():
        decode(path.read_bytes(), (3, 16, 16), path.name, stretched=True)


READERS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any], str]] = {
    "idx": (write_idx, lambda folder: idx.read_idx(folder / "a"), "*"),
    "idx-gz": (write_gzipped, lambda folder: idx.read_idx(folder / "a"), "*"),
    "npz": (write_selection, read_selection, "*"),
    "pictures": (write_pictures, read_pictures, "*"),
    "yaw": (write_yaw, lambda folder: yaw_files.read_yaw(folder, 3), "*"),
    "landmarks": (write_landmarks, lambda folder: yaw_files.read_yaw(folder, 3), "*"),
    "olivetti": (write_olivetti, read_olivetti, "s*/*"),
    "olivetti-zip": (write_olivetti_zip, read_olivetti, "*.zip"),
    "omniglot": (write_omniglot, read_omniglot, "*.zip"),
    "recordio": (
        lambda folder: stand_ins.write_casia_webface(folder, identities=2, most=2, least=2),
        lambda folder: recordio.load(folder, CARD),
        "*",
    ),
    "casia-webface-pair": (
        lambda folder: stand_ins.write_casia_webface(folder, identities=2, most=12, least=11),
        casia_webface_pair.largest,
        "*",
    ),
    "bin": (
        lambda folder: stand_ins.write_verification(folder, images=2),
        lambda folder: verification_bin.read(folder / "lfw.bin", CARD),
        "lfw.bin",
    ),
    "ms1m-lt": (
        lambda folder: stand_ins.write_ms1m_lt(folder, identities=3, most=2),
        lambda folder: load_list(folder, "MS1M_LT_train.txt", ALIGNED, CARD),
        "*.txt",
    ),
    "one-shot": (
        lambda folder: stand_ins.write_ms_celeb_one_shot(folder, base=2, images=2, novel=2, tested=1),
        lambda folder: ms_celeb_one_shot.read(folder, CARD),
        "*.txt",
    ),
    "qmul-pairs": (
        lambda folder: stand_ins.write_qmul_survface(folder, identities=2, people=4),
        lambda folder: qmul_survface.read_pairs(folder, CARD),
        "Face_Verification_Test_Set/*.mat",
    ),
    "qmul-training": (
        lambda folder: stand_ins.write_qmul_survface(folder, identities=3, most=4, least=2, people=2),
        lambda folder: qmul_survface.read_training(folder, CARD),
        "training_set/*/*",
    ),
    "ytf": (
        lambda folder: stand_ins.write_ytf(folder, frames=1),
        lambda folder: youtube_faces.read(folder, CARD),
        "*.txt",
    ),
    "ijb-c": (
        lambda folder: stand_ins.write_ijbc(folder, people=3),
        lambda folder: ijb.read(folder, CARD, "ijbc"),
        "meta/*",
    ),
    "ijb-a": (
        lambda folder: stand_ins.write_ijba(folder, people=4, tested=3, unknown=1),
        lambda folder: ijb_a.read(folder, CARD),
        "IJB-A_*/split1/*.csv",
    ),
    "megaface": (
        lambda folder: stand_ins.write_megaface(folder, people=2, distractors=3),
        lambda folder: megaface.read(folder, CARD),
        "devkit/templatelists/*",
    ),
    "dermofit": (
        lambda folder: stand_ins.write_dermofit(folder, size=32, share=0.01),
        lambda folder: dermofit.read(folder, fold=0, size=32, card=CARD),
        "*/*/*.png",
    ),
    "dermofit-zip": (
        write_dermofit_zips,
        lambda folder: dermofit.read(folder, fold=0, size=32, card=CARD),
        "*.zip",
    ),
}


def tried(name: str, folder: Path, number: int) -> Outcome:
    """Give a reader mutated files of a folder, by turns as a training reads them and as `check` does."""
    _, read, pattern = READERS[name]
    each: tuple[Callable[[], AbstractContextManager[None]], ...] = (nullcontext, partial(all_told, lambda _: None))
    ways = cycle(each)

    def read_some() -> None:
        with next(ways)():
            for source in getattr(read(folder), "sources", {}).values():
                source.read(np.arange(min(4, len(source))))

    return fuzz(read_some, sorted(path for path in folder.glob(pattern) if path.is_file()), number, name)


@pytest.mark.parametrize("name", READERS)
def test_a_reader_reads_or_says_why_not(tmp_path: Path, name: str, request):
    write, *_ = READERS[name]
    folder = tmp_path / "set"
    folder.mkdir()
    write(folder)
    apart(tried, name, folder, request.config.getoption("--fuzz")).require_nothing_wrong(name)
