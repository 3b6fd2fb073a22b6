"""How work grows: the exponents, what is extrapolated, and that each size of the work is what it is said to be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from benchmarks import growth
from benchmarks.growth import WORKS, Growing, Taken, digits, exponents, extrapolated, grown, take
from benchmarks.measuring import apart


def test_a_power_law_is_found_and_gone_on_with():
    first, second, third = (Taken(n, 3e-6 * n**2, 5 * n**0.5, n) for n in (100, 1000, 10_000))
    assert exponents(first, second) == pytest.approx((2, 0.5))
    assert extrapolated(first, second, 10_000) == (third.size, *map(pytest.approx, third[1:]))


def test_lines_of_numbers_are_written_as_text():
    assert digits(np.array([0, 7, 123]), np.array([5, 60, 0])) == b"000 05\n007 60\n123 00\n"


@pytest.mark.parametrize(("limit", "memory", "run"), [(14, 1e6, 2), (16, 1e6, 3), (16, 100, 2)])
def test_ten_times_is_extrapolated_where_it_takes_too_long_or_too_much(monkeypatch, limit, memory, run):
    sizes = []

    def take(_: object, name: str, size: int) -> Taken:
        sizes.append((name, size))
        return Taken(size, size / 100, size / 10, size / 200)

    monkeypatch.setitem(WORKS, "work", Growing(100, "images", lambda *_: lambda: None))
    monkeypatch.setattr(growth, "apart", take)
    monkeypatch.setattr(growth, "available", lambda: memory)
    rows = list(grown("work", 1, limit))
    assert sizes == [("work", 10), ("work", 100), ("work", 1000)][:run]
    assert [row.measured for row in rows] == [True, True, run == 3]
    assert [row.seconds for row in rows] == pytest.approx([0.1, 1, 10])
    assert rows[2].peak_mib == pytest.approx(100)
    assert [row.note for row in rows] == ["", *["time ~ n^1.00, memory ~ n^1.00"] * 2]
    assert ("extrapolated" in rows[2].cells()[-1]) is (run == 2)


@pytest.mark.parametrize("fill", [np.ones, torch.ones])
def test_what_takes_more_memory_than_there_is_is_ended_before_the_machine_runs_out_of_it(fill):
    assert apart(_with_little_memory, fill, 1000)
    assert apart(_with_little_memory, fill, 10**9) is None


def _with_little_memory(fill: Callable[[int], object], size: int) -> Taken | None:
    growth.available = lambda: 400
    WORKS["work"] = Growing(100, "numbers", lambda size, _: partial(fill, size))
    return take("work", size)


@pytest.mark.parametrize("sizes", [0, 1])
def test_a_real_size_that_takes_more_memory_than_there_is_is_told(monkeypatch, sizes):
    monkeypatch.setitem(WORKS, "work", Growing(100, "images", lambda *_: lambda: None))
    taken = iter([Taken(10, 1, 1, 1)] * sizes)
    monkeypatch.setattr(growth, "apart", lambda *_: next(taken, None))
    with pytest.raises(SystemExit, match=f"work: {10 ** (sizes + 1)} images take more memory than there is"):
        list(grown("work", 1, 100))


def test_the_reading_that_grows_is_of_as_many_images_and_pairs(tmp_path):
    def begun(name: str, size: int):
        folder = tmp_path / name[:3]
        folder.mkdir()
        return WORKS[name].begun(size, folder)()

    faces = begun("RecordIO, index and headers (MS1MV2)", 2500)
    assert len(faces) == 2500
    assert faces.labels.tolist() == [n % 1000 for n in range(2500)]
    lists = begun("lists of IJB-C", 40_000)
    assert (len(lists.first), len(lists.images)) == (40_000, 1199)
    assert 0 < lists.same.sum() < 100


def test_all_faces_are_streamed(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "FACES", 32)
    assert WORKS["RecordIO, decoded and streamed (CASIA-WebFace)"].begun(70, tmp_path)() == 70


@pytest.mark.parametrize(
    ("name", "size", "metric"),
    [
        ("1:N of IJB-C", 300, "rank1"),
        ("1:1 of IJB-C", 40_000, "tar@1e-1"),
        ("angles (EMNIST balanced)", 470, "overlap"),
    ],
)
def test_the_protocols_that_grow_have_something_to_find(tmp_path, name, size, metric):
    found: Any = WORKS[name].begun(size, tmp_path)()
    assert 0 <= found[metric] <= 100
