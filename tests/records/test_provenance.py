"""The commit that a record names is that of this project's code, or none."""

from __future__ import annotations

import subprocess

import pytest

from shared.records.provenance import commit


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
