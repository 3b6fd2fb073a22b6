"""Training speed of LResNet50E-IR and LResNet100E-IR: images a second, and what share of the device's peak that is.

A step is forward, CosFace loss, backward and SGD with momentum, on random images in memory: reading and decoding are
not measured here (face_reading.py does that). The classes are as many as the identities of CASIA-WebFace and of MS1MV2,
on which the DiscFace paper trains the two networks. In channels-last layout; on a GPU under bf16 autocast, on a CPU in
fp32.

On a GPU the batch is doubled until memory ends, and the largest that fits is measured; on a CPU, where that would take
the machine with it, the batch is given.

The arithmetic is that of convolutions and matrix products, forward and backward, two operations a multiply-add;
normalisation, PReLU, softmax and SGD are left out. It is compared with the rate of a large matrix product in the same
precision, measured between the blocks of steps, and on a GPU with the peak that its maker states.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn

from benchmarks.measuring import (
    Gemm,
    Row,
    at_least,
    gemm_rates,
    in_turn,
    main,
    parser,
    row,
    seconds,
    training_operations,
)
from shared.backbones import LResNetIR
from shared.errors import UserError
from shared.losses import CosFace
from shared.training import Sgd
from shared.training import device as devices

NETWORKS = {"LResNet50E-IR": ((3, 4, 14, 3), 10_575), "LResNet100E-IR": ((3, 13, 30, 3), 85_742)}
PEAKS = {"H200": 989e12, "H100 PCIe": 756e12, "H100 NVL": 835e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}
"""Dense bf16 operations a second, as NVIDIA's data sheets state them, by a part of the device's name."""
EMBEDDING = 512


def peak(name: str) -> float | None:
    """Return the stated peak of a device, by the first part of `PEAKS` in its name."""
    return next((rate for part, rate in PEAKS.items() if part in name), None)


def largest(fits: Callable[[int], bool], start: int, limit: int) -> int:
    """Return the largest batch that fits of start, 2 start, 4 start, ... up to `limit`, or 0."""
    batch, found = start, 0
    while batch <= limit and fits(batch):
        batch, found = 2 * batch, batch
    return found


class Trainer:
    """One network in training, on random images of a batch."""

    def __init__(self, units: Sequence[int], classes: int, given: argparse.Namespace, device: torch.device) -> None:
        torch.manual_seed(0)
        self.device, self.side, self.classes = device, given.side, classes
        options = {"units": tuple(units), "filters": given.filters}
        network: nn.Module = LResNetIR.model_validate(options).build(3, given.side, given.side)
        self.network = network.to(device).to(memory_format=torch.channels_last)
        self.loss = CosFace(scale=64, margin=0.35).build(EMBEDDING, classes).to(device)
        parameters = [*self.network.parameters(), *self.loss.parameters()]
        self.optimizer = Sgd(learning_rate=0.001, momentum=0.9, weight_decay=5e-4).build(parameters)
        self.forward: Callable[[torch.Tensor], torch.Tensor] = (
            torch.compile(self.network) if given.compile else self.network
        )

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return random images and labels."""
        images = torch.randn(size, 3, self.side, self.side, device=self.device)
        labels = torch.randint(self.classes, (size,), device=self.device)
        return images.contiguous(memory_format=torch.channels_last), labels

    def step(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        """Update on one batch."""
        self.optimizer.zero_grad()
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
            loss = self.loss(self.forward(images), labels)["loss"]
        loss.backward()
        self.optimizer.step()

    def operations(self) -> float:
        """Return the operations of a step for each image: the network's as torch counts them, and three products."""
        return training_operations(self.network, self.batch(2)[0]) + 6 * EMBEDDING * self.classes

    def fits(self, size: int) -> bool:
        """Whether a step with a batch of that size finds memory enough."""
        with suppress(torch.OutOfMemoryError):
            self.step(*self.batch(size))
            return True
        self.optimizer.zero_grad()
        torch.cuda.empty_cache()
        return False


def measured_network(name: str, given: argparse.Namespace, device: torch.device) -> Row:
    """Train one network for blocks of steps, in turn with matrix products."""
    units, classes = NETWORKS[name]
    trainer = Trainer(units, given.classes or classes, given, device)
    size = given.batch if device.type == "cpu" else largest(trainer.fits, given.batch, given.limit)
    if not size:
        raise UserError(f"a batch of {given.batch} does not fit into the memory of the device; give a smaller --batch")
    batch, operations = trainer.batch(size), size * trainer.operations()
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    parts: dict[str, Callable[[], float]] = {
        "steps": partial(seconds, lambda: trainer.step(*batch), given.steps, device),
        "gemm": Gemm(given.gemm, dtype, device, given.steps),
    }
    taken = in_turn(parts, given.repetitions)
    return row(
        name,
        taken["steps"],
        count=size,
        unit="images",
        operations=operations,
        rates=gemm_rates(given.gemm, taken["gemm"]),
        peak_mib=torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else None,
        note=noted(operations / size, [operations / one for one in taken["steps"]], device),
    )


def noted(operations: float, rates: Sequence[float], device: torch.device) -> str:
    """Return the operations of an image and, on a GPU whose peak is known, the share of it."""
    stated = peak(devices.describe(device)) if device.type == "cuda" else None
    of_peak = f", {100 * median(rates) / stated:.0f} % of the device's stated peak" if stated else ""
    return f"{operations / 1e9:.1f} GFLOP an image{of_peak}"


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line; exit with 2 where one is not a whole number above zero."""
    options = parser(__doc__, threads=2, repetitions=3)
    options.add_argument("--device", choices=("cpu", "cuda"), help="else the GPU where there is one")
    options.add_argument("--network", choices=NETWORKS, action="append", help="else both")
    options.add_argument("--batch", type=at_least(1), default=16, help="on a GPU the one doubling starts from (16)")
    options.add_argument("--limit", type=at_least(1), default=4096, help="on a GPU the largest batch to try (4096)")
    options.add_argument("--steps", type=at_least(1), default=2, help="steps, and matrix products, of a block (2)")
    options.add_argument("--compile", action="store_true", help="compile the network")
    options.add_argument("--classes", type=at_least(1), help="else as many as the identities of the training set")
    options.add_argument("--side", type=at_least(1), default=112, help="of the images (112)")
    options.add_argument("--filters", type=at_least(1), default=64, help="of the first stage (64)")
    options.add_argument("--gemm", type=at_least(1), default=4096, help="side of the matrices (4096)")
    return options.parse_args(arguments)


def measured(given: argparse.Namespace) -> Iterator[Row]:
    """Measure the networks one after the other."""
    device = torch.device(given.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    devices.keep_freed_memory()
    torch.backends.cudnn.benchmark = True
    for name in given.network or NETWORKS:
        yield measured_network(name, given, device)


if __name__ == "__main__":
    main(measured, parsed())
