"""What a run takes: hours of its device, memory of its machine and of its GPU. Imports no torch.

Hours come from speeds that were measured where there are any, else from the operations of a step, as its rehearsal
counted them, and a stated share of the device's peak. So they are of the right order, and no more than that; they leave
out the evaluation after training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from shared.errors import UserError
from shared.records.records import Record
from shared.rehearsal.rehearsed import rehearsed
from shared.runs.catalogue import evaluations
from shared.runs.config import Run
from shared.runs.fields import Strict
from shared.runs.registry import SMOKE, paper
from shared.verdicts.words import counted

MIB = 2**20
START_SECONDS = 15
"""A training imports torch, reads its data and writes its record."""
START_MIB = 1000
"""So much a process holds that has imported all and does nothing."""
GPU_PROCESS_MIB = 3000
"""So much more one that has a GPU: its libraries, and pages that the GPU copies from."""
EMBEDDED_MIB = 8000
"""The embeddings of a benchmark's images: of a million distractors, of 512 numbers and of mirror images too, 4 GB."""
COPIES = 3
"""A set in memory is there as it was read, as it was drawn, and as a tensor."""


LEAST = 1e-3
Share = Annotated[float, Field(ge=LEAST, le=1)]
Peak = Annotated[float, Field(ge=LEAST, allow_inf_nan=False)]
"""Hours by the least of both are still numbers that can be read."""


class Device(Strict):
    """A device by its peak, 10^12 operations a second, and the share of it that trainings are taken to reach."""

    name: str
    fp32: Peak
    tf32: Peak
    bf16: Peak
    share: Share

    def flops(self, precision: Literal["fp32", "tf32", "bf16"]) -> float:
        """Return the operations that it does a second."""
        peak: float = getattr(self, precision)
        return 1e12 * self.share * peak


GPU = Device(name="an A100", fp32=19.5, tf32=156, bf16=312, share=0.3)
"""The peaks that its maker states, of vectors in single precision, and of dense matrices in TF32 and in bfloat16
(NVIDIA, data sheet of the A100 Tensor Core GPU)."""
THREAD = Device(name="a thread of a processor", fp32=0.1, tf32=0.1, bf16=0.1, share=0.3)


def gpu(peak: str | None, share: float | None) -> Device:
    """Return the GPU of a peak given as "FP32,TF32,BF16", TFLOP/s, and of a share of it; an A100 where nothing is.

    Raises:
        UserError: the peak is no three numbers from 0.001 up, or the share is not from 0.001 to 1.

    """
    told = GPU.model_dump()
    if share is not None and not LEAST <= share <= 1:
        raise UserError(f"--share {share:g}: give the share of the peak that trainings reach, from {LEAST:g} to 1.")
    if share is not None:
        told["share"] = share
    if peak is None:
        return Device.model_validate(told)
    try:
        fp32, tf32, bf16 = map(float, peak.split(","))
        return Device.model_validate(told | {"name": "the GPU told", "fp32": fp32, "tf32": tf32, "bf16": bf16})
    except ValueError:
        raise UserError(f"--peak {peak}: give three numbers as 19.5,156,312, each from {LEAST:g} up.") from None


def training_images(run: Run) -> float:
    """Return about how many images an epoch has, by the classes, cap, imbalance and share held out that are chosen."""
    data, sampling = run.config.data, getattr(run.config.data, "sampling", None)
    of_class, classes = data.training_images / data.classes, float(data.trained_classes)
    if sampling is None:
        return of_class * classes
    if sampling.imbalance is not None:
        classes -= len(sampling.imbalance.classes) * (1 - sampling.imbalance.fraction)
    kept = min(of_class, sampling.per_class or of_class) * (1 - sampling.held_out)
    return float(kept * classes)


def steps(run: Run) -> int:
    """Return about how many updates a training makes, where it does not end before."""
    training = run.config.training
    return training.length(math.ceil(training_images(run) / training.batch_size))


def hours(run: Run, gpu: Device = GPU) -> float | None:
    """Return the hours that one seed trains on its devices; None where neither speed nor operations are known.

    At smoke scale the steps are no more than a start takes.
    """
    training = run.config.training
    if run.scale == SMOKE:
        return 2 * START_SECONDS / 3600
    speed = paper(run.paper).images_per_second.get(run.config.backbone.name)
    if speed is None and (found := rehearsed(run)):
        device = gpu if training.gpus else THREAD
        speed = max(1, training.gpus) * device.flops(training.precision) / found.training_flops
    return None if speed is None else (START_SECONDS + steps(run) * training.batch_size / speed) / 3600


def in_words(hours: float) -> str:
    """Return hours in words, below one in minutes."""
    return f"{hours:.1f} hours" if hours >= 1 else counted(math.ceil(60 * hours), "minute")


def seed_hours(run: Run, measured: Mapping[str, Record], gpu: Device = GPU) -> float | None:
    """Return the hours of one seed by a record of the very same run, by its hash, else as `hours` does."""
    record = measured.get(run.hash)
    if record is None or record.not_finite:
        return hours(run, gpu)
    return record.provenance.wall_seconds / 3600


def memory_mib(run: Run) -> int:
    """Return how much memory the job of a run asks of its machine, MiB, beside that of its GPUs."""
    training, data = run.config.training, run.config.data
    image_mib = math.prod(data.image_shape) / MIB
    held = COPIES * data.training_images * image_mib if data.kept_in_memory else 0.0
    decoded = 4 * (training.workers + 3) * training.batch_size * image_mib
    found = rehearsed(run)
    own = GPU_PROCESS_MIB if training.gpus else found.memory.on() if found else START_MIB
    tested = evaluations(run, run.config.benchmarks).values()
    embedded = EMBEDDED_MIB if run.scale == "full" and any(images is not None for _, images in tested) else 0
    return math.ceil(max(1, training.gpus) * (START_MIB + own + held + decoded) + embedded)
