"""Divisions, imbalance, label noise and held-out splits of a training set, as functions of its labels and a seed.

`Sampling` has the options, `sample` does what they say.

A division into regular and under-represented classes is part of the data and draws the same whatever the seed. Each
other operation draws one random key for every sample from a stream of its own, named after it, and acts on
the samples with the smallest keys. Hence, for the same labels and seed, (1) no operation reshuffles another,
(2) what a smaller fraction chooses is a subset of what a larger one chooses, and (3) `among`, the sorted
indices of the samples that an operation is confined to, takes samples away and gives the others no new keys.
Sizes are rint(fraction x n) in double precision: nearest, ties to even.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, model_validator

from shared.data.image_source import Division
from shared.data.lazy import np
from shared.errors import UserError
from shared.runs.fields import Count, Digits, Fraction, Strict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Labels = NDArray[np.integer[Any]]
    Indices = NDArray[np.intp]


class Imbalance(Strict):
    """Only `fraction` of the training images of `classes` is kept; the other classes stay whole."""

    classes: Digits
    fraction: Fraction


class UnderRepresented(Strict):
    """The UR splits of Yin et al. (CVPR 2019, Sec. 4.3): a set of regular and of under-represented classes.

    Classes are ranked by their number of images, and the rank is the new class. The first `regular` are kept whole, of
    each of the next `few` only `images` images. Put aside before, to test on, are `test_images` of each of the first
    `tested[0]` classes, which count as regular, and of each of the `tested[1]` that follow, which count as
    under-represented, whether they are trained on or not. Of what is dropped of the `few`, up to `held_out_images` of
    each are held out for validation.
    """

    regular: Count = 10_000
    few: Annotated[int, Field(ge=0)] = 10_000
    images: Count = 5
    tested: tuple[Count, Count] = (10_000, 10_000)
    test_images: Count = 5
    # Left out of a record where it is not set, so that records from before it was an option stay those of their runs.
    held_out_images: Annotated[int, Field(ge=0, exclude_if=lambda images: not images)] = 0


class Sampling(Strict):
    """What becomes of a training set before it is trained on, in this order.

    The division into regular and under-represented classes, or only the images of `classes`, which become the classes
    0, 1, ... in the order given; at most `per_class` images of each class; a long tail down to a class of `long_tail`
    images (see `cut_to_long_tail`); the imbalance; `label_noise` of the labels flipped to another class; `held_out` of
    what is then left, with the labels as they then are, put aside for validation. The test set is confined to `classes`
    alike; the rest of it is the split "unseen".

    `held_out_images` of each class are put aside instead: of a class that the imbalance reduces, of the images that it
    drops. So all that it keeps are trained on, and there are enough to tell small errors apart.
    """

    # Left out of a record where it is not set, so that records from before it was an option stay those of their runs.
    under_represented: UnderRepresented | None = Field(None, exclude_if=lambda division: division is None)
    classes: Annotated[Digits, Field(min_length=2)] | None = Field(None, exclude_if=lambda classes: classes is None)
    per_class: Count | None = None
    long_tail: Count | None = Field(None, exclude_if=lambda images: images is None)
    imbalance: Imbalance | None = None
    label_noise: Fraction = 0.0
    held_out: Fraction = 0.0
    held_out_images: Count | None = Field(None, exclude_if=lambda images: images is None)

    @model_validator(mode="after")
    def _chooses_once(self) -> Self:
        if self.under_represented is not None and self.classes is not None:
            raise ValueError("give either classes or under_represented")
        if self.held_out_images is not None and self.held_out:
            raise ValueError("give either held_out or held_out_images")
        if self.held_out_images is not None and self.label_noise:
            raise ValueError("held_out_images is of images with the labels they have; with label_noise give held_out")
        return self

    @property
    def holds_out(self) -> bool:
        """Whether images are put aside for validation."""
        divided = self.under_represented is not None and self.under_represented.held_out_images > 0
        return divided or self.held_out > 0 or self.held_out_images is not None


@dataclass(frozen=True)
class Sample:
    """Sorted indices into the data set's training images, the labels to use for them, and exact counts.

    `train_true_labels` are those of the images to train on before the noise.
    `classes` classes are trained on. `division` is that of the training set, where it is divided: it has the images to
    test on and to search in too. `minority` are the classes that are reported as such: those of the imbalance, else
    those under-represented.

    `counts` has "train" and "held_out", the number of samples of each class by the labels to use, and
    "flipped", how many labels of both together are not the data set's own; where divided, "test" and "gallery" too.
    """

    train: Indices
    train_labels: Labels
    train_true_labels: Labels
    held_out: Indices
    held_out_labels: Labels
    classes: int
    division: Division | None
    minority: tuple[int, ...]
    counts: dict[str, Any]


def sample(labels: Labels, sampling: Sampling, classes: int, seed: int, division: Division | None = None) -> Sample:
    """Apply `sampling` to a training set with these labels, 0..classes-1, and the `division` that it comes with.

    In this order: the division or the choice of classes, the cap per class, the long tail, the imbalance by true
    labels, the noise on what is left, and the held-out split of that, stratified by the noisy labels, since who tunes
    on it has no others; or so many images a class, as `held_out_images` says. Raises UserError where a class is named
    that there is not, no sample is left to train on, there are too few to hold out or for the long tail, or the classes
    cannot be divided.
    """
    kept = np.arange(len(labels))
    if division is not None and (sampling.under_represented is not None or sampling.classes is not None):
        raise UserError(
            "this data set says itself which of its classes are trained on; leave sampling.under_represented and "
            "sampling.classes out"
        )
    if sampling.under_represented is not None:
        division = divide(labels, sampling.under_represented, classes)
    if division is not None:
        kept, labels, classes = division.train, division.labels, division.classes
    elif sampling.classes is not None:
        kept, labels, classes = select(labels, sampling.classes, classes)
    whole = kept = _cut(labels, sampling, classes, seed, among=kept)
    if sampling.imbalance is not None:
        if max(sampling.imbalance.classes, default=0) >= classes:
            raise UserError(
                f"sampling.imbalance.classes: {max(sampling.imbalance.classes)} is none of the classes "
                f"0 to {classes - 1}"
            )
        kept = keep_fraction(labels, sampling.imbalance.classes, sampling.imbalance.fraction, seed, among=kept)
    noisy = flip_labels(labels, sampling.label_noise, classes, seed, among=kept)
    if sampling.held_out_images is not None:
        dropped = np.setdiff1d(whole, kept, assume_unique=True)
        train, held_out = hold_out_images(labels, sampling.held_out_images, seed, among=kept, dropped=dropped)
    else:
        train, held_out = hold_out(noisy, sampling.held_out, seed, among=kept)
    if division is not None:
        held_out = np.union1d(held_out, division.held_out)
    if len(train) == 0:
        raise UserError("sampling leaves no image to train on; raise per_class or imbalance.fraction, lower held_out")
    counts = {
        "train": class_counts(noisy[train], classes),
        "held_out": class_counts(noisy[held_out], classes),
        "flipped": int(np.count_nonzero(noisy != labels)),
    }
    if division is not None:
        counts["test"] = class_counts(labels[division.test], classes)
        counts["gallery"] = class_counts(labels[division.gallery], classes)
    minority = sampling.imbalance.classes if sampling.imbalance else division.under_represented if division else ()
    return Sample(train, noisy[train], labels[train], held_out, noisy[held_out], classes, division, minority, counts)


def divide(labels: Labels, option: UnderRepresented, classes: int) -> Division:
    """Divide a training set with these labels, 0..classes-1, into regular and under-represented classes.

    Yin et al. (CVPR 2019), Sec. 4.3. A class becomes its rank by number of images, the largest first; of classes of
    one size the smaller label comes first. The images of each class have one random order, the same in every split:
    those to test on come from its beginning, followed by those held out, the few of an under-represented class from its
    end. So splits that are tested alike have the same test images, and classes that are under-represented in several
    the same few.

    The paper leaves open what stands in the search for a tested class that is not trained on, as in 10K0K, or is
    trained on whole, as in 60K0K: here it is the few images that it would have, and all that are trained on. Raises
    UserError where there are too few classes, or too few images of one.
    """
    trained, tested = option.regular + option.few, sum(option.tested)
    used = max(trained, tested)
    sizes = np.bincount(labels, minlength=classes)
    by_size = np.argsort(-sizes, kind="stable")
    needed = np.where(np.arange(used) < option.regular, 1, option.images)
    needed[:tested] += option.test_images
    _check_sizes(sizes[by_size[:used]], needed, by_size)

    ranks = np.empty(len(sizes), np.int64)
    ranks[by_size] = np.arange(len(sizes))
    ranked = ranks[labels]
    place = _ranks(ranked, _keys(labels, 0, "under_represented"))
    test = (ranked < tested) & (place < option.test_images)
    last = place >= sizes[labels] - option.images
    kept = np.where(ranked < option.regular, ~test, last)
    dropped = (ranked >= option.regular) & (ranked < trained) & ~test & ~last
    held_out = dropped & (place < option.test_images * (ranked < tested) + option.held_out_images)
    few = {*range(option.regular, trained), *range(option.tested[0], tested)}
    return Division(
        train=np.flatnonzero(kept & (ranked < trained)),
        gallery=np.flatnonzero(kept & (ranked < tested)),
        test=np.flatnonzero(test),
        labels=np.where(ranked < used, ranked, -1),
        classes=trained,
        under_represented=tuple(sorted(few)),
        held_out=np.flatnonzero(held_out),
    )


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


def _cut(labels: Labels, sampling: Sampling, classes: int, seed: int, among: Indices) -> Indices:
    """Apply the cap per class and the long tail, where they are asked for."""
    if sampling.per_class is not None:
        among = cap_classes(labels, sampling.per_class, seed, among)
    if sampling.long_tail is not None:
        among = cut_to_long_tail(labels, sampling.long_tail, classes, seed, among)
    return among


def cut_to_long_tail(labels: Labels, smallest: int, classes: int, seed: int, among: Indices | None = None) -> Indices:
    """Return sorted indices of random samples of the classes 0..classes-1, whose sizes fall geometrically.

    The largest class has n samples. Of the k-th of C classes, in a random order, k from 0 on, n (s / n)^(k / (C - 1))
    are kept, rounded, or all where there are fewer; s is `smallest`. So sets are cut to a long tail by Cui et al.
    (Class-Balanced Loss, CVPR 2019). Raises UserError where s is greater than n.
    """
    among = _all(labels) if among is None else among
    largest = int(np.bincount(labels[among]).max())
    if smallest > largest:
        raise UserError(f"sampling.long_tail: no class has {smallest} images, the largest has {largest}; lower it")
    quotas = np.empty(classes)
    order = _stream(seed, "long_tail_classes").permutation(classes)
    quotas[order] = np.rint(largest * (smallest / largest) ** np.linspace(0, 1, classes))
    return among[_ranks(labels[among], _keys(labels, seed, "long_tail")[among]) < quotas[labels[among]]]


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


def hold_out_images(
    labels: Labels, images: int, seed: int, among: Indices | None = None, dropped: Indices | None = None
) -> tuple[Indices, Indices]:
    """Return sorted indices to train on and to hold out: of each class so many images are held out.

    Of a class of which there are images among those `dropped` they are taken from these alone, so that those `among`
    are trained on, all of them. Raises UserError where a class that is trained on has not so many to take.
    """
    among = _all(labels) if among is None else among
    dropped = np.empty(0, np.intp) if dropped is None else dropped
    classes = int(labels[among].max(initial=0)) + 1
    reduced = np.bincount(labels[dropped], minlength=classes) > 0
    pool = np.sort(np.concatenate([dropped, among[~reduced[labels[among]]]]))
    there = np.bincount(labels[pool], minlength=classes)
    short = (np.bincount(labels[among], minlength=classes) > 0) & (there[:classes] < images)
    if short.any():
        label = int(np.flatnonzero(short)[0])
        raise UserError(
            f"sampling.held_out_images asks for {images} images of class {label}, of which there are {there[label]} "
            f"{'that the imbalance drops' if reduced[label] else 'to train on'}; lower it"
        )
    held = pool[_ranks(labels[pool], _keys(labels, seed, "held_out")[pool]) < images]
    return np.setdiff1d(among, held, assume_unique=True), held


def class_counts(labels: Labels, classes: int) -> list[int]:
    """Count how many samples each of the classes 0..classes-1 has."""
    return [int(count) for count in np.bincount(labels, minlength=classes)]


def _check_sizes(sizes: Indices, needed: Indices, by_size: Indices) -> None:
    """Raise UserError where fewer classes than `needed` names have images, or one has fewer than it needs."""
    there = np.count_nonzero(sizes)
    if there < len(needed):
        raise UserError(
            f"sampling.under_represented asks for {len(needed)} classes, where {there} have images; lower regular, few "
            "or tested"
        )
    short = np.flatnonzero(sizes < needed)
    if len(short):
        rank = short[0]
        raise UserError(
            f"sampling.under_represented needs {needed[rank]} images of class {by_size[rank]}, number {rank + 1} by "
            f"size, which has {sizes[rank]}; lower images or test_images, or regular, few or tested"
        )


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
