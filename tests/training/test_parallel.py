"""Several processes that train together: the same losses, weights and metrics as one with the same batch."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from shared.training import parallel
from shared.training.batches import ImageTensor, Normalisation, epoch_order, flips, paired_order
from tests.conftest import ROOT, copy_suite

RUNS = """\
defaults:
  data: {name: mnist-5k, sampling: {per_class: 21, held_out: 0.2}}
  backbone: {name: lresnet-ir, units: [1, 1, 1, 1], filters: 4, embedding: 8, dropout: 0}
  loss:
    name: joint
    base: {name: cosface, scale: 8, margin: 0.1}
    term: {name: triplet, weight: 0.5, margin: 0.3}
  scheme: {name: classification, pairs: true}
  optimizer: {name: sgd, learning_rate: 0.001, momentum: 0.9, weight_decay: 0.0005}
  training: {epochs: 3, batch_size: 24, checkpoint_steps: 5, gpus: 0, flip: true}
  benchmarks: [mnist-test]
  seeds: 2
runs:
  only/{loss}:
    loss:
      triplet: {}
      center: {loss.term: {name: center, weight: 0.1, alpha: 0.5}}
targets:
  table1: {kind: table, title: None, runs: ["only/*"]}
"""


Curve = list[dict[str, str]]


@pytest.fixture(scope="module")
def small_suite(tmp_path_factory):
    folder = copy_suite(tmp_path_factory.mktemp("suite"))
    (folder / "papers/gaussian_affinity/runs.yaml").write_text(RUNS)
    return folder


def command(processes: int, run: str, results: str) -> list[str]:
    start = [sys.executable]
    if processes > 1:
        start += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [*start, "-m", "shared", "train", "gaussian_affinity", run, "--scale", "smoke", "--results", results]


def environment(digits_root: Path) -> dict[str, str]:
    return {**os.environ, "REPLICATION_DATA": str(digits_root), "OMP_NUM_THREADS": "1"}


def trained(
    suite: Path, digits_root: Path, processes: int, run: str
) -> list[tuple[list[dict[str, str]], dict[str, Any]]]:
    """Train both seeds of a run; return the learning curve and the record of each."""
    results = f"by-{processes}"
    done = subprocess.run(
        command(processes, run, results),
        cwd=suite,
        env=environment(digits_root),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    folders = [suite / results / "smoke/gaussian_affinity/runs" / run / f"seed{seed}" for seed in (0, 1)]
    return [
        (
            list(csv.DictReader((folder / "curve.csv").read_text().splitlines())),
            json.loads((folder / "record.json").read_text()),
        )
        for folder in folders
    ]


@pytest.mark.slow
@pytest.mark.parametrize("run", ["only/triplet", "only/center"])
def test_two_processes_train_as_one_with_the_same_batch(small_suite, digits_root, run):
    alone, together = (trained(small_suite, digits_root, processes, run) for processes in (1, 2))
    for (curve, record), (shared_curve, shared_record) in zip(alone, together, strict=True):
        # Sums in another order round otherwise, and each update carries that on; the first updates are alike.
        for row, shared_row, tolerance in zip(curve, shared_curve, (1e-3, 2e-2, 2e-2), strict=True):
            assert row.keys() == shared_row.keys()
            for name in ("loss", "classification", "triplet" if "triplet" in run else "center"):
                assert float(shared_row[name]) == pytest.approx(float(row[name]), rel=tolerance), (name, row["epoch"])
        for name in ("accuracy", "balanced_error"):
            metric, shared_metric = (entry["metrics"]["mnist-test"][name] for entry in (record, shared_record))
            assert shared_metric == pytest.approx(metric, abs=3)
        assert record["provenance"]["steps"] == shared_record["provenance"]["steps"] == 24
        assert record["data"] == shared_record["data"]
        assert record["config_hash"] == shared_record["config_hash"]


GRADIENTS = """
import sys
import torch
from shared.backbones.lresnet_ir import LResNetIRNetwork
from shared.losses import ArcFace, CenterTerm, Joint, TripletTerm
from shared.training import parallel

