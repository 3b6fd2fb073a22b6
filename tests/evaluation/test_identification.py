"""Search in galleries and among distractors: by hand and against plain loops, ties included."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.evaluation import distractors
from shared.evaluation.cosine import cosines
from shared.evaluation.distractors import fastest_screening, strongest
from shared.evaluation.identification import identification, search

Embeddings = NDArray[np.float32]

SCREENINGS = ["float32", "int8"] if fastest_screening() == "int8" else ["float32"]


def test_a_search_by_hand():
    scores = np.array(
        [
            [0.9, 0.1, 0.2, 0.3],  # person 1, whose entries are the first and the last: rank 1
            [0.4, 0.6, 0.5, 0.6],  # person 2: tied with another, so rank 2
            [0.5, 0.4, 0.1, 0.8],  # person 3: rank 4
            [0.2, 0.7, 0.1, 0.1],  # person 9 is not in the gallery
        ]
    )
    found = search(scores, np.array([1, 2, 3, 9]), np.array([1, 2, 3, 1]))
    assert found.mate.tolist() == [0.9, 0.6, 0.1]
    assert found.rank.tolist() == [1, 2, 4]
    assert found.stranger.tolist() == [0.7]
    assert identification(found, ranks=(1, 2, 5), powers=(1,)) == {
        "rank1": pytest.approx(100 / 3),
        "rank2": pytest.approx(200 / 3),
        "rank5": 100,
    }


def test_open_set_by_hand():
    mated = np.array([[0.9, 0.1], [0.85, 0.88], [0.1, 0.7], [0.5, 0.6]])
    strangers = np.stack([np.arange(10) / 10, np.full(10, -1.0)], axis=1)  # best scores 0, 0.1, ... 0.9
    people = np.array([1, 1, 2, 2, *range(10, 20)])
    found = search(np.concatenate([mated, strangers]), people, np.array([1, 2]))
    # One of ten strangers may be accepted, so that what is above 0.8 is: the first alone. 0.85 is not of rank 1.
    assert identification(found, ranks=(1,), powers=(1, 2)) == {"rank1": 75, "tpir@1e-1": 25}


def test_nobody_in_the_gallery_measures_nothing():
    assert identification(search(np.ones((2, 1)), np.array([1, 2]), np.array([3])), (1,), (1,)) == {}
    everybody = search(np.ones((2, 1)), np.array([3, 3]), np.array([3]))
    assert identification(everybody, (1,), (1,)) == {"rank1": 100}


people = st.lists(st.integers(0, 4), min_size=1, max_size=25)


@given(people, st.lists(st.integers(0, 3), min_size=1, max_size=6), st.integers(0, 10**6))
def test_identification_is_that_of_plain_loops(probes, gallery, seed):
    scores = np.random.default_rng(seed).integers(0, 5, size=(len(probes), len(gallery)))
    ranks, mates, strangers = [], [], []
    for probe, row in zip(probes, scores.tolist(), strict=True):
        mine = [score for score, person in zip(row, gallery, strict=True) if person == probe]
        others = [score for score, person in zip(row, gallery, strict=True) if person != probe]
        if mine:
            ranks.append(1 + sum(score >= max(mine) for score in others))
            mates.append(max(mine))
        else:
            strangers.append(max(others))
    found = search(scores.astype(float), np.array(probes), np.array(gallery))
    assert (found.rank.tolist(), found.mate.tolist(), found.stranger.tolist()) == (ranks, mates, strangers)

    expected = {}
    if ranks:
        expected = {"rank1": 100 * sum(rank <= 1 for rank in ranks) / len(ranks)}
        accepted = len(strangers) // 10
        if accepted:
            threshold = sorted(strangers, reverse=True)[accepted]
            true = [mate > threshold and rank == 1 for mate, rank in zip(mates, ranks, strict=True)]
            expected["tpir@1e-1"] = 100 * sum(true) / len(true)
    assert identification(found, (1,), (1,)) == pytest.approx(expected)


def slow_strongest(probes: Embeddings, others: Embeddings, keep: int) -> tuple[list[float], list[float]]:
    scores = [
        [cosines(probes, np.array([a]), others, np.array([b]))[0] for b in range(len(others))]
        for a in range(len(probes))
    ]
    everything = sorted(score for row in scores for score in row)
    return [max(row, default=-np.inf) for row in scores], everything[max(0, len(everything) - keep) :]


def listed(result: tuple[NDArray[np.float64], NDArray[np.float64]]) -> tuple[list[float], list[float]]:
    nearest, greatest = result
    return nearest.tolist(), greatest.tolist()


@pytest.mark.parametrize("screening", SCREENINGS)
@given(st.tuples(st.integers(1, 5), st.integers(1, 40)), st.integers(0, 60), st.integers(1, 16), st.integers(0, 10**6))
@settings(deadline=None, max_examples=40)
def test_the_strongest_are_those_of_scoring_all_pairs(screening, sizes, keep, block, seed):
    generator = np.random.default_rng(seed)
    points = generator.integers(-1, 2, size=(sum(sizes), 3)).astype(np.float32)  # many ties, and zeros
    points *= generator.choice([1e-43, 1, 3, 1e30], size=(len(points), 1)).astype(np.float32)
    probes, rest = points[: sizes[0]], points[sizes[0] :]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distractors, "BLOCK", block)
        assert listed(strongest(probes, rest, keep, screening)) == slow_strongest(probes, rest, keep)


@pytest.mark.parametrize("screening", SCREENINGS)
@pytest.mark.parametrize("outlier", [1, 300])
def test_neighbours_closer_than_the_error_of_screening_are_told_apart(screening, outlier, monkeypatch):
    monkeypatch.setattr(distractors, "BLOCK", 64)
    generator = np.random.default_rng(5)
    probes = generator.normal(size=(12, 48)).astype(np.float32)
    rest = np.repeat(probes, 25, axis=0) + 1e-4 * generator.normal(size=(300, 48)).astype(np.float32)
    rest = rest[generator.permutation(300)]
    rest[:, 0] *= outlier
    probes[:, 0] *= outlier
    assert listed(strongest(probes, rest, 31, screening)) == slow_strongest(probes, rest, 31)


@pytest.mark.parametrize("screening", SCREENINGS)
@pytest.mark.parametrize("dimensions", [2, 33, 512])
def test_the_error_of_screening_is_within_its_bound_and_the_bound_is_of_use(screening, dimensions):
    generator = np.random.default_rng(dimensions)
    probes, rest = (generator.normal(size=(80, dimensions)).astype(np.float32) for _ in range(2))
    exact = cosines(probes, np.repeat(np.arange(80), 80), rest, np.tile(np.arange(80), 80)).reshape(80, 80)
    p = distractors._rounded(torch.from_numpy(probes), screening, together=False)
    r = distractors._rounded(torch.from_numpy(rest), screening, together=True)
    approximate = distractors._products(p.values, r.values).numpy() / (p.scale * r.scale)[:, None]
    bound = distractors._bound(p, r)
    assert (np.abs(approximate - exact) <= bound[:, None]).all()
    assert bound.max() < {"float32": 2e-4, "int8": 0.025}[screening]


def test_the_last_of_those_kept_is_not_lost_to_one_that_rounding_overrates(monkeypatch):
    monkeypatch.setattr(distractors, "_products", lambda first, second: first.int() @ second.int().T)
    # In 127ths, which int8 counts in. Near-halves are rounded down in the second row, by 4 · 0.49, and up in the third.
    sums = np.array([[63, 63, 63, 63], [40.49, 40.49, 40.49, 40.49], [40.51, 40.51, 40.51, 39.51], [0, 0, 0, 0]])
    rest = np.column_stack([sums, np.sqrt(127**2 - (sums**2).sum(1))]).astype(np.float32)
    probe = np.array([[1, 1, 1, 1, 0]], np.float32)
    assert listed(strongest(probe, rest, 2, "int8")) == slow_strongest(probe, rest, 2)


def test_no_distractors_are_like_nobody():
    nearest, greatest = strongest(np.ones((2, 4), np.float32), np.empty((0, 4), np.float32), 3, "float32")
    assert nearest.tolist() == [-np.inf, -np.inf]
    assert greatest.tolist() == []


@pytest.mark.parametrize(("name", "screening"), [("avx512_vnni", "int8"), ("avx2", "float32")])
def test_bytes_are_multiplied_where_the_processor_does_so_exactly(name, screening, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {name: True, "amx_int8": False})
    monkeypatch.setattr(distractors, "_products", lambda first, second: first.int() @ second.int().T)
    assert fastest_screening() == screening


def test_bytes_are_not_multiplied_where_the_largest_products_overflow_all_the_same(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_vnni": True})
    monkeypatch.setattr(distractors, "_products", lambda first, second: (first.int() @ second.int().T).clamp(max=2**15))
    assert fastest_screening() == "float32"


@pytest.mark.skipif(fastest_screening() != "int8", reason="the processor sums products of bytes in 16 bits")
def test_the_largest_products_of_bytes_are_exact():
    bytes_ = torch.full((40, 1000), 127, dtype=torch.int8)
    assert (distractors._products(bytes_, bytes_) == 1000 * 127**2).all()
    assert (distractors._products(-bytes_, bytes_) == -1000 * 127**2).all()
