"""Speed and memory of the face protocols at their real size, from generated embeddings to metrics.

    pairs       ten-fold verification accuracy of 6,000 pairs
    templates   IJB-C 1:1: 469,375 images, 23,124 templates, 15,658,489 pairs
    megaface    3,530 probes against 1,000,000 distractors: rank-1 and TAR at a FAR of 1e-6

Each runs in a process of its own, with 512 dimensions. What public scripts do, written plainly here, is done in the
same process and in turn with ours, on one in `--part` of the size where all of it would take minutes; the rows have the
metrics that each finds:

    pairs       400 thresholds on squared distances for the accuracy and the curve of each fold, 4,000 for the share
                accepted at one rate; all of it
    templates   one search among all images for each template; both directions of each pair gathered; the curve of
                scikit-learn; the point nearest to the rate
    megaface    one product of all distractors with each probe, and all scores kept

The machine's own rate is that of float32 products of square matrices, by the faster of numpy and torch. Peaks are those
of the process, with the embeddings.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

from benchmarks.measuring import (
    Row,
    Seconds,
    afresh,
    at_least,
    gemm_rates,
    in_turn,
    main,
    parser,
    resident,
    row,
    seconds,
)
from shared.data.evaluation_sets import DistractorSet, PairSet, TemplateSet
from shared.data.image_source import ArraySource, ImageSource
from shared.evaluation.distractors import Screening, fastest_screening
from shared.evaluation.face_benchmarks import Distractors, Templates, Verification

Floats = NDArray[np.float32]
Metrics = dict[str, float]

PEOPLE_OF_TEMPLATES, IMAGES_OF_PROBE = 3531, 44
# Standard deviation of a coordinate of a person's embeddings about their mean, whose own is 1: none too easy.
SPREAD = {"pairs": 2.5, "templates": 8.0, "megaface": 1.5}
GEMM_SIZE = 2048


@dataclass(frozen=True)
class Size:
    """How much is compared."""

    pairs: int = 6000
    images: int = 469_375
    templates: int = 23_124
    template_pairs: int = 15_658_489
    genuine_pairs: int = 19_557
    probes: int = 3530
    distractors: int = 1_000_000
    dimensions: int = 512

    def times(self, factor: float) -> Size:
        """Return so many times the templates and the distractors."""
        names = ("images", "templates", "template_pairs", "genuine_pairs", "probes", "distractors")
        return replace(self, **{name: int(getattr(self, name) * factor) for name in names})


SMOKE = Size(400, 3000, 400, 20_000, 200, 88, 20_000, 32)


class Known:
    """A network that knows the embeddings of the images of some sources."""

    def __init__(self, *embeddings: Floats) -> None:
        blank = np.zeros((1, 1, 1), np.uint8)
        self.sources = [ArraySource(np.broadcast_to(blank, (len(rows), 1, 1))) for rows in embeddings]
        self.embeddings = embeddings

    def __call__(self, images: ImageSource, mirrored: bool) -> Floats:  # noqa: ARG002
        """Return the embeddings of all images of a source."""
        return next(rows for source, rows in zip(self.sources, self.embeddings, strict=True) if source is images)


def of_people(people: NDArray[np.int64], dimensions: int, spread: float, generator: np.random.Generator) -> Floats:
    """Return an embedding for each image of these people."""
    means = generator.standard_normal((int(people.max()) + 1, dimensions), np.float32)
    embeddings = generator.standard_normal((len(people), dimensions), np.float32)
    for begin in range(0, len(people), 10_000):
        part = slice(begin, begin + 10_000)
        embeddings[part] = spread * embeddings[part] + means[people[part]]
    return embeddings


def pair_set(size: Size) -> tuple[PairSet, Known]:
    """Return pairs in ten folds, every other one of one person, and the embeddings of their images."""
    person = np.arange(2 * size.pairs)
    person[1::4] = person[::4]
    network = Known(of_people(person, size.dimensions, SPREAD["pairs"], np.random.default_rng(0)))
    first, second = np.arange(0, 2 * size.pairs, 2), np.arange(1, 2 * size.pairs, 2)
    folds = np.arange(size.pairs) * 10 // size.pairs
    return PairSet(network.sources[0], first, second, person[first] == person[second], folds, {}), network


def template_set(size: Size) -> tuple[TemplateSet, Known]:
    """Return templates of at least one image in up to eight media, in random pairs, and the images' embeddings."""
    generator = np.random.default_rng(0)
    people = min(PEOPLE_OF_TEMPLATES, size.templates // 2)
    others = generator.integers(0, size.templates, size.images - size.templates)
    template = np.sort(np.concatenate([np.arange(size.templates), others]))
    media = 8 * template + generator.integers(0, 8, size.images)
    network = Known(of_people(template % people, size.dimensions, SPREAD["templates"], generator))
    impostors = size.template_pairs - size.genuine_pairs
    genuine = generator.integers(0, size.templates - people, size.genuine_pairs)
    first, second = generator.integers(0, size.templates - 1, (2, impostors))
    second[(first - second) % people == 0] += 1
    order = generator.permutation(size.template_pairs)
    data = TemplateSet(
        images=network.sources[0],
        template=template,
        media=media,
        first=np.concatenate([genuine, first])[order],
        second=np.concatenate([genuine + people, second])[order],
        same=order < size.genuine_pairs,
        subjects={},
        galleries=(),
        probes=np.empty(0, np.int64),
        checksums={},
    )
    return data, network


def distractor_set(size: Size) -> tuple[DistractorSet, Known]:
    """Return probes of people with several images each, distractors, and the embeddings of both."""
    generator = np.random.default_rng(0)
    people = np.arange(size.probes) // IMAGES_OF_PROBE
    distractors = generator.standard_normal((size.distractors, size.dimensions), np.float32)
    network = Known(of_people(people, size.dimensions, SPREAD["megaface"], generator), distractors)
    return DistractorSet(network.sources[0], people, network.sources[1], {}), network


def unit(embeddings: Floats) -> Floats:
    """Return the directions of embeddings."""
    directions: Floats = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return directions


def plain_pairs(data: PairSet, network: Known) -> Metrics:
    """Ten-fold accuracy and curve by a grid of thresholds, and the share accepted at a FAR of 1e-3 by a finer one."""
    directions = unit(network.embeddings[0])
    distances = np.square(directions[data.first] - directions[data.second]).sum(axis=1)

    def judged(part: NDArray[np.bool_], threshold: float) -> tuple[float, float, float]:
        accepted, same = distances[part] < threshold, data.same[part]
        true, false = np.sum(accepted & same), np.sum(accepted & ~same)
        rejected = np.sum(~accepted & ~same)
        return true / same.sum(), false / np.sum(~same), 100 * (true + rejected) / len(same)

    thresholds, finer = np.arange(0, 4, 0.01), np.arange(0, 4, 0.001)
    accuracies, curves, rates = [], [], []
    for fold in range(10):
        inside = data.folds == fold
        best = np.argmax([judged(~inside, threshold)[2] for threshold in thresholds])
        curves.append([judged(inside, threshold) for threshold in thresholds])
        accuracies.append(judged(inside, thresholds[best])[2])
        false = [judged(~inside, threshold)[1] for threshold in finer]
        rates.append(judged(inside, np.interp(1e-3, false, finer))[0])
    true, false, _ = np.mean(curves, axis=0).T
    return {
        "accuracy": float(np.mean(accuracies)),
        "accuracy_sd": float(np.std(accuracies, ddof=1)),
        "area": 100 * float(np.trapezoid(true, false)),
        "accepted@1e-3": 100 * float(np.mean(rates)),
    }


def plain_templates(data: TemplateSet, network: Known) -> Metrics:
    """TAR at FAR of templates that are pooled one after the other."""
    embeddings = network.embeddings[0]
    numbers = np.unique(data.template)
    pooled = np.zeros((len(numbers), embeddings.shape[1]))
    for place, number in enumerate(numbers):
        images = np.where(data.template == number)[0]
        media = data.media[images]
        pooled[place] = sum(embeddings[images[media == medium]].mean(axis=0) for medium in np.unique(media))
    directions = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    scores = np.zeros(len(data.first))
    for begin in range(0, len(scores), 100_000):
        part = slice(begin, begin + 100_000)
        scores[part] = np.sum(directions[data.first[part]] * directions[data.second[part]], axis=-1)
    false, true, _ = (values[::-1] for values in roc_curve(data.same, scores))
    return {f"tar@1e-{power}": 100 * float(true[np.argmin(np.abs(false - 10.0**-power))]) for power in range(1, 7)}


def plain_distractors(data: DistractorSet, network: Known) -> Metrics:
    """Rank-1 and TAR at a FAR of 1e-6 from all scores."""
    probes, distractors = map(unit, network.embeddings)
    scores = np.empty((len(probes), len(distractors)), np.float32)
    for place, probe in enumerate(probes):
        scores[place] = distractors @ probe
    nearest = scores.max(axis=1)
    found, genuine = [], []
    for first, person in enumerate(data.people):
        for second in np.flatnonzero(data.people == person):
            if first != second:
                genuine.append(probes[first] @ probes[second])
                found.append(genuine[-1] > nearest[first])
    metrics = {"rank1": 100 * float(np.mean(found))}
    accepted = scores.size // 10**6
    if accepted:
        threshold = np.partition(scores.ravel(), -accepted - 1)[-accepted - 1]
        metrics["tar@1e-6"] = 100 * float(np.mean(np.array(genuine) > threshold))
    return metrics


def timed(ways: Mapping[str, Callable[[], Metrics]], repetitions: int) -> tuple[Seconds, dict[str, Metrics]]:
    """Return the seconds of each way, in turn, and its metrics; what takes seconds needs no warm-up."""
    found: dict[str, Metrics] = {}

    def find(name: str) -> None:
        found[name] = ways[name]()

    parts = {name: partial(seconds, partial(find, name)) for name in ways}
    return in_turn(parts, repetitions, warm_up=False), found


def shown(metrics: Metrics) -> str:
    """Return metrics in a line."""
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())


