"""Template adaptation: the protocols of IJB-A by a linear SVM for each template.

Crosswhite, Byrne, Parkhi, Stauffer, Cao, Zisserman, "Template adaptation for face verification and identification",
IEEE FG 2017. The images of a medium are averaged and the average is given length 1. The media features of a template
are the positive examples of its SVM, those of the people whom the split trains on the negative ones. In a search, the
SVMs of the gallery have those of all other gallery templates as negatives too ("gallery adaptation"), the SVMs of the
probes have not ("probe adaptation"). An SVM minimises

    |w|^2 / 2 + C_p sum_positive max(0, 1 - w x)^2 + C_n sum_negative max(0, 1 + w x)^2

with C_p = COST (N_p + N_n) / (2 N_p) and C_n = COST (N_p + N_n) / (2 N_n). Two templates with SVMs P and Q and mean
media features p and q have the score (P q + Q p) / 2.

The text of the paper beyond its abstract was not at hand. Found in the janus package that its authors' group published
later: scikit-learn's LinearSVC with squared hinge, C of 10, balanced classes and no intercept, among other variants;
training media as negatives of all, gallery media as further ones of the gallery; the mean of the scores of a template's
media; the mean of both SVMs' scores. The same class costs, times 1, are in the scripts for IJB-A of the repository
ZhaoJ9014/High-Performance-Face-Recognition. Assumed: that these are the paper's choices, in verification too, and that
the mean of a template's media features, which stands for them in the score, is not given length 1 again. Media features
of training people are pooled by person and medium, so that none counts twice.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.svm import LinearSVC

from shared.evaluation.flip import Flip, embedded
from shared.evaluation.split_templates import over_splits, protocols, subjects
from shared.evaluation.templates import places_of, pooled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from shared.data.evaluation_sets import Embed, Sightings, SplitTemplateSet, TemplateSplit

    Floats = NDArray[np.floating]
    Numbers = NDArray[np.integer]

COST = 10.0
TOLERANCE = 1e-3


@dataclass(frozen=True)
class AdaptedTemplates:
    """The protocols of IJB-A with template adaptation."""

    flip: Flip

    def __call__(self, data: SplitTemplateSet, embed: Embed) -> dict[str, float]:
        """Return the metrics of `shared.evaluation.split_templates.SplitTemplates`, by these scores."""
        embeddings = embedded(data.images, embed, self.flip)
        return over_splits([_measured(split, embeddings) for split in data.splits])


class ProbeSvms:
    """SVMs of templates against one set of negative examples, [N, d]; that of a template is trained once."""

    def __init__(self, negatives: Floats) -> None:
        self.negatives = negatives
        self._known: dict[bytes, Floats] = {}

    def of(self, templates: Sequence[Floats]) -> Floats:
        """Return the weights, [T, d], of templates given by their media features, [M, d] each."""
        keys = [features.tobytes() for features in templates]
        fresh = {key: features for key, features in zip(keys, templates, strict=True) if key not in self._known}
        unknown = list(fresh.values())
        trained = _in_threads(lambda place: svm(unknown[place], self.negatives), len(unknown))
        self._known.update(zip(fresh, trained, strict=True))
        return np.stack([self._known[key] for key in keys])


def svm(positives: Floats, negatives: Floats) -> Floats:
    """Return the weights, [d], of the SVM of positive and negative examples, [N_p, d] and [N_n, d].

    In the primal LIBLINEAR needs ten or so of Newton's steps, in the dual hundreds of passes over the examples.
    """
    classifier = LinearSVC(C=COST, class_weight="balanced", fit_intercept=False, dual=False, tol=TOLERANCE)
    labels = np.repeat((1, -1), (len(positives), len(negatives)))
    weights: Floats = classifier.fit(np.concatenate([positives, negatives]), labels).coef_[0]
    return weights


def gallery_svms(gallery: Sequence[Floats], people: Numbers, negatives: Floats) -> Floats:
    """Return the weights, [G, d], of a gallery's templates against `negatives` and all templates of other people.

    `people`, [G], says whom each of the templates, [M, d], shows.
    """

    def trained(place: int) -> Floats:
        others = [features for features, person in zip(gallery, people, strict=True) if person != people[place]]
        return svm(gallery[place], np.concatenate([negatives, *others]))

    return np.stack(_in_threads(trained, len(gallery)))


def media_features(embeddings: Floats, sightings: Sightings, owner: Numbers) -> list[Floats]:
    """Return the media features, [M, d], of each distinct owner, ascending; `owner`, [S], names that of each sighting.

    A media feature is the direction of the mean embedding of a medium of an owner; an image counts once in it.
    """
    rows = np.unique(np.stack([owner, sightings.medium, sightings.image], axis=1), axis=0)
    media, group = np.unique(rows[:, :2], axis=0, return_inverse=True)
    _, directions = pooled(embeddings[rows[:, 2]], group.ravel(), np.ones(len(rows), np.float32))
    starts = np.unique(media[:, 0], return_index=True)[1]
    return np.split(directions.astype(np.float64), starts[1:])


def _measured(split: TemplateSplit, embeddings: Floats) -> dict[str, float]:
    compared, gallery, probes = (
        media_features(embeddings, sightings, sightings.template)
        for sightings in (split.compared, split.gallery, split.probes)
    )
    verification_negatives, search_negatives = (
        np.concatenate(media_features(embeddings, sightings, sightings.subject))
        for sightings in (split.verification_training, split.search_training)
    )
    svms = ProbeSvms(verification_negatives)
    numbers, _ = subjects(split.compared)
    first, second = places_of(split.first, numbers), places_of(split.second, numbers)
    weights, means = svms.of(compared), _means(compared)
    pairs = ((weights[first] * means[second]).sum(axis=1) + (weights[second] * means[first]).sum(axis=1)) / 2
    # NIST's lists train on the same people in both protocols, so that most probes' SVMs are there.
    if not np.array_equal(search_negatives, verification_negatives):
        svms = ProbeSvms(search_negatives)
    enrolled = gallery_svms(gallery, subjects(split.gallery)[1], search_negatives)
    searched = (svms.of(probes) @ _means(gallery).T + _means(probes) @ enrolled.T) / 2
    return protocols(split, pairs, searched)


def _means(templates: Sequence[Floats]) -> Floats:
    return np.stack([features.mean(axis=0) for features in templates])


def _in_threads(function: Callable[[int], Floats], count: int) -> list[Floats]:
    """Return the values of 0..count-1, found in as many threads as the process has: LIBLINEAR lets others run."""
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        return list(threads.map(function, range(count)))
