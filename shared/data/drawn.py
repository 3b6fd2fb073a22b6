"""The images of a run: its data set, read, and divided into splits as the run's sampling and a seed say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.data.image_arrays import ImageArrays
from shared.data.image_source import ArraySource, LabelledSource
from shared.data.lazy import np
from shared.data.sampling import Sample, sample, select

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from shared.data.image_source import ImageSource
    from shared.data.sampling import Sampling
    from shared.runs.components import DataSet
    from shared.runs.fields import Split

    Indices = NDArray[np.intp]
    Labels = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Part:
    """The images of one split: their places, [N], in a source, their labels, [N], and how far each head is turned.

    That is in degrees, [N], or None where it is not known. `true_labels`, [N], are those before label noise, None where
    no noise is put on.
    """

    images: ImageSource
    index: Indices
    labels: Labels
    yaw: NDArray[np.float32] | None = None
    true_labels: Labels | None = None


@dataclass(frozen=True)
class Drawn:
    """What a seed of a run trains on and is tested on, by split.

    `minority` are the classes that are reported as such, `counts` the exact number of images of each class and split,
    `checksums` those of the files. `in_memory` says that the set is a small one, whose pixels are normalised by the
    mean and the deviation of those that are trained on.
    """

    parts: dict[Split, Part]
    classes: int
    minority: tuple[int, ...]
    counts: dict[str, Any]
    checksums: dict[str, str]
    in_memory: bool


def draw(data: DataSet, seed: int, root: Path) -> Drawn:
    """Read a data set below the data root, and draw from it what the seed trains on.

    Raises:
        UserError: the data set cannot be had, or leaves nothing to train on.

    """
    sampling: Sampling = data.sampling  # type: ignore[attr-defined] # a run's data set is one to train on
    loaded = data.of_seed(seed).load(root)
    training, test = _sources(loaded, data.classes)
    drawn = sample(training.labels, sampling, training.classes, seed, training.division)
    trained_on: dict[Split, Part] = {
        "train": Part(
            training.images,
            drawn.train,
            drawn.train_labels,
            _at(training.yaw, drawn.train),
            drawn.train_true_labels if sampling.label_noise else None,
        ),
        "held-out": Part(training.images, drawn.held_out, drawn.held_out_labels),
    }
    parts = trained_on | _tested_on(training, test, drawn, sampling.classes)
    tested = np.bincount(parts["test"].labels, minlength=drawn.classes).tolist()
    return Drawn(
        parts=parts,
        classes=drawn.classes,
        minority=drawn.minority,
        counts=drawn.counts | {"test": tested},
        checksums=training.checksums,
        in_memory=isinstance(loaded, ImageArrays),
    )


def _tested_on(
    training: LabelledSource, test: LabelledSource, drawn: Sample, chosen: tuple[int, ...] | None
) -> dict[Split, Part]:
    """Return the test images of classes trained on, those of other classes, and those to search in."""
    tested = np.arange(len(test.labels))
    labels: Labels = test.labels
    if chosen is not None:
        tested, labels, _ = select(labels, chosen, training.classes)
    unseen = np.setdiff1d(np.arange(len(labels)), tested)
    gallery = np.empty(0, np.intp)
    division = drawn.division
    if division is not None:
        test, tested, labels, gallery = training, division.test, division.labels, division.gallery
        unseen = division.unseen
    return {
        "test": Part(test.images, tested, labels[tested]),
        "unseen": Part(test.images, unseen, test.labels[unseen]),
        "gallery": Part(test.images, gallery, labels[gallery]),
    }


def _at(yaw: NDArray[np.float32] | None, index: Indices) -> NDArray[np.float32] | None:
    return None if yaw is None else yaw[index]


def _sources(loaded: ImageArrays | LabelledSource, classes: int) -> tuple[LabelledSource, LabelledSource]:
    """Return the images to train on and the test images, none where the data set has no test images of its own."""
    if isinstance(loaded, ImageArrays):
        return (
            LabelledSource(ArraySource(loaded.train_images), loaded.train_labels, classes, loaded.checksums),
            LabelledSource(ArraySource(loaded.test_images), loaded.test_labels, classes, loaded.checksums),
        )
    channels, height, width = loaded.images.shape
    nothing = np.empty((0, height, width, *([channels] if channels > 1 else [])), np.uint8)
    return loaded, LabelledSource(ArraySource(nothing), np.empty(0, np.int64), loaded.classes, loaded.checksums)
