"""Records: written whole, read back strictly, and laid out as a tidy table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shared.errors import UserError
from shared.records.kept import FEATURES, Features
from shared.records.records import Records, find_records, read_record, write_json
from shared.runs.registry import paper
from tests.records.samples import record, write


def test_a_record_is_read_back_as_it_was_written(tmp_path):
    entry = record()
    assert read_record(write(tmp_path, entry)) == entry


def test_the_table_is_tidy(tmp_path):
    paths = [write(tmp_path, record(seed=seed, accuracy=99 + seed / 10)) for seed in (0, 1)]
    assert list(find_records(tmp_path)) == paths
    table = Records.read(paths, paper("gaussian_affinity").reference).table
    assert len(table) == 4
    row = table[(table["seed"] == 1) & (table["metric"] == "accuracy")].iloc[0]
    assert (row["value"], row["benchmark"], row["split"]) == (99.1, "mnist-test", "odd-10")
    assert (row["loss"], row["loss.sigma"], row["training.milestones"]) == ("affinity", 10.0, "[0.5]")


def test_no_records_make_an_empty_table_with_its_columns():
    records = Records([], paper("gaussian_affinity").reference)
    assert list(records.table.columns) == ["run", "seed", "benchmark", "metric", "value"]
    assert records.metric("mnist-test", "accuracy").empty


def test_a_benchmark_evaluated_apart_joins_the_record(tmp_path):
    path = write(tmp_path, record())
    write_json(path.parent / "benchmarks" / "far.json", {"metrics": {"rank-1": 12.0}})
    assert read_record(path).metrics["far"] == {"rank-1": 12.0}


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda plain: plain.pop("seed"), "seed: is missing"),
        (lambda plain: plain.update(sede=1), "sede: unknown key; did you mean 'seed'?"),
        (lambda plain: plain.update(seed="x"), "seed: input should be a valid integer"),
    ],
)
def test_a_damaged_record_is_named(tmp_path, damage, says):
    path = write(tmp_path, record())
    plain = json.loads(path.read_text())
    damage(plain)
    path.write_text(json.dumps(plain))
    with pytest.raises(UserError) as error:
        read_record(path)
    assert str(path) in str(error.value)
    assert says in str(error.value)


def test_a_cut_record_and_missing_features_are_named(tmp_path):
    path = write(tmp_path, record())
    path.write_text(path.read_text()[:100])
    with pytest.raises(UserError, match="no valid record"):
        read_record(path)
    with pytest.raises(UserError, match="its arrays cannot be read"):
        Features(tmp_path).load("train")
    (tmp_path / "features-train.npz").write_bytes(b"not an archive")
    with pytest.raises(UserError, match="its arrays cannot be read"):
        Features(tmp_path).load("train")


def test_features_are_found_by_run_and_seed(tmp_path):
    entry = record()
    entry.config["keep_features"] = ["train", "test"]
    path = write(tmp_path, entry)
    for split, count in (("train", 5), ("test", 3)):
        np.savez(path.parent / FEATURES.format(split=split), embeddings=np.ones((count, 2)))
    features = Records.read([path], paper("gaussian_affinity").reference).features
    assert list(features) == [(entry.run, 0)]
    assert features[entry.run, 0].load()["embeddings"].shape == (3, 2)
    assert features[entry.run, 0].load("train")["embeddings"].shape == (5, 2)


def test_printed_numbers_show_as_the_paper_shows_them():
    records = Records([], paper("gaussian_affinity").reference)
    assert records.printed("table1", "10% of odd digits", "Affinity Loss") == "99.3"
    assert records.printed("table4", "l1, 1/(1+d)", "Performance") == "–"
    with pytest.raises(KeyError):
        records.printed("table1", "no such row", "Affinity Loss")
