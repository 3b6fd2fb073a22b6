"""Fixtures that several test files share."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.commands import job, job_server

if "PYTEST_XDIST_WORKER" in os.environ:
    # Processes that share out the files have a core each; more threads would get in each other's way.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Many processes import the suite, also where nothing else is to write beside its modules.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# What a shell runs in the background ignores it, and so would the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.quick"]

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("Snakefile", "papers", "shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let `--fuzz N` say how many mutated files each fuzz test reads."""
    parser.addoption("--fuzz", type=int, default=100, metavar="N", help="mutated files that a fuzz test reads (100)")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take minutes, so that all processes end at about one time; skip what lacks a GPU."""
    on_gpu = [item for item in items if item.get_closest_marker("gpu")]
    if on_gpu:
        import torch

        for item in on_gpu if not torch.cuda.is_available() else ():
            item.add_marker(pytest.mark.skip(reason="needs a GPU"))
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def digits_root(tmp_path_factory):
    """A data root of the test session's own, in which the smoke scale's digits are made once."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """Let a test that runs a command in this process leave no handler of its signals."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


def copy_suite(folder: Path) -> Path:
    """Copy the suite's code, as it is compiled too, without results, to a folder that a test may change."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture
def suite(tmp_path):
    """A copy of the suite of the test's own."""
    return copy_suite(tmp_path)


@pytest.fixture(scope="session")
def prepared() -> Iterator[str]:
    """The socket of a process that has imported torch, and forks for each command (`tests/prepared.py`)."""
    process, socket = job_server.started(ROOT, "tests.prepared")
    yield str(socket)
    assert process.stdin
    process.stdin.close()
    process.wait(timeout=30)


@pytest.fixture
def started(digits_root, prepared) -> Callable[..., subprocess.Popen[str]]:
    """Start `python -m shared ...` in a folder, as a user would; what it gets to its output can be read."""

    def start(*arguments: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-IS", job.__file__, *arguments],
            cwd=cwd,
            env={**os.environ, "REPLICATION_DATA": str(digits_root), job.SERVER: prepared},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def shared(started) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m shared ...` in a folder to its end."""

    def run(*arguments: str, cwd: Path = ROOT, check: bool = False) -> subprocess.CompletedProcess[str]:
        process = started(*arguments, cwd=cwd)
        done = subprocess.CompletedProcess(arguments, 0, *process.communicate())
        done.returncode = process.returncode
        if check:
            done.check_returncode()
        return done

    return run
