"""Checkpoints of other code: never taken up silently, never lost, and never told to be the present code's."""

from __future__ import annotations

import datetime
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shared.records import checkpoint_folders
from shared.records.checkpoint_folders import OtherCodeWarning, checkpoints_of, checkpoints_of_record
from shared.records.fingerprint import training_code
from shared.records.records import write_json
from shared.records.results import Results
from shared.records.shown_equal import Comparison, Pair, ShownEqual, write_shown_equal
from shared.runs.config import Run
from shared.runs.registry import paper
from shared.training.checkpoint import Checkpoints, Made, made_by
from tests.records.samples import record

OLD, NEW = "0" * 12, "1" * 12
SMALL = ("train", "gaussian_affinity", "figure7/10", "--scale", "smoke", "--seed", "0")


@pytest.fixture
def run() -> Run:
    return paper("gaussian_affinity").run("figure7/10", "smoke")


@pytest.fixture
def results(tmp_path) -> Results:
    return Results(tmp_path)


def save(run: Run, results: Results, code: str, commit: str = "c" * 40) -> Path:
    folder = results.checkpoints(run.scale, run.paper, run.hash, 0, code)
    Checkpoints(folder, run.config.identity(), 0, Made(code, commit)).save({})
    return folder


@pytest.fixture
def present(monkeypatch) -> None:
    """Let the present code have the fingerprint `NEW`."""
    monkeypatch.setattr(checkpoint_folders, "training_code", lambda _: NEW)


def show_equal(results: Results, one: str, other: str) -> None:
    comparison = Comparison(
        commits=("c" * 40, "d" * 40),
        scale="smoke",
        machine="a processor",
        packages={},
        date=datetime.date(2026, 1, 2),
        pairs=(Pair(codes=(one, other), runs=1),),
    )
    write_shown_equal(results.same_bits(), ShownEqual(comparisons=(comparison,)))


@pytest.mark.usefixtures("present")
def test_the_present_code_goes_on_with_its_own_checkpoint(run, results):
    save(run, results, OLD)
    own = save(run, results, NEW)
    assert checkpoints_of(run, 0, results).folder == own


@pytest.mark.usefixtures("present")
def test_a_checkpoint_of_other_code_is_left_alone_and_it_is_said_how_to_go_on_with_it(run, results):
    other = save(run, results, OLD)
    with pytest.warns(OtherCodeWarning) as warned:
        own = checkpoints_of(run, 0, results).folder
    assert own == other.with_name(NEW)
    said = str(warned[0].message)
    assert said.startswith(f"figure7/10 seed 0: the checkpoint in {other} was made by other code ({OLD}, commit ccc")
    assert f"make same-bits WRITE=1 REV={'c' * 40}" in said
    assert "\n" not in said


@pytest.mark.usefixtures("present")
def test_a_checkpoint_from_before_code_was_told_is_left_alone_too(run, results):
    other = save(run, results, OLD)
    shutil.copy(other / "checkpoint.pt", other.parent)
    shutil.rmtree(other)
    with pytest.warns(OtherCodeWarning, match="was made by other code"):
        assert checkpoints_of(run, 0, results).folder == other.with_name(NEW)
    assert checkpoints_of_record(run, 0, results).folder == other.parent


@pytest.mark.usefixtures("present")
def test_a_checkpoint_of_code_that_was_shown_equal_is_gone_on_with(run, results):
    save(run, results, "2" * 12)
    other = save(run, results, OLD)
    show_equal(results, OLD, NEW)
    assert checkpoints_of(run, 0, results).folder == other


def test_after_a_kill_between_two_renames_all_that_was_known_of_a_checkpoint_is_known(run, results):
    checkpoints = checkpoints_of(run, 0, results)
    for device in ("GPU A", "GPU B"):
        checkpoints.device = device
        checkpoints.save({})
        checkpoints.newest.replace(checkpoints.previous)
    assert checkpoints.devices == ("GPU A", "GPU B")
    assert made_by(checkpoints.folder) == checkpoints.made
    save(run, results, OLD)
    show_equal(results, OLD, checkpoints.made.code)
    assert checkpoints_of(run, 0, results).folder == checkpoints_of_record(run, 0, results).folder == checkpoints.folder
    checkpoints.folder.rename(checkpoints.folder.with_name("2" * 12))
    show_equal(results, "2" * 12, checkpoints.made.code)
    assert checkpoints_of(run, 0, results).folder.name == "2" * 12


def test_what_is_evaluated_are_the_weights_that_the_record_tells_of(run, results):
    other = save(run, results, OLD)
    own = save(run, results, training_code(run))
    assert checkpoints_of_record(run, 0, results).folder == own
    made = record(run.name).provenance.model_copy(update={"code": OLD})
    entry = record(run.name).model_copy(update={"provenance": made})
    write_json(results.record(run.scale, run.paper, run.name, 0), entry.model_dump(mode="json"))
    assert checkpoints_of_record(run, 0, results).folder == other


def test_a_checkpoint_that_is_taken_up_tells_what_made_it(tmp_path):
    Checkpoints(tmp_path, {}, 0, Made(OLD, "c" * 40)).save({})
    later = Checkpoints(tmp_path, {}, 0, Made(NEW, "d" * 40))
    assert later.load() == {}
    later.save({})
    again = Checkpoints(tmp_path, {}, 0)
    again.load()
    assert again.made == Made(OLD, "c" * 40)


def test_code_that_trains_otherwise_trains_anew_and_its_record_tells_the_truth(suite, shared):
    made: list[dict[str, Any]] = []

    def train() -> str:
        said = shared(*SMALL, cwd=suite, check=True).stderr
        path = next((suite / "results").rglob("record.json"))
        made.append(json.loads(path.read_text())["provenance"])
        path.unlink()
        return str(said)

    train()
    loss = suite / "papers/gaussian_affinity/affinity.py"
    before = loss.read_text()
    loss.write_text(re.sub(r'"loss": ', '"loss": 2 * ', before, count=1))
    assert "is left alone" in train()
    loss.write_text(before)
    assert "step" not in train()  # taken from the first checkpoint, which nobody removed
    first, other, again = made
    assert first["code"] != other["code"]
    assert first["weights_sha256"] != other["weights_sha256"]
    assert (again["code"], again["weights_sha256"]) == (first["code"], first["weights_sha256"])
    assert first["evaluation"].keys() == {"mnist-test", "mnist-geometry"}


def test_weights_of_code_shown_equal_keep_their_code_in_the_record(suite, shared):
    shared(*SMALL, cwd=suite, check=True)
    path = next((suite / "results").rglob("record.json"))
    old = json.loads(path.read_text())["provenance"]
    loss = suite / "papers/gaussian_affinity/affinity.py"
    loss.write_text(loss.read_text().replace('"loss": ', '"loss": 1 * '))
    code = "from shared.records.fingerprint import training_code; from shared.runs.registry import paper; "
    code += 'print(training_code(paper("gaussian_affinity").run("figure7/10", "smoke")))'
    new = subprocess_output(suite, code)
    assert new != old["code"]
    show_equal(Results(suite / "results"), old["code"], new)
    path.unlink()
    done = shared(*SMALL, cwd=suite, check=True)
    assert "step" not in done.stderr
    taken = json.loads(path.read_text())["provenance"]
    assert (taken["code"], taken["weights_sha256"]) == (old["code"], old["weights_sha256"])


def subprocess_output(folder: Path, code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()
