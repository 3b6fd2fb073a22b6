"""Records: written whole, read back strictly, and laid out as a tidy table."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import UserError
from shared.records.kept import FEATURES, Features, read_arrays, read_curve, write_curve
from shared.records.records import OtherWeightsWarning, Record, Records, find_records, read_record, write_json
from shared.reporting.comparison import printed_cell
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


def apart(entry: Record, **changes):
    """A benchmark's file beside a record, evaluated of its weights but for the changes."""
    weights = entry.provenance.weights_sha256
    of_record = {"config_hash": entry.config_hash, "seed": entry.seed, "weights_sha256": weights}
    return {"benchmark": "far", "code": "def", **of_record, "metrics": {"rank-1": 12.0}} | changes


def test_a_benchmark_evaluated_apart_joins_the_record(tmp_path):
    path = write(tmp_path, record())
    write_json(path.parent / "benchmarks" / "far.json", apart(record()))
    joined = read_record(path)
    assert joined.metrics["far"] == {"rank-1": 12.0}
    assert joined.provenance.evaluation["far"] == "def"


def test_older_files_of_benchmarks_do_not_tell_the_weights(tmp_path):
    path = write(tmp_path, record())
    write_json(path.parent / "benchmarks" / "far.json", apart(record(), weights_sha256=None))
    assert read_record(path).metrics["far"] == {"rank-1": 12.0}


@pytest.mark.parametrize("other", [{"config_hash": "0" * 12}, {"seed": 1}, {"weights_sha256": "0" * 64}])
def test_a_benchmark_measured_of_other_weights_is_left_out_and_named(tmp_path, other):
    path = write(tmp_path, record())
    file = path.parent / "benchmarks" / "mnist-test.json"
    write_json(file, apart(record(), **other))
    with pytest.warns(OtherWeightsWarning, match=str(file)):
        assert read_record(path) == record()


def test_what_a_mac_leaves_beside_a_benchmark_is_none(tmp_path):
    path = write(tmp_path, record())
    (path.parent / "benchmarks").mkdir()
    (path.parent / "benchmarks" / "._far.json").write_bytes(b"\0\5\x16\7")
    assert read_record(path) == record()


def test_a_record_that_says_one_thing_twice_is_none(tmp_path):
    path = write(tmp_path, record())
    path.write_text(path.read_text().rstrip()[:-1] + ', "seed": 7}')
    with pytest.raises(UserError, match=r"record\.json: no valid record: no JSON .an object has a key twice.; remove"):
        read_record(path)


@pytest.mark.parametrize("read", [read_record, read_curve, read_arrays])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path, read):
    os.mkfifo(tmp_path / "a")
    with pytest.raises(UserError, match=r"a: .*(cannot be read|damaged)"):
        read(tmp_path / "a")


@pytest.mark.parametrize("content", [b'{"metr', b"", b"{}", b"[]", b'{"metrics": {"a": "text"}}', b"\xff"])
def test_a_damaged_file_of_a_benchmark_is_named(tmp_path, content):
    path = write(tmp_path, record())
    file = path.parent / "benchmarks" / "mnist-test.json"
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(UserError, match=f"{file}: .*evaluate that benchmark again"):
        read_record(path)


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


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [half, lambda _: b"", lambda _: b"\xff" * 50, lambda content: b"\x80" + content])
def test_a_damaged_record_is_named_without_its_text(tmp_path, damage):
    path = write(tmp_path, record())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError) as error:
        read_record(path)
    assert str(error.value).startswith(f"{path}: no valid record: ")
    assert len(str(error.value)) < len(str(path)) + 200


@pytest.mark.parametrize("damage", [half, flipped, lambda _: b"", lambda _: b"<html>not found</html>"])
def test_damaged_and_missing_arrays_are_named(tmp_path, damage):
    path = tmp_path / FEATURES.format(split="test")
    with pytest.raises(UserError, match="no such file"):
        Features(tmp_path).load()
    np.savez_compressed(path, embeddings=np.random.default_rng(0).random((500, 9)))
    assert Features(tmp_path).load()["embeddings"].shape == (500, 9)
    with pytest.raises(UserError, match=f"{path}: it has no array 'labels'"):
        Features(tmp_path).load()["labels"]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=f"{path}: its arrays cannot be read, as the file is damaged"):
        Features(tmp_path).load()


def test_a_folder_in_the_place_of_a_record_is_to_be_removed(tmp_path):
    path = tmp_path / "record.json"
    path.mkdir()
    with pytest.raises(UserError) as error:
        read_record(path)
    says = "cannot be read (Is a directory); put that right, or remove it and train the run again."
    assert str(error.value) == f"{path}: {says}"


