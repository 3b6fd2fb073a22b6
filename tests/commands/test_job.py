"""A job of the workflow: by the server and without one it does what `python -m shared` does, and obeys signals."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from shared.commands import job, job_server
from tests.conftest import ROOT, copy_suite

RUN = ["train", "discface", "figure4/cosface", "--scale", "smoke", "--seed", "0"]
SHORT = ["train", "adversarial_variance", "figure7/2", "--scale", "smoke", "--seed", "0"]
TITLE = "Five of our own"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The server of a copy of the suite in which a paper has another title, so that what it runs can be told."""
    suite = copy_suite(tmp_path_factory.mktemp("suite"))
    reference = suite / "papers/discface/reference.yaml"
    text = reference.read_text()
    title = next(line for line in text.splitlines() if line.strip().startswith("title:"))
    reference.write_text(text.replace(title, title.split("title:")[0] + f"title: {TITLE}", 1))
    process, socket = job_server.started(suite)
    yield process, socket
    assert process.stdin
    process.stdin.close()
    assert process.wait(timeout=30) == 0
    assert not socket.parent.exists()


@pytest.fixture
def run(server, digits_root) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a job in a folder, with the server or without one."""
    processes = ExitStack()

    def run(*arguments: str, cwd: Path = ROOT, served: bool = True) -> subprocess.Popen[str]:
        given = {"REPLICATION_DATA": str(digits_root), job.SERVER: str(server[1] if served else cwd / "no-server")}
        process = subprocess.Popen(
            [sys.executable, "-IS", job.__file__, *arguments],
            cwd=cwd,
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.enter_context(process)
        processes.callback(process.kill)
        return process

    with processes:
        yield run


def begun(results: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the training of a job has begun."""
    while not list(results.glob("smoke/checkpoints/**/*.pt")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def test_the_server_runs_a_job_with_its_output_and_its_status(run):
    out, err = run("list", "--paper", "discface").communicate()
    assert out.startswith(f"discface: {TITLE}\n")
    assert err == ""
    wrong = run("list", "--paper", "discfac")
    assert wrong.communicate() == ("", "error: there is no paper 'discfac'; did you mean 'discface'?\n")
    assert wrong.returncode == 2


def test_without_a_server_a_job_runs_by_itself_in_any_folder(run, tmp_path):
    process = run("list", "--paper", "discface", cwd=tmp_path, served=False)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert out.startswith("discface: DiscFace")


def test_a_served_training_leaves_the_same_bits_in_its_own_folder(run, tmp_path):
    weights = []
    for served in (True, False):
        folder = tmp_path / f"served-{served}"
        folder.mkdir()
        process = run(*SHORT, "--results", "here", cwd=folder, served=served)
        _, err = process.communicate()
        assert process.returncode == 0, err
        record = json.loads((folder / "here/smoke/adversarial_variance/runs/figure7/2/seed0/record.json").read_text())
        weights.append((record["provenance"]["weights_sha256"], record["metrics"]))
    assert weights[0] == weights[1]


def test_a_job_that_is_asked_to_stop_stops_and_says_so(run, tmp_path):
    process = run(*RUN, "--results", str(tmp_path))
    begun(tmp_path, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate()
    assert process.returncode == 143
    assert err.endswith("seed 0: stopped; the same command goes on from here\n")


def test_a_killed_job_leaves_no_process_behind(run, server, tmp_path):
    process = run(*RUN, "--results", str(tmp_path))
    begun(tmp_path, process)
    of_job = psutil.Process(server[0].pid).children(recursive=True)
    assert of_job
    process.kill()
    gone, _ = psutil.wait_procs(of_job, timeout=30)
    assert len(gone) == len(of_job)
    assert not list(tmp_path.glob("**/record.json"))


def test_a_killed_server_s_job_is_told(run, server, tmp_path):
    process = run(*RUN, "--results", str(tmp_path))
    begun(tmp_path, process)
    for of_job in psutil.Process(server[0].pid).children(recursive=True):
        of_job.kill()
    _, err = process.communicate()
    assert process.returncode != 0
    assert "the same command again" in err


ENDS = """
import atexit, os, sys, threading, time
from shared.commands.ending import end_after

def work(ends):
    atexit.register(print, "exit function")
    threading.Thread(target=lambda: time.sleep(0.1) or print("thread")).start()
    print("work", end=", ")
    ends()

for ends in (lambda: None, lambda: sys.exit(3), lambda: sys.exit("a word"), lambda: 1 / 0):
    process = os.fork()
    if process == 0:
        end_after(lambda: work(ends))
    print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), flush=True)
"""


def test_a_fork_ends_as_python_does():
    done = subprocess.run([sys.executable, "-c", ENDS], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [line for status in "0311" for line in ("work, thread", "exit function", status)]
    assert done.stderr.startswith("a word\nTraceback (most recent call last):\n")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_where_no_socket_can_be_made_jobs_start_for_themselves(tmp_path, monkeypatch):
    folder = tmp_path / ("x" * 120)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv(job.SERVER, "before")
    job_server.serve_this_process()
    assert os.environ[job.SERVER] == "before"
    assert list(folder.iterdir()) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    job_server.serve_this_process()
    assert os.environ[job.SERVER] == "before"


def test_a_job_whose_asker_is_gone_when_it_ends_ends_all_the_same():
    ours, theirs = socket.socketpair()

    def leave() -> None:
        assert theirs.recv(6) == b"taken\n"
        theirs.close()

    leaving = threading.Thread(target=leave)
    leaving.start()
    streams = [os.open(os.devnull, os.O_RDWR) for _ in range(3)]
    asked = {"arguments": [], "folder": str(ROOT), "environment": dict(os.environ)}
    with ours:
        job_server._run(job_server._Job(ours, asked, streams), lambda _: time.sleep(0.2))
    leaving.join()


def test_a_job_whose_asker_is_gone_before_it_begins_is_not_begun():
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        job_server._run(job_server._Job(ours, {}, []), lambda _: pytest.fail("it was begun"))


def test_a_job_that_is_interrupted_while_its_server_prepares_says_nothing(tmp_path):
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        asked = subprocess.Popen(
            [sys.executable, "-IS", job.__file__, *RUN],
            env={**os.environ, job.SERVER: str(path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        with listening.accept()[0] as connection:
            assert connection.recv(1) == b"{"
            asked.send_signal(signal.SIGINT)
            assert asked.communicate(timeout=30)[1] == ""
    assert asked.returncode == 130
