"""What one seed of a run left behind: a record of it as it is configured now."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from shared.errors import UserError
from shared.records.one_seed import OneSeed
from shared.records.records import write_json
from shared.records.results import Results
from shared.records.trials import Attempt
from shared.runs.config import Run
from tests.records.samples import record

FILE = "loss: {name: softmax}\nsearch: {optimizer.learning_rate: [0.01, 1000]}\n"


@pytest.fixture
def attempt(tmp_path):
    path = tmp_path / "mine" / "high.yaml"
    path.parent.mkdir()
    path.write_text(FILE)
    return Attempt.of(path, "smoke", 2, Results(tmp_path / "results")).among(["gaussian_affinity"], ["figure2"])


def trained(attempt: Attempt, run: Run, error: float = 20.0, command: str = "", not_finite: str | None = None) -> None:
    """Write the record of seed 0 of a run of a trial."""
    found = record(run.name)
    said = found.provenance.model_copy(update={"command": command})
    metrics = {} if not_finite else {"held-out": {"balanced_error": error}}
    made = {"config": run.config.plain(), "config_hash": run.hash, "not_finite": not_finite}
    found = found.model_copy(update={**made, "metrics": metrics, "provenance": said})
    write_json(OneSeed(run, 0, attempt.results).path, found.model_dump(mode="json"))


def test_a_record_of_another_configuration_is_none_of_it(attempt):
    first, second = attempt.runs()
    trained(attempt, first)
    assert OneSeed(first, 0, attempt.results).record()
    assert OneSeed(replace(second, name=first.name), 0, attempt.results).record() is None


def test_a_record_in_the_place_of_another_seed_is_none_of_it(attempt):
    run = replace(attempt.runs()[0], seeds=2)
    trained(attempt, run)
    zero, one = (OneSeed(run, seed, attempt.results) for seed in (0, 1))
    one.folder.mkdir()
    one.path.write_bytes(zero.path.read_bytes())
    assert one.record() is None
    assert list(attempt.seeds_of(run)) == [0]
    zero.path.unlink()
    assert attempt.seeds_of(run) == {}


def test_in_a_search_the_error_of_what_did_not_stay_finite_is_infinite(attempt):
    [experiment] = attempt.experiments
    low, high = attempt.trial.search_runs(experiment)
    trained(attempt, low)
    assert attempt.searched(experiment) is None
    trained(attempt, high, not_finite="the loss is no longer finite (epoch 1, by step 20)")
    searched = attempt.searched(experiment)
    assert [tried.error for tried in searched.tried] == [20, math.inf]
    assert searched.chosen == {"optimizer.learning_rate": 0.01}
    assert searched.seconds == 3.0
    again = type(searched).model_validate(json.loads(json.dumps(searched.model_dump(mode="json"))))
    assert again == searched


def test_a_name_whose_records_are_of_another_file_is_refused(attempt):
    trained(attempt, attempt.runs()[0], command="python -m shared train --trial mine/high.yaml")
    attempt.require_own_name()
    folder = attempt.trial.path.parents[1] / "theirs"
    folder.mkdir()
    path = folder / "high.yaml"
    path.write_text(FILE)
    other = Attempt.of(path, "smoke", 2, Results(attempt.results.root))
    other.require_own_name()  # a copy
    path.write_text(FILE.replace("softmax", "focal"))
    other = Attempt.of(path, "smoke", 2, Results(attempt.results.root))
    with pytest.raises(UserError, match=r"theirs/high\.yaml: 'high' is the name of .*mine/high\.yaml too"):
        other.require_own_name()
    attempt.trial.path.unlink()  # it has been moved
    other.require_own_name()