labels = torch.tensor([0, 1, 0, 2, 1, 2, 0])
terms = {"triplet": TripletTerm(weight=0.5, margin=0.3), "center": CenterTerm(weight=0.5, alpha=0.5)}
with parallel.together(on_gpus=False):
    for kind, term in terms.items():
        torch.manual_seed(0)
        samples = torch.randn(7, 3, 16, 16, dtype=torch.float64)
        network = LResNetIRNetwork(3, 16, 16, units=(1, 1, 1, 1), filters=2, embedding=4, dropout=0.0).double()
        loss = Joint(base=ArcFace(scale=4, margin=0.2), term=term).build(4, 3).double()
        parallel.synchronise_normalisation(network)
        trained = parallel.distributed(network)
        torch.manual_seed(1)
        value = loss(parallel.whole_batch(trained(samples[parallel.share()]), 7), labels)["loss"]
        value.backward()
        network.eval()
        state = {name: parameter.grad for part in (network, loss) for name, parameter in part.named_parameters()}
        state |= {"loss": value.detach(), **dict(network.named_buffers()), "test": network(samples).detach()}
        torch.save(state, f"{sys.argv[1]}-{kind}-{parallel.rank()}.pt")
parallel.apart()
"""


WHOLE_BATCH = """
import sys
import torch
from shared.training import parallel

with parallel.together(on_gpus=False):
    torch.manual_seed(0)
    samples = torch.randn(100, 7)
    embedding = samples[parallel.share()].requires_grad_()
    whole = parallel.whole_batch(embedding, 100)
    (torch.arange(700.0).view(100, 7) * whole).sum().backward()
    gradient = torch.arange(700.0).view(100, 7)[parallel.share()] * parallel.count()
    print(torch.equal(whole, samples), torch.equal(embedding.grad, gradient))
parallel.apart()
"""
CLAIM = """
import sys, time
from pathlib import Path
from shared.training import parallel
from shared.training.device import claim, in_turn

with parallel.together(on_gpus=False):
    folder = Path(sys.argv[1])
    with in_turn(folder):
        time.sleep(parallel.rank())
        index, held = claim(["a", "b"], folder)
    print(index)
    parallel.meet()
