"""What the decoder makes of centers and of moved features, and what is measured of it: section 4.6, figures 6 to 8."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite, nan
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from papers.feature_transfer.transfer import (
    Statistics,
    identity_path,
    plain_path,
    transferred,
    variation_path,
    yaw_at,
)
from shared.errors import UserError
from shared.training.batches import Images, Order
from shared.training.loop import EVALUATION_BATCH

Arrays = dict[str, NDArray[np.generic]]

SEED = 0
DRAWN = 1000
"""At most so many images of regular classes are embedded, and as many of under-represented ones."""
SHOWN = 8
PAIRS = 5
STEPS = 7
PARTNERS = 20
"""So many samples of regular classes are moved to each under-represented class."""
SOME_CLASSES = 32


class Framing(Protocol):
    """A network that says what it sees of an image."""

    def framed(self, images: Tensor) -> Tensor: ...  # noqa: D102


class Decoding(Protocol):
    """A scheme whose rich features can be decoded (see `papers.feature_transfer.scheme`)."""

    few: int

    @property
    def network(self) -> Framing: ...  # noqa: D102
    def embed_rich(self, batches: Iterable[Tensor]) -> Tensor: ...  # noqa: D102
    def decode(self, rich: Tensor) -> Tensor: ...  # noqa: D102
    def statistics_of(self, images: Images) -> Statistics: ...  # noqa: D102


class TransferredPictures:
    """Figures 6 to 8 of a scheme and the images that it was trained on, and claims of the paper as numbers.

    Pictures are uint8, `[..., S, S]`, as the network sees and decodes them. What is drawn at random is the same in
    every run on the same images.
    """

    def __call__(self, scheme: Decoding, images: Images) -> tuple[dict[str, float], Arrays]:
        """Return the metrics, without those that are not defined, and the arrays by name.

        `energy`: share of V's trace that Q keeps, in percent (FT-C18).

        `identity_kept`: percentage of the samples moved from regular to under-represented classes that are nearest to
        the center of the class they were moved to, of all centers; `identity_unmoved`: of those samples as they were,
        nearest to the center of their own class, which no transfer has to exceed; `variance_ratio`: mean squared
        distance from their center, over that of the regular samples from theirs, which by eq. 7 is the energy that Q
        keeps of them; `variance_ratio_before`: that of the class's own samples (FT-C19). The four are there where some
        class is under-represented.

        `center_symmetry`, `mean_symmetry`, `pair_symmetry`, `sample_symmetry`: mean correlation of a decoded picture
        with its mirror image, of regular classes' centers (eq. 5), of their mean features without mirror images, of the
        mean of a sample and its mirror image, and of samples. The first and the third tend to symmetry by construction,
        the second only where a class does (FT-C21a). `center_identity`: percentage of the decoded centers that, encoded
        again, are nearest to the center that they were decoded from, of all; `sample_identity`: of decoded samples,
        nearest to the center of their class, which shows what the decoder loses of any picture (FT-C21b).
        `evenness_plain`, `evenness_variation`, `evenness_identity`: the largest step over the mean step along a path of
        interpolation, as distances of decoded pictures, 1 at the least; mean over the pairs of figure 7 (FT-C20).

        Figure 6: `samples`, `sample_classes`, `sample_yaw` [K] and `centers`, decoded. Figure 7: `inputs`,
        `reconstructed`, `moved` [P, 2], where `moved[:, 0]` goes from the first class to the second and `moved[:, 1]`
        back, `pair_classes` and `pair_yaw` [P, 2]. Figure 8: `weights` [A] and, between the first of these pairs,
        `plain`, `variation` and `identity` [A]. Yaw is in degrees, NaN where it is not known.

        Raises:
            UserError: there are no two regular classes.

        """
        experiment = _Experiment(scheme, images, scheme.statistics_of(images), np.random.default_rng(SEED))
        of_regular, of_few = experiment.places()
        regular = experiment.samples(experiment.drawn(of_regular))
        pairs = opposite_pairs(regular.labels.cpu().numpy(), regular.yaw, PAIRS)
        if not len(pairs):
            raise UserError(
                f"features are moved between two regular classes, of more than {scheme.few} images, and there are no "
                "two: lower scheme.few"
            )
        first, second = regular.at(pairs[:, 0]), regular.at(pairs[:, 1])
        evenness, paths = experiment.interpolated(first, second)
        metrics = {
            "energy": 100 * experiment.statistics.energy(),
            **(experiment.moved_to_few(regular, of_few) if len(of_few) else {}),
            **experiment.symmetries(regular),
            **experiment.identities(regular),
            **evenness,
        }
        # Of pictures that are all alike there is no evenness, and of features that are, no ratio.
        defined = {name: value for name, value in metrics.items() if isfinite(value)}
        return defined, experiment.decoded_centers(of_regular) | experiment.exchanged(first, second) | paths


@dataclass(frozen=True)
class _Samples:
    """Images at `places`, [N]: their rich features [N, d], classes, and yaw in degrees, NaN where it is not known."""

    places: Order
    rich: Tensor
    labels: Tensor
    yaw: NDArray[np.float32]

    def at(self, index: NDArray[np.integer]) -> _Samples:
        chosen = torch.from_numpy(index).to(self.rich.device)
        return _Samples(self.places[index], self.rich[chosen], self.labels[chosen], self.yaw[index])


@dataclass(frozen=True)
class _Experiment:
    """A scheme, the images that it was trained on, their statistics, and what random choices are drawn from."""

    scheme: Decoding
    images: Images
    statistics: Statistics
    stream: np.random.Generator

    def places(self) -> tuple[Order, Order]:
        """Return the places of the images of regular and of under-represented classes."""
        labels = self.images.labels.cpu().numpy()
        is_regular = np.bincount(labels)[labels] > self.scheme.few
        return np.flatnonzero(is_regular), np.flatnonzero(~is_regular)

    def drawn(self, places: Order) -> Order:
        """Return places in a random order, at most `DRAWN`."""
        return self.stream.permutation(places)[:DRAWN]

    def samples(self, places: Order) -> _Samples:
        """Return the samples at some places."""
        rich = self.scheme.embed_rich(batch for batch, _ in self.images.in_order(EVALUATION_BATCH, places))
        return _Samples(places, rich, self.images.labels[self._index(places)], yaw_at(self.images, places))

    def symmetries(self, regular: _Samples) -> dict[str, float]:
        """Return how symmetric decoded centers, means, samples with their mirror images, and samples are.

        They are of the first regular classes in the order of the samples.
        """
        classes = list(dict.fromkeys(regular.labels.tolist()))[:SOME_CLASSES]
        labels = self.images.labels.cpu().numpy()
        means = [self.samples(np.flatnonzero(labels == label)).rich.mean(0) for label in classes]
        batches = self.images.in_order(EVALUATION_BATCH, regular.places)
        mirrored = self.scheme.embed_rich(batch.flip(3) for batch, _ in batches)
        decoded = {
            "center": self.statistics.centers[self._index(np.array(classes))],
            "mean": torch.stack(means),
            "pair": (regular.rich + mirrored) / 2,
            "sample": regular.rich,
        }
        return {f"{name}_symmetry": symmetry(self.scheme.decode(rich)) for name, rich in decoded.items()}

    def identities(self, regular: _Samples) -> dict[str, float]:
        """Return how many percent of the decoded centers and samples of regular classes keep theirs, encoded again."""
        classes = self._index(np.unique(regular.labels.cpu().numpy()))
        decoded = {"center": (self.statistics.centers[classes], classes), "sample": (regular.rich, regular.labels)}
        return {f"{name}_identity": self._identity(self._again(rich), own) for name, (rich, own) in decoded.items()}

    def _again(self, rich: Tensor) -> Tensor:
        """Return the rich features of what others are decoded to."""
        return self.scheme.embed_rich(torch.split(self.scheme.decode(rich), EVALUATION_BATCH))

    def _identity(self, rich: Tensor, classes: Tensor) -> float:
        """Return how many percent of rich features are nearest to the center of their class, of all centers."""
        return 100 * float((self._nearest(rich) == classes).double().mean())

    def _nearest(self, rich: Tensor) -> Tensor:
        """Return the class of the center that is nearest to each of some rich features."""
        # The center of a class without images is NaN, which would count as the least of all distances.
        return torch.cdist(rich, self.statistics.centers).nan_to_num(nan=torch.inf).argmin(1)

    def moved_to_few(self, regular: _Samples, of_few: Order) -> dict[str, float]:
        """Measure what becomes of samples of regular classes that are moved to under-represented ones."""
        centers, labels = self.statistics.centers, self.images.labels
        few = np.unique(labels[self._index(of_few)].cpu().numpy())
        kept, unmoved, squares = 0, 0, 0.0
        for some in np.split(few, range(SOME_CLASSES, len(few), SOME_CLASSES)):
            partners = regular.at(self.stream.integers(len(regular.places), size=PARTNERS * len(some)))
            targets = torch.from_numpy(np.repeat(some, PARTNERS)).to(labels.device)
            moved = self._moved(partners, targets)
            kept += int((self._nearest(moved) == targets).sum())
            unmoved += int((self._nearest(partners.rich) == partners.labels).sum())
            squares += float((moved - centers[targets]).double().square().sum())
        count = PARTNERS * len(few)
        spread = self._variance(regular)
        return {
            "identity_kept": 100 * kept / count,
            "identity_unmoved": 100 * unmoved / count,
            "variance_ratio": squares / count / spread if spread else nan,
            "variance_ratio_before": self._variance(self.samples(self.drawn(of_few))) / spread if spread else nan,
        }

    def decoded_centers(self, of_regular: Order) -> Arrays:
        """Return figure 6: a sample each of some regular classes, and the decoded centers."""
        shuffled = self.stream.permutation(of_regular)
        classes, first = np.unique(self.images.labels[self._index(shuffled)].cpu().numpy(), return_index=True)
        chosen = np.sort(self.stream.permutation(len(classes))[:SHOWN])
        places = shuffled[first[chosen]]
        return {
            "samples": self._seen(places),
            "centers": self._decoded(self.statistics.centers[self._index(classes[chosen])]),
            "sample_classes": classes[chosen],
            "sample_yaw": yaw_at(self.images, places),
        }

    def exchanged(self, first: _Samples, second: _Samples) -> Arrays:
        """Return figure 7: pairs of images, decoded as they are, and each decoded when moved to the other's class."""
        both = first, second
        moved = self._moved(first, second.labels), self._moved(second, first.labels)
        return {
            "inputs": np.stack([self._seen(side.places) for side in both], axis=1),
            "reconstructed": np.stack([self._decoded(side.rich) for side in both], axis=1),
            "moved": np.stack([self._decoded(rich) for rich in moved], axis=1),
            "pair_classes": np.stack([side.labels.cpu().numpy() for side in both], axis=1),
            "pair_yaw": np.stack([side.yaw for side in both], axis=1),
        }

    def interpolated(self, first: _Samples, second: _Samples) -> tuple[dict[str, float], Arrays]:
        """Return how even the interpolations between pairs are, and figure 8, those between the first pair."""
        weights = torch.linspace(0, 1, STEPS, device=first.rich.device)
        centers, basis = self.statistics.centers, self.statistics.basis
        pictures: dict[str, list[Tensor]] = {"plain": [], "variation": [], "identity": []}
        for one, other, label, other_label in zip(first.rich, second.rich, first.labels, second.labels, strict=True):
            center, other_center = centers[label], centers[other_label]
            paths = {
                "plain": plain_path(one, other, weights),
                "variation": variation_path(center, other, other_center, basis, weights),
                "identity": identity_path(one, center, other_center, weights),
            }
            for name, path in paths.items():
                pictures[name].append(self.scheme.decode(path))
        metrics = {
            f"evenness_{name}": float(np.mean([evenness(path) for path in paths])) for name, paths in pictures.items()
        }
        shown = {name: as_bytes(paths[0]) for name, paths in pictures.items()}
        return metrics, {"weights": weights.cpu().numpy(), **shown}

    def _moved(self, samples: _Samples, targets: Tensor) -> Tensor:
        """Return the rich features of samples, each moved to the class of its target."""
        centers = self.statistics.centers
        return transferred(samples.rich, centers[samples.labels], centers[targets], self.statistics.basis)

    def _variance(self, samples: _Samples) -> float:
        """Return the mean squared distance of samples from the centers of their classes."""
        offsets = samples.rich - self.statistics.centers[samples.labels]
        return float(offsets.double().square().sum(1).mean())

    def _seen(self, places: Order) -> NDArray[np.uint8]:
        """Return the images at some places as the network sees them."""
        return as_bytes(self.scheme.network.framed(self.images.normalised(self._index(places))))

    def _decoded(self, rich: Tensor) -> NDArray[np.uint8]:
        return as_bytes(self.scheme.decode(rich))

    def _index(self, places: NDArray[np.integer]) -> Tensor:
        return torch.from_numpy(places).to(self.images.labels.device)


