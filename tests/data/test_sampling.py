"""Divisions, imbalance, label noise and held-out splits: exact sizes, nesting, independence."""

from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.data.image_source import Division
from shared.data.sampling import (
    Imbalance,
    Sampling,
    UnderRepresented,
    cap_classes,
    class_counts,
    cut_to_long_tail,
    divide,
    flip_labels,
    hold_out,
    hold_out_images,
    keep_fraction,
    sample,
)
from shared.errors import UserError

CLASSES = 5
LABELS = st.lists(st.integers(0, CLASSES - 1), min_size=1, max_size=80).map(lambda x: np.array(x, np.uint8))
FRACTIONS = st.floats(0, 1)
SEEDS = st.integers(0, 2**32 - 1)
checked = settings(max_examples=60, deadline=None)

MNIST_TRAIN = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.fixture(scope="module")
def mnist_labels():
    labels = np.repeat(np.arange(10, dtype=np.uint8), MNIST_TRAIN)
    return np.random.default_rng(0).permutation(labels)


def test_class_counts():
    assert class_counts(np.array([2, 0, 2, 2], np.uint8), 4) == [1, 0, 3, 0]
    assert class_counts(np.array([], np.uint8), 2) == [0, 0]


def test_one_tenth_of_the_odd_digits_of_mnist(mnist_labels):
    kept = keep_fraction(mnist_labels, (1, 3, 5, 7, 9), 0.1, seed=0)
    # 674.2, 613.1, 542.1, 626.5 (the tie goes to even) and 594.9
    assert class_counts(mnist_labels[kept], 10) == [5923, 674, 5958, 613, 5842, 542, 5918, 626, 5851, 595]


@checked
@given(LABELS, st.sets(st.integers(0, CLASSES)), FRACTIONS, FRACTIONS, SEEDS)
def test_imbalance_is_exact_nested_and_leaves_other_classes_whole(labels, classes, one, other, seed):
    small, large = sorted((one, other))
    kept = keep_fraction(labels, sorted(classes), small, seed)
    assert np.all(np.diff(kept) > 0)
    for label, before, after in zip(
        range(CLASSES), class_counts(labels, CLASSES), class_counts(labels[kept], CLASSES), strict=True
    ):
        assert after == (round(small * before) if label in classes else before)
    assert set(kept) <= set(keep_fraction(labels, sorted(classes), large, seed))


@checked
@given(LABELS, FRACTIONS, FRACTIONS, SEEDS)
def test_noise_is_exact_nested_and_always_another_class(labels, one, other, seed):
    small, large = sorted((one, other))
    before = labels.copy()
    noisy, noisier = (flip_labels(labels, fraction, CLASSES, seed) for fraction in (small, large))
    np.testing.assert_array_equal(labels, before)
    assert noisy.dtype == labels.dtype
    flipped = noisy != labels
    assert np.count_nonzero(flipped) == round(small * len(labels))
    assert noisy.max() < CLASSES
    np.testing.assert_array_equal(noisier[flipped], noisy[flipped])


def test_noise_is_uniform_over_the_other_classes():
    labels = np.full(90_000, 250, np.uint8)
    flipped = np.bincount(flip_labels(labels, 1, 256, seed=3), minlength=256)
    assert flipped[250] == 0
    others = np.delete(flipped, 250)
    expected = 90_000 / 255
    chi_square = ((others - expected) ** 2 / expected).sum()
    assert 254 - 5 * np.sqrt(2 * 254) < chi_square < 254 + 5 * np.sqrt(2 * 254)


def test_noise_falls_on_all_classes_alike(mnist_labels):
    noisy = flip_labels(mnist_labels, 0.3, 10, seed=1)
    assert np.count_nonzero(noisy != mnist_labels) == 18_000
    shares = [np.mean(noisy[mnist_labels == digit] != digit) for digit in range(10)]
    # Five standard deviations of a share of 5421 labels, each flipped with probability 0.3.
    assert max(abs(share - 0.3) for share in shares) < 5 * np.sqrt(0.3 * 0.7 / 5421)


@checked
@given(LABELS, FRACTIONS, FRACTIONS, SEEDS)
def test_hold_out_partitions_stratifies_and_nests(labels, one, other, seed):
    small, large = sorted((one, other))
    train, held_out = hold_out(labels, small, seed)
    assert sorted([*train, *held_out]) == list(range(len(labels)))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(held_out) > 0)
    expected = [round(small * count) for count in class_counts(labels, CLASSES)]
    assert class_counts(labels[held_out], CLASSES) == expected
    assert set(held_out) <= set(hold_out(labels, large, seed)[1])