def beside_plain(what: str, ways: Mapping[str, Callable[[], Metrics]], repetitions: int) -> list[Row]:
    """Return the rows of the plain way and ours."""
    taken, found = timed(ways, repetitions)
    return [row(f"{what}, {way}", one, taken["plain"], note=shown(found[way])) for way, one in taken.items()]


def fastest_product() -> float:
    """Return the seconds of a float32 matrix product, the best of ten of numpy's and ten of torch's."""
    a, b = torch.rand(2, GEMM_SIZE, GEMM_SIZE)
    x, y = a.numpy(), b.numpy()
    ways: list[Callable[[], object]] = [lambda: x @ y, lambda: torch.mm(a, b)]
    return min(seconds(way) for way in ways for _ in range(10))


def measured_pairs(size: Size, given: argparse.Namespace) -> list[Row]:
    """Measure ten-fold accuracy, plainly and ours."""
    data, network = pair_set(size)
    ways = {"plain": partial(plain_pairs, data, network), "ours": partial(Verification(flip="none"), data, network)}
    return beside_plain(f"ten-fold accuracy of {size.pairs:,} pairs", ways, given.repetitions)


def measured_templates(size: Size, given: argparse.Namespace) -> list[Row]:
    """Measure 1:1 of templates, whole with its peak memory, and a part of it plainly and ours."""
    protocol = Templates(flip="none")
    taken, found = timed({"ours": partial(protocol, *template_set(size))}, given.repetitions)
    of = f"1:1 of {size.template_pairs:,} pairs of {size.templates:,} templates of {size.images:,} images"
    whole = row(of, taken["ours"], peak_mib=resident("VmHWM"), note=shown(found["ours"]))
    few = template_set(size.times(1 / given.part))
    ways = {"plain": partial(plain_templates, *few), "ours": partial(protocol, *few)}
    return [whole, *beside_plain(f"1:1, one in {given.part}", ways, given.repetitions)]


