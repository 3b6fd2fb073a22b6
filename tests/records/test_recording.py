"""What a record says of who trained stays, however often its run is trained to the end that it has."""

from __future__ import annotations

import shutil

import pytest

from shared.commands.train import train
from shared.records.records import Record, read_record
from shared.records.results import Results
from shared.runs.registry import paper
from tests.training.killing import killed_at_a_checkpoint

RUN = paper("gaussian_affinity").run("figure7/10", "smoke")


@pytest.fixture
def again(tmp_path, digits_root, monkeypatch):
    """Train a seed, then again on a machine of another name, and return both records; `before` is done between."""

    def trained(before=lambda results: None) -> tuple[Record, Record]:
        results = Results(tmp_path)
        path = results.record(RUN.scale, RUN.paper, RUN.name, 0)
        train(RUN, 0, results, digits_root)
        first = read_record(path)
        before(results)
        monkeypatch.setattr("shared.commands.train.device_name", lambda device: "another machine")
        train(RUN, 0, results, digits_root)
        return first, read_record(path)

    return trained


def test_a_training_that_is_done_is_measured_again_and_not_said_to_be_trained_there(again):
    first, second = again()
    assert second == first


def test_one_that_is_trained_anew_says_where(again):
    first, second = again(lambda results: shutil.rmtree(results.root / "smoke" / "checkpoints"))
    assert second.provenance.device == "another machine"
    assert second.provenance.started >= first.provenance.started


def test_a_damaged_record_is_written_anew(again):
    def damage(results: Results) -> None:
        results.record(RUN.scale, RUN.paper, RUN.name, 0).write_text("{")

    first, second = again(damage)
    assert second.provenance.weights_sha256 == first.provenance.weights_sha256
    assert second.metrics == first.metrics
    assert second.provenance.device == first.provenance.device


def test_one_that_is_taken_up_half_done_says_where_both_parts_were_trained(again, digits_root):
    def kill_half_way(results: Results) -> None:
        shutil.rmtree(results.root / "smoke")
        with killed_at_a_checkpoint():
            train(RUN, 0, results, digits_root)

    first, second = again(kill_half_way)
    assert second.provenance.device == f"{first.provenance.device}, then another machine"
    assert second.provenance.weights_sha256 == first.provenance.weights_sha256
