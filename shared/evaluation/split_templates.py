"""Templates over several splits: verification and closed-set search of each split, then means over the splits.

IJB-A has ten splits, after Klare et al., "Pushing the frontiers of unconstrained face detection and recognition: IARPA
Janus Benchmark A" (2015). Templates are compared by the cosine of their directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from shared.evaluation.flip import Flip, embedded
from shared.evaluation.identification import identification, search
from shared.evaluation.roc import rates_at
from shared.evaluation.spread import mean, sd
from shared.evaluation.templates import media_weights, pair_scores, places_of, pooled, products

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from shared.data.evaluation_sets import Embed, Sightings, SplitTemplateSet, TemplateSplit

    Floats = NDArray[np.float32]
    Numbers = NDArray[np.int64]
    Scores = NDArray[np.floating]

POWERS = (2, 3)
RANKS = (1, 5, 10)


@dataclass(frozen=True)
class SplitTemplates:
    """The protocols of IJB-A on pooled templates.

    With `pooling` "average" a template is the mean of its images; with "media" the images of one medium are averaged
    first. Embeddings keep their lengths in either.
    """

    flip: Flip
    pooling: Literal["average", "media"]

    def __call__(self, data: SplitTemplateSet, embed: Embed) -> dict[str, float]:
        """Return `tar@1e-2`, `tar@1e-3`, `rank1`, `rank5` and `rank10`, each with `<name>_sd`; see `over_splits`."""
        embeddings = embedded(data.images, embed, self.flip)
        return over_splits([self._measured(split, embeddings) for split in data.splits])

    def _measured(self, split: TemplateSplit, embeddings: Floats) -> dict[str, float]:
        numbers, directions = self._pooled(split.compared, embeddings)
        scores = pair_scores(directions, places_of(split.first, numbers), places_of(split.second, numbers))
        gallery, probes = (self._pooled(sightings, embeddings)[1] for sightings in (split.gallery, split.probes))
        return protocols(split, scores, products(probes, gallery))

    def _pooled(self, sightings: Sightings, embeddings: Floats) -> tuple[NDArray[np.integer], Floats]:
        media = media_weights(sightings.template, sightings.medium)
        weights = media if self.pooling == "media" else np.ones_like(media)
        return pooled(embeddings[sightings.image], sightings.template, weights)


def protocols(split: TemplateSplit, compared: Scores, searched: Scores) -> dict[str, float]:
    """Return what a split's scores give, in percent: TAR at FAR of 10^-2 and 10^-3, and ranks of 1, 5 and 10.

    `compared`, [P], are the scores of the pairs, `searched`, [probes, gallery], those of the search, whose templates
    are in the order of their numbers. Ranks are those of the probes that have a mate in the gallery. What there are too
    few pairs or probes for is left out.
    """
    numbers, people = subjects(split.compared)
    same = people[places_of(split.first, numbers)] == people[places_of(split.second, numbers)]
    verified = rates_at("tar", compared[same], compared[~same], POWERS)
    found = search(searched, subjects(split.probes)[1], subjects(split.gallery)[1])
    return verified | identification(found, RANKS, ())


def subjects(sightings: Sightings) -> tuple[Numbers, Numbers]:
    """Return the distinct template numbers, ascending, and the person of each, [T]."""
    numbers, first = np.unique(sightings.template, return_index=True)
    return numbers, sightings.subject[first]


def over_splits(measured: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each metric over the splits, and its sample standard deviation as `<name>_sd`.

    A metric that a split does not have is left out, and so is the deviation over a single split.
    """
    metrics: dict[str, float] = {}
    for name in measured[0]:
        if all(name in split for split in measured):
            values = [split[name] for split in measured]
            spread = sd(values)
            metrics |= {name: mean(values)} | ({} if spread is None else {f"{name}_sd": spread})
    return metrics
