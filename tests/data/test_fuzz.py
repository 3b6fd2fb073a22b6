"""Each reader is given files of its own writer with something changed: it reads them or raises UserError, in bounds."""

from __future__ import annotations

import multiprocessing
import random
import resource
import shutil
import signal
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.commands.check import sources
from shared.data import stand_ins
from shared.data.formats import idx, recordio, verification_bin
from shared.data.formats.image_lists import load_list
from shared.data.image_source import ALIGNED, decode
from shared.data.reading import pictures
from shared.data.sets import (
    casia_webface_pair,
    dermofit,
    ijb,
    ijb_a,
    megaface,
    ms_celeb_one_shot,
    qmul_survface,
    youtube_faces,
)
from shared.errors import UserError
from tests.data.samples import card

CARD = card("Fuzzed")
SECONDS = 10
MEMORY = 3 << 30
TOKENS = (
    b"\0", b"\xff", b"\n", b"\r", b" ", b",", b"-1", b"nan", b"1e300", b"1_0", b"9" * 25, b"9" * 5000, b"\xef\xbb\xbf",
    b"../", b"/", b'"', b"[" * 3000, b"\xed\xa0\x80", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"x" * 300,
)  # fmt: skip


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


def read_pictures(folder: Path) -> None:
    for path in folder.iterdir():
        decode(path.read_bytes(), (3, 16, 16), path.name)


READERS: dict[str, tuple[Callable[[Path], Any], Callable[[Path], Any], str]] = {
    "idx": (write_idx, lambda folder: idx.read_idx(folder / "a"), "*"),
    "pictures": (write_pictures, read_pictures, "*"),
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
        stand_ins.write_qmul_survface,
        lambda folder: qmul_survface.read_pairs(folder, CARD),
        "Face_Verification_Test_Set/*.mat",
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
}


def mutated(content: bytes, stream: random.Random) -> bytes:
    """Change a few bytes, cut, double or insert something."""
    changed = bytearray(content)
    for _ in range(stream.choice((1, 1, 1, 2, 4))):
        place = (
            stream.randrange(len(changed) + 1) if stream.random() < 0.6 else min(len(changed), stream.randrange(200))
        )
        kind = stream.randrange(5)
        if kind == 0 and place < len(changed):
            changed[place] ^= 1 << stream.randrange(8)
        elif kind == 1:
            token = stream.choice(TOKENS)
            changed[place:place] = token
        elif kind == 2:
            token = stream.choice(TOKENS)
            changed[place : place + len(token)] = token
        elif kind == 3:
            del changed[place : place + stream.choice((1, 4, 50, len(changed)))]
        else:
            changed[place:place] = changed[place : place + stream.choice((1, 8, 100))]
    return bytes(changed)


def _late(*_: object) -> None:
    raise TimeoutError(f"more than {SECONDS} seconds")


def tried(name: str, folder: Path, count: int, sender: Any) -> None:
    """Give the reader `count` mutated files, and send what else than UserError it raised, and how many it read."""
    _, read, pattern = READERS[name]
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _late)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    files = sorted(path for path in folder.glob(pattern) if path.is_file())
    stream, wrong, fine = random.Random(name), [], 0
    for number in range(count):
        path = stream.choice(files)
        content = path.read_bytes()
        path.write_bytes(mutated(content, stream))
        signal.alarm(SECONDS)
        try:
            data = read(folder)
            for source in sources(data).values():
                source.read(np.arange(min(4, len(source))))
            fine += 1
        except UserError as error:
            if "0x7f" in str(error) or len(str(error)) > 3000:
                wrong.append(f"{number} {path.name}: {error}")
        except BaseException:
            wrong.append(f"{number} {path.name}: {''.join(traceback.format_exc().splitlines(keepends=True)[-6:])}")
        finally:
            signal.alarm(0)
            path.write_bytes(content)
    sender.send((fine, wrong))


@pytest.mark.parametrize("name", READERS)
def test_a_reader_reads_or_says_why_not(tmp_path: Path, name: str, request):
    write, *_ = READERS[name]
    folder = tmp_path / "set"
    folder.mkdir()
    try:
        write(folder)
    except FileExistsError:
        shutil.rmtree(folder)
        write(folder)
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    count = request.config.getoption("--fuzz")
    child = context.Process(target=tried, args=(name, folder, count, sender))
    child.start()
    sender.close()
    try:
        fine, wrong = receiver.recv()
    except EOFError:
        pytest.fail(f"the reader ended its process, with status {child.exitcode}")
    finally:
        child.join()
    print(f"{name}: {count} mutated files, {fine} read, {len(wrong)} wrong")  # noqa: T201 - shown by -rA
    assert not wrong, "\n".join(wrong[:5])
