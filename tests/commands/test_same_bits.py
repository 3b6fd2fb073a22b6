"""`same-bits`: what it prints of two working copies, its exit status, and what it notes of code shown equal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.commands.same_bits import same_bits
from shared.errors import UserError
from shared.records.fingerprint import evaluation_code, fingerprint, training_code, training_definitions
from shared.records.records import Record, write_json
from shared.records.results import Results
from shared.records.shown_equal import read_shown_equal
from shared.runs.config import Run
from shared.runs.experiments import experiments
from shared.runs.registry import paper
from shared.runs.trial import read_trial
from tests.conftest import ROOT, copy_suite
from tests.records.samples import record

OLD = "0" * 12
RUN = "table1/odd-10/affinity"


def entry(run: str = RUN, code: str = OLD, accuracy: float = 99.0, weights: str = "f" * 64) -> Record:
    made = record(run, accuracy=accuracy)
    provenance = made.provenance.model_copy(update={"code": code, "weights_sha256": weights})
    return made.model_copy(update={"scale": "smoke", "provenance": provenance})


def write(copy: Path, made: Record) -> None:
    path = Results(copy / "results").record("smoke", made.paper, made.run, made.seed)
    write_json(path, made.model_dump(mode="json"))


def current(run: Run, accuracy: float = 99.0) -> Record:
    made = entry(run.name, training_code(run), accuracy)
    made.provenance.evaluation["mnist-test"] = evaluation_code(run, "mnist-test")
    return made


@pytest.fixture
def run() -> Run:
    return paper("gaussian_affinity").run(RUN, "smoke")


@pytest.fixture
def copies(tmp_path) -> tuple[Path, Path]:
    return tmp_path / "here", tmp_path / "there"


def compared(copies: tuple[Path, Path], *, write: bool = False) -> bool:
    here, there = copies
    return same_bits(there, "smoke", Results(here / "results"), write=write)


def test_a_folder_that_is_not_there_is_named_as_that(copies):
    with pytest.raises(UserError, match=f"^{copies[1]} is no folder; name the working copy"):
        compared(copies)


def test_the_same_bits_are_counted(copies, capsys):
    for copy in copies:
        write(copy, entry())
    assert compared(copies)
    assert capsys.readouterr().out == "1 runs compared: 0 differ; 0 more on one side only or of other configurations\n"


def test_a_run_of_another_configuration_says_nothing_of_the_code_unless_it_leaves_the_same(copies, run, capsys):
    here, there = copies
    other = {"config_hash": "0" * 12}
    write(here, current(run))
    write(there, entry(weights="e" * 64).model_copy(update=other))
    assert not compared(copies, write=True)
    assert capsys.readouterr().out.splitlines() == [
        f"gaussian_affinity {RUN}/seed0: of another configuration",
        "0 runs compared: 0 differ; 1 more on one side only or of other configurations",
    ]
    write(there, entry().model_copy(update=other))
    assert compared(copies)


def test_what_differs_and_who_is_alone_are_told_run_by_run(copies, capsys):
    here, there = copies
    write(here, entry(accuracy=98.0))
    write(there, entry())
    write(here, entry("figure7/10"))
    write(there, entry("figure7/1"))
    assert not compared(copies)
    assert capsys.readouterr().out.splitlines() == [
        "gaussian_affinity figure7/1/seed0: only there",
        "gaussian_affinity figure7/10/seed0: only here",
        f"gaussian_affinity {RUN}/seed0: mnist-test/accuracy: there 99.0, here 98.0",
        f"gaussian_affinity {RUN}/seed0: mnist-test/error: there 1.0, here 2.0",
        "1 runs compared: 1 differ; 2 more on one side only or of other configurations",
    ]


def test_the_command_tells_by_its_status(copies, shared):
    here, there = copies
    arguments = ("same-bits", str(there), "--results", str(here / "results"))
    there.mkdir()
    missing = shared(*arguments)
    assert missing.returncode == 2
    assert missing.stderr.startswith("error: ")
    assert "has no records to compare" in missing.stderr
    write(here, entry())
    write(there, entry())
    assert shared(*arguments).returncode == 0
    write(there, entry(weights="a" * 64))
    assert shared(*arguments).returncode == 1
    assert shared(*arguments, "--scale", "published").returncode == 2


def test_code_of_an_older_kind_is_shown_equal_to_that_of_training_and_evaluation(copies, run):
    here, there = copies
    write(here, current(run))
    write(there, entry())
    assert compared(copies, write=True)
    shown = read_shown_equal(Results(here / "results").same_bits())
    assert shown.equal(OLD, training_code(run))
    assert shown.equal(OLD, evaluation_code(run, "mnist-test"))
    [comparison] = shown.comparisons
    assert comparison.scale == "smoke"
    assert {pair.runs for pair in comparison.pairs} == {1}


def test_code_is_shown_equal_only_where_all_runs_that_carry_it_left_the_same(copies, run):
    here, there = copies
    write(here, current(run))
    write(there, entry())
    assert compared(copies, write=True)
    other = paper("gaussian_affinity").run("table1/odd-25/affinity", "smoke")
    assert training_code(other) == training_code(run)
    write(here, current(other))
    write(there, entry(other.name, weights="a" * 64))
    assert not compared(copies, write=True)
    assert not read_shown_equal(Results(here / "results").same_bits()).equal(OLD, training_code(run))


def test_of_weights_of_unknown_code_nothing_is_noted(copies, run):
    here, there = copies
    write(here, current(run))
    write(there, entry(code="unknown"))
    assert compared(copies, write=True)
    assert read_shown_equal(Results(here / "results").same_bits()).comparisons == ()


def test_other_metrics_of_the_same_weights_speak_of_the_evaluation_alone(copies, run):
    here, there = copies
    write(here, current(run, accuracy=98.0))
    write(there, entry())
    assert not compared(copies, write=True)
    shown = read_shown_equal(Results(here / "results").same_bits())
    assert shown.equal(OLD, training_code(run))
    assert not shown.equal(OLD, evaluation_code(run, "mnist-test"))


@pytest.mark.parametrize(
    ("path", "tried"),
    [("papers/gaussian_affinity/affinity.py", True), ("shared/data/sets/mnist.py", False)],
)
def test_equality_is_carried_to_full_scale_where_all_that_changed_was_in_use(copies, run, path, tried):
    here, there = copies
    there.mkdir()
    copy_suite(there)
    for changed in {path, "papers/gaussian_affinity/affinity.py"}:
        with (there / changed).open("a") as file:
            file.write(f"\nprint({changed!r})\n")
    write(here, current(run))
    write(there, entry(code=fingerprint(training_definitions(run, there.resolve()))))
    assert compared(copies, write=True)
    full = paper("gaussian_affinity").run(RUN, "full")
    shown = read_shown_equal(Results(here / "results").same_bits())
    before = fingerprint(training_definitions(full, there.resolve()))
    assert before != training_code(full)
    assert shown.equal(before, training_code(full)) == tried


def test_equality_is_carried_to_the_losses_that_are_tried_in_the_place_of_a_run(copies, run):
    here, there = copies
    there.mkdir()
    copy_suite(there)
    with (there / "shared/training/loop.py").open("a") as file:
        file.write("\nprint(1)\n")
    write(here, current(run))
    write(there, entry(code=fingerprint(training_definitions(run, there.resolve()))))
    assert compared(copies, write=True)
    shown = read_shown_equal(Results(here / "results").same_bits())
    entries = experiments(paper("gaussian_affinity"), "lite")
    [experiment] = [one for one in entries if RUN in {place.name for place in one.places}]
    for trial in map(read_trial, sorted((ROOT / "trials").glob("*.yaml"))):
        if trial.stands_in(experiment):
            [tried] = trial.runs(experiment, 1)
            before = fingerprint(training_definitions(tried, there.resolve()))
            assert before != training_code(tried)
            assert shown.equal(before, training_code(tried))


def test_the_whole_is_one_command_which_wants_to_know_the_commit():
    make = ["make", "-s", "-o", ".venv/installed", "same-bits"]
    nothing = subprocess.run(make, cwd=ROOT, capture_output=True, text=True, check=False)
    assert nothing.returncode == 2
    assert nothing.stdout == "Say with which commit to compare: make same-bits REV=<commit>\n"
    planned = subprocess.run(
        [*make, "-n", "REV=abc", "WRITE=1"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert planned.splitlines()[-1].endswith(" CORES=2 .ci/same-bits abc --write")


def test_both_copies_are_trained_afresh_and_compared(tmp_path):
    """With the workflow's place taken by a script that writes one record, which tells of the code it found."""
    here = tmp_path / "here"
    here.mkdir()
    copy_suite(here)
    shutil.copytree(ROOT / ".ci", here / ".ci")
    git = ["git", "-C", str(here), "-c", "user.name=N", "-c", "user.email=n@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "One"]):
        subprocess.run([*git, *command], check=True)
    write(tmp_path / "made", entry())
    tools = tmp_path / "bin"
    tools.mkdir()
    script(tools / "python", f'exec {sys.executable} "$@"')
    seed = "results/smoke/gaussian_affinity/runs/table1/odd-10/affinity/seed0"
    script(
        tools / "snakemake",
        f"mkdir -p {seed}",
        f"cp {tmp_path}/made/{seed}/record.json {seed}/",
        f'if grep -q "# Other" shared/errors.py; then sed -i s/ffff/eeee/ {seed}/record.json; fi',
    )

    def compare(rev: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [here / ".ci/same-bits", rev, "--write"],
            env={**os.environ, "BIN": str(tools)},
            capture_output=True,
            text=True,
            check=False,
        )

    same = compare("HEAD")
    assert same.returncode == 0, same.stderr
    assert "1 runs compared: 0 differ" in same.stdout
    assert (here / "results/published/same-bits.yaml").exists()
    with (here / "shared/errors.py").open("a") as file:
        file.write("# Other\n")
    other = compare("HEAD")
    assert other.returncode == 1, other.stderr
    assert "weights_sha256" in other.stdout
    assert compare("nowhere").returncode == 2
    assert not (here / "results/smoke").exists()


def script(path: Path, *lines: str) -> None:
    path.write_text("\n".join(["#!/bin/sh -e", *lines, ""]))
    path.chmod(0o755)
