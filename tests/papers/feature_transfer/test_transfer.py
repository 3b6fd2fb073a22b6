"""Statistics in one pass, against the plain way with all features in memory, and what eq. 7 promises of transfer."""

import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import feature_statistics
from benchmarks.measuring import apart
from papers.feature_transfer import transfer
from papers.feature_transfer.transfer import (
    Samples,
    Statistics,
    class_center,
    identity_path,
    plain_path,
    principal_components,
    spread,
    transferred,
    update_statistics,
    variation_path,
)
from shared.errors import UserError

CLASSES, DIMENSIONS, COMPONENTS, LIMIT = 6, 5, 3, 25.0
REGULAR = torch.tensor([True, False, True, True, False, True])
"""The fifth class has no samples."""
WEIGHTS = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64)
"""Of an interpolation."""
SMALL = ["--of-class", "7", "--dimensions", "150"]


def features(seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Return rich features, those of mirror images, labels, places and yaw of 40 images, grouped by class."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.tensor([3] * 9 + [0] * 12 + [5] * 1 + [1] * 4 + [2] * 14)
    scale = torch.tensor([3.0, 2.0, 1.0, 0.5, 0.1])
    rich = torch.randn(40, DIMENSIONS, generator=generator) * scale + 4 * labels[:, None]
    mirrored = rich + 0.3 * torch.randn(40, DIMENSIONS, generator=generator)
    yaw = 30 * torch.randn(40, generator=generator)
    yaw[::7] = torch.nan
    return rich, mirrored, labels, torch.randperm(40, generator=generator), yaw


def cut(parts: tuple[torch.Tensor, ...], at: list[int]) -> list[Samples]:
    """Return the samples in batches that begin at these places."""
    bounds = sorted({0, *at, len(parts[0])})
    return [Samples(*(part[first:last] for part in parts)) for first, last in pairwise(bounds)]


def plain(parts: tuple[torch.Tensor, ...], components: int) -> tuple[np.ndarray, ...]:
    """Return centers, Q Q^T, hard places and eigenvalues in float64, as algorithm 1 is written."""
    rich, mirrored, labels, places, yaw = (part.numpy() for part in parts)
    rich, mirrored = rich.astype(np.float64), mirrored.astype(np.float64)
    centers = np.full((CLASSES, DIMENSIONS), np.nan)
    covariance, hard = np.zeros((DIMENSIONS, DIMENSIONS)), []
    for label in range(CLASSES):
        own = np.flatnonzero(labels == label)
        if not len(own):
            continue
        counted = [k for k in own if np.isnan(yaw[k]) or abs(yaw[k]) + abs(-yaw[k]) <= 2 * LIMIT]
        counted = counted or [min(own, key=lambda k: abs(yaw[k]))]
        centers[label] = sum(rich[k] + mirrored[k] for k in counted) / (2 * len(counted))
        if REGULAR[label]:
            distances = [np.linalg.norm(rich[k] - centers[label]) for k in own]
            for k, distance in zip(own, distances, strict=True):
                offset = rich[k] - centers[label]
                covariance += np.outer(offset, offset)
                if distance > np.mean(distances):
                    hard.append(places[k])
    values, vectors = np.linalg.eigh(covariance)
    basis = vectors[:, ::-1][:, :components]
    return centers, basis @ basis.T, np.array(hard), values[::-1]


def of(
    parts: tuple[torch.Tensor, ...], at: list[int], components: int | None = 3, energy: float | None = None
) -> Statistics:
    """Return the statistics of samples in batches that begin at these places."""
    return update_statistics(
        cut(parts, at), classes=CLASSES, regular=REGULAR, limit=LIMIT, components=components, energy=energy
    )


@pytest.mark.parametrize("together", [1, 10, 4096])
@pytest.mark.parametrize("seed", range(3))
def test_one_pass_gives_what_the_plain_way_gives(seed, together, monkeypatch):
    monkeypatch.setattr(transfer, "TOGETHER", together)
    parts = features(seed)
    found = of(parts, [10, 11, 30])
    centers, projection, hard, values = plain(parts, 3)
    np.testing.assert_allclose(found.centers, centers.astype(np.float32), rtol=1e-6)
    np.testing.assert_allclose(found.basis @ found.basis.T, projection, atol=1e-6)
    np.testing.assert_allclose(found.eigenvalues, values, rtol=1e-9)
    assert sorted(found.hard.tolist()) == sorted(hard.tolist())
    assert (found.centers.dtype, found.basis.dtype) == (torch.float32, torch.float32)
    assert (found.hard.dtype, found.eigenvalues.dtype) == (torch.int64, torch.float64)


@given(st.lists(st.integers(1, 39)))
def test_it_does_not_matter_how_the_batches_are_cut(at):
    parts = features()
    whole, pieces = of(parts, []), of(parts, at)
    for name, value in vars(whole).items():
        assert torch.equal(value.nan_to_num(nan=-1.0), getattr(pieces, name).nan_to_num(nan=-1.0)), name


def test_a_large_offset_costs_no_accuracy():
    rich, mirrored, *rest = features()
    near, far = (of((rich + shift, mirrored + shift, *rest), [20]) for shift in (0.0, 2.0**12))
    # Exactly what adding the shift in float32 has made of the features.
    *_, values = plain((rich + 2.0**12, mirrored + 2.0**12, *rest), 3)
    np.testing.assert_allclose(far.eigenvalues, values, rtol=1e-9)
    np.testing.assert_allclose(far.eigenvalues, near.eigenvalues, rtol=1e-2)


def test_statistics_by_hand():
    rich = torch.tensor([[1.0, 0.0], [3.0, 0.0], [2.0, 8.0], [0.0, 5.0]])
    mirrored = torch.tensor([[1.0, 2.0], [3.0, 2.0], [9.0, 9.0], [0.0, 7.0]])
    labels, yaw = torch.tensor([0, 0, 0, 1]), torch.tensor([5.0, -20.0, 21.0, 80.0])
    batch = Samples(rich, mirrored, labels, torch.tensor([7, 5, 3, 0]), yaw)
    found = update_statistics([batch], classes=2, regular=torch.tensor([True, False]), limit=20.0, components=1)
    # The third image is turned too far; the fourth is all that its class has.
    assert found.centers.tolist() == [[2.0, 1.0], [0.0, 6.0]]
    # Offsets (-1, -1), (1, -1), (0, 7): V is diag(2, 51), the mean distance (2 sqrt(2) + 7) / 3.
    assert found.eigenvalues.tolist() == pytest.approx([51.0, 2.0])
    assert found.basis.tolist() == [[0.0], [1.0]]
    assert found.hard.tolist() == [3]
    assert found.energy() == pytest.approx(51 / 53)
    assert found.energy(2) == 1.0


def test_the_fewest_components_that_hold_the_energy_are_kept():
    parts = features()
    shares = np.cumsum(of(parts, []).eigenvalues) / sum(of(parts, []).eigenvalues)
    for count, share in enumerate(shares, start=1):
        assert of(parts, [], None, energy=float(share) - 1e-9).basis.shape == (DIMENSIONS, count)
    assert of(parts, [], None, energy=float(shares[1]) + 1e-9).basis.shape == (DIMENSIONS, 3)
    assert of(parts, [], None, energy=1.0).basis.shape == (DIMENSIONS, DIMENSIONS)
    fewest = of(parts, [], None, energy=0.95)
    components = fewest.basis.shape[1]
    assert fewest.energy() >= 0.95 > fewest.energy(components - 1)


def test_without_any_variance_one_component_holds_all():
    rich = torch.ones(3, 2)
    batch = Samples(rich, rich, torch.zeros(3, dtype=torch.int64), torch.arange(3), torch.zeros(3))
    found = update_statistics([batch], classes=1, regular=torch.tensor([True]), limit=10.0, energy=0.95)
    assert (found.basis.shape, found.energy(), len(found.hard)) == ((2, 1), 1.0, 0)


def test_the_basis_is_orthonormal_and_its_signs_are_settled():
    found = of(features(), [], components=DIMENSIONS)
    torch.testing.assert_close(found.basis.T @ found.basis, torch.eye(DIMENSIONS), rtol=0, atol=1e-6)
    assert found.eigenvalues.tolist() == sorted(found.eigenvalues.tolist(), reverse=True)
    largest = found.basis.gather(0, found.basis.abs().argmax(0, keepdim=True))
    assert (largest > 0).all()


def test_a_singular_matrix_has_no_negative_eigenvalue():
    rows = features()[0][:3].double()
    values, _ = principal_components(rows.T @ rows)
    assert (values >= 0).all()


@pytest.mark.parametrize(
    ("yaw", "counted"),
    [
        ([0.0, 20.0, -20.0, 20.5], [0, 1, 2]),
        ([torch.nan, 50.0, torch.nan, -10.0], [0, 2, 3]),
        ([60.0, -40.0, 40.0, 80.0], [1, 2]),
        ([torch.nan] * 4, [0, 1, 2, 3]),
    ],
)
def test_who_counts_for_a_center(yaw, counted):
    rich, mirrored = features()[0][:4], features()[1][:4]
    center = class_center(rich, mirrored, torch.tensor(yaw), 20.0)
    expected = (rich[counted].double().mean(0) + mirrored[counted].double().mean(0)) / 2
    torch.testing.assert_close(center, expected)


def test_a_class_without_samples_has_no_center_rather_than_one_at_zero():
    found = of(features(), [])
    assert found.centers[4].isnan().all()
    assert not found.centers[[0, 1, 2, 3, 5]].isnan().any()


def test_unknown_yaw_is_as_good_as_frontal():
    rich, mirrored, labels, places, _ = features()
    unknown = of((rich, mirrored, labels, places, torch.full((40,), torch.nan)), [15])
    frontal = of((rich, mirrored, labels, places, torch.zeros(40)), [])
    assert torch.equal(unknown.centers.nan_to_num(), frontal.centers.nan_to_num())
    assert torch.equal(unknown.basis, frontal.basis)


def test_a_class_that_comes_back_is_an_error():
    parts = features()
    batches = [*cut(parts, [9, 21]), Samples(*(part[:1] for part in parts))]
    with pytest.raises(ValueError, match="class 3 comes back"):
        update_statistics(batches, classes=CLASSES, regular=REGULAR, limit=LIMIT, components=2)


@pytest.mark.parametrize("options", [{}, {"components": 2, "energy": 0.9}])
def test_the_size_of_the_basis_is_given_in_one_way(options):
    with pytest.raises(ValueError, match="either"):
        update_statistics([], classes=1, regular=torch.tensor([True]), limit=1.0, **options)


@pytest.mark.parametrize("components", [0, DIMENSIONS + 1])
def test_a_basis_has_from_one_to_all_dimensions(components):
    with pytest.raises(UserError, match=f"components: {components} is not from 1 to 5"):
        of(features(), [], components=components)


def test_without_regular_classes_nothing_can_be_transferred():
    with pytest.raises(UserError, match="no regular class has images"):
        update_statistics(cut(features(), []), classes=6, regular=torch.zeros(6, dtype=torch.bool), limit=9, energy=0.9)


@pytest.fixture
def basis() -> torch.Tensor:
    """Return orthonormal columns."""
    square = torch.randn(DIMENSIONS, DIMENSIONS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    columns: torch.Tensor = torch.linalg.qr(square).Q
    return columns[:, :COMPONENTS]


def drawn(*shape: int, seed: int) -> torch.Tensor:
    """Return random numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_transfer_by_hand():
    basis = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    moved = transferred(
        torch.tensor([[5.0, 6.0, 7.0]]), torch.tensor([[1.0, 1.0, 1.0]]), torch.tensor([[10.0, 20.0, 30.0]]), basis
    )
    assert moved.tolist() == [[14.0, 25.0, 30.0]]


def test_a_transfer_is_the_printed_formula_with_the_source_in_the_bracket(basis):
    rich, sources, targets = (drawn(4, DIMENSIONS, seed=seed) for seed in (1, 2, 3))
    projection = basis @ basis.T
    rows = [c_i + projection @ (g - c_j) for g, c_j, c_i in zip(rich, sources, targets, strict=True)]
    torch.testing.assert_close(transferred(rich, sources, targets, basis), torch.stack(rows))
    one = transferred(rich, sources[0], targets[0], basis)
    torch.testing.assert_close(one[2], targets[0] + projection @ (rich[2] - sources[0]))


def test_what_is_moved_keeps_the_principal_offset_and_nothing_else(basis):
    rich, source, target = drawn(5, DIMENSIONS, seed=1), drawn(DIMENSIONS, seed=2), drawn(DIMENSIONS, seed=3)
    offset = transferred(rich, source, target, basis) - target
    torch.testing.assert_close(offset @ basis, (rich - source) @ basis)
    torch.testing.assert_close(spread(offset, basis), offset)


def test_a_transfer_there_and_back_is_the_first_sample_as_the_components_see_it(basis):
    rich, source, target = drawn(5, DIMENSIONS, seed=1), drawn(DIMENSIONS, seed=2), drawn(DIMENSIONS, seed=3)
    back = transferred(transferred(rich, source, target, basis), target, source, basis)
    torch.testing.assert_close(back, transferred(rich, source, source, basis))


def test_with_all_components_the_whole_offset_is_moved():
    rich, source, target = drawn(5, DIMENSIONS, seed=1), drawn(DIMENSIONS, seed=2), drawn(DIMENSIONS, seed=3)
    everything = torch.eye(DIMENSIONS, dtype=torch.float64)
    torch.testing.assert_close(transferred(rich, source, target, everything), rich - source + target)


def test_the_mean_of_a_whole_class_moves_to_the_target():
    rich = drawn(50, DIMENSIONS, seed=1)
    target = drawn(DIMENSIONS, seed=3)
    moved = transferred(rich, rich.mean(0), target, torch.eye(DIMENSIONS, dtype=torch.float64)[:, :COMPONENTS])
    torch.testing.assert_close(moved.mean(0), target)
    torch.testing.assert_close(moved.var(0)[:COMPONENTS], rich.var(0)[:COMPONENTS])


def test_gradients_pass_to_the_sample_and_the_target(basis):
    rich, source, target = (drawn(2, DIMENSIONS, seed=seed).requires_grad_() for seed in (1, 2, 3))
    assert torch.autograd.gradcheck(lambda g, c_j, c_i: transferred(g, c_j, c_i, basis), (rich, source, target))


def test_the_paths_are_the_formulas_of_section_4_6(basis):
    g_1, g_2, c_1, c_2 = (drawn(DIMENSIONS, seed=seed) for seed in range(4))
    plain = plain_path(g_1, g_2, WEIGHTS)
    variation = variation_path(c_1, g_2, c_2, basis, WEIGHTS)
    identity = identity_path(g_1, c_1, c_2, WEIGHTS)
    for place, alpha in enumerate(WEIGHTS.tolist()):
        torch.testing.assert_close(plain[place], (1 - alpha) * g_1 + alpha * g_2)
        torch.testing.assert_close(variation[place], c_1 + alpha * basis @ basis.T @ (g_2 - c_2))
        torch.testing.assert_close(identity[place], g_1 + alpha * (c_2 - c_1))


def test_where_the_paths_begin_and_end(basis):
    g_1, g_2, c_1, c_2 = (drawn(DIMENSIONS, seed=seed) for seed in range(4))
    ends = WEIGHTS[[0, 2]]
    torch.testing.assert_close(plain_path(g_1, g_2, ends), torch.stack([g_1, g_2]))
    arrived = transferred(g_2, c_2, c_1, basis)
    torch.testing.assert_close(variation_path(c_1, g_2, c_2, basis, ends), torch.stack([c_1, arrived]))
    torch.testing.assert_close(identity_path(g_1, c_1, c_2, ends), torch.stack([g_1, c_2 + (g_1 - c_1)]))


def test_the_benchmark_compares_what_is_the_same_and_extrapolates_its_memory(monkeypatch):
    monkeypatch.setattr(feature_statistics, "apart", lambda _, way, stream: len(way) + stream.images / 1000)
    given = feature_statistics.parsed([*SMALL, "--images", "3000", "--repetitions", "1"])
    plain, stream = feature_statistics.measured(given)
    assert (plain.part, plain.ratio, stream.part, stream.peak_mib) == ("plain", (1, 1, 1), "stream", 9)
    assert "hard samples do not" in stream.note
    differences = [float(number) for number in re.findall(r"differ by (\S+), eigenvalues by (\S+),", stream.note)[0]]
    assert max(differences) < 1e-6
    assert stream.note.startswith("4,806 MiB at 4,800,000;")


def test_the_benchmark_measures_the_peak_of_one_way_in_a_process_of_its_own():
    # The features alone, once in batches and once as a whole: 2 x 2 x 9000 x 150 x 4 bytes are 20.6 MiB.
    given = feature_statistics.parsed([*SMALL, "--images", "9000"])
    stream = feature_statistics.Stream(given.images, given.of_class, given.dimensions, given.batch)
    assert apart(feature_statistics.peak, "plain", stream) > 20


@pytest.mark.parametrize("option", ["--images", "--of-class", "--dimensions", "--batch", "--repetitions"])
def test_the_benchmark_refuses_too_little(option, capsys):
    with pytest.raises(SystemExit) as stop:
        feature_statistics.parsed([option, "0"])
    assert stop.value.code == 2
    assert f"{option}: 0 is below" in capsys.readouterr().err
