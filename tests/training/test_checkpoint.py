"""Checkpoints: whole or not at all, and never another configuration's."""

from __future__ import annotations

import errno
import os
import warnings
from typing import Any
from unittest.mock import Mock

import pytest
import torch

from shared.errors import UserError
from shared.training.checkpoint import Checkpoints, DamagedCheckpointWarning

CONFIG = {"loss": {"name": "affinity", "sigma": 10.0}, "training": {"epochs": 2}}


def state(step: int) -> dict[str, Any]:
    return {"weights": torch.full((1000,), float(step)), "step": step}


@pytest.fixture
def checkpoints(tmp_path) -> Checkpoints:
    return Checkpoints(tmp_path / "run", CONFIG, seed=3)


def test_nothing_to_take_up_at_first(checkpoints):
    assert checkpoints.load() is None


def test_the_newest_is_taken_up(checkpoints):
    checkpoints.save(state(1))
    checkpoints.save(state(2))
    loaded = checkpoints.load()
    assert loaded["step"] == 2
    assert torch.equal(loaded["weights"], state(2)["weights"])


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "foreign bytes"])
def test_a_torn_checkpoint_is_said_and_the_one_before_is_used(checkpoints, damage):
    checkpoints.save(state(1))
    checkpoints.save(state(2))
    whole = checkpoints.newest.read_bytes()
    middle = len(whole) // 2
    checkpoints.newest.write_bytes(
        {
            "cut": whole[:middle],
            "flip": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
            "empty": b"",
            "foreign bytes": b"\x80\x02" + whole,
        }[damage]
    )
    with pytest.warns(DamagedCheckpointWarning, match=r"checkpoint\.pt: the checkpoint is damaged"):
        assert checkpoints.load()["step"] == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'"sha256"', b'"shb256"'),
        (b'"config"', b'"conhig"'),
        (b'"seed": 3', b'"seed": 2'),
        (b"10.0", b"11.0"),
        (b"{", b"5"),
    ],
)
def test_a_damaged_header_is_torn_too(checkpoints, before, after):
    checkpoints.save(state(1))
    checkpoints.save(state(2))
    whole = checkpoints.newest.read_bytes()
    assert before in whole
    checkpoints.newest.write_bytes(whole.replace(before, after, 1))
    with pytest.warns(DamagedCheckpointWarning, match="the checksum of its header does not fit"):
        assert checkpoints.load()["step"] == 1


def test_what_cannot_be_loaded_is_passed_over_though_its_checksum_fits(checkpoints, monkeypatch):
    checkpoints.save(state(1))
    monkeypatch.setattr(torch, "save", lambda _, buffer: buffer.write(b"cos\nsystem\n(S'true'\ntR."))
    checkpoints.save(state(2))
    with pytest.warns(DamagedCheckpointWarning, match="what it holds cannot be loaded"):
        assert checkpoints.load()["step"] == 1


def test_a_folder_in_the_place_of_a_checkpoint_is_named(checkpoints):
    checkpoints.newest.mkdir(parents=True)
    with pytest.raises(UserError, match=f"{checkpoints.newest}: cannot be read"):
        checkpoints.load()


def test_a_full_disk_is_not_kept_full(checkpoints, monkeypatch):
    checkpoints.save(state(1))
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "fsync", Mock(side_effect=full))
    with pytest.raises(UserError, match="no space left on device; free some room"):
        checkpoints.save(state(2))
    assert [path.name for path in checkpoints.folder.iterdir()] == ["checkpoint.pt"]
    assert checkpoints.load()["step"] == 1


def test_when_all_are_torn_training_starts_over(checkpoints):
    checkpoints.save(state(1))
    checkpoints.newest.write_bytes(b"")
    with pytest.warns(DamagedCheckpointWarning):
        assert checkpoints.load() is None


def test_a_partial_write_is_not_seen(checkpoints):
    checkpoints.save(state(1))
    whole = checkpoints.newest.read_bytes()
    for name in ("checkpoint.next.pt", ".checkpoint.next.pt.elsewhere-1.partial"):
        (checkpoints.folder / name).write_bytes(whole[: len(whole) // 2])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert checkpoints.load()["step"] == 1


@pytest.mark.parametrize(
    ("config", "seed", "differing"),
    [
        ({**CONFIG, "loss": {"name": "affinity", "sigma": 5.0}}, 3, "loss.sigma"),
        ({**CONFIG, "training": {"epochs": 3}}, 3, "training.epochs"),
        (CONFIG, 4, "seed"),
    ],
)
def test_another_runs_checkpoint_is_refused_and_the_difference_named(checkpoints, config, seed, differing):
    checkpoints.save(state(1))
    with pytest.raises(UserError, match=rf"belongs to another run .* differing in '{differing}'"):
        Checkpoints(checkpoints.folder, config, seed).load()