parallel.apart()
"""


def processes(script: str, count: int, *arguments: str) -> subprocess.Popen[str]:
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", "--no-python"]
    line = [*start, sys.executable, "-c", script, *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(line, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
def test_three_processes_see_the_same_bits_of_a_batch():
    done = processes(WHOLE_BATCH, 3)
    said, error = done.communicate(timeout=120)
    assert (done.returncode, said.split()) == (0, ["True"] * 6), error


@pytest.mark.slow
def test_two_runs_that_need_all_devices_have_them_one_after_the_other(tmp_path):
    runs = [processes(CLAIM, 2, str(tmp_path / "locks")) for _ in range(2)]
    for run in runs:
        said, error = run.communicate(timeout=120)
        assert (run.returncode, sorted(said.split())) == (0, ["0", "1"]), error


@pytest.fixture(scope="module")
def gradients(tmp_path_factory):
    """The folder of what one process and what three kept of a step of each loss."""
    folder = tmp_path_factory.mktemp("gradients")
    script = folder / "gradients.py"
    script.write_text(GRADIENTS)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    many = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=3"]
    for start, name in (([], "one"), (many, "three")):
        line = [sys.executable, *start, str(script), str(folder / name)]
        done = subprocess.run(line, env=env, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("term", ["triplet", "center"])
def test_loss_gradients_and_statistics_of_three_processes_are_those_of_one(gradients, term):
    expected = torch.load(gradients / f"one-{term}-0.pt")
    assert any(name.endswith("running_var") for name in expected)
    assert len(expected) > 40
    for rank in range(3):
        state = torch.load(gradients / f"three-{term}-{rank}.pt")
        assert state.keys() == expected.keys()
        for name, value in expected.items():
            assert torch.allclose(state[name].double(), value.double(), rtol=1e-9, atol=1e-11), name


@pytest.mark.slow
def test_when_one_process_dies_the_others_say_so_and_nothing_is_half_written(small_suite, digits_root, tmp_path):
    text = RUNS.replace("epochs: 3", "epochs: 400").replace("seeds: 2", "seeds: 1")
    suite = tmp_path / "suite"
    suite.mkdir()
    copy_suite(suite)
    (suite / "papers/gaussian_affinity/runs.yaml").write_text(text)
    arguments = command(2, "only/triplet", "results")
    with (tmp_path / "log").open("w") as log:
        training = subprocess.Popen(arguments, cwd=suite, env=environment(digits_root), stdout=log, stderr=log)
        checkpoints = suite / "results/smoke/checkpoints"
        deadline = time.monotonic() + 120
        while not list(checkpoints.rglob("checkpoint.pt")) and time.monotonic() < deadline:
            time.sleep(0.2)
        assert list(checkpoints.rglob("checkpoint.pt"))
        os.kill(max(children(training.pid)), signal.SIGKILL)
        assert training.wait(120) != 0
    said = (tmp_path / "log").read_text()
    assert "stops, since another that trained with it has died" in said
    assert "training goes on from the last checkpoint" in said
    assert not list(suite.rglob("record.json"))
    for path in checkpoints.rglob("*.pt"):
        _, head, payload = path.read_bytes().split(b"\n", 2)
        told = json.loads(head.partition(b" ")[2])
        assert hashlib.sha256(payload).hexdigest() == told["sha256"], path


def children(pid: int) -> list[int]:
    """Return the worker processes below `pid` that run the suite."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
            line = (process / "cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if parent == pid and b"shared" in line:
            found.append(int(process.name))
    return found


def test_alone_nothing_is_exchanged(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    embedding = torch.randn(3, 2, requires_grad=True)
    assert parallel.whole_batch(embedding, 3) is embedding
    assert parallel.agreed({"a": 1}) == {"a": 1}
    assert parallel.from_all(5) == [5]
    anyone = parallel.Anyone(20)
    assert [anyone.asked(here, torch.device("cpu")) for here in (False, True)] == [False, True]
    parallel.meet()
    network = nn.Sequential(nn.BatchNorm2d(2))
    parallel.synchronise_normalisation(network)
    assert type(network[0]) is nn.BatchNorm2d
    assert parallel.distributed(network) is network
    assert np.arange(5)[parallel.share()].tolist() == [0, 1, 2, 3, 4]


def images(count: int, *, flip: bool = False) -> ImageTensor:
    pixels = np.arange(count * 6, dtype=np.uint8).reshape(count, 2, 3)
    return ImageTensor(pixels, np.arange(count) % 3, Normalisation(0.0, 1.0), torch.device("cpu"), flip=flip)


def test_the_shares_of_a_batch_make_the_batch():
    whole = list(images(11, flip=True).epoch(4, 5, 2))
    parts = [list(images(11, flip=True).epoch(4, 5, 2, share=slice(rank, None, 2))) for rank in (0, 1)]
    for (batch, labels), first, second in zip(whole, *parts, strict=True):
        assert torch.equal(batch[0::2], first[0])
        assert torch.equal(batch[1::2], second[0])
        assert torch.equal(labels, first[1])
        assert torch.equal(labels, second[1])


def test_some_images_are_mirrored_and_a_resumed_epoch_mirrors_the_same():
    plain, mirrored = (list(images(12, flip=flip).epoch(5, 0, 3)) for flip in (False, True))
    chosen = np.split(flips(0, 3, 12), [5, 10])
    assert 0 < np.concatenate(chosen).sum() < 12
    for (before, _), (after, _), which in zip(plain, mirrored, chosen, strict=True):
        for one, other, turned in zip(before, after, which, strict=True):
            assert torch.equal(other, one.flip(2) if turned else one)
    resumed = list(images(12, flip=True).epoch(5, 0, 3, start=1))
    assert all(torch.equal(one[0], other[0]) for one, other in zip(mirrored[1:], resumed, strict=True))


def test_pairs_are_of_one_class_and_of_two_images_where_there_are_two():
    labels = np.array([0, 0, 0, 1, 1, 2, 3, 3, 3, 3])
    for epoch in range(20):
        order = epoch_order(len(labels), 1, epoch)
        paired = paired_order(order, labels, 4, 1, epoch)
        assert len(paired) == len(labels)
        anchors = []
        for first in range(0, 10, 4):
            batch = paired[first : first + 4]
            half = len(batch) // 2
            firsts, seconds = batch[: len(batch) - half], batch[len(batch) - half :]
            anchors += firsts.tolist()
            for one, other in zip(firsts, seconds, strict=False):
                assert labels[one] == labels[other]
                assert (one == other) == (labels[one] == 2)
        assert anchors == order[: len(anchors)].tolist()
    assert np.array_equal(paired, paired_order(order, labels, 4, 1, 19))


def test_every_other_image_of_a_class_is_drawn_as_often():
    labels = np.zeros(5, np.int64)
    counts = np.zeros((5, 5))
    for epoch in range(2000):
        first, second = paired_order(epoch_order(5, 0, epoch), labels, 2, 0, epoch)[:2]
        counts[first, second] += 1
    off_diagonal = counts[~np.eye(5, dtype=bool)]
    assert np.diag(counts).sum() == 0
    assert off_diagonal.min() > 60
    assert off_diagonal.max() < 140