@checked
@given(LABELS, st.integers(1, 20), SEEDS)
def test_cap(labels, cap, seed):
    kept = cap_classes(labels, cap, seed)
    assert class_counts(labels[kept], CLASSES) == [min(cap, n) for n in class_counts(labels, CLASSES)]
    assert set(kept) <= set(cap_classes(labels, cap + 1, seed))


def test_a_long_tail_falls_geometrically_from_the_largest_class_to_the_smallest():
    labels = np.repeat([0, 1, 2, 3], [1000, 900, 1000, 50])
    for seed in range(20):
        counts = np.array(class_counts(labels[cut_to_long_tail(labels, 8, 4, seed)], 4))
        # 1000 (8 / 1000)^(k / 3) is 1000, 200, 40 and 8; a class has no more than it has.
        assert sorted(counts) in [
            sorted(np.minimum(sizes, [1000, 900, 1000, 50])) for sizes in permutations([1000, 200, 40, 8])
        ]
    tails = {tuple(class_counts(labels[cut_to_long_tail(labels, 8, 4, seed)], 4)) for seed in range(20)}
    assert len(tails) > 5
    drawn = sample(labels, Sampling(long_tail=8), 4, 3)
    assert np.array_equal(drawn.train, cut_to_long_tail(labels, 8, 4, 3))
    with pytest.raises(UserError, match=r"no class has 1001 images, the largest has 1000"):
        cut_to_long_tail(labels, 1001, 4, 0)
    assert "long_tail" not in Sampling().model_dump()


def test_same_seed_same_choice_other_seed_other_choice(mnist_labels):
    for choose in (
        lambda seed: keep_fraction(mnist_labels, (0, 1), 0.5, seed),
        lambda seed: flip_labels(mnist_labels, 0.5, 10, seed),
        lambda seed: hold_out(mnist_labels, 0.5, seed)[1],
        lambda seed: cap_classes(mnist_labels, 100, seed),
    ):
        np.testing.assert_array_equal(choose(1), choose(1))
        assert not np.array_equal(choose(1), choose(2))


def test_operations_draw_from_streams_of_their_own(mnist_labels):
    zeros = np.zeros(1000, np.uint8)
    kept = set(keep_fraction(zeros, (0,), 0.5, seed=4))
    held_out = set(hold_out(zeros, 0.5, seed=4)[1])
    flipped = set(np.flatnonzero(flip_labels(zeros, 0.5, 2, seed=4)))
    for one, other in ((kept, held_out), (kept, flipped), (held_out, flipped)):
        # Independent halves of 1000 share 250 +- 8.
        assert 200 < len(one & other) < 300


def test_random_choice_is_uniform():
    labels = np.zeros(20, np.uint8)
    times = np.zeros(20)
    for seed in range(2000):
        times[keep_fraction(labels, (0,), 0.25, seed)] += 1
    assert times.sum() == 2000 * 5
    assert np.all(np.abs(times - 500) < 5 * np.sqrt(2000 * 0.25 * 0.75))


def test_empty_and_absent():
    empty = np.array([], np.uint8)
    assert len(keep_fraction(empty, (1,), 0.5, 0)) == 0
    assert [len(part) for part in hold_out(empty, 0.5, 0)] == [0, 0]
    assert len(flip_labels(empty, 0.5, 10, 0)) == 0
    assert keep_fraction(np.array([3, 3]), (), 0.0, 0).tolist() == [0, 1]


def test_nothing_asked_nothing_changed(mnist_labels):
    result = sample(mnist_labels, Sampling(), 10, seed=0)
    np.testing.assert_array_equal(result.train, np.arange(60_000))
    np.testing.assert_array_equal(result.train_labels, mnist_labels)
    assert result.counts == {"train": MNIST_TRAIN, "held_out": [0] * 10, "flipped": 0}


