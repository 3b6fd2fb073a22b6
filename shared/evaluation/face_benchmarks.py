"""The benchmarks on faces: from a data set and the network's embedding of images to metrics by name, in percent.

Embeddings are compared by the cosine of the angle between them, and joined with those of the mirror images as `flip`
says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from shared.errors import UserError
from shared.evaluation.cosine import cosines
from shared.evaluation.distractors import Screening, strongest
from shared.evaluation.flip import Flip, embedded
from shared.evaluation.identification import identification, search
from shared.evaluation.roc import acceptable, rates_at, share_above
from shared.evaluation.spread import mean, sd
from shared.evaluation.templates import media_weights, pair_scores, places_of, pooled, products
from shared.evaluation.verification import Thresholds, fold_accuracies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.data.evaluation_sets import DistractorSet, Embed, PairSet, TemplateSet, VideoPairSet


@dataclass(frozen=True)
class Verification:
    """Accuracy over folds of pairs of images, the threshold chosen on the other folds; TAR at FAR over all pairs.

    `thresholds` says among which it is chosen (see `shared.evaluation.verification`).
    """

    flip: Flip
    thresholds: Thresholds = "exact"

    def __call__(self, data: PairSet, embed: Embed) -> dict[str, float]:
        """Return `accuracy` and `accuracy_sd`, mean and sample standard deviation over the folds, and the TAR.

        The standard deviation of F folds has F - 1 in its denominator; InsightFace prints it with F, for ten folds
        0.949 times as much. The TAR is `tar@1e-1` to `tar@1e-3`, without those for which there are too few pairs of two
        people.
        """
        scores = _pair_scores(embedded(data.images, embed, self.flip), data)
        accuracies = fold_accuracies(scores, data.same, data.folds, self.thresholds)
        return _over_folds(accuracies) | rates_at("tar", scores[data.same], scores[~data.same], range(1, 4))


@dataclass(frozen=True)
class VideoVerification:
    """Accuracy over folds of pairs of videos, as of images; a video is the direction of its frames' mean embedding."""

    flip: Flip

    def __call__(self, data: VideoPairSet, embed: Embed) -> dict[str, float]:
        """Return `accuracy` and `accuracy_sd`, mean and sample standard deviation over the folds."""
        embeddings = embedded(data.frames, embed, self.flip)
        numbers, videos = pooled(embeddings, data.video, np.ones(len(embeddings), np.float32))
        scores = cosines(videos, places_of(data.first, numbers), videos, places_of(data.second, numbers))
        return _over_folds(fold_accuracies(scores, data.same, data.folds))


@dataclass(frozen=True)
class Templates:
    """The 1:1 and 1:N protocols of IJB-B and IJB-C.

    `norms` says whether the length of an image's embedding weighs it in its template; `detector`, whether the
    detector's score does. By default InsightFace's evaluation of IJB keeps the norms, weighs by the detector too, and
    adds the embedding of the mirror image.
    """

    flip: Flip
    norms: Literal["kept", "removed"] = "kept"
    detector: bool = False

    def __call__(self, data: TemplateSet, embed: Embed) -> dict[str, float]:
        """Return `tar@1e-1` to `tar@1e-6`; with galleries `rank1`, `rank5`, `tpir@1e-1` and `tpir@1e-2` too.

        Those of identification are means over the galleries, each searched by all probes, as NIST's reports have it.
        InsightFace's evaluation searches the two galleries of a set as one, in which every probe has a mate, and counts
        its false positives among the pairs of a probe and an entry: not to be compared with these.
        """
        embeddings = embedded(data.images, embed, self.flip)
        numbers, directions = pooled(embeddings, data.template, self._weights(data, embeddings))
        del embeddings
        scores = pair_scores(directions, places_of(data.first, numbers), places_of(data.second, numbers))
        metrics = rates_at("tar", scores[data.same], scores[~data.same], range(1, 7))
        return metrics | _identified(data, numbers, directions)

    def _weights(self, data: TemplateSet, embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
        weights = media_weights(data.template, data.media)
        if self.norms == "removed":
            weights /= np.maximum(np.linalg.norm(embeddings, axis=1), np.finfo(np.float32).tiny)
        if self.detector:
            if data.scores is None:
                raise UserError("weights by the detector's scores need a set with scores: choose `detector: false`")
            weights *= data.scores
        return weights


@dataclass(frozen=True)
class Distractors:
    """MegaFace challenge 1: identification among distractors, and verification over all pairs with them.

    Identification: each ordered pair of two probe images of one person makes the second the only gallery image of that
    person; it is of rank 1 if it is more alike to the first than every distractor. A tie counts against it.
    Verification: the pairs of probe images of one person are genuine, and each probe with each distractor an impostor.
    `screening` changes the speed alone.
    """

    flip: Flip
    screening: Screening | None = None

    def __call__(self, data: DistractorSet, embed: Embed) -> dict[str, float]:
        """Return `rank1` and, with a million pairs of a probe and a distractor or more, `tar@1e-6`."""
        probes = embedded(data.probes, embed, self.flip)
        distractors = embedded(data.distractors, embed, self.flip)
        accepted = acceptable(len(probes) * len(distractors), 6)
        nearest, greatest = strongest(probes, distractors, accepted + 1 if accepted else 0, self.screening)
        first, second = _of_one_person(data.people)
        genuine = cosines(probes, first, probes, second)
        if not len(genuine):
            return {}
        found = np.concatenate([genuine > nearest[first], genuine > nearest[second]])
        verified = {"tar@1e-6": share_above(genuine, greatest[0])} if accepted else {}
        return {"rank1": 100 * float(found.mean())} | verified


def _pair_scores(embeddings: NDArray[np.float32], data: PairSet) -> NDArray[np.float64]:
    return cosines(embeddings, data.first, embeddings, data.second)


def _over_folds(accuracies: NDArray[np.float64]) -> dict[str, float]:
    values = accuracies.tolist()
    spread = sd(values)
    return {"accuracy": mean(values)} | ({} if spread is None else {"accuracy_sd": spread})


def _identified(data: TemplateSet, numbers: NDArray[np.integer], directions: NDArray[np.float32]) -> dict[str, float]:
    """Return the means over the galleries of what is measured in each of them."""

    def searched(templates: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        people = np.array([data.subjects[template] for template in templates.tolist()], np.int64)
        return directions[places_of(templates, numbers)], people

    if not data.galleries:
        return {}
    probes, people = searched(data.probes)
    by_gallery = []
    for templates in data.galleries:
        gallery, owners = searched(templates)
        found = search(products(probes, gallery), people, owners)
        by_gallery.append(identification(found, ranks=(1, 5), powers=(1, 2)))
    names = [name for name in by_gallery[0] if all(name in metrics for metrics in by_gallery)]
    return {name: mean([metrics[name] for metrics in by_gallery]) for name in names}


def _of_one_person(people: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the places of the first and the second image of each unordered pair of images of one person."""
    groups = (np.flatnonzero(people == person) for person in np.unique(people))
    pairs = [group[np.stack(np.triu_indices(len(group), 1))] for group in groups]
    first, second = np.concatenate([np.empty((2, 0), np.intp), *pairs], axis=1)
    return first, second