def features(**changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "embeddings": np.ones((6, 2), np.float32),
        "labels": np.arange(6, dtype=np.uint8) % 3,
        "predictions": np.zeros(6, np.uint8),
        "class_vectors": np.ones((3, 1, 2), np.float32),
    }
    return given | {name: change(given[name]) for name, change in changes.items()}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"embeddings": lambda found: found[:4]}, "'labels' is of 6 where [N] is meant"),
        ({"embeddings": lambda found: found[:, :1]}, "'embeddings' is of 6 x 1 where [N, d] is meant"),
        ({"embeddings": lambda found: found[:, 0]}, "'embeddings' is of 6 where [N, d] is meant"),
        ({"embeddings": lambda found: np.float32(1)}, "'embeddings' is of no axes where [N, d] is meant"),
        (dict.fromkeys(["embeddings", "labels", "predictions"], lambda found: found[:0]),
         "'embeddings' is of 0 x 2 where [N, d] is meant"),
        ({"embeddings": lambda found: found * np.nan}, "'embeddings' has numbers that are not finite"),
        ({"class_vectors": lambda found: found * np.inf}, "'class_vectors' has numbers that are not finite"),
        ({"embeddings": lambda found: found.astype(str)}, "'embeddings' has other things than numbers"),
        ({"labels": lambda found: found / 2}, "'labels' has other things than whole numbers"),
        ({"labels": lambda found: found + 1}, "'labels' has numbers that are not from 0 to 2"),
        ({"predictions": lambda found: found.astype(int) - 1}, "'predictions' has numbers that are not from 0 to 2"),
    ],
)  # fmt: skip
def test_features_that_do_not_fit_together_are_named(tmp_path, changes, says):
    path = tmp_path / FEATURES.format(split="test")
    np.savez(path, **features())
    assert len(Features(tmp_path, 2).load()["labels"]) == 6
    np.savez(path, **features(**changes))
    with pytest.raises(UserError) as error:
        Features(tmp_path, 2).load()
    assert str(error.value) == f"{path}: {says}; restore it, or remove the record beside it and train again."


def test_the_labels_of_unseen_images_are_those_of_the_data_set(tmp_path):
    np.savez(tmp_path / FEATURES.format(split="unseen"), **features(labels=lambda found: found + 100))
    assert Features(tmp_path).load("unseen")["labels"].max() == 102


def test_a_curve_is_read_as_it_was_written(tmp_path):
    write_curve(
        tmp_path, [{"epoch": 1.0, "step": 9.0, "loss": 0.1 + 0.2}, {"epoch": 2.0, "step": 18.0, "loss": 0.0, "x": 1.0}]
    )
    curve = Records([(record(), tmp_path)], paper("gaussian_affinity").reference).curve(record().run, 0)
    assert curve["loss"].tolist() == [0.1 + 0.2, 0.0]
    assert curve["step"].tolist() == [9, 18]
    assert curve["x"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    "content",
    [b"", b"epoch,step,loss\n", b"epoch,step,loss\n1,2\n", b"epoch,step,loss\n1,2,3,4\n", b"epoch,step\n1,2\n",
     b"epoch,step,loss\n1,2,three\n", b"epoch,step,loss\n1,2,\x80\n", b"epoch,step,loss\n1_0,2,3\n",
     b"epoch,step,loss,loss\n1,2,3,4\n", b"epoch,step,loss,\n1,2,3,4\n", b'epoch,step,loss\n1,2,"3\n'],
)  # fmt: skip
def test_a_damaged_curve_is_named(tmp_path, content):
    (tmp_path / "curve.csv").write_bytes(content)
    with pytest.raises(UserError, match=f"{tmp_path}/curve.csv: it is no learning curve, or damaged"):
        read_curve(tmp_path / "curve.csv")


@pytest.mark.parametrize("content", [b"epoch,step,loss\n1,2,3\n", b"epoch,step,loss,far/accuracy\n1,2,3,4\n2,3,4,\n"])
def test_a_curve_that_lacks_what_is_drawn_is_named(tmp_path, content):
    path = tmp_path / "curve.csv"
    path.write_bytes(content)
    assert read_curve(path, ["loss"])
    with pytest.raises(UserError, match=r"curve\.csv: not every epoch has a number '\*/accuracy'; restore it"):
        read_curve(path, ["loss", "*/accuracy"])


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


def test_what_did_not_stay_finite_has_no_number_where_others_have_one():
    lost: dict[str, Any] = {"metrics": {}, "not_finite": "the loss is no longer finite"}
    entries = [record(), record(seed=1), record("table1/odd-10/softmax")]
    for entry in entries:
        entry.config.update(keep_features=["test"], benchmarks=["mnist-test"])
    first, second, other = entries
    entries = [first.model_copy(update=lost), second, other.model_copy(update=lost)]
    records = Records([(entry, Path()) for entry in entries], paper("gaussian_affinity").reference)
    found = records.metric("mnist-test", "accuracy")
    assert dict(zip(zip(found["run"], found["seed"], strict=True), found["value"].isna(), strict=True)) == {
        (first.run, 0): True,
        (first.run, 1): False,
        (other.run, 0): True,
    }
    assert records.first_seeds() == {first.run: second}
    assert list(records.features) == [(first.run, 1)]


def test_printed_numbers_show_as_the_paper_shows_them():
    records = Records([], paper("gaussian_affinity").reference)
    assert records.printed("table1", "10% of odd digits", "Affinity Loss") == "99.3"
    assert records.printed("table4", "l1, 1/(1+d)", "Performance") == "–"


@pytest.mark.parametrize(
    ("cell", "near"),
    [
        (("10% of odd digit", "Affinity Loss"), "10% of odd digits / Affinity Loss"),
        (("10% of odd digits", "Affinity"), "10% of odd digits / Affinity Loss"),
    ],
)
def test_a_number_that_is_not_printed_is_named_with_the_nearest_that_is(cell, near):
    records = Records([], paper("gaussian_affinity").reference)
    for asked in (records.printed, partial(printed_cell, records)):
        with pytest.raises(UserError) as error:
            asked("table1", *cell)
        assert str(error.value).endswith(
            f"gaussian_affinity/reference.yaml: table1 shows '{' / '.join(cell)}', which is not there; "
            f"did you mean '{near}'?"
        )
