"""Recognition of test images of the classes trained on, by nearest center (section 4.3) and one-shot (section 4.4)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from shared.evaluation.angles import Floats, normalised
from shared.evaluation.output import Output

BLOCK = 512
"""So many images are compared with all classes at a time."""
PRECISION = 99
"""Of coverage, in percent, a whole number, so that whether it is reached is a question of whole numbers."""
ROUNDING = 1e-12
"""Two cosines that differ by no more than that are equal."""


class NearestCenters:
    """Find the class of a test image by the center that is nearest to its embedding, among those of the gallery.

    A class has as its center the mean of the embeddings of its gallery images, all of them: the text says "feature
    center from the training images", and eq. 5, which adds mirror images and leaves out turned heads, is said of rich
    features that are transferred. The paper does not say what nearest is; here it is by cosine, as on LFW and IJB-A. A
    tie counts against the search, and so does a class without gallery images.

    With `classifier` it is measured too what FC itself, whose bias the paper is about, makes of the test images.
    """

    def __init__(self, *, classifier: bool = False) -> None:
        self.classifier = classifier

    def __call__(self, gallery: Output, test: Output) -> dict[str, float]:
        """Return the metrics by name, without those of which there is nothing.

        `rank1_regular`, `rank1_ur`: the share of the test images that are found, in percent. With `classifier`,
        `rank1_regular_fc`, `rank1_ur_fc`: the share that FC gives to their class, among all, of the test images of
        classes trained on; `norm_regular_fc`, `norm_ur_fc`: the mean length of FC's class weights. UR are the classes
        that `test` lists as its minority.
        """
        found = nearest_is_own(*centers(gallery), test)
        rare = np.isin(test.labels, test.minority)
        metrics = {f"rank1_{kind}": 100 * part for kind, part in _means(found, rare).items()}
        if self.classifier:
            trained = test.labels < test.classes
            right = (test.predictions == test.labels)[trained]
            norms = np.linalg.norm(test.class_vectors[:, 0].astype(np.float64), axis=1)
            of_norms = _means(norms, np.isin(np.arange(test.classes), test.minority))
            metrics |= {f"rank1_{kind}_fc": 100 * part for kind, part in _means(right, rare[trained]).items()}
            metrics |= {f"norm_{kind}_fc": length for kind, length in of_norms.items()}
        return metrics


def _means(values: NDArray[Any], rare: NDArray[np.bool_]) -> dict[str, float]:
    """Return the means of values [N] of regular and of UR classes, of those of which there are any."""
    parts = {"regular": values[~rare], "ur": values[rare]}
    return {kind: float(part.mean()) for kind, part in parts.items() if len(part)}


def centers(output: Output) -> tuple[Floats, NDArray[np.int64]]:
    """Return the mean embedding [C, d] of each class that occurs, and these classes [C] in ascending order."""
    order = np.argsort(output.labels, kind="stable")
    classes, begins = np.unique(output.labels[order], return_index=True)
    images = np.split(order, begins[1:])
    return np.stack([output.embeddings[part].mean(axis=0, dtype=np.float64) for part in images]), classes


def nearest_is_own(points: Floats, classes: NDArray[np.int64], test: Output) -> NDArray[np.bool_]:
    """Return for each test image, [N], whether the center of its class is nearer by cosine than any other.

    `points` [C, d] are the centers of `classes` [C], in ascending order. Cosines are formed for a block of images at a
    time, since those of 100,000 images and 20,000 centers would fill 16 GB.
    """
    directions = normalised(points)
    own = np.minimum(np.searchsorted(classes, test.labels), len(classes) - 1)
    found = np.empty(len(own), bool)
    for begin in range(0, len(own), BLOCK):
        part = slice(begin, begin + BLOCK)
        cosines = normalised(test.embeddings[part]) @ directions.T
        rows = np.arange(len(cosines))
        mate = cosines[rows, own[part]]
        cosines[rows, own[part]] = -np.inf
        found[part] = mate > cosines.max(axis=1) + ROUNDING
    found[classes[own] != test.labels] = False
    return found


class OneShotRecognition:
    """Classify test images of base and of novel classes among all of them, by the softmax of the last layer.

    The confidence is the output of the softmax, as section 4.4 has it; the logits are W f, the layer having no bias
    (eq. 2). Novel are the classes that the output lists as its minority.

    Coverage is that of the MS-Celeb-1M challenge of 2017, which Guo and Zhang (2017) introduce: of N images a
    recogniser names the M in which it has enough confidence, and C of these rightly. Its precision is C / M, its
    coverage M / N. It is taken over the images of novel classes alone; to name one of a base class is wrong.
    """

    def __call__(self, test: Output) -> dict[str, float]:
        """Return `rank1_base`, `rank1_novel` and `coverage`, in percent; what has no images is left out.

        `rank1_`: the share of the images of a kind whose most likely class, among all, is their own. `coverage`: the
        largest share of the images of novel classes that a threshold of confidence can let pass such that at least
        99 % of these are right; 0 where there is no such threshold.
        """
        named, confidence = most_likely(test.embeddings, test.class_vectors[:, 0])
        right = named == test.labels
        novel = np.isin(test.labels, test.minority)
        metrics = {}
        if not novel.all():
            metrics["rank1_base"] = 100 * float(right[~novel].mean())
        if novel.any():
            metrics["rank1_novel"] = 100 * float(right[novel].mean())
            metrics["coverage"] = coverage(confidence[novel], right[novel])
        return metrics


def most_likely(embeddings: NDArray[np.floating], weights: NDArray[np.floating]) -> tuple[NDArray[np.int64], Floats]:
    """Return the most likely class of each embedding, [N], and how confident the softmax is of it, [N].

    Embeddings are [N, d], weights [C, d] with C of at least two. The confidence is log(p / (1 - p)) of the class's
    probability p, which orders images as p does but tells those apart whose p rounds to 1. Of classes that are equally
    likely the first is named.
    """
    wide = weights.astype(np.float64)
    named = np.empty(len(embeddings), np.int64)
    confidence = np.empty(len(embeddings))
    for begin in range(0, len(embeddings), BLOCK):
        part = slice(begin, begin + BLOCK)
        logits = embeddings[part].astype(np.float64) @ wide.T
        first = logits.argmax(axis=1)
        rows = np.arange(len(logits))
        largest = logits[rows, first]
        logits[rows, first] = -np.inf
        named[part] = first
        confidence[part] = largest - logsumexp(logits, axis=1)
    return named, confidence


def coverage(confidence: Floats, right: NDArray[np.bool_]) -> float:
    """Return the largest share, in percent, of images [N] that a threshold lets pass with 99 % of these right.

    Every threshold is tried by sorting. Images of one confidence pass together.
    """
    order = np.argsort(-confidence)
    passed = np.arange(1, len(order) + 1)
    precise = 100 * np.cumsum(right[order]) >= PRECISION * passed
    last_of_its_confidence = np.append(np.diff(confidence[order]) < 0, True)
    return 100 * float(passed[precise & last_of_its_confidence].max(initial=0)) / len(order)
