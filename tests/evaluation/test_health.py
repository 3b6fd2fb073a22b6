"""How far embeddings are spread, whatever their length."""

from __future__ import annotations

import numpy as np
import pytest

from shared.evaluation.health import spread


@pytest.mark.parametrize(
    ("embeddings", "share"),
    [
        ([[3.0, 4.0], [3.0, 4.0]], 0.0),
        ([[0.0, 0.0], [0.0, 0.0]], 0.0),
        ([[1.0, 0.0], [-1.0, 0.0]], 1.0),
        ([[2.0, 0.0], [0.0, 2.0]], 0.5),
    ],
)
def test_the_spread_is_the_variance_over_the_mean_squared_length(embeddings, share):
    assert spread(np.array(embeddings)) == pytest.approx(share)
    assert spread(1e3 * np.array(embeddings)) == pytest.approx(share)


def test_embeddings_that_are_not_finite_have_no_spread():
    assert np.isnan(spread(np.array([[np.nan, 1.0], [0.0, 1.0]])))
    with np.errstate(invalid="ignore"):
        assert np.isnan(spread(np.array([[np.inf, 1.0], [0.0, 1.0]])))
