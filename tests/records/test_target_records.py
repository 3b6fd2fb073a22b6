"""Records are those of today's runs, at their own place and whole, or are set aside with the reason."""

from __future__ import annotations

import shutil

import pytest

from papers.gaussian_affinity.targets import table1
from shared.errors import UserError
from shared.records.records import Records
from shared.records.results import Results
from shared.records.target_records import found
from shared.runs.registry import paper
from tests.records.samples import of, write

GA = paper("gaussian_affinity")
RUN = GA.run("table1/odd-10/affinity", "full")


def test_a_record_of_today_s_run_is_read(tmp_path):
    path = write(Results(tmp_path).paper("full", GA.key), of(RUN))
    there = found(GA, "full", [path, tmp_path / "none/record.json"], Results(tmp_path))
    assert (list(there.current), there.other, there.damaged) == ([path], {}, {})
    assert there.records(GA).records == [(of(RUN), path.parent)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"config_hash": "0" * 12}, "of another configuration than runs.yaml has"),
        ({"seed": 1}, "of another run or seed"),
        ({"run": "table1/even-10/affinity"}, "of another run or seed"),
        ({"paper": "discface"}, "of another run or seed"),
        ({"scale": "lite"}, "of another scale"),
    ],
)
def test_what_is_not_of_the_run_and_seed_of_its_place_is_set_aside(tmp_path, changes, reason):
    results = Results(tmp_path)
    path = results.record("full", GA.key, RUN.name, 0)
    written = write(tmp_path / "elsewhere", of(RUN).model_copy(update=changes))
    shutil.copytree(written.parent, path.parent)
    there = found(GA, "full", [path], results)
    assert (there.current, there.other) == ({}, {path: reason})


@pytest.mark.parametrize(("scale", "run", "is_current"), [("lite", RUN.name, False), ("full", "figure99/x", False)])
def test_published_records_are_compared_with_the_run_of_their_own_scale(tmp_path, scale, run, is_current):
    results = Results(tmp_path)
    entry = of(RUN).model_copy(update={"scale": scale, "run": run})
    path = write(results.paper("published", GA.key), entry)
    assert (path in found(GA, "published", [path], results).current) is is_current
    path = write(results.paper("published", GA.key), of(RUN))
    assert path in found(GA, "published", [path], results).current


def test_a_damaged_record_is_named_and_the_others_are_read(tmp_path):
    folder = Results(tmp_path).paper("full", GA.key)
    paths = [write(folder, of(RUN, seed)) for seed in range(3)]
    paths[1].write_text("{")
    there = found(GA, "full", paths, Results(tmp_path))
    assert list(there.current) == [paths[0], paths[2]]
    with pytest.raises(UserError, match=str(paths[1])):
        there.require_whole()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"axes": {}}, "axes: they are not those of the run"),
        ({"config": {}}, "config: it is not the one that config_hash is of"),
        ({"config": paper("gaussian_affinity").run("table1/odd-10/softmax", "full").config.plain()},
         "config: it is not the one that config_hash is of"),
        ({"metrics": {}}, "metrics: there are none, not even those of the training"),
    ],
)  # fmt: skip
def test_a_record_that_contradicts_itself_is_damaged(tmp_path, changes, says):
    path = write(Results(tmp_path).paper("full", GA.key), of(RUN).model_copy(update=changes))
    there = found(GA, "full", [path], Results(tmp_path))
    assert there.current == {}
    assert there.damaged == {path: f"{path}: no valid record: {says}; remove the file and train the run again."}


def test_of_a_run_that_no_benchmark_measured_a_table_has_its_place(tmp_path):
    entry = of(RUN).model_copy(update={"metrics": {"training": {"loss": 1.0}, "mnist-test": {}}})
    records = found(GA, "full", [write(Results(tmp_path).paper("full", GA.key), entry)], Results(tmp_path)).records(GA)
    assert table1(records).display.iloc[4]["Affinity (measured)"] == "not run"


@pytest.mark.parametrize("metrics", [{}, {"mnist-test": {}}])
def test_a_table_without_a_number_has_its_columns(tmp_path, metrics):
    records = Records([(of(RUN).model_copy(update={"metrics": metrics}), tmp_path)], GA.reference)
    assert {"value", *RUN.axes, "loss.sigma"} <= set(records.table.columns)
    assert table1(records).data.empty
