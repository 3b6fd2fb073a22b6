"""Training speed on MNIST: this suite's loop against the plain way, in turn.

The network and the optimizer are those of the Gaussian affinity paper's runs, with the softmax loss. The modes are

    plain    torchvision's MNIST with ToTensor and Normalize, DataLoader, nn.Conv2d, ReLU, MaxPool2d, SGD
    direct   shared.training.loop.fit, `convolution: direct`, channels last
    fourier  shared.training.loop.fit, `convolution: fourier`

All are in fp32 and see the same images for the same number of steps. They train in short blocks, one after the other,
and each block is compared with the plain block of its own repetition, so that what else the machine does meanwhile
hits all alike. What our loop does beside the steps (checkpoints, checks, progress) is timed with it.

The arithmetic is counted as that of the direct network, for every mode: the Fourier convolution needs less, and its
share of the machine's matrix product rate is nominal.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn

from shared.commands.train import train
from shared.data import Mnist, Mnist5k
from shared.data.files import data_root
from shared.data.formats.idx import write_idx
from shared.data.image_arrays import ImageArrays
from shared.errors import UserError
from shared.evaluation.spread import mean, sd
from shared.records.records import Record, read_record
from shared.records.results import Results
from shared.runs.config import RunConfig
from shared.runs.registry import TRAINED_SCALES, Run, paper
from shared.training import device as devices
from shared.training.batches import ImageTensor, Normalisation
from shared.training.checkpoint import Checkpoints
from shared.training.loop import fit
from shared.verdicts.statistics import paired_differences, t_interval

OURS = ("direct", "fourier")
MODES = ("plain", *OURS)
SIDE, CLASSES = 28, 10
GEMM_SIZE, GEMM_PRODUCTS = 2048, 4
MEBIBYTES_ALLOWED = 1024
RATE_FOR_5K = 0.01  # at the paper's runs' own 0.03 some seeds diverge on so few digits, in either convolution
LEARNT = 50.0  # percent; below this a seed did not train, and its accuracy is no measure of rounding

Seconds = dict[str, list[float]]


def training_flops(filters: Sequence[int], embedding: int) -> int:
    """Count the floating point operations of one training step per image, two a multiply-add.

    With F the multiply-adds of the forward pass and F1 those of its first layer, they are 2 (3 F - F1): the backward
    pass forms the gradients of the weights and of the inputs, F each, but the images need none. Bias, pooling, ReLU,
    loss and optimizer are left out.
    """
    convolutions, inputs, side = [], 1, SIDE
    for outputs in filters:
        convolutions.append(side**2 * 5**2 * inputs * outputs)
        inputs, side = outputs, side // 2
    forward = sum(convolutions) + side**2 * inputs * embedding + embedding * CLASSES
    return 2 * (3 * forward - convolutions[0])


def schedule(steps: int, batch_size: int, available: int) -> tuple[int, int]:
    """Return epochs and batches an epoch that together make `steps` (a few more where that does not divide)."""
    epochs = math.ceil(steps / max(available // batch_size, 1))
    return epochs, math.ceil(steps / epochs)


def paired(first: Sequence[float], second: Sequence[float]) -> tuple[float, float, float]:
    """Return median, least and largest of first / second, pair by pair."""
    ratios = [a / b for a, b in zip(first, second, strict=True)]
    return median(ratios), min(ratios), max(ratios)


def configured(scale: str, mode: str, threads: int, epochs: int) -> Run:
    """Return the paper's run of the softmax loss, with the convolution, threads and epochs of a measurement."""
    run = paper("gaussian_affinity").run("table1/standard/softmax", scale)
    config = run.config
    changed = {
        "backbone": config.backbone.model_copy(update={"convolution": mode}),
        "training": config.training.model_copy(
            update={"channels_last": True, "threads": threads, "epochs": epochs, "gpus": 0}
        ),
        "benchmarks": ("mnist-test",),
    }
    return replace(run, name=f"benchmark/{mode}", config=config.model_copy(update=changed))


def trained(run: Run, seed: int, root: Path) -> Record:
    """Train one seed of a run as `python -m shared train` does."""
    with tempfile.TemporaryDirectory() as folder:
        results = Results(Path(folder))
        train(run, seed, results, root)
        return read_record(results.record(run.scale, run.paper, run.name, seed))


