"""The profile for Kubernetes, with a stand-in for kubectl: what a Job asks for; success, failure and cancelling."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, copy_suite
from tests.envs.samples import RUNS, SECONDS, let_end, training, until

PROFILE = ROOT / "envs/profiles/kubernetes"
RUNS_OF_EACH_KIND = RUNS.replace(
    "only/{sigma}: {sigma: {set: loss.sigma, to: [10, 20]}}",
    "only/{end}: {set: {training.gpus: 0}, end: {well: {}, failing: {training.gpus: 64}, ended: {loss.sigma: 20}}}",
)
FOLDER = "results/smoke/gaussian_affinity/runs/only"


@pytest.fixture
def environment(tmp_path, digits_root):
    """What the profile is told by: the volume is the folder of the tests."""
    state = tmp_path / "state"
    state.mkdir()
    volume = Path(os.path.commonpath([tmp_path, digits_root]))
    return {
        **os.environ,
        "KUBECTL": f"{sys.executable} {ROOT / 'tests/envs/kubectl'}",
        "STAND_IN": str(state),
        "REPLICATIONS_IMAGE": "registry/replications:1",
        "REPLICATIONS_CLAIM": "work",
        "REPLICATIONS_MOUNT": str(volume),
        "REPLICATION_DATA": str(digits_root),
    }


@pytest.fixture
def suite(tmp_path):
    folder = tmp_path / "suite"
    folder.mkdir()
    copy_suite(folder)
    shutil.copytree(ROOT / "envs", folder / "envs")
    (folder / "papers/gaussian_affinity/runs.yaml").write_text(RUNS_OF_EACH_KIND)
    return folder


def job(environment: dict[str, str]) -> dict[str, Any]:
    [path] = Path(environment["STAND_IN"]).glob("*.json")
    made: dict[str, Any] = json.loads(path.read_text())
    return made


def submitted(
    tmp_path: Path, environment: dict[str, str], does: str = "true", configuration: str = "", **asked
) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.sh"
    properties = {
        **{"rule": "train_one_seed", "threads": 18, "resources": {"mem_mb": 32000, "runtime": 600, **asked}},
        **{"output": ["results/record.json"], "params": {"configuration": configuration}},
    }
    script.write_text(f"#!/bin/sh\n# properties = {json.dumps(properties)}\n{does}\n")
    return subprocess.run(
        [PROFILE / "submit", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )


def test_a_job_asks_for_what_it_uses_and_has_no_more(tmp_path, environment):
    done = submitted(tmp_path, environment, gpu=2)
    assert done.returncode == 0, done.stderr
    made = job(environment)
    assert done.stdout == f"{made['metadata']['name']}\n"
    assert made["spec"]["backoffLimit"] == 0
    assert made["spec"]["activeDeadlineSeconds"] == 36_000
    pod = made["spec"]["template"]["spec"]
    [container] = pod["containers"]
    quantities = {"cpu": "18", "memory": "32000M", "nvidia.com/gpu": "2"}
    assert container["resources"] == {"requests": quantities, "limits": quantities}
    assert {"name": "REPLICATION_DATA", "value": environment["REPLICATION_DATA"]} in container["env"]
    assert pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "work"}
    assert container["volumeMounts"][0]["mountPath"] == environment["REPLICATIONS_MOUNT"]
    assert pod["securityContext"]["runAsUser"] == os.getuid()


def test_a_job_that_makes_the_same_already_is_followed_and_no_second_one_holds_a_gpu(tmp_path, environment):
    waiting = "until [ -e let-go ]; do sleep 0.05; done"
    first, again, other = (
        submitted(tmp_path, environment, waiting, configuration=configuration, gpu=1).stdout
        for configuration in ("a", "a", "b")
    )
    assert first == again != other
    assert len(list(Path(environment["STAND_IN"]).glob("*.json"))) == 2
    (tmp_path / "let-go").touch()
    until(lambda: len(list(Path(environment["STAND_IN"]).glob("*.ended"))) == 2, "ends")
    assert submitted(tmp_path, environment, waiting, configuration="a", gpu=1).stdout not in ("", first)


def test_what_is_missing_or_not_on_the_volume_is_said_and_nothing_is_submitted(tmp_path, environment):
    without = {name: value for name, value in environment.items() if name != "REPLICATIONS_CLAIM"}
    assert "REPLICATIONS_CLAIM is not set" in submitted(tmp_path, without).stderr
    elsewhere = submitted(tmp_path, {**environment, "REPLICATION_DATA": "/elsewhere"})
    assert "REPLICATION_DATA, /elsewhere, is not in" in elsewhere.stderr
    assert elsewhere.returncode != 0
    assert not list(Path(environment["STAND_IN"]).iterdir())


def test_a_kubectl_that_is_not_there_or_refuses_is_one_sentence(tmp_path, environment):
    absent = submitted(tmp_path, {**environment, "KUBECTL": "no-such-kubectl"})
    assert absent.stderr.startswith("error: no-such-kubectl: No such file or directory; install kubectl, or say by KUB")
    refusing = submitted(tmp_path, {**environment, "KUBECTL": "false"})
    assert refusing.stderr.startswith("error: false get jobs -l makes=")
    assert [done.returncode == 0 or len(done.stderr.splitlines()) for done in (absent, refusing)] == [1, 1]


def test_a_job_that_is_gone_has_failed_and_one_that_cannot_be_asked_for_runs_on(environment):
    def status(**other: str) -> str:
        command = [str(PROFILE / "status"), "replication-1"]
        done = subprocess.run(command, env={**environment, **other}, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout

    assert status() == "failed\n"
    assert status(KUBECTL="false") == "running\n"


@pytest.mark.slow
def test_success_failure_and_an_end_from_outside(suite, environment, tmp_path):
    told = tmp_path / "told"
    with told.open("w") as output:
        workflow = subprocess.Popen(
            [
                *(sys.executable, "-m", "snakemake", "--profile", "envs/profiles/kubernetes", "--retries", "0"),
                *("--seconds-between-status-checks", "1", "--latency-wait", "5", "--"),
                *(f"{FOLDER}/{run}/seed0/record.json" for run in ("well", "failing", "ended")),
            ],
            cwd=suite,
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        process = until(lambda: training("only/ended", suite), "training")
        # One of the run that ends well too.
        until(lambda: len(list((suite / "results").rglob("checkpoint.pt"))) == 2, "checkpoint")
        process.suspend()
        until(lambda: " of 3: train_1_seeds" in told.read_text(), "success")
        until(lambda: "Error in rule train_1_seeds" in told.read_text(), "failure")
        # While it asks how jobs are, Snakemake knows of none that it could end: interrupt it in the second between.
        asked = Path(environment["STAND_IN"]) / "asked"
        asked.unlink()
        until(asked.exists, "question")
        time.sleep(0.5)
        workflow.send_signal(signal.SIGINT)
        assert workflow.wait(SECONDS) != 0
        let_end(process)
        until(lambda: not process.is_running(), "end")
    finally:
        workflow.kill()
        workflow.wait()
        sys.stdout.write(told.read_text())
    logs = {run: (suite / FOLDER / run / "train.log").read_text() for run in ("well", "failing", "ended")}
    assert (suite / FOLDER / "well/seed0/record.json").exists()
    assert "this run asks for 64 GPUs (training.gpus), and none can be used here" in logs["failing"]
    assert "only/ended seed 0: stopped; the same command goes on from here" in logs["ended"]
