"""Speed and memory of the face protocols at their real size, from generated embeddings to metrics.

    pairs       ten-fold verification accuracy of 6,000 pairs
    templates   IJB-C 1:1: 469,375 images, 23,124 templates, 15,658,489 pairs
    megaface    3,530 probes against 1,000,000 distractors: rank-1 and TAR at a FAR of 1e-6

Each runs in a process of its own, with 512 dimensions. What public scripts do, written plainly here, is done in the
same process and in turn with ours, on one in `--part` of the size where all of it would take minutes:

    pairs       400 thresholds on squared distances for the accuracy and the curve of each fold, 4,000 for the share
                accepted at one rate; all of it
    templates   one search among all images for each template; both directions of each pair gathered; the curve of
                scikit-learn; the point nearest to the rate
    megaface    one product of all distractors with each probe, and all scores kept

The machine's own rate is that of float32 products of square matrices, by the faster of numpy and torch.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import roc_curve

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

    def part(self, divisor: int) -> Size:
        """Return a part of the templates and of the distractors."""
        names = ("images", "templates", "template_pairs", "genuine_pairs", "probes", "distractors")
        return replace(self, **{name: getattr(self, name) // divisor for name in names})


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


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that something took, and what it returned."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def in_turn(ways: Mapping[str, Callable[[], Metrics]], repetitions: int) -> dict[str, Any]:
    """Return for each way its metrics and its seconds, once a repetition, and the ratios of plain to ours."""
    rounds = [{name: timed(way) for name, way in ways.items()} for _ in range(repetitions)]
    seconds = {name: [one[name][0] for one in rounds] for name in ways}
    ratios = [plain / ours for plain, ours in zip(seconds["plain"], seconds["ours"], strict=True)]
    return {"seconds": seconds, "metrics": {name: rounds[0][name][1] for name in ways}, "ratios": ratios}


def peak_mib() -> float:
    """Return the greatest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def gemm_rates() -> dict[str, float]:
    """Return the float32 matrix product rates (GFLOP/s) of numpy and torch, each the best of ten products."""
    a, b = torch.rand(2, GEMM_SIZE, GEMM_SIZE)
    x, y = a.numpy(), b.numpy()
    ways: dict[str, Callable[[], Any]] = {"numpy": lambda: x @ y, "torch": lambda: torch.mm(a, b)}
    return {name: 2 * GEMM_SIZE**3 / min(timed(way)[0] for _ in range(10)) / 1e9 for name, way in ways.items()}


def measured_pairs(size: Size, given: argparse.Namespace) -> dict[str, Any]:
    """Measure ten-fold accuracy, ours and plainly."""
    data, network = pair_set(size)
    protocol = Verification(flip="none")
    return in_turn(
        {"ours": lambda: protocol(data, network), "plain": lambda: plain_pairs(data, network)}, given.repetitions
    )


def measured_templates(size: Size, given: argparse.Namespace) -> dict[str, Any]:
    """Measure 1:1 of templates, whole with its peak memory, and a part of it ours and plainly."""
    protocol = Templates(flip="none")
    data, network = template_set(size)
    whole = [timed(lambda: protocol(data, network)) for _ in range(given.repetitions)]
    result = {"whole": [seconds for seconds, _ in whole], "whole_metrics": whole[0][1], "peak_mib": peak_mib()}
    few, known = template_set(size.part(given.part))
    ways = {"ours": lambda: protocol(few, known), "plain": lambda: plain_templates(few, known)}
    return result | in_turn(ways, given.repetitions)


def measured_megaface(size: Size, given: argparse.Namespace) -> dict[str, Any]:
    """Measure identification among distractors by each screening, and a part of it ours and plainly."""
    data, network = distractor_set(size)
    operations = 2 * size.probes * size.distractors * size.dimensions
    screenings: list[Screening] = ["float32"] if fastest_screening() == "float32" else ["float32", "int8"]
    rounds = []
    for _ in range(given.repetitions):
        rates = gemm_rates()
        one: dict[str, Any] = {"gemm": rates}
        for screening in screenings:
            protocol = Distractors(flip="none", screening=screening)
            seconds, metrics = timed(partial(protocol, data, network))
            rate = operations / seconds / 1e9
            share = rate / max(rates.values())
            one[screening] = {"seconds": seconds, "metrics": metrics, "gflops": rate, "share": share}
        rounds.append(one)
    result = {"screenings": screenings, "rounds": rounds, "peak_mib": peak_mib()}
    few, known = distractor_set(size.part(given.part))
    ours = Distractors(flip="none")
    ways = {"ours": lambda: ours(few, known), "plain": lambda: plain_distractors(few, known)}
    return result | in_turn(ways, given.repetitions)


