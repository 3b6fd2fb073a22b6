"""What one seed of a run left behind: a record of it as it is configured now, or that it did not stay finite."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from shared.errors import UserError
from shared.records.one_seed import NOT_FINITE, OneSeed
from shared.records.records import write_json
from shared.records.results import Results
from shared.records.trials import Attempt
from shared.runs.config import Run
from tests.records.samples import record

FILE = "loss: {name: softmax}\nsearch: {optimizer.learning_rate: [0.01, 1000]}\n"
SENTENCE = (
    "gaussian_affinity plane seed 0: the loss is no longer finite (epoch 1, by step 20); lower the learning rate or "
    "the weight of that term; no checkpoint was written yet."
)


@pytest.fixture
def attempt(tmp_path):
    path = tmp_path / "mine" / "high.yaml"
    path.parent.mkdir()
    path.write_text(FILE)
    return Attempt.of(path, "smoke", 2, Results(tmp_path / "results")).among(["gaussian_affinity"], ["figure2"])


def trained(attempt: Attempt, run: Run, error: float = 20.0, command: str = "") -> None:
    """Write the record of seed 0 of a run of a trial."""
    found = record(run.name)
    said = found.provenance.model_copy(update={"command": command})
    metrics = {"held-out": {"balanced_error": error}}
    found = found.model_copy(
        update={"config": run.config.plain(), "config_hash": run.hash, "metrics": metrics, "provenance": said}
    )
    write_json(OneSeed(run, 0, attempt.results).record, found.model_dump(mode="json"))


def test_what_did_not_stay_finite_has_ended_and_says_why(attempt):
    run = attempt.runs()[0]
    one = OneSeed(run, 0, attempt.results)
    assert not one.ended()
    one.note_not_finite(SENTENCE, 1.5)
    assert one.ended()
    lost = one.not_finite()
    assert lost
    assert lost.reason == "the loss is no longer finite (epoch 1, by step 20)"
    changed = replace(run, config=attempt.runs()[1].config)
    assert not OneSeed(changed, 0, attempt.results).ended()


def test_the_reason_is_what_is_not_finite(attempt):
    one = OneSeed(attempt.runs()[0], 0, attempt.results)
    one.note_not_finite("the network's embeddings are not finite numbers: train it again, at a lower rate", 1.5)
    lost = one.not_finite()
    assert lost
    assert lost.reason == "the network's embeddings are not finite numbers"


def test_a_record_of_another_configuration_is_none_of_it(attempt):
    first, second = attempt.runs()
    trained(attempt, first)
    assert OneSeed(first, 0, attempt.results).ended()
    assert not OneSeed(replace(second, name=first.name), 0, attempt.results).ended()


def test_a_damaged_note_is_named(attempt):
    one = OneSeed(attempt.runs()[0], 0, attempt.results)
    one.folder.mkdir(parents=True)
    (one.folder / NOT_FINITE).write_text("{")
    with pytest.raises(UserError, match=r"not-finite\.json: it cannot be read"):
        one.ended()


def test_in_a_search_the_error_of_what_did_not_stay_finite_is_infinite(attempt):
    [experiment] = attempt.experiments
    low, high = attempt.trial.search_runs(experiment)
    trained(attempt, low)
    assert attempt.searched(experiment) is None
    OneSeed(high, 0, attempt.results).note_not_finite(SENTENCE, 0.5)
    searched = attempt.searched(experiment)
    assert [tried.error for tried in searched.tried] == [20, math.inf]
    assert searched.chosen == {"optimizer.learning_rate": 0.01}
    assert searched.seconds == 2.0
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
