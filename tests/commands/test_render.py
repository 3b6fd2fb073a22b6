"""Tables and figures are pure functions of records, and are drawn from nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from papers.gaussian_affinity import targets
from shared.commands.render import render
from shared.errors import UserError
from shared.records.kept import FEATURES
from shared.records.records import DataUsed, Records
from shared.records.results import Results
from shared.runs.registry import paper, papers
from tests.records.samples import record, write

GA = paper("gaussian_affinity")


def seeds_of_every_run(tmp_path, scale: str = "lite") -> Results:
    """Write made-up records of every run of the paper, at random accuracies."""
    results, random = Results(tmp_path), np.random.default_rng(0)
    for run in GA.runs(scale).values():
        for seed in range(max(2, run.seeds)):
            accuracy = round(float(random.uniform(97, 99.9)), 2)
            metrics = {"accuracy": accuracy, "error": 100 - accuracy, "balanced_error": 1.0 + seed}
            classes = run.config.data.trained_classes
            made_up = {
                "axes": run.axes,
                "scale": scale,
                "config": run.config.plain(),
                "config_hash": run.hash,
                "metrics": dict.fromkeys(run.config.benchmarks, metrics),
                "data": DataUsed(
                    name=run.config.data.name, checksums={}, counts={"train": [5] * classes, "held_out": [2] * classes}
                ),
            }
            path = write(results.paper(scale, GA.key), record(run.name, seed).model_copy(update=made_up))
            if run.config.keep_features:
                labels = np.arange(200) % classes
                width = run.config.backbone.embedding
                np.savez(
                    path.parent / FEATURES.format(split="test"),
                    embeddings=random.normal(size=(200, width)).astype(np.float32) + labels[:, None],
                    labels=labels.astype(np.uint8),
                    predictions=labels.astype(np.uint8),
                    class_vectors=random.normal(size=(10, 1, width)).astype(np.float32),
                )
    return results


def test_every_target_draws_from_records_alone(tmp_path):
    results = seeds_of_every_run(tmp_path)
    for name, target in GA.targets.items():
        paths = render(GA, name, "lite", results)
        assert [path.suffix for path in paths] == (
            [".csv", ".md", ".tex"] if target.kind == "table" else [".png", ".pdf", ".csv"]
        )
        assert all(path.stat().st_size > 100 for path in paths)
        assert not pd.read_csv(next(path for path in paths if path.suffix == ".csv")).empty


def test_every_target_of_every_paper_is_a_function_of_that_name():
    for entry in papers().values():
        module = __import__(f"papers.{entry.key}.targets", fromlist=["targets"])
        for name in entry.targets:
            assert callable(getattr(module, name))


def test_table1_shows_mean_spread_and_seeds_beside_the_printed_numbers(tmp_path):
    def seed(run: str, seed: int, split: str, loss: str, accuracy: float):
        entry = record(run, seed, accuracy)
        entry.axes.update(split=split, loss=loss)
        return entry, tmp_path

    rows = [
        seed("table1/odd-10/affinity", 0, "odd-10", "affinity", 99.0),
        seed("table1/odd-10/affinity", 1, "odd-10", "affinity", 99.2),
        seed("table1/odd-10/softmax", 0, "odd-10", "softmax", 98.0),
    ]
    table = targets.table1(Records(rows, GA.reference))
    row = table.display.set_index("Imbalanced").loc["10% of odd digits"]
    assert row["CoSen CNN (quoted)"] == "98.6"
    assert row["Affinity (printed)"] == "99.3"
    assert row["Affinity (measured)"] == "99.10 ± 0.14 (2)"
    assert row["Softmax (measured)"] == "98.00 (1)"
    assert table.display.set_index("Imbalanced").loc["Stand. split", "Affinity (measured)"] == "not run"


def test_a_missing_record_is_named_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(UserError, match=r"python -m shared train gaussian_affinity table1/\S+ --scale smoke"):
        render(GA, "table1", "smoke", Results(tmp_path))
    with pytest.raises(UserError, match="no record of gaussian_affinity/table1 is published"):
        render(GA, "table1", "published", Results(tmp_path))


def test_a_target_is_drawn_from_the_records_that_are_there_and_says_which_are_not(tmp_path, capsys):
    results = seeds_of_every_run(tmp_path, "full")
    render(GA, "table1", "full", results)
    assert "Left out" not in results.target("full", GA.key, "table1", "md").read_text()
    assert capsys.readouterr().err == ""
    for run, seed in [("table1/even-25/cosen", 0), ("table1/even-25/cosen", 1), ("table1/odd-10/affinity", 1)]:
        results.record("full", GA.key, run, seed).unlink()
    render(GA, "table1", "full", results)
    last = results.target("full", GA.key, "table1", "md").read_text().splitlines()[-1]
    assert last.endswith("no record yet: table1/odd-10/affinity seed 1; table1/even-25/cosen seeds 0, 1.")
    assert capsys.readouterr().err == f"gaussian_affinity/table1: {last}\n"
