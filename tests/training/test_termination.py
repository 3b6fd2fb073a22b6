"""SIGTERM is obeyed soon wherever it finds a training, and what was trained by then is kept."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch

from shared.runs.config import Training
from shared.runs.own_calls import asked
from shared.training import termination
from shared.training.loop import fit
from shared.training.termination import Stopped
from tests.conftest import ROOT
from tests.training.test_loop import Line, numbered, store, taken_up

SOON = 10


def terminate() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class Measure:
    """What is measured at an epoch's end: it draws a random number; the first time it is asked to stop, and slow."""

    def __init__(self, *, stopped: bool) -> None:
        self.stopped = stopped

    def __call__(self) -> dict[str, float]:
        torch.rand(1)
        if self.stopped:
            self.stopped = False
            terminate()
            time.sleep(60)
        return {"drawn": float(torch.rand(1))}


def test_a_measurement_is_broken_off_and_made_again_alike(tmp_path):
    training = Training(epochs=2, batch_size=5)
    torch.manual_seed(0)
    whole = fit(Line(), numbered(10), training, 0, store(tmp_path / "whole"), measure=Measure(stopped=False))
    torch.manual_seed(0)
    began = time.monotonic()
    with pytest.raises(Stopped):
        fit(Line(), numbered(10), training, 0, store(tmp_path / "stopped"), measure=Measure(stopped=True))
    assert time.monotonic() - began < SOON
    assert taken_up(store(tmp_path / "stopped"))["position"]["step"] == 2
    again = fit(Line(), numbered(10), training, 0, store(tmp_path / "stopped"), measure=Measure(stopped=False))
    assert again.curve == whole.curve
    assert again.step == whole.step == 4


def test_a_batch_that_does_not_come_is_not_waited_for(tmp_path, monkeypatch):
    class Waiting(Line):
        def batches(self, images, batch_size, seed, epoch, start):
            for number, batch in enumerate(super().batches(images, batch_size, seed, epoch, start)):
                if number == 3:
                    terminate()
                    time.sleep(60)
                yield batch

    monkeypatch.setattr(termination, "GRACE_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(Stopped):
        fit(Waiting(), numbered(10), Training(epochs=1, batch_size=1, checkpoint_steps=2), 0, store(tmp_path))
    assert time.monotonic() - began < SOON
    assert taken_up(store(tmp_path))["position"]["step"] == 2


def test_own_code_that_takes_long_is_not_blamed(tmp_path, monkeypatch):
    class Slow(Line):
        def batches(self, images, batch_size, seed, epoch, start):
            terminate()
            with asked("my:Sampler: order(0, 1)"):
                time.sleep(60)
            yield from super().batches(images, batch_size, seed, epoch, start)

    monkeypatch.setattr(termination, "GRACE_SECONDS", 0.2)
    with pytest.raises(Stopped):
        fit(Slow(), numbered(10), Training(epochs=1, batch_size=1), 0, store(tmp_path))


def test_stopped_after_the_last_step_of_all_no_other_follows(tmp_path):
    class Terminated(Line):
        def step(self, *batch):
            if self.weight == 4:
                terminate()
            return super().step(*batch)

    training = Training(steps=5, batch_size=1)
    with pytest.raises(Stopped):
        fit(Terminated(), numbered(10), training, 0, store(tmp_path))
    scheme = Line()
    position = fit(scheme, numbered(10), training, 0, store(tmp_path))
    assert (position.step, scheme.weight, position.ended) == (5, 5, True)


def test_a_second_signal_does_not_break_off_the_saving(tmp_path, monkeypatch):
    monkeypatch.setattr(termination, "GRACE_SECONDS", 0.05)
    saved = []

    def stopped_and_saving() -> None:
        with termination.terminable() as asked:
            terminate()
            assert asked.came
            terminate()
            time.sleep(0.2)
            saved.append(1)

    with pytest.raises(Stopped):
        stopped_and_saving()
    assert saved == [1]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_waiting_for_a_lock_ends_at_once(tmp_path, capsys):
    checkpoints = store(tmp_path)
    checkpoints.folder.mkdir()
    held = []
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with (checkpoints.folder / "writer.lock").open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            threading.Timer(0.2, terminate).start()
            with pytest.raises(SystemExit), checkpoints.only_writer("a run", meanwhile=lambda: held.append(1)):
                pass
    finally:
        signal.signal(signal.SIGTERM, before)
    assert held == [1]
    assert "a run: waiting for another process that trains the same weights" in capsys.readouterr().err


DEAF = """
import ctypes, os, signal, threading
from shared.training import termination

termination.GRACE_SECONDS = termination.LAST_SECONDS = 0.2
mutex = ctypes.create_string_buffer(64)
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
with termination.terminable():
    for _ in range(2):
        ctypes.CDLL(None).pthread_mutex_lock(mutex)
"""


def test_what_hears_no_signal_as_it_waits_for_another_process_ends_all_the_same():
    done = subprocess.run([sys.executable, "-c", DEAF], cwd=ROOT, check=False, timeout=60)
    assert done.returncode == 143
