"""What a training sets of torch for the whole process is set back after each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from shared.training.device import SINGLE_PRECISION


@pytest.fixture(autouse=True)
def _torch_as_before() -> Iterator[None]:
    arithmetic = [operations.fp32_precision for operations in SINGLE_PRECISION]
    deterministic = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(deterministic)
    for operations, before in zip(SINGLE_PRECISION, arithmetic, strict=True):
        operations.fp32_precision = before
