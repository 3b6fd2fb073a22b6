"""Training speed on MNIST: this suite's loop against the plain way, in turn.

The network and the optimizer are those of the Gaussian affinity paper's runs, with the softmax loss. The modes are

    plain    torchvision's MNIST with ToTensor and Normalize, DataLoader, nn.Conv2d, ReLU, MaxPool2d, SGD
    direct   shared.training.loop.fit, `convolution: direct`, channels last
    fourier  shared.training.loop.fit, `convolution: fourier`
    ..., bf16  the same with `precision: bf16`, where the processor multiplies matrices faster so

The first three are in fp32; all see the same images for the same number of steps. They train in short blocks, one after
the other, and each block is compared with the plain block of its own repetition. What our loop does beside the steps
(checkpoints, checks, progress) is timed with it.

The share of the machine's matrix product rate, in the precision of the mode, counts the arithmetic of the direct
network for every mode: the Fourier convolution needs less, and its share is nominal. The peak memory is that of the
process of a training job of as many steps, with all images in memory.
"""

from __future__ import annotations

import argparse
import itertools
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn

from benchmarks.measuring import (
    Gemm,
    Row,
    afresh,
    at_least,
    bf16_is_faster,
    gemm_rates,
    in_turn,
    main,
    parser,
    row,
    seconds,
    training_operations,
)
from shared.commands.train import train
from shared.data.files import data_root
from shared.data.formats.idx import write_idx
from shared.data.image_arrays import ImageArrays
from shared.data.sets.mnist import Mnist
from shared.data.sets.mnist_5k import Mnist5k
from shared.evaluation.spread import mean, sd
from shared.records.records import Record, read_record
from shared.records.results import Results
from shared.runs.config import Run, RunConfig
from shared.runs.registry import TRAINED_SCALES, paper
from shared.training import device as devices
from shared.training.batches import ImageTensor, Normalisation
from shared.training.checkpoint import Checkpoints
from shared.training.loop import fit
from shared.verdicts.statistics import paired_differences, t_interval

SIDE, CLASSES = 28, 10
GEMM_SIZE = 2048
RATE_FOR_5K = 0.01  # at the paper's runs' own 0.03 some seeds diverge on so few digits, in either convolution
LEARNT = 50.0  # percent; below this a seed did not train, and its accuracy is no measure of rounding


class Mode(NamedTuple):
    """How the suite's loop computes."""

    convolution: str
    precision: str = "fp32"


OURS = {"direct": Mode("direct"), "fourier": Mode("fourier")}
NARROW = {f"{name}, bf16": mode._replace(precision="bf16") for name, mode in OURS.items()}