def test_sample_in_order_with_exact_counts(mnist_labels):
    before = mnist_labels.copy()
    sampling = Sampling(
        per_class=1000, imbalance=Imbalance(classes=(1, 3), fraction=0.1), label_noise=0.25, held_out=0.2
    )
    result = sample(mnist_labels, sampling, 10, seed=5)
    np.testing.assert_array_equal(mnist_labels, before)

    chosen = np.concatenate([result.train, result.held_out])
    labels = np.concatenate([result.train_labels, result.held_out_labels])
    assert len(set(chosen)) == len(chosen) == 8 * 1000 + 2 * 100
    assert class_counts(mnist_labels[chosen], 10) == [1000, 100, 1000, 100, *[1000] * 6]
    assert np.count_nonzero(labels != mnist_labels[chosen]) == result.counts["flipped"] == 2050
    assert result.counts["train"] == class_counts(result.train_labels, 10)
    assert result.counts["held_out"] == class_counts(result.held_out_labels, 10)
    assert result.counts["held_out"] == [round(0.2 * n) for n in class_counts(labels, 10)]
    # The held-out labels are as noisy as the others: a quarter flipped, within five standard deviations.
    share = np.mean(result.held_out_labels != mnist_labels[result.held_out])
    assert abs(share - 0.25) < 5 * np.sqrt(0.25 * 0.75 / len(result.held_out))


def test_changing_one_operation_reshuffles_no_other(mnist_labels):
    def indices(**options: Any) -> tuple[set[int], set[int], Any]:
        result = sample(mnist_labels, Sampling(per_class=500, **options), 10, seed=2)
        return set(result.train), set(result.held_out), np.concatenate([result.train, result.held_out])

    train, held_out, _ = indices(held_out=0.2)
    few_train, few_held_out, _ = indices(held_out=0.2, imbalance=Imbalance(classes=(0, 1, 2, 3, 4), fraction=0.5))
    of_half = {index for index in range(60_000) if mnist_labels[index] >= 5}
    assert few_train & of_half == train & of_half
    assert few_held_out & of_half == held_out & of_half
    *_, quiet = indices(held_out=0.2)
    *_, noisy = indices(held_out=0.2, label_noise=0.4)
    assert set(quiet) == set(noisy)

    balanced = flip_labels(mnist_labels, 0.3, 10, seed=2)
    kept = keep_fraction(mnist_labels, (0,), 0.5, seed=2)
    thinned = flip_labels(mnist_labels, 0.3, 10, seed=2, among=kept)
    both = (balanced != mnist_labels) & (thinned != mnist_labels)
    assert np.count_nonzero(both) > 0.95 * 0.3 * len(kept)
    np.testing.assert_array_equal(balanced[both], thinned[both])
    assert np.count_nonzero(thinned != mnist_labels) == round(0.3 * len(kept))


def test_a_class_that_is_not_there(mnist_labels):
    sampling = Sampling(imbalance=Imbalance(classes=(3, 12), fraction=0.5))
    with pytest.raises(UserError, match="12 is none of the classes 0 to 9"):
        sample(mnist_labels, sampling, 10, seed=0)


@pytest.mark.parametrize("sampling", [Sampling(held_out=1), Sampling(imbalance=Imbalance(classes=(0,), fraction=0))])
def test_nothing_left_to_train_on(sampling):
    with pytest.raises(UserError, match="leaves no image to train on"):
        sample(np.zeros(10, np.uint8), sampling, 2, seed=0)


def test_chosen_classes_are_renamed_in_their_order_and_the_rest_is_gone():
    labels = np.array([3, 1, 2, 1, 0, 3], np.uint8)
    drawn = sample(labels, Sampling(classes=(3, 1)), 4, 0)
    assert drawn.train.tolist() == [0, 1, 3, 5]
    assert drawn.train_labels.tolist() == [0, 1, 1, 0]
    assert drawn.counts == {"train": [2, 2], "held_out": [0, 0], "flipped": 0}


def test_what_is_drawn_of_the_chosen_classes_is_what_is_drawn_of_them_among_all():
    labels = np.random.default_rng(1).integers(0, 5, 1000).astype(np.uint8)
    every = sample(labels, Sampling(per_class=20, held_out=0.25), 5, 3)
    some = sample(labels, Sampling(classes=(4, 2), per_class=20, held_out=0.25), 5, 3)
    kept = np.isin(labels[every.train], (2, 4))
    assert some.train.tolist() == every.train[kept].tolist()
    assert some.train_labels.tolist() == [{4: 0, 2: 1}[label] for label in labels[some.train]]


