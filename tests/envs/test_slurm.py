"""The profile for Slurm, on a real Slurm of this machine: what a job asks for, and that one that is stopped goes on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conftest import ROOT, copy_suite
from tests.envs.samples import RUNS, SECONDS, let_end, training, until

CLUSTER = ROOT / "tests/envs/slurm-cluster"
MISSING = [name for name in ("slurmctld", "slurmd", "munged") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"no Slurm here ({', '.join(MISSING)}): apt-get install slurm-wlm munge"),
    pytest.mark.skipif(
        Path("/etc/slurm/slurm.conf").exists() and not Path("/etc/slurm/slurm.conf").is_symlink(),
        reason="this machine has a Slurm of its own",
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="a Slurm of this machine takes root"),
]

CANCELLED, LATE = "only/10", "only/20"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[None]:
    home = tmp_path_factory.mktemp("cluster")
    subprocess.run([CLUSTER, "start", home], check=True)
    yield
    subprocess.run([CLUSTER, "stop", home], check=True)


def halted(suite: Path, runs: dict[str, str]) -> dict[str, psutil.Process]:
    """Halt the training of each run, told with the hash of its configuration, at its first checkpoint."""
    checkpoints = suite / "results/smoke/checkpoints/gaussian_affinity"
    found: dict[str, psutil.Process] = {}
    begun: dict[str, psutil.Process] = {}

    def all_halted() -> bool:
        for run in runs.keys() - found.keys():
            if run not in begun and (process := training(run, suite)):
                begun[run] = process
            if run in begun and list(checkpoints.glob(f"{runs[run]}/*/*/checkpoint.pt")):
                begun[run].suspend()
                found[run] = begun[run]
        return found.keys() == runs.keys()

    until(all_halted, "checkpoints")
    return found


def record(results: Path, run: str) -> dict[str, Any]:
    path = results / "smoke/gaussian_affinity/runs" / run / "seed0/record.json"
    written: dict[str, Any] = json.loads(path.read_text())
    return written


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
            [
                *(sys.executable, "-m", "snakemake", "--profile", "envs/profiles/slurm"),
                *("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "5", "--", *targets),
            ],
            cwd=suite,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            processes = halted(suite, {run: plain["config_hash"] for run, plain in expected.items()})
            cancelled, late = (processes[run].environ()["SLURM_JOB_ID"] for run in (CANCELLED, LATE))
            told = subprocess.run(["scontrol", "show", "job", cancelled], capture_output=True, text=True, check=True)
            subprocess.run(["scancel", cancelled], check=True)
            # Less than two minutes are left, and at least one.
            used = subprocess.run(["squeue", "-h", "-j", late, "-o", "%M"], capture_output=True, text=True, check=True)
            limit = int(used.stdout.split(":")[0]) + 2
            subprocess.run(["scontrol", "update", f"JobId={late}", f"TimeLimit={limit}"], check=True)
            let_end(processes[LATE])
            assert workflow.wait(SECONDS) == 0
        finally:
            workflow.kill()
            workflow.wait()
            sys.stdout.write((tmp_path / "log").read_text())
    assert "TresPerJob=gres:gpu:1" in told.stdout
    assert "NumNodes=1 NumCPUs=1 " in told.stdout
    assert "TimeLimit=00:20:00" in told.stdout
    for run, plain in expected.items():
        resumed = record(suite / "results", run)
        assert resumed["provenance"]["weights_sha256"] == plain["provenance"]["weights_sha256"]
        said = (suite / "results/smoke/gaussian_affinity/runs" / run / "train.log").read_text()
        assert f"{run} seed 0: stopped; the same command goes on from here" in said
        assert "step 800/800" in said.splitlines()[-1]
    states = subprocess.check_output(["squeue", "--noheader", "--states=all", "--format=%T"], text=True)
    assert sorted(states.split()) == ["CANCELLED", "COMPLETED", "COMPLETED", "FAILED"]
