"""The file of a trial: settings that would reach nothing are refused, and the others reach what they name."""

from __future__ import annotations

import pytest

from shared.errors import UserError
from shared.runs.experiments import Experiment, experiments
from shared.runs.registry import paper
from shared.runs.trial import Trial, read_trial

OWN = "loss: mine:Mine\n"
SUITE = "loss: {name: focal}\n"
SAMPLER = "sampler: mine:Mine\n"
JOINT = "loss: {name: joint, base: {name: softmax, bias: false}, term: {name: discrepancy, weight: 0.5}}\n"


@pytest.fixture
def trial(tmp_path):
    (tmp_path / "mine.py").write_text("class Mine: ...\n")
    path = tmp_path / "mine.yaml"

    def read(text: str) -> Trial:
        path.write_text(text)
        return read_trial(path)

    return read


def experiment() -> Experiment:
    return next(found for found in experiments(paper("gaussian_affinity"), "smoke") if "figure2" in found.targets)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SUITE + "search: {options.gamma: [0, 5]}", ":2: search: 'options.gamma' would reach nothing here"),
        (OWN + "search: {loss.margin: [1, 2]}", "begin it with 'optimizer.' or 'scheme.' or 'options.'"),
        (SUITE + "search: {sampler_options.power: [1, 2]}", "'sampler_options.power' would reach nothing"),
        (OWN + "search: {options: [1, 2]}", "'options' would reach nothing"),
        (OWN + "search: {options.: [1, 2]}", "nothing before or after a dot"),
        (OWN + "set: {optimizer..momentum: 1}", "nothing before or after a dot"),
        (SUITE + "sampler_options: {power: 3}", ":2: sampler_options: there is no sampler"),
        (SAMPLER + "set: {scheme.pairs: true}", "'scheme.pairs' is of a scheme in whose place the sampler stands"),
        (SAMPLER + "search: {scheme.pairs: [true, false]}", "in whose place the sampler stands"),
        (SUITE + "weight: {set: options.weight, to: [1, 2]}", ":2: weight: 'options.weight' would reach nothing"),
        (OWN + "weight: {set: loss.weight, to: [1, 2]}", "begin it with 'options.'"),
        (OWN + "weight: {set: options.weight, to: [1, a]}", "the level 'a' is no number"),
        (OWN + "weight: {set: options.weight, to: [1, .inf]}", "the level inf is no number"),
        (OWN + f"weight: {{set: options.weight, to: [{'9' * 400}]}}", "is no number"),
        (OWN + "options: {margin: .inf}", ":2: options: inf is no finite number, which no record can hold"),
        (OWN + "options: {margins: {0: 1.0}}", "options: the key 0 is no word"),
        (OWN + "options: {path: !!binary gA==}", "is neither number, word, truth value, list nor mapping"),
        (OWN + "search: {options.margin: [1, [.nan]]}", "search: nan is no finite number"),
        (SAMPLER + "sampler_options: {since: 2020-02-02}", "sampler_options: datetime.date(2020, 2, 2) is neither"),
        (OWN + "scheme: {name: decoupled}", ":2: scheme: a trial says it below 'set'; write set: {scheme: ...}"),
        (OWN + "optimizer.learning_rate: 1", "write set: {optimizer.learning_rate: ...}"),
        ("loss: mine.Mine", ":1: loss: 'mine.Mine' names no class; write module:Class"),
        ("loss: focal", "or {name: focal} for a loss of the suite"),
        ("sampler: mine", ":1: sampler: 'mine' names no class"),
    ],
)
def test_what_would_reach_nothing_is_refused_with_its_line(trial, text, said):
    with pytest.raises(UserError) as refused:
        trial(text)
    assert said in str(refused.value)


def test_a_part_of_what_has_none_is_refused(trial):
    found = trial(OWN + "set: {optimizer.learning_rate.x: 0.1}")
    with pytest.raises(UserError, match=r"'optimizer.learning_rate.x': 'learning_rate' is 0\.\d+, without parts"):
        found.runs(experiment(), 1)


def test_a_setting_deep_in_a_loss_of_the_suite_is_reached(trial):
    found = trial(JOINT + "search: {loss.term.weight: [0.1, 0.2]}")
    weights = [config.plain()["loss"]["term"]["weight"] for config in found.configs(experiment())]
    assert weights == [0.1, 0.2]
    assert found.file.loss["term"] == {"name": "discrepancy", "weight": 0.5}


def test_a_part_is_laid_over_the_whole_whichever_is_written_first(trial):
    whole, part = "optimizer: {name: adam, learning_rate: 0.001}", "optimizer.beta1: 0.5"
    for text in (f"{whole}, {part}", f"{part}, {whole}"):
        [run] = trial(f"{OWN}set: {{{text}}}").runs(experiment(), 1)
        optimizer = run.config.plain()["optimizer"]
        assert (optimizer["name"], optimizer["learning_rate"], optimizer["beta1"]) == ("adam", 0.001, 0.5)


def test_the_levels_of_a_scale_are_its_own(trial):
    found = trial(OWN + "weight: {set: options.weight, to: [0.1, 1, 10], smoke: [0.1, 10]}")
    curve = next(one for one in experiments(paper("discface"), "smoke") if one.levels)
    assert list(found.weight_runs(curve, 1)) == [0.1, 10]


def test_every_combination_and_level_that_may_be_trained_is_told(trial):
    found = trial(OWN + "search: {options.margin: [1, 2]}\nweight: {set: options.weight, to: [3, 4]}")
    settings = [config.plain()["loss"]["settings"] for config in found.configs(experiment())]
    assert settings == [
        {"margin": margin, **weight} for margin in (1, 2) for weight in ({}, {"weight": 3}, {"weight": 4})
    ]


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        (SUITE, True),
        ("loss: {name: ldam}", False),
        ("loss: {name: ldam, deferred: 0}", True),
        ("loss: {name: ldam, deferred: 1}", True),
        ("loss: {name: softmax}\nset: {scheme: {name: decoupled}}", False),
        ("loss: {name: softmax}\nset: {scheme.name: decoupled}", False),
        ("loss: {name: softmax}\nset: {scheme: [decoupled]}", True),  # and is refused when it is to be built
        ("loss: {name: softmax}\nsearch: {scheme.name: [classification, decoupled]}", False),
        ("loss: {name: ldam, deferred: 0}\nsearch: {loss.deferred: [0, 0.5]}", False),
        ("loss: {name: ldam, deferred: 4/5}", False),
        ("loss: {name: ldam, deferred: }", True),  # likewise
    ],
)
def test_what_begins_late_stands_nowhere_where_training_stops_early(trial, text, stands):
    there = {found.name: found for found in experiments(paper("gaussian_affinity"), "lite")}
    assert there["noise/0.3"].places[0].config.training.patience
    assert trial(text).stands_in(there["noise/0.3"]) == stands
    assert trial(text).stands_in(there["retained/0.1"])
