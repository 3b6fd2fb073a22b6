"""Transfer to another class's center and the three interpolations: by hand, and what eq. 7 promises."""

import pytest
import torch

from papers.feature_transfer.transfer import identity_path, plain_path, spread, transferred, variation_path

DIMENSIONS, COMPONENTS = 7, 3
WEIGHTS = torch.tensor([0.0, 0.25, 1.0], dtype=torch.float64)


@pytest.fixture
def basis() -> torch.Tensor:
    """Return orthonormal columns."""
    square = torch.randn(DIMENSIONS, DIMENSIONS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    columns: torch.Tensor = torch.linalg.qr(square).Q
    return columns[:, :COMPONENTS]


def drawn(*shape: int, seed: int) -> torch.Tensor:
    """Return random numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_by_hand():
    basis = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    moved = transferred(
        torch.tensor([[5.0, 6.0, 7.0]]), torch.tensor([[1.0, 1.0, 1.0]]), torch.tensor([[10.0, 20.0, 30.0]]), basis
    )
    assert moved.tolist() == [[14.0, 25.0, 30.0]]


def test_it_is_the_printed_formula_with_the_source_in_the_bracket(basis):
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
