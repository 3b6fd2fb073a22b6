"""Which tests `--quick` runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from tests.conftest import ROOT
from tests.quick import chosen, of

TESTS = [
    "tests/losses/test_pairs.py::test_a",
    "tests/losses/test_pairs_on_gpu.py::test_b[1]",
    "tests/losses/test_center.py::test_c",
    "tests/papers/discface/test_targets.py::test_d",
]


def test_a_test_is_of_the_module_that_its_file_mirrors():
    pairs, on_gpu, center, targets = TESTS
    assert of(pairs, "shared/losses/pairs.py")
    assert of(on_gpu, "shared/losses/pairs.py")
    assert not of(center, "shared/losses/pairs.py")
    assert of(targets, "papers/discface/targets.py")
    assert of(targets, "papers/discface/runs.yaml")
    assert not of(targets, "papers/discface/toys.py")
    assert of(center, "tests/losses/test_center.py")
    assert not of(center, "README.md")


def test_those_of_a_change_come_first_and_then_the_fastest_that_fit():
    seconds = {TESTS[0]: 9.0, TESTS[1]: 0.5, TESTS[2]: 2.0, TESTS[3]: 1.0}
    assert chosen(TESTS, seconds, [], 4) == [TESTS[1], TESTS[3], TESTS[2]]
    assert chosen(TESTS, seconds, ["shared/losses/pairs.py"], 10.6) == [*TESTS[:2], TESTS[3]]
    assert chosen(TESTS, seconds, ["shared/losses/pairs.py"], 0) == TESTS[:2]
    assert chosen(TESTS, {}, [], 0.7) == sorted(TESTS)[:2]  # in every process the same, whatever its hashes


def test_what_took_long_is_remembered_and_left_out(tmp_path):
    shutil.copy(ROOT / "tests/quick.py", tmp_path / "conftest.py")
    (tmp_path / "test_all.py").write_text(
        "import time\nimport pytest\n"
        "def test_fast(): pass\n"
        "def test_long(): time.sleep(1.5)\n"
        "@pytest.mark.slow\ndef test_slow(): pass\n"
    )
    conftest = (tmp_path / "conftest.py").read_text()
    (tmp_path / "conftest.py").write_text(conftest.replace("SECONDS = 40.0", "SECONDS = 1.0"))
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: slow\n")

    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}

    def passed(*options: str) -> str:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", *options]
        return subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=True).stdout

    assert "3 passed" in passed()
    assert "1 passed, 2 deselected" in passed("--quick")
