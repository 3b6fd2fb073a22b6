"""Fixtures that several test files of feature transfer share."""

import pytest
import torch


@pytest.fixture
def seeded() -> None:
    """Start from the same random numbers each time."""
    torch.manual_seed(0)