def test_imbalance_and_noise_speak_of_the_new_classes():
    labels = np.repeat(np.arange(6), 100).astype(np.uint8)
    sampling = Sampling(classes=(5, 3, 1), imbalance=Imbalance(classes=(0,), fraction=0.1), label_noise=0.5)
    drawn = sample(labels, sampling, 6, 0)
    assert np.bincount(labels[drawn.train]).tolist() == [0, 100, 0, 100, 0, 10]
    assert drawn.counts["flipped"] == 105
    assert set(drawn.train_labels.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("classes", [(1, 1), (0, 4)])
def test_classes_must_exist_and_differ(classes):
    with pytest.raises(UserError, match=r"sampling\.classes: .* are not different classes from 0 to 3"):
        sample(np.arange(4), Sampling(classes=classes), 4, 0)


def test_an_unset_choice_of_classes_leaves_no_trace_in_the_configuration():
    assert "classes" not in Sampling().model_dump()
    assert Sampling(classes=(1, 0)).model_dump(mode="json")["classes"] == [1, 0]


SIZES = [4, 9, 2, 6, 9, 5]
"""By size, of equal ones the first: classes 1, 4, 3, 5, 0, 2 with 9, 9, 6, 5, 4, 2 images."""


@pytest.fixture(scope="module")
def unequal_labels() -> np.ndarray:
    return np.random.RandomState(0).permutation(np.repeat(np.arange(6, dtype=np.uint8), SIZES))


def test_classes_are_divided_by_size(unequal_labels):
    option = UnderRepresented(regular=2, few=2, images=3, tested=(1, 2), test_images=2)
    division = divide(unequal_labels, option, 6)
    assert division.classes == 4
    assert division.under_represented == (1, 2, 3)
    # Ranks 0, 1 and 2 are tested by two images each, and kept are 9 - 2, 9 - 2, 3 and 3.
    assert class_counts(division.labels[division.test], 4) == [2, 2, 2, 0]
    assert class_counts(division.labels[division.train], 4) == [7, 7, 3, 3]
    assert class_counts(division.labels[division.gallery], 4) == [7, 7, 3, 0]
    renamed = {1: 0, 4: 1, 3: 2, 5: 3, 0: -1, 2: -1}
    assert division.labels.tolist() == [renamed[label] for label in unequal_labels]
    np.testing.assert_array_equal(divide(unequal_labels, option, 6).train, division.train)


def test_a_tested_class_that_is_not_trained_on_is_searched_by_the_few_it_would_have(unequal_labels):
    option = UnderRepresented(regular=1, few=0, images=3, tested=(1, 2), test_images=2)
    division = divide(unequal_labels, option, 6)
    assert division.classes == 1
    assert division.under_represented == (1, 2)
    assert class_counts(division.labels[division.train], 1) == [7]
    assert class_counts(division.labels[division.test], 3) == [2, 2, 2]
    assert class_counts(division.labels[division.gallery], 3) == [7, 3, 3]
    trained = divide(unequal_labels, option.model_copy(update={"few": 3}), 6)
    np.testing.assert_array_equal(trained.test, division.test)
    np.testing.assert_array_equal(trained.gallery, division.gallery)
    whole = divide(unequal_labels, option.model_copy(update={"regular": 4}), 6)
    np.testing.assert_array_equal(whole.test, division.test)
    assert class_counts(whole.labels[whole.train], 4) == [7, 7, 4, 5]
    assert class_counts(whole.labels[whole.gallery], 4) == [7, 7, 4, 0]


def test_of_what_is_dropped_of_the_few_some_is_held_out(unequal_labels):
    option = UnderRepresented(regular=2, few=3, images=3, tested=(1, 2), test_images=2, held_out_images=2)
    division = divide(unequal_labels, option, 6)
    # Ranks 2, 3 and 4 have 6, 5 and 4 images: of the first 2 are tested on, 3 are kept, and what is left is 1, 2 and 1.
    assert class_counts(division.labels[division.held_out], 5) == [0, 0, 1, 2, 1]
    assert not set(division.held_out) & {*division.train, *division.test, *division.gallery}
    none = option.model_copy(update={"held_out_images": 0})
    without = divide(unequal_labels, none, 6)
    assert len(without.held_out) == 0
    for part in ("train", "gallery", "test"):
        np.testing.assert_array_equal(getattr(division, part), getattr(without, part))
    drawn = sample(unequal_labels, Sampling(under_represented=option), 6, 0)
    assert drawn.counts["held_out"] == [0, 0, 1, 2, 1]
    assert drawn.held_out_labels.tolist() == division.labels[division.held_out].tolist()
    assert "held_out_images" not in none.model_dump()


SPLITS = st.builds(
    UnderRepresented,
    regular=st.integers(1, 4),
    few=st.integers(0, 4),
    images=st.integers(1, 3),
    tested=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    test_images=st.integers(1, 3),
)


@checked
@given(st.lists(st.integers(6, 12), min_size=8, max_size=10), SPLITS, SEEDS)
def test_a_division_keeps_apart_what_is_trained_on_and_tested(sizes, option, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    division = divide(labels, option, len(sizes))
    trained, tested = option.regular + option.few, sum(option.tested)
    ordered = sorted(sizes, reverse=True)
    put_aside = [option.test_images if rank < tested else 0 for rank in range(len(sizes))]
    few = [ordered[rank] - put_aside[rank] if rank < option.regular else option.images for rank in range(len(ordered))]
    for part, counts in (
        (division.test, put_aside[:tested]),
        (division.train, few[:trained]),
        (division.gallery, few[:tested]),
    ):
        assert np.all(np.diff(part) > 0)
        assert class_counts(division.labels[part], len(counts)) == counts
    assert not set(division.test) & (set(division.train) | set(division.gallery))
    for rank in range(max(trained, tested)):
        assert len(np.unique(labels[division.labels == rank])) == 1
    assert set(np.unique(division.labels)) <= {-1, *range(max(trained, tested))}


@checked
@given(st.lists(st.integers(6, 12), min_size=10, max_size=10), st.integers(1, 3), st.integers(1, 3), SEEDS)
def test_splits_of_more_classes_contain_those_of_fewer(sizes, images, test_images, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(10), sizes))
    splits = [
        divide(labels, UnderRepresented(regular=3, few=few, images=images, tested=(3, 3), test_images=test_images), 10)
        for few in (0, 3, 5, 7)
    ]
    for smaller, larger in pairwise(splits):
        np.testing.assert_array_equal(smaller.test, larger.test)
        np.testing.assert_array_equal(smaller.gallery, larger.gallery)
        assert set(smaller.train) < set(larger.train)
    np.testing.assert_array_equal(splits[1].gallery, splits[1].train)


def test_the_few_are_drawn_at_random_and_alike_whatever_the_seed():
    labels = np.repeat(np.arange(400), 10)
    option = UnderRepresented(regular=1, few=399, images=3, tested=(1, 399), test_images=2)
    division = divide(labels, option, 400)
    for part, share in ((division.test, 2), (division.train[division.train >= 10], 3)):
        places = np.bincount(part % 10, minlength=10)
        expected = 40 * share
        assert np.all(abs(places - expected) < 5 * np.sqrt(expected))
    drawn = [sample(labels, Sampling(under_represented=option), 400, seed) for seed in (0, 1)]
    for one in drawn:
        np.testing.assert_array_equal(one.train, division.train)


def test_a_divided_sample_has_all_counts_and_true_labels_to_test_on(unequal_labels):
    option = UnderRepresented(regular=2, few=1, images=3, tested=(2, 2), test_images=1)
    drawn = sample(unequal_labels, Sampling(under_represented=option, held_out=0.5, label_noise=0.2), 6, 0)
    assert (drawn.classes, drawn.minority) == (3, (2, 3))
    # Of 8, 8 and 3 images a fifth, rint(3.8), have another label.
    assert drawn.counts["flipped"] == 4
    assert sum(drawn.counts["train"]) + sum(drawn.counts["held_out"]) == 19
    assert drawn.counts["test"] == [1, 1, 1, 1]
    assert drawn.counts["gallery"] == [8, 8, 3, 3]
    division = divide(unequal_labels, option, 6)
    assert sorted([*drawn.train, *drawn.held_out]) == division.train.tolist()
    assert drawn.division is not None
    np.testing.assert_array_equal(drawn.division.labels, division.labels)


def test_a_data_set_may_bring_its_division():
    labels = np.array([0, 1, 2, 0, 1])
    division = Division(np.array([0, 1]), np.array([0, 1]), np.array([3, 4]), labels, 2, (1,))
    drawn = sample(labels, Sampling(), 3, 0, division)
    assert drawn.train.tolist() == [0, 1]
    assert drawn.counts == {"train": [1, 1], "held_out": [0, 0], "flipped": 0, "test": [1, 1], "gallery": [1, 1]}
    assert (drawn.classes, drawn.minority, drawn.division) == (2, (1,), division)
    for sampling in (Sampling(classes=(0, 1)), Sampling(under_represented=UnderRepresented())):
        with pytest.raises(UserError, match="this data set says itself which of its classes are trained on"):
            sample(labels, sampling, 3, 0, division)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"regular": 5, "few": 2}, "asks for 7 classes, where 6 have images; lower regular, few or tested"),
        ({"tested": (3, 4)}, "asks for 7 classes, where 6 have images"),
        ({"few": 5, "images": 3}, "needs 3 images of class 2, number 6 by size, which has 2"),
        ({"tested": (2, 3), "images": 3}, "needs 5 images of class 0, number 5 by size, which has 4"),
        ({"regular": 6, "few": 0, "tested": (2, 4)}, "needs 3 images of class 2, number 6 by size, which has 2"),
    ],
)
def test_classes_that_cannot_be_divided_are_named(unequal_labels, options, message):
    option = UnderRepresented(**{"regular": 1, "few": 1, "images": 1, "tested": (1, 1), "test_images": 2, **options})
    with pytest.raises(UserError, match=rf"sampling\.under_represented {message}"):
        divide(unequal_labels, option, 8)


