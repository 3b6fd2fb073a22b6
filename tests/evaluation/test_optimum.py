"""What a loss asks for, held against every full run of few classes and one of each kind of many."""

from __future__ import annotations

import dataclasses
import fnmatch
from math import sqrt
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import torch

from shared.evaluation.optimum import Optimum, optimum
from shared.losses import CosFace
from shared.runs.components import Loss
from shared.runs.registry import papers
from shared.training import free_features
from shared.training.free_features import FREE_CLASSES, Minimum, least

MOST_CLASSES = 75_000
"""Of more the class vectors alone take minutes."""


class Objective(NamedTuple):
    """What the optimum of a run depends on, and whether the run is declared to fail."""

    loss: Loss
    dimension: int
    classes: int
    declared: bool


def objectives(*, many: bool) -> dict[Objective, str]:
    """Return every objective of the full runs of few classes or of many, each with a run that has it."""
    found: dict[Objective, str] = {}
    for paper in papers().values():
        for run in paper.runs("full").values():
            config, classes = run.config, run.config.data.trained_classes
            if paper.no_optimum(run.name) is None and (classes > FREE_CLASSES) is many and classes < MOST_CLASSES:
                declared = paper.optimum_fails(run.name) is not None
                objective = Objective(config.loss, config.backbone.embedding, classes, declared)
                found.setdefault(objective, f"{paper.key}/{run.name}")
    return found


def parameters(*, many: bool, of_each_kind: bool) -> list[Any]:
    """Return the objective of the fewest classes of each loss, and of each that is declared to fail, or the others."""
    found = objectives(many=many)
    fewest: dict[tuple[str, bool], Objective] = {}
    for objective in sorted(found, key=lambda objective: objective.classes):
        fewest.setdefault((objective.loss.name, objective.declared), objective)
    return [
        pytest.param(objective, id=name)
        for objective, name in found.items()
        if (fewest[objective.loss.name, objective.declared] == objective) is of_each_kind
    ]


def check(found: Optimum, objective: Objective) -> None:
    assert found.classifies is not objective.declared, f"{found.terms}, {found.nothing}, accuracy {found.accuracy}"


@pytest.mark.slow
@pytest.mark.parametrize("objective", parameters(many=False, of_each_kind=True))
def test_each_kind_of_loss_of_few_classes_classifies_or_is_declared_to_fail(objective):
    check(optimum(objective.loss, objective.dimension, objective.classes), objective)


@pytest.mark.slow
@pytest.mark.parametrize("objective", parameters(many=True, of_each_kind=True))
def test_each_kind_of_loss_of_many_classes_classifies_or_is_declared_to_fail(objective):
    check(optimum(objective.loss, objective.dimension, objective.classes), objective)


@pytest.mark.slow
@pytest.mark.parametrize("objective", parameters(many=False, of_each_kind=False))
def test_every_other_full_run_of_few_classes_classifies_from_one_start(objective, monkeypatch):
    # As far as a hundred steps lower a loss it tells classes apart; where it is least is not asked here.
    monkeypatch.setattr(free_features, "ITERATIONS", 100)
    asked = objective.loss, objective.dimension, objective.classes
    found, nothing = (least(*asked, starts=1, told_apart=told_apart) for told_apart in (True, False))
    check(Optimum(found.terms, nothing.value, found.accuracy, {}, found.settled, found.attained), objective)


def test_what_is_declared_names_runs():
    for paper in papers().values():
        for pattern in (*paper._file.optimum_fails, *paper._file.no_optimum):
            assert fnmatch.filter(paper.runs("full"), pattern), f"{paper.key}: no run {pattern}"


def test_geometry_at_the_simplex():
    found = optimum(CosFace(scale=4.0, margin=0.0), 3, 4)
    assert found.classifies
    assert found.accuracy == 1
    assert found.geometry["least angle between vectors of two classes"] == pytest.approx(109.47, abs=0.1)
    assert found.geometry["mean angle of an embedding to its class's nearest vector"] < 0.1


@pytest.mark.parametrize(("accuracy", "loss", "classifies"), [(1.0, 1.0, True), (0.98, 1.0, False), (1.0, 1.2, False)])
def test_an_accuracy_by_a_hair_is_none(accuracy, loss, classifies):
    found = optimum(CosFace(scale=4.0, margin=0.0), 1, 2)
    found = dataclasses.replace(found, accuracy=accuracy, terms={"loss": loss}, nothing=2.0)
    assert found.classifies is classifies


def test_the_geometry_by_hand(monkeypatch):
    """Two vectors a class, 45 degrees apart, and opposite ones for the other class."""
    vectors = torch.tensor([[[1, 0], [1, 1]], [[-1, 0], [-1, -1]]], dtype=torch.float64)
    found = Minimum(
        value=0.0,
        terms={"loss": 0.0},
        loss=SimpleNamespace(class_vectors=lambda: vectors),
        embedding=torch.tensor([[0, 3], [-4, 0]], dtype=torch.float64),
        labels=torch.tensor([0, 1]),
        accuracy=1.0,
        settled=True,
        attained=True,
    )
    monkeypatch.setattr("shared.evaluation.optimum.least", lambda *_, **__: found)
    assert optimum(CosFace(scale=1, margin=0), 2, 2).geometry == pytest.approx(
        {
            "least angle between vectors of two classes": 135,
            "mean angle between vectors of two classes": (180 + 135 + 135 + 180) / 4,
            "mean angle of an embedding to its class's nearest vector": 45 / 2,
            "least distance between vectors of two classes": 2,
            "mean distance between vectors of two classes": (2 + 2 * sqrt(5) + sqrt(8)) / 4,
            "mean length of an embedding": 3.5,
            "mean length of a class vector": (1 + sqrt(2)) / 2,
        }
    )