PARTS: dict[str, Callable[[Size, argparse.Namespace], dict[str, Any]]] = {
    "pairs": measured_pairs,
    "templates": measured_templates,
    "megaface": measured_megaface,
}


def apart(name: str, size: Size, given: argparse.Namespace) -> dict[str, Any]:
    """Measure one part in a process of its own, which starts with as many threads as were asked for."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(PARTS[name], (size, given))


def shown(result: Mapping[str, Any]) -> list[str]:
    """Return the lines that say how ours and the plain way compare."""
    ours, plain = (median(result["seconds"][way]) for way in ("ours", "plain"))
    ratios = result["ratios"]
    between = f"{median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
    return [
        f"  ours {ours:.3f} s, plain {plain:.2f} s: ratio {between}",
        *(f"  {way:5s} {metrics(result['metrics'][way])}" for way in ("ours", "plain")),
    ]


def metrics(values: Metrics) -> str:
    """Return metrics in a line."""
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def report(name: str, result: Mapping[str, Any], size: Size, part: int) -> None:
    """Print what was measured of one part."""
    few = size.part(part)
    if name == "pairs":
        lines = [f"ten-fold accuracy of {size.pairs:,} pairs"]
    elif name == "templates":
        lines = [
            f"1:1 of {size.images:,} images, {size.templates:,} templates, {size.template_pairs:,} pairs",
            f"  {median(result['whole']):.2f} s (least {min(result['whole']):.2f}), peak {result['peak_mib']:.0f} MiB",
            f"  {metrics(result['whole_metrics'])}",
            f"  of {few.images:,} images, {few.templates:,} templates, {few.template_pairs:,} pairs:",
        ]
    else:
        lines = [f"{size.probes:,} probes against {size.distractors:,} distractors, peak {result['peak_mib']:.0f} MiB"]
        for one in result["rounds"]:
            lines.append("  GEMM float32: " + ", ".join(f"{way} {rate:.0f}" for way, rate in one["gemm"].items()))
            lines[-1] += " GFLOP/s"
            lines += [
                f"  {screening:8s} {one[screening]['seconds']:7.2f} s  {one[screening]['gflops']:6.0f} GFLOP/s  "
                f"{100 * one[screening]['share']:4.0f} % of GEMM  {metrics(one[screening]['metrics'])}"
                for screening in result["screenings"]
            ]
        lines.append(f"  of {few.probes:,} probes and {few.distractors:,} distractors:")
    print("\n".join([*lines, *shown(result)]), flush=True)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=list(PARTS), help="what to measure (all)")
    parser.add_argument("--scale", choices=("full", "smoke"), default="full", help="smoke only tries the script out")
    parser.add_argument("--part", type=int, default=10, help="the plain way has one in so many (10)")
    parser.add_argument("--repetitions", type=int, default=3, help="rounds in turn (3)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="threads (all cores)")
    parser.add_argument("--json", type=Path, help="where to keep the numbers")
    sizes = parser.add_argument_group("sizes, where not those of the scale")
    for field in vars(Size()):
        sizes.add_argument(f"--{field.replace('_', '-')}", type=int)
    given = parser.parse_args(arguments)
    for name in ("part", "repetitions", "threads"):
        if getattr(given, name) < 1:
            parser.error(f"--{name}: {getattr(given, name)} is below 1")
    return given


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    given = parsed(arguments)
    asked = {name: getattr(given, name) for name in vars(Size()) if getattr(given, name) is not None}
    size = replace(Size() if given.scale == "full" else SMOKE, **asked)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(given.threads)
    print(f"{given.threads} threads, torch {torch.__version__}, numpy {np.__version__}, {size.dimensions} dimensions")
    results = {}
    for name in given.only:
        results[name] = apart(name, size, given)
        report(name, results[name], size, given.part)
    if given.json:
        kept = {"threads": given.threads, "size": vars(size), "part": given.part, **results}
        given.json.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
