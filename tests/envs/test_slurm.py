"""The profile for Slurm, on a real Slurm of this machine: what a job asks for, and that one that is stopped goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import ROOT, copy_suite

CLUSTER = ROOT / "tests/envs/slurm-cluster"
MISSING = [name for name in ("slurmctld", "slurmd", "munged") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"no Slurm here ({', '.join(MISSING)}): apt-get install slurm-wlm munge"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a Slurm of this machine takes root"),
]

RUNS = """\
defaults:
  data: {name: mnist-5k, sampling: {per_class: 100}}
  backbone: {name: small-cnn, filters: [4, 4, 4], embedding: 8, dropout: 0.2}
  loss: {name: affinity, sigma: 10, margin: 0.5}
  scheme: {name: classification}
  optimizer: {name: sgd, learning_rate: 0.02}
  training: {epochs: 2, batch_size: 5, checkpoint_steps: 10, gpus: 1}
  benchmarks: [mnist-test]
runs:
  only/{sigma}: {sigma: {set: loss.sigma, to: [10, 20]}}
targets:
  table1: {kind: table, title: None, runs: ["only/*"]}
"""
CANCELLED, LATE = "only/10", "only/20"
SECONDS = 300


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("cluster")
    subprocess.run([CLUSTER, "start", home], check=True)
    yield
    subprocess.run([CLUSTER, "stop", home], check=True)


def until(found: Callable[[], Any], what: str) -> Any:
    """Return what `found` finds, once that is something."""
    deadline = time.monotonic() + SECONDS
    while not (value := found()):
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.02)
    return value


def training(run: str) -> psutil.Process | None:
    """Return the process that trains a run in a job of the cluster, once it does."""
    for process in psutil.process_iter():
        try:
            if {"-m", "train", run} <= set(process.cmdline()) and "SLURM_JOB_ID" in process.environ():
                return process
        except psutil.Error:
            continue
    return None


def halted(suite: Path, run: str, config_hash: str) -> tuple[psutil.Process, str]:
    """Halt the training of a run at its first checkpoint; return it and the number of its job."""
    checkpoints = suite / "results/smoke/checkpoints/gaussian_affinity" / config_hash
    until(lambda: list(checkpoints.glob("*/*/checkpoint.pt")), f"checkpoint of {run}")
    process = training(run)
    assert process is not None
    process.suspend()
    return process, process.environ()["SLURM_JOB_ID"]


def asked_to_end(process: psutil.Process) -> bool:
    """Whether SIGTERM waits for a halted process."""
    line = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if line[:7] == "ShdPnd:")
    return bool(int(line.split()[1], 16) >> signal.SIGTERM - 1 & 1)


def record(results: Path, run: str) -> dict[str, Any]:
    path = results / "smoke/gaussian_affinity/runs" / run / "seed0/record.json"
    return json.loads(path.read_text())


def test_a_cancelled_job_and_one_out_of_time_end_with_the_bits_of_one_left_alone(cluster, tmp_path, digits_root):
    suite = copy_suite(tmp_path)
    shutil.copytree(ROOT / "envs", suite / "envs")
    (suite / "papers/gaussian_affinity/runs.yaml").write_text(RUNS)
    environment = {**os.environ, "REPLICATION_DATA": str(digits_root), "REPLICATIONS_ALLOW_CPU": "1"}
    for run in (CANCELLED, LATE):
        alone = [sys.executable, "-m", "shared", "train", "gaussian_affinity", run, "--scale", "smoke"]
        subprocess.run([*alone, "--results", "alone"], cwd=suite, env=environment, check=True, capture_output=True)
    expected = {run: record(suite / "alone", run) for run in (CANCELLED, LATE)}
    targets = [f"results/smoke/gaussian_affinity/runs/{run}/seed0/record.json" for run in expected]
    with (tmp_path / "log").open("w") as log:
        workflow = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--profile", "envs/profiles/slurm"]
            + ["--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5", "--", *targets],
            cwd=suite,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            first, cancelled = halted(suite, CANCELLED, expected[CANCELLED]["config_hash"])
            told = subprocess.run(["scontrol", "show", "job", cancelled], capture_output=True, text=True, check=True)
            subprocess.run(["scancel", cancelled], check=True)
            second, late = halted(suite, LATE, expected[LATE]["config_hash"])
            # Less than two minutes are left, and at least one.
            used = subprocess.run(["squeue", "-h", "-j", late, "-o", "%M"], capture_output=True, text=True, check=True)
            limit = int(used.stdout.split(":")[0]) + 2
            subprocess.run(["scontrol", "update", f"JobId={late}", f"TimeLimit={limit}"], check=True)
            until(lambda: asked_to_end(second), "signal before the time limit")
            second.resume()
            assert workflow.wait(SECONDS) == 0
        finally:
            workflow.kill()
            print((tmp_path / "log").read_text())
    assert "TresPerJob=gres:gpu:1" in told.stdout
    assert "NumNodes=1 NumCPUs=1 " in told.stdout
    assert "TimeLimit=00:20:00" in told.stdout
    for run, plain in expected.items():
        resumed = record(suite / "results", run)
        assert resumed["provenance"]["weights_sha256"] == plain["provenance"]["weights_sha256"]
        said = (suite / "results/smoke/gaussian_affinity/runs" / run / "train.log").read_text()
        assert f"{run} seed 0: stopped; the same command goes on from here" in said
        assert said.rstrip().endswith("images/s"), said
    states = subprocess.run(["squeue", "--noheader", "--states=all", "--format=%T"], capture_output=True, text=True)
    assert sorted(states.stdout.split()) == ["CANCELLED", "COMPLETED", "COMPLETED", "FAILED"]
