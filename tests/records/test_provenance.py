"""The commit that a record names is that of this project's code, or none; its device says how MKL takes it."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from shared.records.commit import commit
from tests.conftest import ROOT


def git(folder, *arguments: str) -> str:
    identity = ["-c", "user.name=N", "-c", "user.email=n@n"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path):
    """A working copy with one module, within another."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "surroundings")
    folder = tmp_path / "my pröject"
    (folder / "shared").mkdir(parents=True)
    (folder / "shared/module.py").write_text("a = 1\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_it_is_that_of_the_project_whatever_the_surroundings_say(project, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(project.parent / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(project.parent))
    said = commit(project)
    monkeypatch.undo()
    assert said == git(project, "rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["module.py", "untracked.py"])
def test_code_that_is_not_in_it_is_told(project, name):
    (project / "notes.txt").touch()
    assert not commit(project).endswith("+")
    (project / "shared" / name).write_text("a = 2\n")
    assert commit(project) == git(project, "rev-parse", "HEAD") + "+"


def test_an_unpacked_archive_has_none_though_it_lies_in_another_repository(project):
    archive = project.parent / "archive"
    (archive / "shared").mkdir(parents=True)
    assert commit(archive) == "unknown"
    assert commit(project.parent / "nowhere") == "unknown"


@pytest.mark.skipif(not shutil.which("cc"), reason="needs a C compiler")
def test_the_device_says_whether_mkl_takes_it_for_another(tmp_path):
    library = tmp_path / "mkl.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, ROOT / "envs/mkl_as_on_intel.c"], check=True)
    code = "import torch; from shared.records.provenance import device_name as of; print(of(torch.device('cpu')))"

    def said(**environment: str) -> str:
        command, others = [sys.executable, "-c", code], os.environ | environment
        return subprocess.run(command, env=others, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()

    intel = "GenuineIntel" in Path("/proc/cpuinfo").read_text()
    assert said(LD_PRELOAD=str(library)) == said(LD_PRELOAD="") + ("" if intel else ", MKL as on Intel")


def test_it_is_by_this_function_that_torchs_mkl_asks():
    if not torch.backends.mkl.is_available():  # type: ignore[no-untyped-call]
        pytest.skip("this torch has no MKL")
    library = ctypes.CDLL(str(Path(torch.__file__).parent / "lib/libtorch_cpu.so"))
    assert library.mkl_serv_intel_cpu_true() in (0, 1)
