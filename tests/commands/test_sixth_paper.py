"""A paper is a folder: its own loss, its own benchmark in a job of its own, its table; nothing else changes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = {
    "__init__.py": '''
"""Toy: the class whose random direction is nearest."""

from typing import ClassVar, Literal

from shared.runs.components import Benchmark, Loss
from shared.runs.fields import Positive


class Directions(Loss):
    """Options of the loss."""

    implementation: ClassVar[str] = "papers.toy.directions:DirectionsLoss"
    name: Literal["directions"] = "directions"
    scale: Positive


class Length(Benchmark):
    """Mean length of the embeddings."""

    implementation: ClassVar[str] = "papers.toy.length:Length"
    name: Literal["length"] = "length"
    alone: ClassVar[bool] = True
''',
    "directions.py": """
import torch
from torch import nn
from torch.nn import functional


class DirectionsLoss(nn.Module):
    def __init__(self, dimension, classes, *, scale):
        super().__init__()
        self.scale = scale
        self.register_buffer("weight", functional.normalize(torch.randn(classes, dimension), dim=1))

    def forward(self, embedding, labels):
        return {"loss": functional.cross_entropy(self.scores(embedding), labels)}

    def scores(self, embedding):
        return self.scale * embedding @ self.weight.T

    def class_vectors(self):
        return self.weight.unsqueeze(1)
""",
    "length.py": """
import numpy as np


class Length:
    def __call__(self, output):
        return {"mean": float(np.linalg.norm(output.embeddings, axis=1).mean())}
""",
    "targets.py": """
import pandas as pd

from shared.records.records import Records
from shared.reporting.table import Table, measured


def table1(records: Records) -> Table:
    rows = []
    for scale in ("1", "4"):
        row = {"scale": scale, "printed": records.printed("table1", f"scale {scale}", "accuracy")}
        for benchmark, metric in (("mnist-test", "accuracy"), ("length", "mean")):
            table = records.metric(benchmark, metric)
            row[metric] = measured(table[table["scale"] == scale]["value"].tolist())
        rows.append(row)
    data = records.table[records.table["metric"].isin(["accuracy", "mean"])]
    return Table(data[["run", "seed", "metric", "value", "loss.scale"]], pd.DataFrame(rows), "Table 1. A toy")
""",
    "runs.yaml": """
defaults:
  data: {name: mnist-5k, sampling: {classes: [3, 1, 4], per_class: 20}}
  backbone: {name: small-cnn, filters: [2, 2, 2], embedding: 4}
  loss: {name: directions, scale: 1}
  scheme: {name: classification}
  optimizer: {name: adam}
  training: {epochs: 1, batch_size: 16, gpus: 0}
  benchmarks: [mnist-test, length]
  seeds: 2
runs:
  table1/{scale}: {scale: {set: loss.scale, to: [1, 4]}}
targets:
  table1: {kind: table, title: A toy, runs: ["table1/*"]}
""",
    "reference.yaml": """
citation: {title: A Toy, authors: [N. N.], year: 2026, venue: nowhere}
values:
  - target: table1
    where: "Table 1, {row}"
    column: accuracy
    unit: '%'
    decimals: 1
    source: own
    metric: mnist-test/accuracy
    entries:
      - {row: scale 1, value: 98.5, run: table1/1}
      - {row: scale 4, value: 99.5, run: table1/4}
claims:
  - id: scale-helps
    says: a larger scale lowers the error
    where: Section 1
    targets: [table1]
    test:
      kind: lower
      less: {runs: table1/4, metric: mnist-test/error}
      than: {runs: table1/1, metric: mnist-test/error}
""",
}


def contents(folder: Path) -> dict[Path, bytes]:
    """Return what is in the files below a folder, but those that Python and the reader of YAML keep for speed."""
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path: path.read_bytes() for path in files}


@pytest.mark.slow
def test_a_sixth_paper_is_a_folder(suite, digits_root, shared):
    before = contents(suite)
    folder = suite / "papers/toy"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text.lstrip("\n"), encoding="utf-8")

    target = "results/smoke/toy/table1.md"
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", target],
        cwd=suite,
        env={**os.environ, "REPLICATION_DATA": str(digits_root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    table = (suite / target).read_text()
    assert "| scale | printed | accuracy | mean |" in table
    assert "| 4 | 99.5 | " in table
    with (suite / "results/smoke/toy/table1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["run"], row["seed"], row["metric"]) for row in rows} == {
        (f"table1/{scale}", seed, metric) for scale in "14" for seed in "01" for metric in ("accuracy", "mean")
    }
    record = json.loads((suite / "results/smoke/toy/runs/table1/4/seed1/record.json").read_text())
    assert record["data"]["counts"]["train"] == [20, 20, 20]
    assert record["data"]["counts"]["test"] == [100, 100, 100]

    listed = shared("list", "--paper", "toy", cwd=suite, check=True).stdout
    assert "table table1" in listed
    judged = shared("report", "--scale", "published", cwd=suite, check=True)
    assert judged.stderr == ""
    assert "toy" in json.loads((suite / "results/published/verdicts.json").read_text())
    assert {path: text for path, text in contents(suite).items() if path in before} == before
