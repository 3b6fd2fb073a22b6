"""Runs of feature transfer from data to record: divided training sets, the benchmarks of both features, kept arrays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.commands.evaluate import evaluate
from shared.commands.train import train
from shared.data.drawn import draw
from shared.errors import UserError
from shared.records.records import Record, Records, read_record
from shared.records.results import Results
from shared.runs.catalogue import run_model
from shared.runs.config import Run, RunConfig
from shared.runs.registry import paper
from shared.training.setup import Setup

PAPER = "feature_transfer"


def short(name: str, **settings: object) -> Run:
    """Return a run of the smoke scale of a few iterations, with some settings by dotted path."""
    run = paper(PAPER).run(name, "smoke")
    plain = run.config.plain()
    of_stages = {"scheme.iterations": 1, "scheme.pretraining": 0.5}
    stages = of_stages if plain["scheme"]["name"] == "feature-transfer" else {}
    for path, value in {"training.steps": 6, "backbone.side": 16, **stages, **settings}.items():
        *above, last = path.split(".")
        node = plain
        for key in above:
            node = node[key]
        node[last] = value
    config: RunConfig = run_model(PAPER).model_validate(plain)
    return Run(PAPER, name, "smoke", run.axes, 1, config)


def trained(run: Run, folder: Path, root: Path) -> tuple[Record, Records]:
    results = Results(folder)
    train(run, 0, results, root)
    path = results.record(run.scale, PAPER, run.name, 0)
    return read_record(path), Records.read([path], paper(PAPER).reference)


def test_a_divided_set_is_trained_searched_and_tested_by_its_division(tmp_path, digits_root):
    benchmarks = ["nearest-center", "nearest-center-rich", "stage-turns"]
    record, _ = trained(short("table1/10K10K/ftl", benchmarks=benchmarks), tmp_path, digits_root)
    division = record.config["data"]["sampling"]["under_represented"]
    regular, few, images = division["regular"], division["few"], division["images"]
    counts = record.data.counts
    assert counts["test"] == [division["test_images"]] * (regular + few)
    assert counts["train"][regular:] == [images] * few
    assert min(counts["train"][:regular]) > images
    assert counts["gallery"] == counts["train"]
    assert counts["held_out"] == [0] * regular + [division["held_out_images"]] * few
    assert set(record.metrics) == {"training", *benchmarks}
    found = {"rank1_regular", "rank1_ur"}
    of_fc = {"rank1_regular_fc", "rank1_ur_fc", "norm_regular_fc", "norm_ur_fc"}
    for name, expected in (("nearest-center", found | of_fc), ("nearest-center-rich", found)):
        assert set(record.metrics[name]) == expected
        for metric in expected - {"norm_regular_fc", "norm_ur_fc"}:
            hits = record.metrics[name][metric] / 100 * regular * division["test_images"]
            assert hits == pytest.approx(round(hits))
    # Three iterations after pre-training have room for one turn of two.
    assert (record.metrics["stage-turns"]["turns"], record.metrics["stage-turns"]["best"]) == (1, 1)
    assert set(record.metrics["stage-turns"]) == {"turns", "best", "accuracy@0", "accuracy@1"}
    assert {"hard_regular", "under_represented", "transferred"} <= set(record.metrics["training"])


def test_classes_that_are_not_trained_on_are_tested_all_the_same(tmp_path, digits_root):
    record, _ = trained(short("table1/10K0K/softmax", benchmarks=["nearest-center"]), tmp_path, digits_root)
    division = record.config["data"]["sampling"]["under_represented"]
    counts = record.data.counts
    assert len(counts["train"]) == division["regular"]
    assert counts["gallery"][division["regular"] :] == [division["images"]] * division["tested"][1]
    assert "rank1_ur" in record.metrics["nearest-center"]
    assert "rank1_ur_fc" not in record.metrics["nearest-center"]


def test_pixels_of_a_small_set_lie_within_what_the_decoder_makes(digits_root):
    digits = {"name": "mnist-5k", "sampling": {"per_class": 2}}
    run = short("table1/10K10K/softmax", data=digits, benchmarks=[])
    setup = Setup(run, 0, draw(run.config.data, 0, digits_root), torch.device("cpu"))
    pixels = setup.images["train"].normalised(slice(None))  # type: ignore[arg-type]
    assert (float(pixels.min()), float(pixels.max())) == (-1, 1)


def test_base_and_novel_classes_are_those_of_the_lists(tmp_path, digits_root):
    record, _ = trained(short("one-shot/ftl"), tmp_path, digits_root)
    assert record.data.counts["train"] == [8] * 10 + [1] * 6
    assert record.data.counts["test"] == [1] * 10 + [5] * 6
    assert set(record.metrics["one-shot"]) == {"rank1_base", "rank1_novel", "coverage"}


def test_a_benchmark_looks_inside_and_its_arrays_are_kept_for_figures(tmp_path, digits_root):
    run = short("ms1m/ftl", benchmarks=["transfer"])
    record, records = trained(run, tmp_path, digits_root)
    assert 0 < record.metrics["transfer"]["identity_kept"] <= 100
    arrays = records.arrays(run.name, 0, "transfer")
    assert arrays["inputs"].dtype == np.uint8
    assert arrays["inputs"].shape == arrays["moved"].shape
    assert arrays["inputs"].shape[2:] == (16, 16)
    assert np.abs(arrays["pair_yaw"]).min() > 20
    with pytest.raises(UserError, match=r"arrays-center-error.npz: its arrays cannot be read"):
        records.arrays(run.name, 0, "center-error")
    # Evaluated apart, by the same weights, it keeps the same.
    kept = next(tmp_path.rglob("arrays-transfer.npz"))
    kept.unlink()
    assert evaluate(run, 0, "transfer", Results(tmp_path), digits_root) == record.metrics["transfer"]
    again = records.arrays(run.name, 0, "transfer")
    assert all(np.array_equal(arrays[name], again[name], equal_nan=arrays[name].dtype.kind == "f") for name in arrays)
    apart = json.loads(next(tmp_path.rglob("benchmarks/transfer.json")).read_text())
    assert apart["metrics"] == record.metrics["transfer"]


def test_the_center_study_has_known_yaw(tmp_path, digits_root):
    names = ["center-error", "center-error-rich"]
    record, _ = trained(short("ms1m/metric-l2", benchmarks=names), tmp_path, digits_root)
    for name in names:
        found = record.metrics[name]
        # Of heads turned by up to 60 degrees eq. 5 leaves out about half; that shows in the error.
        assert found["avg_flip@5"] != pytest.approx(found["avg_all@5"], rel=0.01)
        assert found["pick_one@1"] == pytest.approx(found["avg_all@1"])
    assert record.metrics["center-error"]["avg_all@5"] != record.metrics["center-error-rich"]["avg_all@5"]


def test_a_search_without_a_gallery_says_what_to_set(tmp_path, digits_root):
    run = short("ms1m/softmax", **{"data.sampling": {}, "benchmarks": ["nearest-center"]})
    with pytest.raises(UserError, match=r"has no gallery images.*data.sampling.under_represented"):
        trained(run, tmp_path, digits_root)


def test_a_benchmark_that_the_scheme_cannot_serve_is_refused_before_training(tmp_path, digits_root):
    for benchmark, method in (("lfw-rich", "embed_rich"), ("transfer", "embed_rich")):
        run = short("figure1/softmax", **{"training.steps": 1, "benchmarks": [benchmark]})
        with pytest.raises(UserError, match=rf"benchmark '{benchmark}', which asks its scheme for {method}"):
            trained(run, tmp_path / benchmark, digits_root)
        assert not list((tmp_path / benchmark).rglob("checkpoint.pt"))
