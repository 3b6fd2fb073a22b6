"""Figure 1: class sizes and weight norms, and the embeddings of a regular and of an under-represented class."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from papers.feature_transfer.statistics import Statistics, samples_by_class, update_statistics
from papers.feature_transfer.transfer import transferred
from shared.errors import UserError
from shared.training.batches import Images
from shared.training.classification import ClassificationScheme

FEW = 20
ENERGY = 0.95
YAW_LIMIT = 30.0
SHOWN = 200
"""So many samples of a class are kept at most."""

Arrays = dict[str, NDArray[Any]]


class ClassBias:
    """What section 3.1 says of a classifier trained on classes of very different sizes, measured on its training set.

    The two classes that are shown are picked at random, as in the paper, by a fixed seed: a regular one, and a UR one
    of two images or more if there is any. Their names in the paper, 1008 and 10449, are places in an order that it does
    not give. Runs that were trained on the same images show the same two.
    """

    def __call__(self, scheme: ClassificationScheme, images: Images) -> tuple[dict[str, float], Arrays]:
        """Return the metrics without those that are not defined, and the arrays.

        Metrics: `norm_correlation`, Spearman's of the norms of the class weights with the class sizes; `norm_regular`,
        `norm_ur`, mean norms; `variance_regular`, `variance_ur`, mean over the classes of at least two images of the
        unbiased variance of their embeddings, summed over the dimensions; `below_20`, percentage of classes of fewer
        than 20 images.

        Arrays: `sizes` [C] and `norms` [C] of all classes; `few`, the most images of a UR class (see `few_images`);
        `chosen` [2], the regular and the UR class shown, with their `weights` [2, d] and embeddings, `regular` [R, d]
        and `ur` [U, d]; `transferred` [R, d], virtual samples of the UR class: random samples of regular classes, moved
        to its center by eq. 7 in the space of the embeddings, with the centers of eq. 5 and a Q that holds 95 % of the
        energy. Of each class at most 200 random samples.

        Raises:
            UserError: all classes have equally many images.

        """
        labels = images.labels.cpu().numpy()
        vectors = scheme.class_vectors()[:, 0].float().cpu().numpy()
        sizes, norms = np.bincount(labels, minlength=len(vectors)), np.linalg.norm(vectors, axis=1)
        few = few_images(sizes)
        regular = sizes > few
        samples = list(samples_by_class(scheme.embed, images))
        by_class = torch.cat([part.rich for part in samples])
        embeddings = by_class[torch.argsort(torch.cat([part.places for part in samples]))]
        variances = class_variances(embeddings.cpu().numpy(), labels, len(sizes))
        metrics = {
            "norm_correlation": _rank_correlation(norms, sizes),
            "norm_regular": float(norms[regular].mean()),
            "norm_ur": float(norms[~regular].mean()),
            "variance_regular": _defined_mean(variances[regular]),
            "variance_ur": _defined_mean(variances[~regular]),
            "below_20": 100 * float((sizes < FEW).mean()),
        }
        statistics = update_statistics(
            samples, classes=len(sizes), regular=torch.from_numpy(regular), limit=YAW_LIMIT, energy=ENERGY
        )
        arrays = {"sizes": sizes, "norms": norms, "few": np.array(few)}
        arrays |= _two_classes(embeddings, labels, sizes, regular, statistics)
        arrays["weights"] = vectors[arrays["chosen"]]
        return {name: value for name, value in metrics.items() if np.isfinite(value)}, arrays


def few_images(sizes: NDArray[np.integer]) -> int:
    """Return how many images a UR class has at most, from the sizes [C] of all classes.

    That is 20, as in the paper, where it divides the classes; else their median size, but less than the largest.

    Raises:
        UserError: all classes have equally many images.

    """
    if sizes.min() <= FEW < sizes.max():
        return FEW
    if sizes.min() == sizes.max():
        raise UserError(
            f"all {len(sizes)} classes have {sizes.max()} training images, so none is under-represented; "
            "train on classes of different sizes (data.sampling)"
        )
    return min(int(np.median(sizes)), int(sizes.max()) - 1)


def class_variances(embeddings: NDArray[np.floating], labels: NDArray[np.integer], classes: int) -> NDArray[np.float64]:
    """Return the unbiased variance of each class's embeddings [N, d], summed over d, [classes].

    It is NaN for a class of fewer than two.
    """
    ends = np.cumsum(np.bincount(labels, minlength=classes))
    parts = np.split(embeddings[np.argsort(labels, kind="stable")], ends[:-1])
    return np.array([part.var(axis=0, ddof=1, dtype=np.float64).sum() if len(part) > 1 else np.nan for part in parts])


def _two_classes(
    embeddings: torch.Tensor,
    labels: NDArray[np.int64],
    sizes: NDArray[np.int64],
    regular: NDArray[np.bool_],
    statistics: Statistics,
) -> Arrays:
    """Pick the two classes, and samples of them and for them."""
    random = np.random.default_rng(0)
    enough = ~regular & (sizes >= min(2, sizes[~regular].max()))
    chosen = np.array([random.choice(np.flatnonzero(regular)), random.choice(np.flatnonzero(enough))])
    own, few = (_some(random, np.flatnonzero(labels == label), SHOWN) for label in chosen)
    moved = _some(random, np.flatnonzero(regular[labels]), len(own))
    sources = statistics.centers[torch.from_numpy(labels[moved])]
    virtual = transferred(
        embeddings[torch.from_numpy(moved)], sources, statistics.centers[int(chosen[1])], statistics.basis
    )
    kept = embeddings[torch.from_numpy(own)], embeddings[torch.from_numpy(few)], virtual
    names = ("regular", "ur", "transferred")
    return {"chosen": chosen} | {name: part.cpu().numpy() for name, part in zip(names, kept, strict=True)}


def _some(random: np.random.Generator, places: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """Return at most so many of the places, drawn without replacement, in ascending order."""
    return np.sort(random.choice(places, min(most, len(places)), replace=False))


def _rank_correlation(norms: NDArray[np.floating], sizes: NDArray[np.integer]) -> float:
    """Return Spearman's correlation, NaN where all norms are equal but for rounding."""
    return np.nan if np.ptp(norms) <= 1e-5 * norms.max() else float(spearmanr(norms, sizes).statistic)


def _defined_mean(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else np.nan
