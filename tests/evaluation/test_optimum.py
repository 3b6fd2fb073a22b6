"""What a loss asks for, held against a full run of each kind; and what the command says."""

from __future__ import annotations

import dataclasses
import fnmatch
from typing import Any

import pytest

from shared.evaluation.optimum import optimum
from shared.losses import CosFace
from shared.runs.config import RunConfig
from shared.runs.registry import papers
from shared.training.free_features import FREE_CLASSES

MOST_CLASSES = 75_000
"""Of more the class vectors alone take minutes."""


def objectives(*, many: bool) -> list[Any]:
    """Return the full run with the fewest classes of each kind of loss, and of each that is declared to fail."""
    found: dict[tuple[object, ...], tuple[int, Any]] = {}
    for paper in papers().values():
        for run in paper.runs("full").values():
            config, classes = run.config, run.config.data.trained_classes
            if paper.no_optimum(run.name) is None and (classes > FREE_CLASSES) is many and classes < MOST_CLASSES:
                declared = paper.optimum_fails(run.name) is not None
                parameter = pytest.param(config, declared, id=f"{paper.key}/{run.name}")
                key = config.loss.name, declared
                found[key] = min(found.get(key, (classes, parameter)), (classes, parameter), key=lambda entry: entry[0])
    return [parameter for _, parameter in found.values()]


def check(config: RunConfig, declared: bool) -> None:
    found = optimum(config.loss, config.backbone.embedding, config.data.trained_classes)
    assert found.classifies is not declared, f"{found.terms}, nothing {found.nothing}, accuracy {found.accuracy}"


@pytest.mark.slow
@pytest.mark.parametrize(("config", "declared"), objectives(many=False))
def test_each_kind_of_loss_of_few_classes_classifies_or_is_declared_to_fail(config, declared):
    check(config, declared)


@pytest.mark.slow
@pytest.mark.parametrize(("config", "declared"), objectives(many=True))
def test_each_kind_of_loss_of_many_classes_classifies_or_is_declared_to_fail(config, declared):
    check(config, declared)


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
