"""Time and memory of the margin losses at the size of a face training set, against a plain linear layer.

One step is the loss of one batch of embeddings and its gradients, of the embeddings and of the class weights. The
modes, all in float32, are

    plain    nn.Linear without bias, cross_entropy
    cosface  shared.losses.CosFace
    arcface  shared.losses.ArcFace
    public   ArcFace the usual way: normalised copies, a margin on all B x C cosines, a one-hot matrix to choose by

They take turns in one process, in which the C library's allocator keeps freed blocks, as in training; each is compared
with the plain step of its own repetition. The peak memory of each is that of a process of its own, above what inputs
and class weights take, with the allocator as it is, so that only what is in use counts.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from math import cos, pi, sin
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.memory import rise
from shared.losses import ArcFace, CosFace, Softmax
from shared.training.device import keep_freed_memory

SCALE, COSINE_MARGIN, ANGULAR_MARGIN = 64.0, 0.35, 0.5
MODES = ("plain", "cosface", "arcface", "public")
MEBIBYTE = 2**20


class PublicArcFace(nn.Module):
    """ArcFace as public code writes it out, with its continuation beyond pi - m."""

    def __init__(self, dimension: int, classes: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.Linear(dimension, classes, bias=False).weight.detach())

    def forward(self, embedding: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return the scalar "loss"."""
        m = ANGULAR_MARGIN
        cosine = functional.linear(functional.normalize(embedding), functional.normalize(self.weight))
        sine = (1 - cosine.square()).clamp(1e-12, 1).sqrt()
        turned = cosine * cos(m) - sine * sin(m)
        turned = torch.where(cosine > cos(pi - m), turned, cosine - m * sin(m))
        chosen = torch.zeros_like(cosine).scatter_(1, labels.unsqueeze(1), 1)
        logits = SCALE * (chosen * turned + (1 - chosen) * cosine)
        return {"loss": functional.cross_entropy(logits, labels)}


def step_of(mode: str, batch: int, classes: int, dimension: int, device: torch.device) -> Callable[[], None]:
    """Return a function that does one step of a mode, on embeddings and class weights drawn for it."""
    torch.manual_seed(0)
    heads: dict[str, Callable[[], nn.Module]] = {
        "plain": lambda: Softmax(bias=False).build(dimension, classes),
        "cosface": lambda: CosFace(scale=SCALE, margin=COSINE_MARGIN).build(dimension, classes),
        "arcface": lambda: ArcFace(scale=SCALE, margin=ANGULAR_MARGIN).build(dimension, classes),
        "public": lambda: PublicArcFace(dimension, classes),
    }
    head = heads[mode]().to(device)
    embedding = torch.randn(batch, dimension, device=device, requires_grad=True)
    labels = torch.randint(classes, (batch,), device=device)

    def step() -> None:
        torch.autograd.backward(head(embedding, labels)["loss"])
        embedding.grad = None
        head.zero_grad()
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return step


def peak_of_steps(step: Callable[[], None], device: torch.device) -> float:
    """Return how far (MiB) the memory of this process, or of the GPU, rises above its present level in two steps."""

    def steps() -> None:
        step()
        step()

    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        steps()
        return (torch.cuda.max_memory_allocated(device) - before) / MEBIBYTE
    return rise(steps)


def measured_peak(arguments: Sequence[str], mode: str) -> float:
    """Return the peak memory of one mode, in a process of its own."""
    command = [sys.executable, __file__, *arguments, "--peak-of", mode]
    return float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def milliseconds(step: Callable[[], None]) -> float:
    """Return how long one step takes."""
    began = time.perf_counter()
    step()
    return 1000 * (time.perf_counter() - began)


def main(arguments: Sequence[str]) -> None:
    """Measure all modes and print them, or the peak memory of one in this process."""
    parser = argparse.ArgumentParser(description="time and memory of the margin losses")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--classes", type=int, default=85_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--peak-of", choices=MODES, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    device = torch.device(given.device)
    sizes = (given.batch, given.classes, given.dimension)
    if given.peak_of:
        print(peak_of_steps(step_of(given.peak_of, *sizes, device), device))
        return
    peaks = {mode: measured_peak(arguments, mode) for mode in MODES}
    keep_freed_memory()
    steps = {mode: step_of(mode, *sizes, device) for mode in MODES}
    rounds = [{mode: milliseconds(steps[mode]) for mode in MODES} for _ in range(given.repetitions + 1)][1:]
    matrix = 4 * given.batch * given.classes / MEBIBYTE
    print(
        f"batch {given.batch}, {given.classes} classes, dimension {given.dimension}, {given.device}, "
        f"threads {given.threads}; one tensor of batch x classes is {matrix:.1f} MiB"
    )
    print("mode     ms a step  times plain (least to most)  peak MiB  tensors of batch x classes above plain")
    for mode in MODES:
        ratios = sorted(one[mode] / one["plain"] for one in rounds)
        spread = f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        more = (peaks[mode] - peaks["plain"]) / matrix
        print(f"{mode:8} {median(one[mode] for one in rounds):9.1f}  {spread:27}  {peaks[mode]:8.1f}  {more:+.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
