"""Skin lesions drawn from parameters: functions of their numbers, true masks, and neither trivial nor hopeless."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import NearestCentroid

from shared.data.rendered.lesions import CLASSES, NUISANCE, TYPICAL, appearance, conditions, render

EACH = 60
LABELS, NUMBERS = np.repeat(np.arange(10), EACH), np.tile(np.arange(EACH), 10)
TRAINING = NUMBERS < 40


@pytest.fixture(scope="module")
def lesions() -> tuple[np.ndarray, np.ndarray]:
    return render(LABELS, NUMBERS)


def test_shapes_types_and_sizes(lesions):
    images, masks = lesions
    assert images.shape == (600, 64, 64, 3)
    assert images.dtype == np.uint8
    assert masks.shape == (600, 64, 64)
    assert masks.dtype == np.bool_
    assert len(np.unique(images.reshape(600, -1), axis=0)) == 600
    shares = masks.mean((1, 2))
    assert shares.min() > 0.01
    assert shares.max() < 0.8
    for size in (16, 33):
        image, mask = render(np.array([3]), np.array([4]), size=size)
        assert image.shape == (1, size, size, 3)
        assert mask.shape == (1, size, size)
    assert render(np.zeros(0, int), np.zeros(0, int))[0].shape == (0, 64, 64, 3)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 10**6)), min_size=1, max_size=40),
    st.integers(0, 2**31),
    st.data(),
)
def test_a_lesion_depends_on_nothing_that_is_drawn_with_it(keys, seed, data):
    classes, numbers = np.array(keys).T
    images, masks = render(classes, numbers, seed=seed, size=24)
    chosen = np.array(data.draw(st.lists(st.integers(0, len(keys) - 1), min_size=1, max_size=5)))
    alone, marked = render(classes[chosen], numbers[chosen], seed=seed, size=24)
    np.testing.assert_array_equal(alone, images[chosen])
    np.testing.assert_array_equal(marked, masks[chosen])


def test_the_seed_makes_other_lesions():
    first, second = (render(np.arange(10), np.zeros(10, int), seed=seed)[0] for seed in (0, 1))
    assert (first != second).any((1, 2, 3)).all()


def test_the_mask_is_the_lesion(lesions):
    images, masks = lesions
    grey = images.mean(3)
    inside = (grey * masks).sum((1, 2)) / masks.sum((1, 2))
    outside = (grey * ~masks).sum((1, 2)) / (~masks).sum((1, 2))
    # Darker than the skin around it, save where scale or shine cover it.
    assert (inside < outside).mean() > 0.85
    moles = np.isin(LABELS, (CLASSES.index("ML"), CLASSES.index("MEL")))
    assert (inside < outside)[moles].all()


def test_every_parameter_shows_its_classes_and_overlaps_between_them():
    drawn = appearance(LABELS, NUMBERS)
    assert drawn.keys() == TYPICAL.keys()
    for name, middles in TYPICAL.items():
        values = drawn[name].reshape(10, EACH)
        assert values.min() >= 0
        assert (values.std(1) > 0.02).all()
        assert np.corrcoef(values.mean(1), middles)[0, 1] > 0.95
        # In the order of their means, each class reaches into the next.
        order = np.argsort(values.mean(1))
        assert (values[order[:-1]].max(1) > values[order[1:]].min(1)).all()


@pytest.mark.parametrize("name", TYPICAL)
def test_every_parameter_is_seen(name, monkeypatch):
    images = []
    for value in (0.3, 0.9):
        monkeypatch.setitem(TYPICAL, name, (value,) * 10)
        images.append(render(np.arange(10), np.zeros(10, int))[0])
    assert (images[0] != images[1]).any((1, 2, 3)).mean() > 0.5


@pytest.mark.parametrize("name", NUISANCE)
def test_every_condition_varies_is_seen_and_tells_nothing_of_the_class(name, monkeypatch):
    low, high = NUISANCE[name]
    values = conditions(LABELS, NUMBERS)[name].reshape(10, EACH)
    assert low <= values.min() < low + 0.02 * (high - low)
    assert high - 0.02 * (high - low) < values.max() <= high
    assert np.ptp(values.mean(1)) < 0.3 * (high - low)
    images = []
    for value in (low, (low + high) / 2):
        monkeypatch.setitem(NUISANCE, name, (value, value))
        images.append(render(np.arange(10), np.zeros(10, int))[0])
    assert (images[0] != images[1]).any((1, 2, 3)).mean() > 0.5


def accuracy(model, features: np.ndarray) -> float:
    return float(model.fit(features[TRAINING], LABELS[TRAINING]).score(features[~TRAINING], LABELS[~TRAINING]))


def test_classes_can_be_told_apart_but_not_easily(lesions):
    images, masks = lesions
    pixels = images.reshape(-1, 16, 4, 16, 4, 3).astype(np.float32).mean((2, 4)).reshape(600, -1) / 255
    assert 0.12 < accuracy(NearestCentroid(), pixels) < 0.4
    components = PCA(60, svd_solver="covariance_eigh").fit(pixels[TRAINING]).transform(pixels)
    assert 0.25 < accuracy(LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.1), components) < 0.7
    # Colour against the skin, roughness and size, measured by the mask: much of what a network may find.
    colours, inside = images / 255, masks[..., None]
    lesion = (colours * inside).sum((1, 2)) / inside.sum((1, 2))
    skin = (colours * ~inside).sum((1, 2)) / (~inside).sum((1, 2))
    spread = np.sqrt(((colours - lesion[:, None, None]) ** 2 * inside).sum((1, 2)) / inside.sum((1, 2)))
    rough = (np.abs(np.diff(colours.mean(3), axis=1)) * masks[:, 1:]).sum((1, 2)) / masks.sum((1, 2))
    features = np.column_stack([lesion, lesion / skin, spread, rough, masks.mean((1, 2))])
    assert 0.5 < accuracy(LinearDiscriminantAnalysis(), features) < 0.95
