"""What is measured of the images trained on, and how far embeddings are spread, whatever their length."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from shared.data.drawn import Part
from shared.data.image_source import ArraySource
from shared.evaluation import health
from shared.evaluation.health import measure_health, spread
from shared.training.batches import ImageTensor, Normalisation


def setup(labels, predictions) -> Any:
    """Return what was trained on images whose one pixel is what they are taken for."""
    source = ArraySource(np.array(predictions, np.uint8).reshape(-1, 1, 1))
    part = Part(source, np.arange(len(labels)), np.array(labels))

    def on_device(part: Part) -> ImageTensor:
        as_they_are = Normalisation(mean=0, std=1 / 255)
        return ImageTensor(source.images[part.index], part.labels, as_they_are, torch.device("cpu"))

    scheme = SimpleNamespace(
        embed=lambda batches: torch.cat([batch.flatten(1) for batch in batches]),
        predict=lambda embeddings: embeddings[:, 0].round().long(),
    )
    return SimpleNamespace(drawn=SimpleNamespace(parts={"train": part}, classes=4), on_device=on_device, scheme=scheme)


def test_the_error_is_that_on_the_images_trained_on_and_chance_that_of_the_most_frequent_class():
    found = measure_health(setup([0, 0, 0, 1, 2], [0, 0, 1, 1, 1]))
    assert found.pop("spread") == pytest.approx(0.4)
    assert found == pytest.approx({"images": 5, "classes": 4, "error": 40, "chance": 40, "predicted": 2})


def test_of_many_images_some_of_all_are_looked_at_and_always_the_same(monkeypatch):
    monkeypatch.setattr(health, "LARGEST_SAMPLE", 60)
    labels = np.repeat(np.arange(4), 100)
    found = measure_health(setup(labels, labels))
    assert (found["images"], found["error"], found["predicted"]) == (60, 0, 4)
    assert found == measure_health(setup(labels, labels))


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
