"""`fetch` brings what can be had, tells what must be brought by hand, and what failed, set by set."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from shared.commands.fetch import fetch
from shared.data.files import md5
from shared.data.formats.idx import write_idx
from shared.data.sets import emnist_balanced, mnist
from shared.data.sets.mnist import Mnist
from shared.errors import UserError
from shared.runs.registry import paper

PAPERS = [paper("regular_polytope"), paper("discface")]


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A folder that offers a small MNIST, gzipped, in place of its mirrors."""
    folder = tmp_path / "source"
    folder.mkdir()
    checksums = {}
    for name in Mnist.card.checksums:
        path = folder / name
        write_idx(path, np.zeros((3, 28, 28) if "images" in name else 3, np.uint8))
        checksums[name] = md5(path)
        (folder / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    monkeypatch.setattr(Mnist, "card", Mnist.card.model_copy(update={"checksums": checksums}))
    monkeypatch.setattr(mnist, "mirrors", lambda: [f"{folder.as_uri()}/"])
    monkeypatch.setenv("PATH", "")
    return folder


@pytest.fixture
def no_emnist(monkeypatch):
    def fails(*_):
        raise UserError("EMNIST could not be fetched")

    monkeypatch.setattr(emnist_balanced, "fetch", fails)


def test_all_that_can_be_had_is_brought_and_the_rest_is_told_whatever_fails(source, no_emnist, tmp_path):
    root = tmp_path / "data"
    told: list[str] = []
    with pytest.raises(UserError, match=r"could not be fetched: emnist-balanced; mend"):
        told.extend(fetch(PAPERS, "full", root))
    said = dict(line.split(": ", 1) for line in told)
    assert (root / "MNIST/raw/train-images-idx3-ubyte").stat().st_size == 16 + 3 * 28 * 28
    assert said["mnist"] == f"brought into {root}/MNIST/raw"
    assert said["emnist-balanced"] == "EMNIST could not be fetched"
    assert said["ms1mv2"].startswith("to be brought by hand: ")
    again = list(fetch([paper("gaussian_affinity")], "full", root))
    assert f"mnist: in {root}/MNIST/raw" in again
    assert not any("could not" in line for line in again)


def test_the_smoke_scale_is_made_without_a_network(shared, tmp_path):
    done = shared("fetch", "--scale", "smoke", "--paper", "adversarial_variance", "--data-root", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert f"mnist-5k: brought into {tmp_path}/mnist-5k/raw" in done.stdout.splitlines()
    assert "no scale" in shared("fetch", "--scale", "published").stderr
