"""The lock file is the one source of versions; everything that repeats one agrees with it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conftest import ROOT

LOCK = (ROOT / "requirements.lock").read_text()


def locked() -> dict[str, Requirement]:
    """Return the locked requirements that hold on this machine, by canonical name."""
    lines = re.findall(r"^([A-Za-z0-9].*?) *\\$", LOCK, flags=re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    here = [one for one in requirements if one.marker is None or Marker(str(one.marker)).evaluate()]
    return {canonicalize_name(one.name): one for one in here}


def test_every_package_is_pinned_and_hashed_and_no_address_is_named():
    blocks = re.split(r"\n(?=\S)", LOCK.strip())
    assert len(blocks) > 50
    for block in blocks:
        assert re.match(r"[a-z0-9._-]+==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]
    assert "://" not in LOCK
    assert "index" not in re.sub(r"^[a-z0-9._-]+==", "", LOCK, flags=re.MULTILINE)


def test_the_lock_satisfies_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    for line in [*project["dependencies"], *extras["dev"], *extras["cluster"]]:
        asked = Requirement(line)
        pinned = locked()[canonicalize_name(asked.name)]
        assert asked.specifier.contains(str(pinned.specifier).removeprefix("==")), (line, str(pinned))


def pins() -> list[tuple[str, str]]:
    found = []
    for path in sorted((ROOT / "envs").glob("*.yaml")):
        for entry in yaml.safe_load(path.read_text())["dependencies"]:
            found += [(path.name, pin) for pin in (entry["pip"] if isinstance(entry, dict) else [])]
    return found


@pytest.mark.parametrize(("file", "pin"), pins())
def test_conda_environments_have_the_pins_of_the_lock(file, pin):
    wanted = Requirement(pin)
    in_lock = re.findall(rf"^{re.escape(canonicalize_name(wanted.name))}(==[^ ;\\]+)", LOCK, flags=re.MULTILINE)
    assert in_lock, f"{file}: {wanted.name} is not locked"
    assert str(wanted.specifier) == in_lock[0], f"{file}: {pin}, the lock has {in_lock[0]}"


def test_the_whole_conda_environment_is_the_lock_file():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert {"pip": ["-r requirements.lock"]} in environment["dependencies"]
    pythons = {
        entry
        for path in [ROOT / "environment.yml", *(ROOT / "envs").glob("*.yaml")]
        for entry in yaml.safe_load(path.read_text())["dependencies"]
        if isinstance(entry, str) and entry.startswith("python=")
    }
    assert pythons == {"python=3.11"}


def test_what_runs_is_what_is_locked():
    for name, pinned in locked().items():
        if sys.platform == "linux" and not name.startswith(("nvidia", "cuda", "triton")):
            assert version(name) == str(pinned.specifier).removeprefix("=="), name


def test_torchvision_works_with_torch():
    """Decoding and compiled operators, which are missing where the two were not built for each other."""
    import torch
    from torchvision.io import decode_image, encode_png
    from torchvision.ops import nms

    picture = torch.arange(48, dtype=torch.uint8).view(1, 6, 8)
    assert torch.equal(decode_image(encode_png(picture)), picture)
    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2.1], [5, 5, 6, 6]])
    assert nms(boxes, torch.tensor([0.5, 0.9, 0.3]), 0.5).tolist() == [1, 2]


def test_the_workflow_file_of_the_host_runs_the_smoke_scale_and_keeps_the_report():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    steps = [step for job in jobs.values() for step in job["steps"]]
    commands = [step.get("run") for step in steps]
    assert "make smoke" in commands
    assert ".ci/run" in commands
    kept = next(step for step in steps if "upload-artifact" in step.get("uses", ""))
    assert kept["with"]["path"] == "results/smoke/report"


def test_the_image_is_built_from_the_lock_and_checked(tmp_path):
    lint = [Path(sys.executable).with_name("hadolint")]
    assert subprocess.run([*lint, ROOT / "envs/Containerfile"], capture_output=True, check=False).returncode == 0
    text = (ROOT / "envs/Containerfile").read_text()
    assert "COPY requirements.lock /requirements.lock" in text
    assert "--require-hashes -r /requirements.lock" in text
    worse = tmp_path / "Containerfile"
    worse.write_text(text.replace(":3.11-slim-bookworm", ""))
    assert "DL3006" in subprocess.run([*lint, worse], capture_output=True, text=True, check=False).stdout