def peak_memory(scale: str, mode: str, threads: int, root: Path) -> float:
    """Return the peak resident memory (MiB) of a process that trains one epoch on all images, and evaluates.

    To be called while this process is still small: Linux hands its own peak on to its children.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(peak_of_epoch, (scale, mode, threads, root))


def peak_of_epoch(scale: str, mode: str, threads: int, root: Path) -> float:
    """Return the peak resident memory (MiB) of this process once it has trained one epoch."""
    return trained(configured(scale, mode, threads, 1), 0, root).provenance.peak_memory_mib


def seconds_of_plain(folder: Path, config: RunConfig) -> Callable[[], float]:
    """Return a function that trains a new network in the plain way, and tells how long that took.

    `folder` holds MNIST/raw with the images to train on.
    """
    from torchvision import datasets, transforms  # noqa: PLC0415 - the measured job does not import it either

    backbone: Any = config.backbone
    optimizer: Any = config.optimizer
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    images = datasets.MNIST(str(folder), train=True, transform=transform, download=False)
    loader = torch.utils.data.DataLoader(images, batch_size=config.training.batch_size, shuffle=True)

    def measure() -> float:
        torch.use_deterministic_algorithms(False)
        torch.set_num_threads(config.training.threads)
        torch.manual_seed(0)
        channels, layers = (1, *backbone.filters), list[nn.Module]()
        for inputs, outputs in itertools.pairwise(channels):
            layers += [nn.Conv2d(inputs, outputs, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
        features = channels[-1] * (SIDE // 8) ** 2
        head = [nn.Flatten(), nn.Linear(features, backbone.embedding), nn.Linear(backbone.embedding, CLASSES)]
        network = nn.Sequential(*layers, *head)
        criterion = nn.CrossEntropyLoss()
        sgd = torch.optim.SGD(
            network.parameters(),
            lr=optimizer.learning_rate,
            momentum=optimizer.momentum,
            weight_decay=optimizer.weight_decay,
        )
        began = time.perf_counter()
        for _ in range(config.training.epochs or 0):
            for batch, labels in loader:
                sgd.zero_grad()
                criterion(network(batch), labels).backward()
                sgd.step()
        return time.perf_counter() - began

    return measure


def seconds_of_ours(arrays: ImageArrays, config: RunConfig, mode: str) -> Callable[[], float]:
    """Return a function that trains a new network in the suite's loop, and tells how long that took."""

    def measure() -> float:
        device, _ = devices.prepare(config.training)
        normalisation = Normalisation.of(arrays.train_images)
        images = ImageTensor(arrays.train_images, arrays.train_labels, normalisation, device)
        torch.manual_seed(0)
        scheme = config.scheme.build(config, (1, SIDE, SIDE), CLASSES, device)
        with tempfile.TemporaryDirectory() as folder:
            checkpoints = Checkpoints(Path(folder), config.identity(), 0)
            began = time.perf_counter()
            fit(scheme, images, config.training, 0, checkpoints, label=mode)
            return time.perf_counter() - began

    return measure


def seconds_of_gemm(threads: int) -> Callable[[], float]:
    """Return a function that multiplies large float32 matrices, and tells how long one product took."""
    a, b, c = torch.rand(3, GEMM_SIZE, GEMM_SIZE)

    def measure() -> float:
        torch.set_num_threads(threads)
        began = time.perf_counter()
        for _ in range(GEMM_PRODUCTS):
            torch.mm(a, b, out=c)
        return (time.perf_counter() - began) / GEMM_PRODUCTS

    return measure


def in_turn(parts: Mapping[str, Callable[[], float]], repetitions: int) -> Seconds:
    """Measure each part once a repetition, in turn, after one repetition to warm up; return the seconds of each."""
    rounds = [{name: measure() for name, measure in parts.items()} for _ in range(repetitions + 1)]
    return {name: [one[name] for one in rounds[1:]] for name in parts}


@contextmanager
def part_of(arrays: ImageArrays, count: int) -> Iterator[tuple[ImageArrays, Path]]:
    """Yield the first `count` training images, also as torchvision's MNIST wants them: in MNIST/raw of a folder."""
    part = replace(arrays, train_images=arrays.train_images[:count], train_labels=arrays.train_labels[:count])
    files = (part.train_images, part.train_labels, part.test_images, part.test_labels)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "MNIST" / "raw"
        raw.mkdir(parents=True)
        for name, array in zip(Mnist.card.checksums, files, strict=True):
            write_idx(raw / name, array)
        yield part, Path(folder)


