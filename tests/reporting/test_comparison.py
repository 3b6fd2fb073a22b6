"""A method compared with its base: over the seeds that both have a finite number of."""

from __future__ import annotations

import math

import pytest

from papers.gaussian_affinity.targets import table4
from shared.records.records import Record, Records
from shared.reporting.comparison import difference
from shared.runs.registry import paper
from tests.records.samples import of, record

GA = paper("gaussian_affinity")


def records(tmp_path, *entries: Record) -> Records:
    return Records([(entry, tmp_path) for entry in entries], GA.reference)


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_seed_without_a_finite_number_is_not_compared(tmp_path, lost):
    base = [record("a", seed, 90.0 + seed) for seed in range(3)]
    method = [record("b", seed, accuracy) for seed, accuracy in enumerate((91.0, 92.0, lost))]
    found = difference(records(tmp_path, *base, *method), "a", "b", ("mnist-test", "accuracy"))
    assert found is not None
    assert (found.test.n, found.test.effect) == (2, 1.0)
    assert found.cells()["Method (measured)"] == "91.50 ± 0.71 (2; 1 not finite)"
    only = records(tmp_path, base[2], method[2])
    assert difference(only, "a", "b", ("mnist-test", "accuracy")) is None


def test_the_lowest_seed_is_one_with_a_finite_number(tmp_path):
    run = GA.target_runs("table4", "full")[0]
    entries = [of(run, seed) for seed in range(2)]
    entries[1].metrics["mnist-test"] = {"accuracy": math.nan}
    assert table4(records(tmp_path, *entries)).display["Lowest seed"].tolist().count("99.00") == 1
    assert "not finite (1)" in table4(records(tmp_path, entries[1])).display["Lowest seed"].tolist()
