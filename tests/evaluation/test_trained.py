"""What a trained run is measured by: the weights that it has at that moment."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from papers.discface.following import Following
from shared.commands.evaluate import evaluate
from shared.commands.train import train
from shared.data.image_source import ArraySource
from shared.evaluation.trained import Trained
from shared.records.kept import CURVE, read_curve
from shared.records.records import read_record
from shared.records.results import Results
from shared.runs.catalogue import Evaluation
from shared.runs.components import Benchmark
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


class Mean(Benchmark):
    """The mean of what a method makes of an image, and the first number of the mirrored one."""

    name: str = "mean"
    implementation = ""

    def build(self):
        return lambda images, embed: {
            "mean": float(embed(images, False).mean()),
            "first": embed(images, True)[0, 0],
        }


class ApartMean(Mean):
    """One that is not for the training job."""

    alone = True


def measuring(**benchmarks: tuple[Benchmark, list[int]]) -> Any:
    """Return what measures benchmarks of faces, each on one image of two pixels, which are its embedding.

    The scheme's `embedded` counts the images embedded, mirrored ones too.
    """

    def embed(batches: Any, times: int) -> torch.Tensor:
        scheme.embedded += 1
        return times * torch.cat([batch[:, 0, 0, :] for batch in batches]).float()

    scheme = SimpleNamespace(
        embed=lambda batches: embed(batches, 1), embed_twice=lambda batches: embed(batches, 2), embedded=0
    )
    setup: Any = SimpleNamespace(
        run=SimpleNamespace(name="run"),
        scheme=scheme,
        images={},
        on_device=lambda part: SimpleNamespace(in_order=lambda size: [(torch.from_numpy(part.images.images), None)]),
    )
    evaluations = {}
    for name, (benchmark, pixels) in benchmarks.items():
        images = ArraySource(np.array([[[pixels]]]))
        data: Any = SimpleNamespace(name=str(pixels), obtainable=True, load=lambda root, images=images: images)
        evaluations[name] = Evaluation(benchmark, data)
    return Trained(setup, Path(), evaluations)


def test_images_are_embedded_once_for_all_benchmarks_on_them_by_one_method_and_for_no_other():
    trained = measuring(
        one=(Mean(), [1, 3]),
        other=(Mean(), [5, 9]),
        again=(Mean(), [5, 9]),
        twice=(Mean(embedding="embed_twice"), [5, 9]),
    )
    metrics, _ = trained.measure(["one", "other", "again", "twice"])
    assert metrics == {
        "one": {"mean": 2, "first": 3},
        "other": {"mean": 7, "first": 9},
        "again": {"mean": 7, "first": 9},
        "twice": {"mean": 14, "first": 18},
    }
    assert trained.scheme.embedded == 6


def test_a_benchmark_that_is_a_job_of_its_own_is_measured_where_it_is_asked_for_as_such():
    trained = measuring(one=(Mean(), [1, 3]), apart=(ApartMean(), [5, 9]))
    assert trained.measure(["one", "apart"])[0].keys() == {"one"}
    assert trained.measure(["one", "apart"], alone=True)[0].keys() == {"one", "apart"}