def speed(given: argparse.Namespace, root: Path) -> dict[str, Any]:
    """Measure memory, then the speed of all modes; print a table and return the numbers."""
    peaks = {mode: peak_memory(given.scale, mode, given.threads, root) for mode in OURS}
    config = configured(given.scale, "direct", given.threads, 1).config
    data: Any = config.data
    backbone: Any = config.backbone
    arrays = data.load(root)
    batch_size = config.training.batch_size
    epochs, batches = schedule(given.steps, batch_size, len(arrays.train_labels))
    configs = {mode: configured(given.scale, mode, given.threads, epochs).config for mode in OURS}
    with part_of(arrays, min(batches * batch_size, len(arrays.train_labels))) as (part, folder):
        parts = {
            "plain": seconds_of_plain(folder, configs["direct"]),
            **{mode: seconds_of_ours(part, configs[mode], mode) for mode in OURS},
            "gemm": seconds_of_gemm(given.threads),
        }
        seconds = in_turn(parts, given.repetitions)
    images = epochs * len(part.train_labels)
    flops = training_flops(backbone.filters, backbone.embedding)
    result: dict[str, Any] = {
        **machine(given.threads),
        "data": data.name,
        "steps": epochs * batches,
        "batch_size": batch_size,
        "repetitions": given.repetitions,
        "flops_per_image": flops,
        "gemm_gflops": 2 * GEMM_SIZE**3 / median(seconds["gemm"]) / 1e9,
        "modes": {
            mode: summary(seconds, mode, images, epochs * batches, flops) | {"peak_mib": peaks.get(mode)}
            for mode in MODES
        },
        "seconds": seconds,
    }
    print_speed(result)
    return result


def summary(seconds: Seconds, mode: str, images: int, steps: int, flops: int) -> dict[str, Any]:
    """Return a mode's speed, its ratio to the plain way, and its share of the matrix product rate of its repetition.

    `seconds` holds for each repetition those of a block of `images` in `steps`, and of one matrix product.
    """
    ratio, least, largest = paired(seconds["plain"], seconds[mode])
    product_seconds_per_block = images * flops / (2 * GEMM_SIZE**3)
    share, *_ = paired([product_seconds_per_block * one for one in seconds["gemm"]], seconds[mode])
    return {
        "images_per_second": images / median(seconds[mode]),
        "ms_per_step": 1000 * median(seconds[mode]) / steps,
        "ratio": ratio,
        "ratio_min": least,
        "ratio_max": largest,
        "gemm_share": share,
    }


def machine(threads: int) -> dict[str, Any]:
    """Say what it was measured on."""
    return {"device": devices.describe(torch.device("cpu")), "threads": threads, "torch": torch.__version__}


def print_speed(result: Mapping[str, Any]) -> None:
    """Print the table of `speed`."""
    print(f"{result['device']}, {result['threads']} threads, torch {result['torch']}, fp32")
    print(
        f"{result['data']}, {result['repetitions']} repetitions in turn of {result['steps']} steps of "
        f"{result['batch_size']} images"
    )
    print(
        f"GEMM float32 {GEMM_SIZE}^3: {result['gemm_gflops']:.1f} GFLOP/s; a training step counted as "
        f"2 (3 F - F1) = {result['flops_per_image'] / 1e6:.1f} MFLOP an image\n"
    )
    print("mode      images/s  ms/step  ratio to plain (min..max)  share of GEMM  peak memory")
    for mode, row in result["modes"].items():
        ratio = f"{row['ratio']:.2f} ({row['ratio_min']:.2f}..{row['ratio_max']:.2f})"
        peak = f"{row['peak_mib']:.0f} MiB" if row["peak_mib"] else "not measured"
        share = f"{100 * row['gemm_share']:.0f} %" + (" nominal" if mode == "fourier" else "")
        print(f"{mode:8s} {row['images_per_second']:9.0f} {row['ms_per_step']:8.1f}  {ratio:25s}  {share:13s}  {peak}")
    worst = max(row["peak_mib"] or 0 for row in result["modes"].values())
    verdict = "under" if worst < MEBIBYTES_ALLOWED else "NOT under"
    print(f"\nPeak resident memory of a training job with all images: {verdict} {MEBIBYTES_ALLOWED} MiB.")


