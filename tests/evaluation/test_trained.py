"""What a trained run is measured by: the weights that it has at that moment."""

from __future__ import annotations

import csv

import pytest

from papers.discface.following import Following
from shared.commands.evaluate import evaluate
from shared.commands.train import train
from shared.records.kept import CURVE, read_curve
from shared.records.records import read_record
from shared.records.results import Results
from shared.runs.registry import paper


@pytest.fixture(scope="module")
def measured_along(tmp_path_factory, digits_root):
    """Return a run whose face benchmark is measured after each of its epochs, and where its results lie."""
    run = paper("discface").run("figure6/cosface", "smoke")
    results = Results(tmp_path_factory.mktemp("along"))
    train(run, 0, results, digits_root)
    return run, results


def test_the_benchmark_at_the_end_is_that_of_the_last_epoch_of_the_curve(measured_along):
    run, results = measured_along
    folder = results.seed(run.scale, run.paper, run.name, 0)
    with (folder / CURVE).open() as file:
        curve = list(csv.DictReader(file))
    metrics = read_record(results.record(run.scale, run.paper, run.name, 0)).metrics["cfp-fp"]
    assert len(curve) == run.config.training.epochs > 1
    for name, value in metrics.items():
        assert float(curve[-1][f"cfp-fp/{name}"]) == value


def test_a_benchmark_along_training_sees_the_weights_of_each_epoch(measured_along):
    run, results = measured_along
    with (results.seed(run.scale, run.paper, run.name, 0) / CURVE).open() as file:
        rates = {row["cfp-fp/tar@1e-1"] for row in csv.DictReader(file)}
    assert len(rates) > 1


def test_a_benchmark_of_the_curve_sees_all_of_it_in_training_and_when_it_is_evaluated_again(
    measured_along, digits_root
):
    run, results = measured_along
    record = results.record(run.scale, run.paper, run.name, 0)
    expected = Following()(read_curve(record.parent / CURVE))
    assert expected.keys() == {"rank_correlation"}
    assert read_record(record).metrics["following"] == pytest.approx(expected)
    assert evaluate(run, 0, "following", results, digits_root) == pytest.approx(expected)


def test_a_benchmark_evaluated_again_gives_what_the_training_recorded(measured_along, digits_root):
    run, results = measured_along
    recorded = read_record(results.record(run.scale, run.paper, run.name, 0)).metrics["cfp-fp"]
    assert evaluate(run, 0, "cfp-fp", results, digits_root) == recorded
