"""Metrics of classes by how many images they have: weights and variances, nearest images, centers (figures 1, 3, 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from papers.feature_transfer.picture_metrics import as_bytes
from papers.feature_transfer.scheme import Turns
from papers.feature_transfer.transfer import Statistics, class_center, samples_at, transferred, update_statistics
from shared.errors import UserError
from shared.training.batches import ByClass, Images, Order
from shared.training.classification import ClassificationScheme
from shared.training.loop import EVALUATION_BATCH

FEW = 20
ENERGY = 0.95
YAW_LIMIT = 30.0
SHOWN = 200
"""So many samples of a class are kept at most."""
LEAST = 3
"""A single image is its class's center, and two are equally far from it, so that none of them is the nearest."""
ESTIMATORS = ("pick_one", "avg_all", "avg_flip")
TRUTHS = ("", "_eq5")
"""What a metric of an estimator has behind its name: nothing for the mean, or that the truth is by eq. 5."""
SEED = 0

Arrays = dict[str, NDArray[Any]]


class Embedder(Protocol):
    """A scheme that has been trained."""

    def embed(self, batches: Iterable[Tensor]) -> Tensor: ...  # noqa: D102


class Turning(Protocol):
    """A scheme whose training takes turns (see `papers.feature_transfer.scheme`)."""

    turns: Turns


class StageTurns:
    """What the turns of the two stages reached, where they end by convergence."""

    def __call__(self, scheme: Turning, _images: Images) -> dict[str, float]:
        """Return `turns`, how many were made, `best`, whose weights were taken, and `accuracy@N` after N of them.

        The accuracy, in percent, is that of FC on held-out images of under-represented classes; after 0 turns it is
        that of pre-training. Nothing is returned where no such images were watched.
        """
        turns = scheme.turns
        if not turns.accuracies:
            return {}
        reached = {f"accuracy@{number}": accuracy for number, accuracy in enumerate(turns.accuracies)}
        return {"turns": float(turns.made), "best": float(turns.best_turn), **reached}


class ClassBias:
    """Figure 1: what section 3.1 says of a classifier trained on classes of very different sizes.

    The two classes that are shown are picked at random, as in the paper, by a fixed seed: a regular one, and a UR one
    of two images or more if there is any. Their names in the paper, 1008 and 10449, are places in an order that it does
    not give. Runs that were trained on the same images show the same two. Without `mirror` no mirror images count in
    the centers between which virtual samples are moved.
    """

    def __init__(self, *, mirror: bool = True) -> None:
        self.mirror = mirror

    def __call__(self, scheme: ClassificationScheme, images: Images) -> tuple[dict[str, float], Arrays]:
        """Return the metrics without those that are not defined, and the arrays.

        Metrics: `norm_correlation`, Spearman's of the norms of the class weights with the class sizes; `norm_regular`,
        `norm_ur`, mean norms; `variance_regular`, `variance_ur`, mean over the classes of at least two images of the
        unbiased variance of their embeddings, summed over the dimensions, where UR are, as in the paper, the classes of
        no more than 20 images; `below_20`, percentage of classes of fewer than 20 images.

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
        samples = list(samples_at(scheme.embed, images, ByClass(labels).members, mirror=self.mirror))
        by_class = torch.cat([part.rich for part in samples])
        embeddings = by_class[torch.argsort(torch.cat([part.places for part in samples]))]
        metrics = {
            "norm_correlation": _rank_correlation(norms, sizes),
            "norm_regular": float(norms[regular].mean()),
            "norm_ur": float(norms[~regular].mean()),
            "below_20": 100 * float((sizes < FEW).mean()),
        }
        if few == FEW:
            variances = class_variances(embeddings.cpu().numpy(), labels, len(sizes))
            metrics["variance_regular"] = _defined_mean(variances[regular])
            metrics["variance_ur"] = _defined_mean(variances[~regular])
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
    embeddings: Tensor,
    labels: NDArray[np.int64],
    sizes: NDArray[np.int64],
    regular: NDArray[np.bool_],
    statistics: Statistics,
) -> Arrays:
    """Pick the two classes, and samples of them and for them."""
    random = np.random.default_rng(SEED)
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


class NearestToCenters:
    """Figure 3: of some classes the training image whose embedding is nearest to the mean of its class's.

    The `classes` largest classes and as many smallest ones of at least three images, the first of equals (see
    `extremes`). The paper takes the embeddings from VGGFace; here they are those of the scheme.
    """

    def __init__(self, *, classes: int) -> None:
        self.classes = classes

    def __call__(self, scheme: Embedder, images: Images) -> tuple[dict[str, float], Arrays]:
        """Return metrics and arrays of faces with pixels from -1 to 1.

        Metrics: `yaw_largest`, `yaw_smallest`, mean |yaw| in degrees of the images found, where it is known.

        Arrays, each also of `smallest`, for K classes from the largest and from the smallest on: `largest`, the images,
        uint8 [K, H, W] or [K, H, W, 3]; `classes_largest` and `sizes_largest` [K]; `yaws_largest` [K] in degrees where
        the yaw of any image is known.

        Raises:
            UserError: no two classes of at least three images differ in size.

        """
        labels = images.labels.cpu().numpy()
        sizes = np.bincount(labels)
        largest, smallest = extremes(sizes, self.classes)
        metrics: dict[str, float] = {}
        arrays: Arrays = {}
        for name, classes in (("largest", largest), ("smallest", smallest)):
            nearest = _nearest(scheme, images, labels, classes)
            arrays |= {
                name: as_bytes(images.normalised(torch.from_numpy(nearest).to(images.labels.device))),
                f"classes_{name}": classes,
                f"sizes_{name}": sizes[classes],
            }
            if images.yaw is not None:
                arrays[f"yaws_{name}"] = images.yaw[nearest]
                known = np.abs(images.yaw[nearest])
                known = known[~np.isnan(known)]
                if len(known):
                    metrics[f"yaw_{name}"] = float(known.mean())
        return metrics, arrays


def extremes(sizes: NDArray[np.integer], classes: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return so many largest classes, largest first, and smallest ones of three images or more, smallest first.

    The first of the ones has more images than the first of the others, the second than the second, and so on; where
    that ends, no more are returned. So no class is both.

    Raises:
        UserError: not even the first has.

    """
    enough = np.flatnonzero(sizes >= LEAST)
    largest = enough[np.argsort(-sizes[enough], kind="stable")][:classes]
    smallest = enough[np.argsort(sizes[enough], kind="stable")][:classes]
    count = int((sizes[largest] > sizes[smallest]).sum())
    if not count:
        raise UserError(
            f"no two of the {len(enough)} classes with three training images or more differ in size; "
            "train on classes of different sizes (data.sampling)"
        )
    return largest[:count], smallest[:count]