def opposite_pairs(labels: NDArray[np.integer], yaw: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Return up to `count` pairs of places [P, 2] of samples, the most oppositely turned first; no class comes twice.

    `labels` and `yaw` are [N]; the first of a pair is the one turned further to the negative side. A head of unknown
    yaw, NaN, counts as frontal, so that where none is known the first and the last of the samples make a pair.
    """
    turned = np.nan_to_num(yaw)
    order = np.argsort(turned, kind="stable")
    pairs: list[tuple[np.intp, np.intp]] = []
    while len(pairs) < count and len(np.unique(labels[order])) > 1:
        lowest, highest = order[0], order[-1]
        above = order[labels[order] != labels[lowest]][-1]
        below = order[labels[order] != labels[highest]][0]
        pair = max((lowest, above), (below, highest), key=lambda ends: turned[ends[1]] - turned[ends[0]])
        pairs.append(pair)
        order = order[~np.isin(labels[order], labels[list(pair)])]
    return np.array(pairs, np.intp).reshape(-1, 2)


def symmetry(pictures: Tensor) -> float:
    """Return the mean correlation of the pixels of pictures `[N, 1, S, S]` with those of their mirror images.

    A picture of one grey alone is symmetric.
    """
    centered = pictures.double() - pictures.double().mean((1, 2, 3), keepdim=True)
    agreeing = (centered * centered.flip(3)).sum((1, 2, 3)) / centered.square().sum((1, 2, 3))
    return float(agreeing.nan_to_num(nan=1.0).mean())


def evenness(path: Tensor) -> float:
    """Return the largest over the mean distance of neighbours along a path of pictures `[A, 1, S, S]`.

    It is 1 where all steps are of one length, the number of steps where one jump is all; NaN where nothing changes.
    """
    steps = path.double().diff(dim=0).flatten(1).norm(dim=1)
    return float(steps.max() / steps.mean())


def as_bytes(pictures: Tensor) -> NDArray[np.uint8]:
    """Return pictures `[N, C, H, W]` in -1..1, C 1 or 3, as uint8 `[N, H, W]` or `[N, H, W, 3]`."""
    pixels: NDArray[np.uint8] = ((pictures + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return pixels[..., 0] if pixels.shape[-1] == 1 else pixels
