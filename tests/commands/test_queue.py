"""What is left to train: its order, what a question gains, and the command that trains it and goes on later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.commands import queue as command
from shared.commands import queued
from shared.commands.queue import lines, sliced, summary, work_off
from shared.commands.queued import UNKNOWN_HOURS, Question, ordered, queue
from shared.commands.scope import Scope
from shared.errors import UserError
from shared.records.records import read_record
from shared.records.results import Results
from shared.rehearsal.left import MEASURED_HOURS, Left, once, trained
from shared.runs.registry import paper
from tests.conftest import ROOT

GA = "gaussian_affinity"
TARGET = "figure2"


def left(name: str, hours: float, seeds: int = 1, like: str = "") -> Left:
    """Return a run that is configured as one of another name, or as no other."""
    run = paper(GA).run("figure2/softmax", "full")
    rate = sum((like or name).encode()) / 1e4
    config = run.config.model_copy(
        update={"optimizer": run.config.optimizer.model_copy(update={"learning_rate": rate})}
    )
    return Left(replace(run, name=name, seeds=5, config=config), tuple(range(seeds)), hours)


def places(*runs: Left) -> dict[tuple[str, str], Left]:
    return {run.place: run for run in runs}


def test_what_decides_most_for_its_hours_comes_first():
    dear, cheap, shared, useless = left("dear", 10), left("cheap", 1), left("shared", 4), left("useless", 0.1)
    questions = [
        Question("both", 0.8, (dear.place, shared.place)),
        Question("quick", 0.8, (cheap.place, shared.place)),
    ]
    assert ordered(places(dear, cheap, shared, useless), questions) == [cheap, shared, dear, useless]


def test_what_an_earlier_question_takes_a_later_one_has_for_nothing():
    # Alone, "third" is worth more an hour than "second"; once "first" has its runs, "second" takes one hour alone.
    base, one, other = left("base", 3), left("one", 1), left("other", 2)
    questions = [
        Question("second", 0.8, (base.place, one.place)),
        Question("third", 0.6, (other.place,)),
        Question("first", 1.6, (base.place,)),
    ]
    assert [run.run.name for run in ordered(places(base, one, other), questions)] == ["base", "one", "other"]


def test_a_question_that_gains_nothing_comes_after_others_and_runs_without_one_last():
    known, unknown, none = left("known", 5), left("unknown", 1), left("none", 0.01)
    questions = [Question("certain", 0.0, (unknown.place,)), Question("open", 0.1, (known.place,))]
    assert ordered(places(known, unknown, none), questions) == [known, unknown, none]


def test_runs_configured_alike_are_trained_once_and_the_others_measured():
    first, again, other = left("first", 10, seeds=2), left("again", 30, seeds=3, like="first"), left("other", 5)
    found = once([first, again, other])
    measured = 2 * MEASURED_HOURS
    assert [one.hours for one in found] == [10, pytest.approx(10 + measured), 5]
    assert [one.others for one in found] == [0, 2, 0]
    assert once([again], again.trainings)[0].hours == pytest.approx(3 * MEASURED_HOURS)
    assert list(lines(found))[1].endswith("gaussian_affinity/again, 3 of 5 seeds, 2 trained as another run's")
    assert summary(found).startswith("4 trainings, about 25.0 hours")


def test_what_is_recorded_is_trained_as_far_as_its_checkpoints_are_there(tmp_path):
    record = read_record(ROOT / "results/published/adversarial_variance/runs/figure8/8/seed0/record.json")
    results = Results(tmp_path)
    assert trained([record], results) == set()
    code = record.provenance.code
    results.checkpoints(record.scale, record.paper, record.config_hash, record.seed, code).mkdir(parents=True)
    assert trained([record], results) == {("adversarial_variance", record.config_hash, 0)}


def test_a_question_whose_runs_are_configured_alike_costs_one_training():
    one, alike, cheaper = left("one", 4), left("alike", 4, like="one"), left("cheaper", 3)
    questions = [Question("alike", 1.0, (one.place, alike.place)), Question("cheaper", 0.7, (cheaper.place,))]
    found = ordered(places(one, alike, cheaper), questions)
    assert [run.run.name for run in found] == ["one", "alike", "cheaper"]
    assert [run.hours for run in found] == [4, MEASURED_HOURS, 3]


def test_a_slice_keeps_all_processors_busy_for_half_an_hour():
    runs = [left(str(n), hours) for n, hours in enumerate((0.1, 0.1, 0.1, 0.9, 0.1, 0.1))]
    assert sliced(runs, 1) == runs[:4]
    assert sliced(runs, 2) == runs[:4]
    assert sliced(runs, 5) == runs
    assert sliced([left("long", 30), *runs], 1) == [left("long", 30)]


def test_lines_add_up_the_hours_and_name_what_is_not_known():
    runs = [left("a", 0.5, seeds=2), left("b", 1.25), left("c", UNKNOWN_HOURS)]
    first, second, third = lines(runs)
    assert first.split() == ["0.50", "h", "0.50", "h", "gaussian_affinity/a,", "2", "of", "5", "seeds"]
    assert second.split()[2] == "1.75"
    assert third.split()[:2] == ["not", "known"]
    assert summary(runs) == "4 trainings, about 1.8 hours of one processor or device,"


def test_published_seeds_are_not_trained_again(tmp_path):
    """The committed records are those of the working copy: what they have is not in the queue, what they lack is."""
    key, name = "adversarial_variance", "figure8/8"
    published = {
        int(path.parent.name.removeprefix("seed"))
        for path in (ROOT / "results/published" / key / "runs" / name).glob("seed*/record.json")
    }
    assert published
    found = {one.run.name: one.seeds for one in queue(Scope("full", Results(ROOT / "results"), tmp_path, key))}
    assert set(found.get(name, ())) == set(range(paper(key).run(name, "full").seeds)) - published


def test_what_waits_for_data_is_not_called_done(shared, tmp_path):
    table2 = ("queue", "--scale", "full", "--paper", GA, "--target", "table2", "--results", str(tmp_path / "results"))
    asked = sum(run.seeds for run in paper(GA).target_runs("table2", "full"))
    says = f"nothing can be trained here: {asked} trainings wait for data, see python -m shared status --scale full"
    says += f" --results {tmp_path}/results --data-root {tmp_path}\n"
    for mode in ("--list",), ():
        done = shared(*table2, "--data-root", str(tmp_path), *mode)
        assert (done.returncode, done.stdout) == (0, says)


def test_a_folder_that_takes_nothing_is_told_before_anything_begins(shared, tmp_path):
    (tmp_path / ".snakemake").touch()
    done = shared("queue", "--scale", "smoke", "--paper", GA, "--results", str(tmp_path / "results"))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path}/.snakemake: file exists; a file stands where a folder should be")
    assert len(done.stderr.splitlines()) == 1


def test_who_has_the_data_is_asked_what_others_cannot_run(monkeypatch, tmp_path):
    monkeypatch.setattr(queued, "at_hand", lambda data, root: True)
    asked: list[Question] = []

    def note(_left, questions, _done):
        asked.extend(questions)
        return []

    monkeypatch.setattr(queued, "ordered", note)
    queue(Scope("full", Results(tmp_path), tmp_path, "discface"))
    assert "DF-C1" in {question.claim for question in asked}


def test_a_log_is_named_only_where_there_is_one(tmp_path, monkeypatch):
    scope = Scope("smoke", Results(tmp_path / "results"), tmp_path, GA, TARGET)
    names = [one.run.name for one in queue(scope)]
    monkeypatch.setattr(command, "run_workflow", lambda *_, **__: 1)
    with pytest.raises(UserError, match=r"; what is said above tells why they did not begin\.$"):
        work_off(scope, cores=99, hours=None)
    log = tmp_path / "results/smoke" / GA / "runs" / names[0] / "train.log"
    log.parent.mkdir(parents=True)
    log.touch()
    with pytest.raises(
        UserError, match=rf"; see the train\.log of {GA}/{names[0]} below .*; of the others what is said"
    ):
        work_off(scope, cores=99, hours=None)


def test_a_record_that_the_workflow_takes_for_done_is_named_instead_of_tried_for_ever(tmp_path, monkeypatch):
    scope = Scope("smoke", Results(tmp_path / "results"), tmp_path, GA, TARGET)
    first = queue(scope)[0].run
    path = scope.results.record("smoke", GA, first.name, 0)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    monkeypatch.setattr(command, "run_workflow", lambda *_, **__: 0)
    with pytest.raises(UserError, match=rf"^not trained: .*{first.name}.*; {path}: .*remove"):
        work_off(scope, cores=99, hours=None)


def test_what_cannot_be_had_is_left_out(tmp_path):
    found = {one.run.name for one in queue(Scope("full", Results(tmp_path), tmp_path, GA, "table3"))}
    assert not found
    digits = queue(Scope("full", Results(tmp_path), tmp_path, GA, "figure6"))
    assert {one.run.name for one in digits} == {run.name for run in paper(GA).target_runs("figure6", "full")}
    assert all(one.hours > 0 for one in digits)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", TARGET], "--target names a target of one paper"),
        (["--paper", GA, "--target", "figur2"], "has no target 'figur2'"),
    ],
)
def test_what_it_cannot_do_is_one_sentence(shared, arguments, said):
    done = shared("queue", "--scale", "smoke", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_it_stops_when_the_time_is_over_and_goes_on(shared, tmp_path):
    command = ("queue", "--scale", "smoke", "--paper", GA, "--target", TARGET, "--cores", "1")
    asked = {one.run.name for one in queue(Scope("smoke", Results(tmp_path / "results"), ROOT, GA, TARGET))}
    assert asked
    stopped = shared(*command, "--hours", "0.001", "--results", str(tmp_path / "results"), cwd=ROOT)
    assert stopped.returncode == 0, stopped.stderr
    assert "the time is over" in stopped.stdout
    assert not list(tmp_path.rglob("*.partial"))
    done = shared(*command, "--results", str(tmp_path / "results"), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("nothing is left to train\n")
    records = {path.parent.parent for path in (tmp_path / "results").rglob("record.json")}
    assert records == {tmp_path / "results/smoke" / GA / "runs" / name for name in asked}


def test_a_folder_of_results_that_the_workflow_would_not_write_to_is_refused(shared, tmp_path):
    done = shared("queue", "--scale", "smoke", "--paper", GA, "--target", TARGET, "--results", str(tmp_path))
    assert done.returncode == 2
    assert "name one so" in done.stderr