def measured_megaface(size: Size, given: argparse.Namespace) -> list[Row]:
    """Measure identification among distractors by each screening, and a part of it plainly and ours."""
    data, network = distractor_set(size)
    screenings: list[Screening] = ["float32"] if fastest_screening() == "float32" else ["float32", "int8"]
    ways: dict[str, Callable[[], Metrics]] = {
        one: partial(Distractors(flip="none", screening=one), data, network) for one in screenings
    }
    rounds, found = [], dict[str, Metrics]()
    for _ in range(given.repetitions):
        one, found = timed(ways, 1)
        rounds.append({name: taken[0] for name, taken in one.items()} | {"gemm": fastest_product()})
    rates = gemm_rates(GEMM_SIZE, [one["gemm"] for one in rounds])
    rows = [
        row(
            f"1:N, {size.probes:,} probes among {size.distractors:,} distractors, {screening}",
            [one[screening] for one in rounds],
            operations=2 * size.probes * size.distractors * size.dimensions,
            rates=rates,
            peak_mib=resident("VmHWM"),
            note=shown(found[screening]),
        )
        for screening in screenings
    ]
    few = distractor_set(size.times(1 / given.part))
    ways = {"plain": partial(plain_distractors, *few), "ours": partial(Distractors(flip="none"), *few)}
    return rows + beside_plain(f"1:N, one in {given.part} of both", ways, given.repetitions)


PARTS: dict[str, Callable[[Size, argparse.Namespace], list[Row]]] = {
    "pairs": measured_pairs,
    "templates": measured_templates,
    "megaface": measured_megaface,
}


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Measure each part in a process of its own, which starts with as many threads as were asked for."""
    asked = {name: getattr(given, name) for name in vars(Size()) if getattr(given, name) is not None}
    size = replace(Size() if given.scale == "full" else SMOKE, **asked)
    for name in given.only:
        yield from afresh(PARTS[name], size, given)


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    options = parser(__doc__, threads=os.cpu_count() or 1, repetitions=3)
    options.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), help="what to measure (all)")
    options.add_argument("--scale", choices=("full", "smoke"), default="full", help="smoke only tries the script out")
    options.add_argument("--part", type=at_least(1), default=10, help="the plain way has one in so many (10)")
    sizes = options.add_argument_group("sizes, where not those of the scale")
    for field in vars(Size()):
        sizes.add_argument(f"--{field.replace('_', '-')}", type=int)
    return options.parse_args(arguments)


if __name__ == "__main__":
    main(measured, parsed())