def test_an_unset_division_leaves_no_trace_in_the_configuration():
    assert "under_represented" not in Sampling().model_dump()
    assert Sampling(under_represented=UnderRepresented(few=0)).model_dump()["under_represented"]["few"] == 0
    with pytest.raises(ValueError, match="give either classes or under_represented"):
        Sampling(under_represented=UnderRepresented(), classes=(0, 1))


def reduced(images: int, fraction: float = 0.1) -> Sampling:
    return Sampling(imbalance=Imbalance(classes=(0, 1, 2, 3, 4), fraction=fraction), held_out_images=images)


def test_what_the_imbalance_drops_is_held_out_and_all_that_it_keeps_is_trained_on(mnist_labels):
    without = sample(mnist_labels, Sampling(imbalance=Imbalance(classes=(0, 1, 2, 3, 4), fraction=0.1)), 10, seed=3)
    drawn = sample(mnist_labels, reduced(1000), 10, seed=3)
    assert drawn.counts["held_out"] == [1000] * 10
    assert drawn.counts["train"] == [592, 674, 596, 613, 584, 4421, 4918, 5265, 4851, 4949]
    of_reduced = mnist_labels[without.train] < 5
    np.testing.assert_array_equal(drawn.train[mnist_labels[drawn.train] < 5], without.train[of_reduced])
    assert set(drawn.train) <= set(without.train)
    assert not set(drawn.held_out) & set(drawn.train)
    assert np.all(np.diff(drawn.held_out) > 0)
    np.testing.assert_array_equal(drawn.held_out_labels, mnist_labels[drawn.held_out])


