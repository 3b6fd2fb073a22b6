"""Running the workflow: the locks of a Snakemake that was killed are removed, those of one that lives are not."""

from __future__ import annotations

import subprocess
import sys

from shared.commands.running import HELD, LOCKS, remove_left_locks
from tests.conftest import ROOT

HOLD = "import sys, shared.commands.running as running; running.hold_folder(); print(flush=True); sys.stdin.read()"


def test_locks_are_removed_once_no_snakemake_holds_the_folder(tmp_path):
    holding = [
        subprocess.Popen(
            [sys.executable, "-c", HOLD],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    for process in holding:
        assert process.stdout
        process.stdout.readline()
    lock = tmp_path / LOCKS / "0.output.lock"
    lock.parent.mkdir()
    lock.write_text("results/smoke/gaussian_affinity/runs/plane/seed0/record.json\n")
    for process in holding:
        remove_left_locks(tmp_path)
        assert lock.exists()
        process.kill()
        process.communicate()
    remove_left_locks(tmp_path)
    assert not lock.exists()


def test_locks_of_a_folder_that_was_never_held_are_left(tmp_path):
    (tmp_path / LOCKS).mkdir(parents=True)
    remove_left_locks(tmp_path)
    assert (tmp_path / LOCKS).exists()
    assert not (tmp_path / HELD).exists()
