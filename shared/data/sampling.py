"""Imbalance, label noise and held-out splits of a training set, as functions of its labels and a seed.

Each operation draws one random key for every sample from a stream of its own, named after it, and acts on
the samples with the smallest keys. Hence, for the same labels and seed, (1) no operation reshuffles another,
(2) what a smaller fraction chooses is a subset of what a larger one chooses, and (3) `among`, the sorted
indices of the samples that an operation is confined to, takes samples away and gives the others no new keys.
Sizes are rint(fraction x n) in double precision: nearest, ties to even.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shared.data import Sampling

    Labels = NDArray[np.integer[Any]]
    Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Sample:
    """Sorted indices into the data set's training images, the labels to use for them, and exact counts.

    `counts` has "train" and "held_out", the number of samples of each class by the labels to use, and
    "flipped", how many labels of both together are not the data set's own.
    """

    train: Indices
    train_labels: Labels
    held_out: Indices
    held_out_labels: Labels
    counts: dict[str, Any]


def sample(labels: Labels, sampling: Sampling, classes: int, seed: int) -> Sample:
    """Apply `sampling` to a training set with these labels, 0..classes-1.

    In this order: the choice of classes, the cap per class, the imbalance by true labels, the noise on
    what is left, and the held-out split of that, stratified by the noisy labels, since who tunes on it has
    no others. Raises UserError where a class is named that there is not, or no sample is left to train on.
    """
    kept = np.arange(len(labels))
    if sampling.classes is not None:
        kept, labels, classes = select(labels, sampling.classes, classes)
    if sampling.per_class is not None:
        kept = cap_classes(labels, sampling.per_class, seed, among=kept)
    if sampling.imbalance is not None:
        if max(sampling.imbalance.classes, default=0) >= classes:
            raise UserError(
                f"sampling.imbalance.classes: {max(sampling.imbalance.classes)} is none of the classes "
                f"0 to {classes - 1}"
            )
        kept = keep_fraction(labels, sampling.imbalance.classes, sampling.imbalance.fraction, seed, among=kept)
    noisy = flip_labels(labels, sampling.label_noise, classes, seed, among=kept)
    train, held_out = hold_out(noisy, sampling.held_out, seed, among=kept)
    if len(train) == 0:
        raise UserError("sampling leaves no image to train on; raise per_class or imbalance.fraction, lower held_out")
    counts = {
        "train": class_counts(noisy[train], classes),
        "held_out": class_counts(noisy[held_out], classes),
        "flipped": int(np.count_nonzero(noisy != labels)),
    }
    return Sample(train, noisy[train], held_out, noisy[held_out], counts)


def select(labels: Labels, chosen: Sequence[int], classes: int) -> tuple[Indices, Labels, int]:
    """Return sorted indices of the samples of the chosen classes, new labels, and how many classes there now are.

    The new labels, int64, are of all samples: the place of their class among the chosen, -1 for the rest. Raises
    UserError where a class is chosen twice, or is none of 0..classes-1.
    """
    if len(set(chosen)) < len(chosen) or max(chosen) >= classes:
        raise UserError(
            f"sampling.classes: {', '.join(map(str, chosen))} are not different classes from 0 to {classes - 1}"
        )
    places = np.full(classes, -1)
    places[list(chosen)] = np.arange(len(chosen))
    renamed = places[labels]
    return np.flatnonzero(renamed >= 0), renamed, len(chosen)


def cap_classes(labels: Labels, per_class: int, seed: int, among: Indices | None = None) -> Indices:
    """Return sorted indices of `per_class` random samples of each class, all of one that has no more."""
    among = _all(labels) if among is None else among
    return among[_ranks(labels[among], _keys(labels, seed, "per_class")[among]) < per_class]


def keep_fraction(
    labels: Labels, classes: Sequence[int], fraction: float, seed: int, among: Indices | None = None
) -> Indices:
    """Return sorted indices of all samples but, of `classes`, a random rint(fraction x size) of each."""
    among = _all(labels) if among is None else among
    quotas = np.bincount(labels[among], minlength=max(classes, default=0) + 1)
    chosen = list(classes)
    quotas[chosen] = np.rint(fraction * quotas[chosen])
    return among[_ranks(labels[among], _keys(labels, seed, "imbalance")[among]) < quotas[labels[among]]]


def flip_labels(labels: Labels, fraction: float, classes: int, seed: int, among: Indices | None = None) -> Labels:
    """Copy all labels, with exactly rint(fraction x n) of the n `among` changed.

    Which change is random; each becomes one of the `classes` - 1 other classes with equal probability, the
    same one at every fraction. `classes` must be 2 or more, and `classes` - 1 fit the labels' type.
    """
    among = _all(labels) if among is None else among
    order = np.argsort(_keys(labels, seed, "label_noise")[among], kind="stable")
    flipped = among[order[: int(np.rint(fraction * len(among)))]]
    steps = _stream(seed, "label_noise_classes").integers(1, classes, size=len(labels))
    noisy = labels.copy()
    noisy[flipped] = (labels[flipped] + steps[flipped]) % classes
    return noisy


def hold_out(labels: Labels, fraction: float, seed: int, among: Indices | None = None) -> tuple[Indices, Indices]:
    """Return sorted indices to train on and to hold out: rint(fraction x size) of each class are held out."""
    among = _all(labels) if among is None else among
    quotas = np.rint(fraction * np.bincount(labels[among], minlength=1))
    held = _ranks(labels[among], _keys(labels, seed, "held_out")[among]) < quotas[labels[among]]
    return among[~held], among[held]


def class_counts(labels: Labels, classes: int) -> list[int]:
    """Count how many samples each of the classes 0..classes-1 has."""
    return [int(count) for count in np.bincount(labels, minlength=classes)]


def _all(labels: Labels) -> Indices:
    return np.arange(len(labels))


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=tuple(name.encode())))


def _keys(labels: Labels, seed: int, name: str) -> NDArray[np.float64]:
    """Draw a random key in [0, 1) for every sample, from the stream called `name`."""
    return _stream(seed, name).random(len(labels))


def _ranks(labels: Labels, keys: NDArray[np.float64]) -> Indices:
    """Count for each sample how many of its class have a smaller key."""
    order = np.lexsort((keys, labels))
    sizes = np.bincount(labels, minlength=1)
    ranks = np.empty(len(labels), np.intp)
    ranks[order] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return ranks