def _nearest(
    scheme: Embedder, images: Images, labels: NDArray[np.int64], classes: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Return the place of the image nearest to the mean of each class; only their images are embedded."""
    members = [np.flatnonzero(labels == label) for label in classes]
    order = np.concatenate(members)
    embeddings = scheme.embed(batch for batch, _ in images.in_order(EVALUATION_BATCH, order)).cpu().numpy()
    nearest, first = [], 0
    for places in members:
        own = embeddings[first : first + len(places)].astype(np.float64)
        nearest.append(places[np.linalg.norm(own - own.mean(axis=0), axis=1).argmin()])
        first += len(places)
    return np.array(nearest)


class ClassSamples(NamedTuple):
    """Features of all images of a class and of their mirror images, each [m, d] float64, and the yaw [m] or NaN."""

    features: Tensor
    mirrored: Tensor
    yaw: Tensor


class CenterErrors:
    """Figure 4: section 4.1 on the images that a network was trained on, by what its method `embedding` makes of them.

    Of each of some classes a few images are drawn, `draws` times for each of the `sizes`, to mimic an under-represented
    class. Their center is estimated by PickOne, one of the images; by AvgAll, the mean of their features; and by
    AvgFlip, eq. 5 with `limit` as the bound on |yaw| in degrees. The truth, which the paper takes from the full set, is
    here of the images that were not drawn: one of all would hold those drawn, and be the nearer to their estimate the
    fewer others there are. So errors include that of a center of so many images. Which center of the full set is the
    truth the paper does not say: their mean feature is, and apart from it their center by eq. 5.

    Classes with at least twice as many images as the largest size are taken, at most `classes`, at random. Where there
    are not two such classes the largest size is left out, and so on, so that all sizes are measured on the same
    classes.

    All distances are divided by the inter-class standard deviation, the root of the mean squared distance of the
    classes' means from the mean of these. The paper divides the error by the inter-class variance, then compares it
    with distances; here all have one unit (FT-E20). What is drawn is the same in every run on the same images.
    """

    def __init__(
        self,
        sizes: Sequence[int] = (1, 5, 10, 20),
        classes: int = 1000,
        draws: int = 10,
        limit: float = 30.0,
        embedding: str = "embed",
    ) -> None:
        self.sizes, self.classes, self.draws, self.limit = sorted(set(sizes)), classes, draws, limit
        self.embedding = embedding

    def __call__(self, scheme: Embedder, images: Images) -> dict[str, float]:
        """Return the metrics by name, each a mean over the classes, without those that are not defined.

        `pick_one@N`, `avg_all@N`, `avg_flip@N`: distance of the center that is estimated from N images from the mean
        of the others; mean over the draws too. `pick_one_eq5@N`, `avg_all_eq5@N`, `avg_flip_eq5@N`: the same from the
        center of the others by eq. 5. `intra_min`, `intra_mean`, `intra_max`: the least, mean and greatest
        distance of a class's samples from their mean, the circles of figure 4(b). `inter_min`, `inter_mean`,
        `inter_max`: the same of the means of the other classes. `classes`: how many there were; `yaw_known`: of how
        many percent of all images the yaw is known.

        Raises:
            UserError: no two classes have twice as many images as the smallest size.

        """
        stream = np.random.default_rng(SEED)
        labels = images.labels.cpu().numpy()
        sizes, chosen = self._chosen(labels, stream)
        members = [np.flatnonzero(labels == label) for label in chosen]
        samples = class_samples(getattr(scheme, self.embedding), images, members)
        centers = torch.stack([own.features.mean(0) for own in samples])
        distances = _spreads(samples, centers)
        for size in sizes:
            errors = torch.stack([self._errors(own, size, stream) for own in samples]).mean(0)
            for truth, row in zip(TRUTHS, errors.tolist(), strict=True):
                distances |= dict(zip((f"{name}{truth}@{size}" for name in ESTIMATORS), row, strict=True))
        unit = float((centers - centers.mean(0)).square().sum(1).mean().sqrt())
        metrics = {name: distance / unit for name, distance in distances.items()} if unit > 0 else {}
        known = 0.0 if images.yaw is None else 100 * float(np.mean(~np.isnan(images.yaw)))
        return metrics | {"classes": float(len(chosen)), "yaw_known": known}

    def _chosen(self, labels: NDArray[np.int64], stream: np.random.Generator) -> tuple[list[int], NDArray[np.int64]]:
        """Return the sizes that are measured, ascending, and the classes that they are measured on."""
        classes, counts = np.unique(labels, return_counts=True)
        for largest in reversed(self.sizes):
            large = classes[counts >= 2 * largest]
            if len(large) > 1:
                chosen = stream.choice(large, min(self.classes, len(large)), replace=False)
                return [size for size in self.sizes if size <= largest], np.sort(chosen)
        raise UserError(
            f"center-error: no two classes have {2 * self.sizes[0]} images, twice the smallest size; train on more, or "
            "lower `sizes`"
        )

    def _errors(self, own: ClassSamples, size: int, stream: np.random.Generator) -> Tensor:
        """Return how far the center of so many images of a class, by each estimator, is from that of the others.

        It is a mean over the draws, [2, 3], from their mean and from their center by eq. 5.
        """
        errors = []
        for _ in range(self.draws):
            order = torch.from_numpy(stream.permutation(len(own.features)))
            drawn, others = order[:size], order[size:]
            features, mirrored, yaw = (part[drawn] for part in own)
            flipped = class_center(features, mirrored, yaw, self.limit)
            estimates = torch.stack([features[0], features.mean(0), flipped])
            left = ClassSamples(*(part[others] for part in own))
            truths = torch.stack([left.features.mean(0), class_center(*left, self.limit)])
            errors.append((estimates - truths[:, None]).norm(dim=2))
        return torch.stack(errors).mean(0)


def class_samples(
    embed: Callable[[Iterable[Tensor]], Tensor], images: Images, members: Sequence[Order]
) -> list[ClassSamples]:
    """Return what `embed` makes of the images of each of some classes, whose places are `members`, on the CPU."""
    batches = (
        (own.rich.cpu().double(), own.mirrored.cpu().double(), own.yaw.cpu())
        for own in samples_at(embed, images, np.concatenate(members))
    )
    sizes = [len(own) for own in members]
    parts = (torch.split(torch.cat(part), sizes) for part in zip(*batches, strict=True))
    return [ClassSamples(*own) for own in zip(*parts, strict=True)]


def _spreads(samples: Sequence[ClassSamples], centers: Tensor) -> dict[str, float]:
    """Return the least, mean and greatest distance of the samples and of the other centers from each center [C, d]."""
    intra = [(own.features - center).norm(dim=1) for own, center in zip(samples, centers, strict=True)]
    others = ~torch.eye(len(centers), dtype=torch.bool)
    inter = torch.cdist(centers, centers)[others].view(len(centers), -1)
    metrics: dict[str, float] = {}
    for kind, distances in {"intra": intra, "inter": list(inter)}.items():
        circles = torch.stack([torch.stack([one.min(), one.mean(), one.max()]) for one in distances])
        metrics |= dict(zip((f"{kind}_min", f"{kind}_mean", f"{kind}_max"), circles.mean(0).tolist(), strict=True))
    return metrics
