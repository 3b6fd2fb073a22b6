"""Whatever became of a file of ours, there is a result or one sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from shared.records.kept import FEATURES, Features, write_curve
from shared.records.records import write_json
from shared.records.results import Results
from shared.records.target_records import found
from shared.runs.registry import Paper, paper
from shared.training.checkpoint import Checkpoints
from shared.verdicts.training import recorded_health
from tests.fuzz import fuzz
from tests.records.samples import of, write
from tests.runs.samples import MINIMAL
from tests.runs.test_names import REFERENCE

pytestmark = pytest.mark.filterwarnings("ignore")
GA = paper("gaussian_affinity")


@pytest.fixture
def number(request) -> int:
    return int(request.config.getoption("--fuzz"))


@pytest.fixture
def seed(tmp_path):
    """The folder of a seed with all that may lie in it."""
    entry = of(GA.target_runs("figure2", "full")[0])
    path = write(Results(tmp_path).paper("full", GA.key), entry)
    write_curve(path.parent, [{"epoch": epoch, "step": 9 * epoch, "loss": 1 / epoch} for epoch in (1.0, 2.0, 3.0)])
    labels = np.arange(60) % 3
    arrays = {"embeddings": np.arange(120.0).reshape(60, 2), "labels": labels, "predictions": labels}
    arrays["class_vectors"] = np.ones((3, 1, 2))
    np.savez_compressed(path.parent / FEATURES.format(split="test"), **arrays)  # type: ignore[arg-type]
    told = {"benchmark": "far", "code": "e" * 12, "config_hash": entry.config_hash, "seed": 0, "metrics": {"a": 1.0}}
    write_json(path.parent / "benchmarks/far.json", told)
    return path.parent


@pytest.mark.parametrize("name", ["record.json", "benchmarks/far.json", "curve.csv", FEATURES.format(split="test")])
def test_what_lies_in_the_folder_of_a_seed(tmp_path, seed, name, number):
    def read() -> None:
        there = found(GA, "full", [seed / "record.json"], Results(tmp_path))
        there.require_whole()
        records = there.records(GA)
        for record, folder in records.records:
            assert not records.table.empty or not any(record.metrics.values())
            records.curve(record.run, record.seed)
            recorded_health(record, folder)
            Features(folder).load()["labels"].sum()

    read()
    fuzz(read, [seed / name], number, name).require_nothing_wrong(name)


@pytest.mark.parametrize("name", ["runs.yaml", "reference.yaml"])
def test_what_a_paper_declares(tmp_path, name, number):
    folder = tmp_path / "gaussian_affinity"
    folder.mkdir()
    (folder / "runs.yaml").write_text(MINIMAL)
    (folder / "reference.yaml").write_text(REFERENCE)

    def read() -> None:
        entry = Paper(folder)
        assert entry.runs("smoke")
        assert entry.reference.citation.title

    read()
    fuzz(read, [folder / name], number, name).require_nothing_wrong(name)


def test_a_checkpoint(tmp_path, number):
    checkpoints = Checkpoints(tmp_path, {"loss": {"name": "softmax"}}, 0)
    checkpoints.save({"weights": torch.zeros(20), "n": 1})
    checkpoints.save({"weights": torch.zeros(20), "n": 2})

    def read() -> None:
        saved = checkpoints.load()
        assert saved is None or saved["n"] in (1, 2)

    fuzz(read, [checkpoints.newest], number, "checkpoint").require_nothing_wrong("checkpoint")
