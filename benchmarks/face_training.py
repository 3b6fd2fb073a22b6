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
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from shared.backbones import LResNetIR
from shared.losses import CosFace
from shared.training import Sgd
from shared.training import device as devices

NETWORKS = {"LResNet50E-IR": ((3, 4, 14, 3), 10_575), "LResNet100E-IR": ((3, 13, 30, 3), 85_742)}
PEAKS = {"H200": 989e12, "H100 PCIe": 756e12, "H100 NVL": 835e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12}
"""Dense bf16 operations a second, as NVIDIA's data sheets state them, by a part of the device's name."""
EMBEDDING = 512
WARM_UP = 3


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
        self.count = sum(parameter.numel() for parameter in parameters)
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

    def flops(self) -> float:
        """Return the operations of a step for each image: the network's as torch counts them, and three products."""
        with FlopCounterMode(display=False) as counter:
            torch.autograd.backward(self.network(self.batch(2)[0]).sum())
        return int(counter.get_total_flops()) / 2 + 6 * EMBEDDING * self.classes

    def fits(self, size: int) -> bool:
        """Whether a step with a batch of that size finds memory enough."""
        with suppress(torch.OutOfMemoryError):
            self.step(*self.batch(size))
            return True
        self.optimizer.zero_grad()
        torch.cuda.empty_cache()
        return False


def seconds(work: Callable[[], object], repetitions: int, device: torch.device) -> float:
    """Return how long one call of `work` takes, the mean over some in a row."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(repetitions):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - began) / repetitions


def measured(units: Sequence[int], classes: int, given: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    """Train one network for blocks of steps, with a matrix product after each; return its speed and shares."""
    trainer = Trainer(units, classes, given, device)
    flops = trainer.flops()
    size = given.batch if device.type == "cpu" else largest(trainer.fits, given.batch, given.limit)
    if not size:
        sys.exit(f"error: a batch of {given.batch} does not fit into the memory of the device; give a smaller --batch")
    batch = trainer.batch(size)
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    a, b, c = torch.rand(3, given.gemm, given.gemm, device=device).to(dtype)
    for _ in range(WARM_UP):
        trainer.step(*batch)
        torch.mm(a, b, out=c)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    steps, products = [], []
    for _ in range(given.repetitions):
        steps.append(seconds(lambda: trainer.step(*batch), given.steps, device))
        products.append(seconds(lambda: torch.mm(a, b, out=c), given.steps, device))
    rates = [size * flops / one for one in steps]
    gemms = [2 * given.gemm**3 / one for one in products]
    stated = peak(devices.describe(device)) if device.type == "cuda" else None
    return {
        "batch": size,
        "classes": classes,
        "parameters": trainer.count,
        "gflops_per_image": flops / 1e9,
        "images_per_second": size / median(steps),
        "ms_per_step": 1000 * median(steps),
        "gemm_tflops": median(gemms) / 1e12,
        "gemm_share": median(rate / gemm for rate, gemm in zip(rates, gemms, strict=True)),
        "peak_share": median(rates) / stated if stated else None,
        "gib": torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else None,
    }


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments; exit with 2 where one is not a whole number above zero."""

    def count(text: str) -> int:
        if int(text) < 1:
            raise argparse.ArgumentTypeError(f"{text} is below 1")
        return int(text)

    parser = argparse.ArgumentParser(description="Training speed of the face networks.")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="else the GPU where there is one")
    parser.add_argument("--network", choices=NETWORKS, action="append", help="else both")
    parser.add_argument("--batch", type=count, default=16, help="on a GPU the one that doubling starts from (16)")
    parser.add_argument("--limit", type=count, default=4096, help="on a GPU the largest batch to try (4096)")
    parser.add_argument("--steps", type=count, default=2, help="steps, and matrix products, of a block (2)")
    parser.add_argument("--repetitions", type=count, default=3, help="blocks (3)")
    parser.add_argument("--threads", type=count, default=2, help="threads on a CPU (2)")
    parser.add_argument("--compile", action="store_true", help="compile the network")
    parser.add_argument("--classes", type=count, help="else as many as the identities of the training set")
    parser.add_argument("--side", type=count, default=112, help="of the images (112)")
    parser.add_argument("--filters", type=count, default=64, help="of the first stage (64)")
    parser.add_argument("--gemm", type=count, default=4096, help="side of the matrices (4096)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the numbers to this file")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the networks, print their speeds, and write them where asked for."""
    given = parsed(arguments)
    device = torch.device(given.device or ("cuda" if torch.cuda.is_available() else "cpu"))
    torch.set_num_threads(given.threads)
    devices.keep_freed_memory()
    torch.backends.cudnn.benchmark = True
    result: dict[str, Any] = {
        "device": devices.describe(device),
        "threads": given.threads if device.type == "cpu" else None,
        "torch": torch.__version__,
        "precision": "fp32" if device.type == "cpu" else "bf16",
        "compiled": given.compile,
        "networks": {},
    }
    print(", ".join(f"{key} {value}" for key, value in result.items() if key != "networks" and value is not None))
    print("network         batch  images/s  ms/step  GFLOP/image  GEMM TFLOP/s  share of GEMM  of stated peak     GiB")
    for name in given.network or NETWORKS:
        units, classes = NETWORKS[name]
        row = measured(units, given.classes or classes, given, device)
        result["networks"][name] = row
        of_peak = f"{100 * row['peak_share']:.0f} %" if row["peak_share"] else "-"
        gib = f"{row['gib']:.1f}" if row["gib"] else "-"
        print(
            f"{name:15s} {row['batch']:5d} {row['images_per_second']:9.1f} {row['ms_per_step']:8.1f} "
            f"{row['gflops_per_image']:12.2f} {row['gemm_tflops']:13.3f} {100 * row['gemm_share']:12.0f} % "
            f"{of_peak:>14s} {gib:>7s}",
            flush=True,
        )
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
