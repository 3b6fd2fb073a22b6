"""Jobs side by side each take a device of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch

from shared.training import device
from tests.conftest import ROOT

HOLD = """
import sys, time
from pathlib import Path
from shared.training.device import claim

index, lock = claim(sys.argv[2:], Path(sys.argv[1]))
print(index, flush=True)
sys.stdin.read()
"""


def job(folder: Path, *names: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), *names],
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


def test_the_processor_is_named():
    assert device.describe(torch.device("cpu"))
