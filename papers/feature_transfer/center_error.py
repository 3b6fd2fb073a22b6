"""How far the center of a few images is from that of all the images of a class: figure 4."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from papers.feature_transfer.statistics import class_center
from shared.errors import UserError
from shared.training.batches import Images
from shared.training.loop import EVALUATION_BATCH

ESTIMATORS = ("pick_one", "avg_all", "avg_flip")
SEED = 0


class Embedder(Protocol):
    """A network that has been trained."""

    def embed(self, batches: Iterable[Tensor]) -> Tensor: ...  # noqa: D102


class ClassSamples(NamedTuple):
    """Features of all images of a class and of their mirror images, each [m, d] float64, and the yaw [m] or NaN."""

    features: Tensor
    mirrored: Tensor
    yaw: Tensor


class CenterErrors:
    """Section 4.1 on the images that a network was trained on, with its features f.

    Of each of some classes a few images are drawn, `draws` times for each of the `sizes`, to mimic an under-represented
    class. Their center is estimated by PickOne, one of the images; by AvgAll, the mean of their features; and by
    AvgFlip, eq. 5 with `limit` as the bound on |yaw| in degrees. The truth is the center of the full set, which is read
    as the mean feature of all images of the class (section 3.3), and also as eq. 5 of all of them: the first favours
    AvgAll where not many more images are there than are drawn, the second AvgFlip.

    Classes with more images than the largest size are taken, at most `classes`, at random. Where there are not two such
    classes the largest size is left out, and so on, so that all sizes are measured on the same classes.

    All distances are divided by the inter-class standard deviation, the root of the mean squared distance of the
    classes' means from the mean of these. The paper divides the error by the inter-class variance, then compares it
    with distances; here all have one unit (FT-E20). What is drawn is the same in every run on the same images.
    """

    def __init__(
        self, sizes: Sequence[int] = (1, 5, 10, 20), classes: int = 1000, draws: int = 10, limit: float = 30.0
    ) -> None:
        self.sizes, self.classes, self.draws, self.limit = sorted(set(sizes)), classes, draws, limit

    def __call__(self, scheme: Embedder, images: Images) -> dict[str, float]:
        """Return the metrics by name, each a mean over the classes, without those that are not defined.

        `pick_one@N`, `avg_all@N`, `avg_flip@N`: distance of the center that is estimated from N images from the mean
        of all; mean over the draws too. `pick_one_frontal@N` and so on: the same from eq. 5 of all.
        `intra_min`, `intra_mean`, `intra_max`: the least, mean and greatest distance of a class's samples from their
        mean, the circles of figure 4(b). `inter_min`, `inter_mean`, `inter_max`: the same of the means of the other
        classes. `classes`: how many there were; `yaw_known`: of how many percent of all images the yaw is known.

        Raises:
            UserError: no two classes have more images than the smallest size.

        """
        stream = np.random.default_rng(SEED)
        labels = images.labels.cpu().numpy()
        sizes, chosen = self._chosen(labels, stream)
        samples = samples_of(scheme, images, [np.flatnonzero(labels == label) for label in chosen])
        centers = torch.stack([own.features.mean(0) for own in samples])
        distances = _spreads(samples, centers)
        frontal = torch.stack([class_center(*own, self.limit) for own in samples])
        for size in sizes:
            estimates = torch.stack([self._estimates(own, size, stream) for own in samples])
            for reading, truth in (("", centers), ("_frontal", frontal)):
                errors = (estimates - truth[:, None, None]).norm(dim=3).mean((0, 1))
                names = (f"{name}{reading}@{size}" for name in ESTIMATORS)
                distances |= dict(zip(names, errors.tolist(), strict=True))
        unit = float((centers - centers.mean(0)).square().sum(1).mean().sqrt())
        metrics = {name: distance / unit for name, distance in distances.items()} if unit > 0 else {}
        known = 0.0 if images.yaw is None else 100 * float(np.mean(~np.isnan(images.yaw)))
        return metrics | {"classes": float(len(chosen)), "yaw_known": known}

    def _chosen(self, labels: NDArray[np.int64], stream: np.random.Generator) -> tuple[list[int], NDArray[np.int64]]:
        """Return the sizes that are measured, ascending, and the classes that they are measured on."""
        classes, counts = np.unique(labels, return_counts=True)
        for largest in reversed(self.sizes):
            large = classes[counts > largest]
            if len(large) > 1:
                chosen = stream.choice(large, min(self.classes, len(large)), replace=False)
                return [size for size in self.sizes if size <= largest], np.sort(chosen)
        least = self.sizes[0]
        raise UserError(f"center-error: no two classes have more than {least} images; train on more, or lower `sizes`")

    def _estimates(self, own: ClassSamples, size: int, stream: np.random.Generator) -> Tensor:
        """Return the center as each estimator has it from each draw of so many images, [draws, 3, d]."""
        estimates = []
        for _ in range(self.draws):
            drawn = torch.from_numpy(stream.choice(len(own.features), size, replace=False))
            features, mirrored, yaw = (part[drawn] for part in own)
            flipped = class_center(features, mirrored, yaw, self.limit)
            estimates.append(torch.stack([features[0], features.mean(0), flipped]))
        return torch.stack(estimates)


def samples_of(scheme: Embedder, images: Images, members: Sequence[NDArray[np.intp]]) -> list[ClassSamples]:
    """Return the features, on the CPU, of the images of each of some classes."""
    order = np.concatenate(members)
    batches = (
        scheme.embed([batch, batch.flip(3)]).cpu().double().tensor_split(2)
        for batch, _ in images.in_order(EVALUATION_BATCH, order)
    )
    features, mirrored = map(torch.cat, zip(*batches, strict=True))
    known = np.full(len(images), np.nan, np.float32) if images.yaw is None else images.yaw
    yaw = torch.from_numpy(known[order])
    sizes = [len(own) for own in members]
    parts = (torch.split(part, sizes) for part in (features, mirrored, yaw))
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
