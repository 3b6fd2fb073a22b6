"""What the tests of clusters have in common: a small paper, and to wait for what a job does."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

RUNS = """\
defaults:
  data: {name: mnist-5k, sampling: {per_class: 100}}
  backbone: {name: small-cnn, filters: [4, 4, 4], embedding: 8, dropout: 0.2}
  loss: {name: affinity, sigma: 10, margin: 0.5}
  scheme: {name: classification}
  optimizer: {name: sgd, learning_rate: 0.02}
  training: {epochs: 4, batch_size: 5, checkpoint_steps: 10, gpus: 1}
  benchmarks: [mnist-test]
runs:
  only/{sigma}: {sigma: {set: loss.sigma, to: [10, 20]}}
targets:
  table1: {kind: table, title: None, runs: ["only/*"]}
"""
SECONDS = 300


def until(found: Callable[[], Any], what: str) -> Any:
    """Return what `found` finds, once that is something."""
    deadline = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.02)
    return value


def training(run: str, suite: Path) -> psutil.Process | None:
    """Return the process that trains a run of a copy of the suite in a job of a cluster, once it does."""
    for process in psutil.process_iter():
        try:
            if {"-m", "train", run, "--requeue"} <= set(process.cmdline()) and Path(process.cwd()) == suite:
                return process
        except psutil.Error:
            continue
    return None


def let_end(process: psutil.Process) -> None:
    """Let a halted process go on once SIGTERM waits for it; what sent that may have done so already."""

    def asked() -> bool:
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except FileNotFoundError:
            return True
        pending = next(line for line in status.splitlines() if line.startswith("ShdPnd:"))
        return bool(int(pending.split()[1], 16) >> signal.SIGTERM - 1 & 1)

    until(lambda: asked() or process.status() != psutil.STATUS_STOPPED, "signal")
    with suppress(psutil.NoSuchProcess):
        process.resume()
