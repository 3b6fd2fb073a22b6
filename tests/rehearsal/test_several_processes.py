"""Rehearsals in several processes: the same as one after the other, and ended with the command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import cast

import pytest

from shared.commands.rehearse import rehearsals
from shared.errors import UserError
from shared.records.results import Results
from shared.runs.registry import Paper, paper
from tests.conftest import ROOT

AV = paper("adversarial_variance")
NAMES = ("figure7/2", "figure7/3")


def test_two_processes_tell_of_each_run_in_its_order_and_keep_it(tmp_path):
    runs = AV.runs("smoke")
    few = cast(Paper, SimpleNamespace(runs=lambda _scale: {name: runs[name] for name in NAMES}))
    told = list(rehearsals("smoke", [few], Results(tmp_path), tmp_path, 2))
    assert [one.alike.runs[0].name for one in told] == list(NAMES)
    assert [one.problems for one in told] == [[], []]
    assert all(one.found and one.found.parameters > 1000 for one in told)
    again = list(rehearsals("smoke", [few], Results(tmp_path), tmp_path, 2))
    assert [one.found for one in again] == [one.found for one in told]
    kept = next(tmp_path.glob("rehearsals/*.json"))
    for content in ("[]", "{}", '{"found": null}', '{"found": 1, "problems": []}', "\xff"):
        kept.write_text(content, encoding="latin-1")
        with pytest.raises(UserError, match=f"^{kept}: it is damaged; remove it"):
            list(rehearsals("smoke", [few], Results(tmp_path), tmp_path))


def test_a_signal_to_the_command_ends_all_of_them(tmp_path):
    command = [sys.executable, "-m", "shared", "rehearse", "--scale", "smoke", "--results", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout
        running.stdout.readline()
        os.kill(running.pid, signal.SIGTERM)
        _, errors = running.communicate(timeout=10)
        assert running.returncode == 143
        assert "Traceback" not in errors
    for _ in range(100):
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process of the command is still there")
