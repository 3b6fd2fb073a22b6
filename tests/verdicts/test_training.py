"""Recorded trainings: kept ones by curve and configuration alone, and two that are trained here."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from shared.commands.train import train
from shared.records.kept import read_curve
from shared.records.records import find_records, read_record
from shared.records.results import Results
from shared.runs.registry import paper
from shared.verdicts.training import numbers_of, recorded_health
from tests.conftest import ROOT

PUBLISHED = Results(ROOT / "results").paper("published", "gaussian_affinity")
TRAININGS = ROOT / "tests/records/trainings"


def test_what_never_trained_is_found_among_published_and_other_trainings():
    found = {}
    for path in [*find_records(PUBLISHED), *sorted(TRAININGS.rglob("record.json"))]:
        record = read_record(path)
        found[record.run] = recorded_health(record, path.parent)
    assert {run: health.word for run, health in found.items() if not health.trained} == {
        "search/affinity/0.5/0.1": "at chance, collapsed",
        "search/affinity/0.75/0.1": "at chance, collapsed",
        "search/affinity/0.75/0.03": "cut while falling",
        "search/softmax/0.1": "at chance, collapsed",
    }


@pytest.mark.parametrize(("name", "nothing", "alike"), [("0.75", 3.6818, 6.75), ("0.5", 2.4545, 4.5)])
def test_what_knowing_nothing_costs_comes_from_the_configuration(name, nothing, alike):
    path = TRAININGS / "search/affinity" / name / "0.1/seed0/record.json"
    numbers = numbers_of(read_record(path), read_curve(path.parent / "curve.csv"))
    assert numbers.nothing == pytest.approx(nothing, abs=1e-4)
    assert numbers.alike == pytest.approx(alike)
    assert numbers.cut == 4
    assert numbers.error is None


@pytest.mark.parametrize(("rate", "trained"), [(0.0, False), (0.02, True)])
def test_a_training_without_a_rate_is_at_chance_and_one_with_a_rate_is_not(tmp_path, digits_root, rate, trained):
    run = paper("gaussian_affinity").run("table1/standard/softmax", "smoke")
    config = run.config
    changed = {
        "optimizer": config.optimizer.model_copy(update={"learning_rate": rate}),
        "training": config.training.model_copy(update={"epochs": 10, "steps": None, "milestones": ()}),
    }
    run, results = replace(run, config=config.model_copy(update=changed)), Results(tmp_path)
    train(run, 0, results, digits_root)
    record = read_record(results.record("smoke", run.paper, run.name, 0))
    health = recorded_health(record, results.seed("smoke", run.paper, run.name, 0))
    assert health.trained is trained
    assert ("at chance" in health.ills) is not trained
    assert record.health is not None
    assert record.health.images == sum(record.data.counts["train"])
    assert record.health.classes == 10
    assert record.health.optimum is None
    assert (record.health.error < 50) is trained


@pytest.mark.parametrize(
    ("paper_name", "name", "optimum"),
    [
        ("regular_polytope", "figure4/simplex/fixed", math.log(10)),
        ("adversarial_variance", "weight/0", None),
    ],
)
def test_what_is_evidence_tells_the_optimum_of_its_loss_beside_the_loss(
    tmp_path, digits_root, paper_name, name, optimum
):
    run = replace(paper(paper_name).run(name, "smoke"), scale="lite")
    results = Results(tmp_path)
    train(run, 0, results, digits_root)
    record = read_record(results.record("lite", run.paper, run.name, 0))
    assert record.health is not None
    assert record.health.optimum == (optimum and pytest.approx(optimum, abs=1e-6))
    told = recorded_health(record, results.seed("lite", run.paper, run.name, 0)).told["loss of the last epoch"]
    assert ("its optimum 2.303" in told) is (optimum is not None)