def accuracy(given: argparse.Namespace, root: Path) -> dict[str, Any]:
    """Train both convolutions with the same seeds on the 5,000 digits, print their accuracies and return them."""
    found: dict[str, dict[int, float]] = {}
    for mode in OURS:
        run = configured(given.scale, mode, given.threads, given.epochs)
        optimizer = run.config.optimizer.model_copy(update={"learning_rate": RATE_FOR_5K})
        run = replace(run, config=run.config.model_copy(update={"data": Mnist5k(), "optimizer": optimizer}))
        records = {seed: trained(run, seed, root) for seed in range(given.seeds)}
        found[mode] = {seed: record.metrics["mnist-test"]["accuracy"] for seed, record in records.items()}
    result = {
        **machine(given.threads),
        "epochs": given.epochs,
        "learning_rate": RATE_FOR_5K,
        "accuracy": found,
        **compared(found),
    }
    print(f"{result['device']}, {result['threads']} threads, torch {result['torch']}, fp32")
    print(f"Test accuracy (%) after {given.epochs} epochs on the 4,000 training images of mnist-5k\n")
    print("seed      direct   fourier")
    for seed in range(given.seeds):
        print(f"{seed:4d}   {found['direct'][seed]:9.2f} {found['fourier'][seed]:9.2f}")
    for name in ("mean", "sd"):
        print(f"{name:4s}   {result[name]['direct']:9.2f} {result[name]['fourier']:9.2f}")
    low, high = result["interval"]
    print(
        f"\nPaired difference fourier - direct: {result['difference']:+.3f} points, 95 % t interval "
        f"{low:+.3f} to {high:+.3f}, n = {given.seeds}."
    )
    if result["untrained"]:
        print(f"No verdict: these seeds did not train (under {LEARNT:.0f} %): {result['untrained']}.")
    else:
        where = "within" if result["within_noise"] else "NOT within"
        print(
            f"The mean difference, {abs(result['difference']):.3f}, is {where} "
            f"the standard deviation over the seeds of the direct convolution, {result['sd']['direct']:.3f}."
        )
    return result


def compared(found: Mapping[str, Mapping[int, float]]) -> dict[str, Any]:
    """Compare the accuracies by seed of `fourier` with those of `direct`, of two seeds or more.

    `within_noise` is None where a seed did not train: beside such a spread any difference would look small.
    """
    differences = paired_differences(found["fourier"], found["direct"])
    untrained = sorted({seed for mode in OURS for seed, value in found[mode].items() if value < LEARNT})
    spread = {mode: sd(list(found[mode].values())) for mode in OURS}
    return {
        "mean": {mode: mean(list(found[mode].values())) for mode in OURS},
        "sd": spread,
        "difference": mean(differences),
        "interval": t_interval(differences),
        "untrained": untrained,
        "within_noise": None if untrained else abs(mean(differences)) <= (spread["direct"] or 0.0),
    }


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments; exit with 2 where one is not a whole number that makes sense."""

    def at_least(least: int) -> Callable[[str], int]:
        def whole_number(text: str) -> int:
            if int(text) < least:
                raise argparse.ArgumentTypeError(f"{text} is below {least}")
            return int(text)

        return whole_number

    parser = argparse.ArgumentParser(description="Training speed on MNIST against the plain way, in turn.")
    parser.add_argument("--steps", type=at_least(1), default=100, help="steps of a block (100)")
    parser.add_argument("--repetitions", type=at_least(1), default=7, help="blocks of each mode (7)")
    parser.add_argument("--threads", type=at_least(1), default=2, help="threads of every mode (2)")
    parser.add_argument("--scale", choices=TRAINED_SCALES, default="full", help="smoke is to try this script (full)")
    parser.add_argument("--accuracy", action="store_true", help="compare test accuracies instead of speed")
    parser.add_argument("--seeds", type=at_least(2), default=5, help="with --accuracy: how many seeds (5)")
    parser.add_argument("--epochs", type=at_least(1), default=10, help="with --accuracy: how many epochs (10)")
    parser.add_argument("--data-root", type=Path, help="folder of data sets (else $REPLICATION_DATA, else data)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers to this file")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write what was asked for."""
    given = parsed(arguments)
    try:
        result = (accuracy if given.accuracy else speed)(given, data_root(given.data_root))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