def schedule(steps: int, batch_size: int, available: int) -> tuple[int, int]:
    """Return epochs and batches an epoch that together make `steps` (a few more where that does not divide)."""
    epochs = math.ceil(steps / max(available // batch_size, 1))
    return epochs, math.ceil(steps / epochs)


def configured(scale: str, mode: Mode, threads: int, **length: int) -> Run:
    """Return the paper's run of the softmax loss in a mode, with the threads and the `epochs` or `steps` given."""
    run = paper("gaussian_affinity").run("table1/standard/softmax", scale)
    config = run.config
    training = {"channels_last": True, "threads": threads, "gpus": 0, "precision": mode.precision}
    changed = {
        "backbone": config.backbone.model_copy(update={"convolution": mode.convolution}),
        "training": config.training.model_copy(update={**training, "epochs": None, "steps": None, **length}),
        "benchmarks": ("mnist-test",),
    }
    return replace(run, name=f"benchmark/{mode.convolution}", config=config.model_copy(update=changed))


def trained(run: Run, seed: int, root: Path) -> Record:
    """Train one seed of a run as `python -m shared train` does."""
    with tempfile.TemporaryDirectory() as folder:
        results = Results(Path(folder))
        train(run, seed, results, root)
        return read_record(results.record(run.scale, run.paper, run.name, seed))


def peak_of_job(scale: str, mode: Mode, threads: int, steps: int, root: Path) -> float:
    """Return the peak resident memory (MiB) of this process once it has trained and evaluated in a mode."""
    return trained(configured(scale, mode, threads, steps=steps), 0, root).provenance.peak_memory_mib


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

        def passes() -> None:
            for _ in range(config.training.epochs or 0):
                for batch, labels in loader:
                    sgd.zero_grad()
                    criterion(network(batch), labels).backward()
                    sgd.step()

        return seconds(passes)

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
            return seconds(partial(fit, scheme, images, config.training, 0, checkpoints, label=mode))

    return measure


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


def speed(given: argparse.Namespace) -> Iterator[Row]:
    """Measure the memory of our modes, then all modes and matrix products in turn."""
    root = data_root(given.data_root)
    ours = OURS | (NARROW if bf16_is_faster() else {})
    peaks = {
        name: afresh(peak_of_job, given.scale, mode, given.threads, given.steps, root) for name, mode in ours.items()
    }
    config = configured(given.scale, OURS["direct"], given.threads, epochs=1).config
    data: Any = config.data
    arrays = data.load(root)
    batch_size = config.training.batch_size
    epochs, batches = schedule(given.steps, batch_size, len(arrays.train_labels))
    configs = {name: configured(given.scale, mode, given.threads, epochs=epochs).config for name, mode in ours.items()}
    gemms = {"fp32": torch.float32} | ({"bf16": torch.bfloat16} if len(ours) > len(OURS) else {})
    with part_of(arrays, min(batches * batch_size, len(arrays.train_labels))) as (part, folder):
        parts: dict[str, Callable[[], float]] = {
            "plain": seconds_of_plain(folder, configs["direct"]),
            **{name: seconds_of_ours(part, configs[name], name) for name in ours},
            **{precision: Gemm(GEMM_SIZE, dtype) for precision, dtype in gemms.items()},
        }
        taken = in_turn(parts, given.repetitions)
    count = epochs * len(part.train_labels)
    backbone = config.backbone.build(1, SIDE, SIDE)
    network = nn.Sequential(backbone, nn.Linear(backbone.dimension, CLASSES))
    operations = count * training_operations(network, torch.zeros(2, 1, SIDE, SIDE))
    for name in ("plain", *ours):
        mode = ours.get(name, OURS["direct"])
        yield row(
            name,
            taken[name],
            taken["plain"],
            count=count,
            unit="images",
            operations=operations,
            rates=gemm_rates(GEMM_SIZE, taken[mode.precision]),
            peak_mib=peaks.get(name),
            note="share nominal" if mode.convolution == "fourier" else "",
        )


def accuracy(given: argparse.Namespace) -> Iterator[Row]:
    """Train both convolutions with the same seeds on the 5,000 digits; the notes have their accuracies (%)."""
    root = data_root(given.data_root)
    found: dict[str, dict[int, float]] = {}
    taken: dict[str, list[float]] = {}
    for name, mode in OURS.items():
        run = configured(given.scale, mode, given.threads, epochs=given.epochs)
        optimizer = run.config.optimizer.model_copy(update={"learning_rate": RATE_FOR_5K})
        run = replace(run, config=run.config.model_copy(update={"data": Mnist5k(), "optimizer": optimizer}))
        records = {seed: trained(run, seed, root) for seed in range(given.seeds)}
        found[name] = {seed: record.metrics["mnist-test"]["accuracy"] for seed, record in records.items()}
        taken[name] = [record.provenance.wall_seconds for record in records.values()]
    verdict = compared(found)
    for name in OURS:
        values = ", ".join(f"{value:.2f}" for value in found[name].values())
        note = f"accuracy {values}: mean {verdict['mean'][name]:.2f}, sd {verdict['sd'][name]:.2f}"
        if name == "fourier":
            note += f"; {shown(verdict)}"
        yield row(name, taken[name], taken["direct"], note=note)


def shown(verdict: Mapping[str, Any]) -> str:
    """Return what `compared` found in a sentence."""
    low, high = verdict["interval"]
    between = f"{verdict['difference']:+.3f} points to direct, 95 % t interval {low:+.3f} to {high:+.3f}"
    if verdict["untrained"]:
        return f"{between}; no verdict: these seeds did not train (under {LEARNT:.0f} %): {verdict['untrained']}"
    return f"{between}, {'within' if verdict['within_noise'] else 'NOT within'} the deviation of direct over the seeds"


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


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; exit with 2 where one is not a whole number that makes sense."""
    options = parser(__doc__, threads=2, repetitions=7)
    options.add_argument("--steps", type=at_least(1), default=100, help="steps of a block (100)")
    options.add_argument("--scale", choices=TRAINED_SCALES, default="full", help="smoke is to try this script (full)")
    options.add_argument("--accuracy", action="store_true", help="compare test accuracies instead of speed")
    options.add_argument("--seeds", type=at_least(2), default=5, help="with --accuracy: how many seeds (5)")
    options.add_argument("--epochs", type=at_least(1), default=10, help="with --accuracy: how many epochs (10)")
    options.add_argument("--data-root", type=Path, help="folder of data sets (else $REPLICATION_DATA, else data)")
    return options.parse_args(arguments)


if __name__ == "__main__":
    given = parsed()
    main(accuracy if given.accuracy else speed, given)