def test_images_held_out_depend_on_the_seed_and_fewer_are_some_of_more(mnist_labels):
    first, again, other = (sample(mnist_labels, reduced(1000), 10, seed).held_out for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert set(sample(mnist_labels, reduced(300), 10, seed=0).held_out) <= set(first)


def test_without_an_imbalance_images_are_held_out_of_those_to_train_on(mnist_labels):
    train, held_out = hold_out_images(mnist_labels, 500, seed=0)
    assert class_counts(mnist_labels[held_out], 10) == [500] * 10
    assert sorted([*train, *held_out]) == list(range(len(mnist_labels)))


def test_too_few_images_to_hold_out_are_refused(mnist_labels):
    with pytest.raises(UserError, match="asks for 100 images of class 0, of which there are 59 that the"):
        sample(mnist_labels, reduced(100, fraction=0.99), 10, seed=0)
    with pytest.raises(UserError, match="asks for 5422 images of class 5, of which there are 5421 to train on"):
        hold_out_images(mnist_labels, 5422, seed=0)


@pytest.mark.parametrize("other", [{"held_out": 0.1}, {"label_noise": 0.1}])
def test_images_to_hold_out_go_with_neither_a_share_nor_noise(other):
    with pytest.raises(ValueError, match="held_out"):
        Sampling(held_out_images=10, **other)
    assert "held_out_images" not in Sampling(**other).model_dump()
