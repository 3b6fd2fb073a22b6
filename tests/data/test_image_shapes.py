"""What data sets say of their images before they are read is what is read."""

from __future__ import annotations

from shared.data.image_arrays import ImageArrays
from shared.data.image_source import ArraySource
from shared.runs.catalogue import data_sets
from shared.runs.registry import papers


def test_images_have_the_shape_that_their_set_says(digits_root):
    runs = [run for entry in papers().values() for run in entry.runs("smoke").values()]
    trained = {run.config.data.name: run.config.data for run in runs}
    assert set(trained) <= set(data_sets(runs))
    for data in trained.values():
        loaded = data.load(digits_root)
        kept = isinstance(loaded, ImageArrays)
        shape = ArraySource(loaded.train_images).shape if isinstance(loaded, ImageArrays) else loaded.images.shape
        assert data.kept_in_memory == kept, data.name
        assert tuple(shape) == tuple(data.image_shape), data.name
