"""Jobs side by side each take a device of their own, and compute in the arithmetic that their run asks for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import backends

from shared.errors import UserError
from shared.runs.config import Training
from shared.training import device
from tests.conftest import ROOT

HOLD = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from shared.training.device import claim

index, locks = claim(sys.argv[3:], Path(sys.argv[1]), int(sys.argv[2]))
print(index, flush=True)
sys.stdin.read()
"""


def job(folder: Path, *names: str, shares: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(shares), *names],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def taken(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_each_process_gets_a_device_and_a_freed_or_killed_ones_is_given_on(tmp_path):
    first, second = job(tmp_path, "a", "b"), job(tmp_path, "a", "b")
    assert {taken(first), taken(second)} == {0, 1}
    third = job(tmp_path, "a", "b")
    assert third.stderr is not None
    assert "all 2 GPUs of this machine are taken by other runs, waiting" in third.stderr.readline()
    first.kill()
    freed = taken(third)
    first.communicate()
    second.communicate("")
    fourth = job(tmp_path, "a", "b")
    assert {freed, taken(fourth)} == {0, 1}
    for process in (third, fourth):
        assert process.communicate("") == ("", "")


def held(folder: Path, shares: int) -> list[device.Lock]:
    return device._held(folder, "a", shares)


def test_so_many_small_runs_share_a_device_and_another_has_it_alone(tmp_path):
    first, second = held(tmp_path, 2), held(tmp_path, 2)
    assert first
    assert second
    assert not held(tmp_path, 2)
    assert not held(tmp_path, 1)
    first[0].let_go()
    first[1].let_go()
    del second
    alone = held(tmp_path, 1)
    assert alone
    assert not held(tmp_path, 2)
    assert device.claim(["a", "b"], tmp_path, 2)[0] == 1


def test_small_runs_fill_a_device_before_the_next(tmp_path):
    taken = [device.claim(["a", "b"], tmp_path, 2) for _ in range(3)]
    assert [index for index, _ in taken] == [0, 0, 1]


@pytest.mark.parametrize(("seen", "asked"), [(0, 1), (0, 2), (1, 2)])
def test_fewer_gpus_than_asked_for_are_an_error_unless_that_is_allowed(monkeypatch, seen, asked):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: seen > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: seen)
    monkeypatch.delenv(device.ALLOW_CPU, raising=False)
    says = rf"asks for {asked} GPUs? .*, and {seen or 'none'} can be used .* {device.ALLOW_CPU}=1"
    with pytest.raises(UserError, match=says):
        device.there(asked)
    assert device.there(0) == 0
    assert device.there(seen) == seen
    monkeypatch.setenv(device.ALLOW_CPU, "1")
    assert device.there(asked) == seen


@pytest.fixture
def gpu(monkeypatch, tmp_path):
    """Pretend that there is a GPU, and return what of its TF32 may be changed."""
    told = SimpleNamespace(has_tf32=True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(uuid="a"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA V100")
    monkeypatch.setattr(torch.cuda, "set_device", lambda _: None)
    monkeypatch.setattr(torch.cuda, "is_tf32_supported", lambda: told.has_tf32)
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    return told


def asking_for(precision: str) -> Training:
    return Training.model_validate({"epochs": 1, "batch_size": 1, "precision": precision})


@pytest.mark.parametrize(("precision", "single"), [("fp32", "ieee"), ("tf32", "tf32"), ("bf16", "ieee")])
def test_single_precision_on_a_gpu_is_ieee_754s_unless_tf32_is_asked_for(gpu, precision, single):
    for before in ("tf32", "ieee"):
        device.compute(before)
        assert device.prepare(asking_for(precision))[0] == torch.device("cuda", 0)
        convolutions, products = backends.cudnn.conv, backends.cuda.matmul  # type: ignore[attr-defined]
        assert (convolutions.fp32_precision, products.fp32_precision) == (single, single)
        assert torch.are_deterministic_algorithms_enabled()


def test_a_processor_or_a_gpu_without_tf32_does_not_stand_in(gpu, monkeypatch):
    gpu.has_tf32 = False
    with pytest.raises(UserError, match=r"^table1/softmax is to be trained in TF32 .* NVIDIA V100 does not .* fp32\.$"):
        device.prepare(asking_for("tf32"), name="table1/softmax")
    assert device.prepare(asking_for("fp32"))[0].type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv(device.ALLOW_CPU, "1")
    with pytest.raises(UserError, match=r"^table1/softmax is to be trained in TF32 .* start it where there is a GPU"):
        device.prepare(asking_for("tf32"), name="table1/softmax")
    assert device.prepare(asking_for("fp32"))[0].type == "cpu"


def test_the_folder_of_the_locks_is_this_users_own(tmp_path):
    own = tmp_path / "own"
    own.mkdir(mode=0o755)
    device.claim(["a"], own)
    assert own.stat().st_mode & 0o777 == 0o700
    device.claim(["a"], tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_what_another_user_put_in_its_place_is_named_and_not_followed(tmp_path, monkeypatch):
    victim = tmp_path / "victim"
    victim.mkdir()
    (tmp_path / "link").symlink_to(victim)
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name in ("link", "file", "dangling"):
        with pytest.raises(UserError, match=f"{name}: it is no folder of your own"):
            device.claim(["a"], tmp_path / name)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.lock").symlink_to(victim / "x")
    with pytest.raises(UserError, match=r"a\.lock: cannot be locked"):
        device.claim(["a"], folder)
    assert not list(victim.iterdir())
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(UserError, match="victim: it is no folder of your own"):
        device.claim(["a"], victim)


def test_the_processor_is_named():
    assert device.describe(torch.device("cpu"))
