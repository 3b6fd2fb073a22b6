"""Comparing what two trainings left: what differs is named, what depends on machine and moment is not looked at."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.errors import UserError
from shared.records.records import write_json
from shared.records.same_bits import compare, read_left
from tests.records.samples import record, write


def left(folder: Path) -> Path:
    """Write a record with all that may be kept beside it; return the folder of the seed."""
    seed: Path = write(folder, record()).parent
    (seed / "curve.csv").write_text("epoch,step,loss\n1,9,0.5\n2,18,nan\n")
    np.savez(seed / "features-test.npz", embeddings=np.ones((3, 2), np.float32), labels=np.arange(3))
    np.savez(seed / "arrays-mnist-test.npz", pictures=np.zeros(4, np.uint8))
    write_json(seed / "benchmarks/far.json", {"metrics": {"rank-1": 12.0}, "code": "e" * 12})
    return seed


@pytest.fixture
def two(tmp_path) -> tuple[Path, Path]:
    return left(tmp_path / "here"), left(tmp_path / "there")


def differences(two: tuple[Path, Path]) -> list[str]:
    return list(compare(*map(read_left, two)))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    plain = json.loads((folder / "record.json").read_text())
    change(plain)
    (folder / "record.json").write_text(json.dumps(plain))


def test_the_same_bits_leave_nothing_to_tell(two):
    assert differences(two) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain["provenance"].update(commit="d" * 40, code="0" * 12, device="another", threads=1),
        lambda plain: plain["provenance"].update(wall_seconds=9.0, images_per_second=1.0, peak_memory_mib=1.0),
        lambda plain: plain["provenance"].pop("parameters"),
        lambda plain: plain["data"]["counts"].update(more=[1]),
        lambda plain: plain.update(a_field_of_other_code=1),
        lambda plain: plain.pop("skipped"),
        lambda plain: plain.update(health={"error": 1.0}),
    ],
)
def test_machine_moment_and_fields_of_one_side_are_not_looked_at(two, change):
    edit(two[1], change)
    assert differences(two) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda plain: plain["provenance"].update(weights_sha256="a" * 64),
            "weights_sha256: there aaaaaaaaaaaa..., here ffffffffffff...",
        ),
        (
            lambda plain: plain["metrics"]["mnist-test"].update(accuracy=98.5),
            "mnist-test/accuracy: there 98.5, here 99.0",
        ),
        (lambda plain: plain["metrics"]["mnist-test"].pop("error"), "mnist-test/error: only here"),
        (lambda plain: plain["metrics"].update(angles={"mean": 1.0}), "angles: only there"),
        (lambda plain: plain["data"]["counts"].update(train=[1, 3]), "data counts train: there [1, 3], here [1, 2]"),
        (lambda plain: plain["data"].update(name="mnist-5k"), "data name: there mnist-5k, here mnist"),
    ],
)
def test_what_differs_in_the_record_is_named(two, change, told):
    edit(two[1], change)
    assert differences(two) == [told]


def test_what_became_of_the_images_trained_on_is_compared_where_both_tell_it(two):
    for folder, error in zip(two, (1.0, 2.0), strict=True):
        edit(folder, partial(dict.update, health={"error": error, "images": 9}))
    assert differences(two) == ["health error: there 2.0, here 1.0"]


def test_what_differs_beside_the_record_is_named(two):
    here, there = two
    (there / "curve.csv").write_text("epoch,step,loss\n1,9,0.5\n2,18,0.25\n3,27,0.1\n")
    embeddings = np.ones((3, 2), np.float32)
    embeddings[2, 1] = np.nextafter(np.float32(1), np.float32(2))
    np.savez(there / "features-test.npz", embeddings=embeddings, labels=np.arange(3, dtype=np.int32))
    np.savez(there / "features-train.npz", labels=np.arange(3))
    np.savez(there / "arrays-mnist-test.npz", drawings=np.zeros(4, np.uint8))
    write_json(there / "benchmarks/far.json", {"metrics": {"rank-1": 13.0}})
    assert differences(two) == [
        "learning curve, epoch, row 3: only there",
        "learning curve, step, row 3: only there",
        "learning curve, loss, row 2: there 0.25, here nan",
        "features-test.npz, embeddings",
        "features-test.npz, labels",
        "features-train.npz: only there",
        "arrays-mnist-test.npz, pictures: only here",
        "arrays-mnist-test.npz, drawings: only there",
        "far/rank-1: there 13.0, here 12.0",
    ]
    (here / "curve.csv").unlink()
    assert "learning curve: only there" in differences(two)


def test_differences_of_a_benchmark_are_its_own_and_its_code_is_known(two):
    write_json(two[1] / "benchmarks/far.json", {"metrics": {"rank-1": 13.0}})
    here, there = map(read_left, two)
    found = compare(here, there)
    assert found.trained == ()
    assert {name: bool(told) for name, told in found.measured.items()} == {"mnist-test": False, "far": True}
    assert (here.code, here.evaluation_code("far"), here.evaluation_code("mnist-test")) == ("abc", "e" * 12, "abc")
    assert there.evaluation_code("far") == "abc"


@pytest.mark.parametrize("content", ["{", "{}", "[]"])
def test_a_damaged_record_is_named(two, content):
    (two[0] / "record.json").write_text(content)
    with pytest.raises(UserError, match=r"record\.json: .*remove it and train again"):
        read_left(two[0])
