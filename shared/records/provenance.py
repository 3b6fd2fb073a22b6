"""What made a record, as far as it can be told: code, machine, versions, time, and the weights themselves."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import resource
import shlex
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from shared.records.fingerprint import evaluation_code
from shared.records.records import Provenance
from shared.training import device as devices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.records.checkpoint_folders import NamedByDevice
    from shared.runs.config import Run
    from shared.training.loop import Position
    from shared.training.setup import Setup

PACKAGES = ("torch", "torchvision", "numpy", "scipy")


def provenance(
    setup: Setup,
    position: Position,
    checkpoints: NamedByDevice,
    measured: Iterable[str],
    *,
    started: str,
    seconds: float,
) -> Provenance:
    """Say what made the weights of a run, trained as far as `position`, and what measured each of the benchmarks.

    `checkpoints` tell code and devices that trained, `started` a time, `seconds` how long ago it was.
    """
    config = setup.run.config
    seen = (
        position.step * config.training.batch_size
        if config.training.steps
        else position.epoch * len(setup.images["train"])
    )
    return Provenance(
        command=_command(setup.run, setup.seed),
        commit=checkpoints.made.commit,
        code=checkpoints.made.code,
        evaluation={name: evaluation_code(setup.run, name) for name in measured},
        started=started,
        packages={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        device=", then ".join(checkpoints.devices) or device_name(setup.device),
        precision=config.training.precision,
        threads=torch.get_num_threads(),
        wall_seconds=round(max(seconds, position.seconds), 3),
        images_per_second=round(seen / position.seconds, 1) if position.seconds else 0.0,
        peak_memory_mib=round(_peak_memory(setup.device), 1),
        parameters=setup.scheme.parameters,
        steps=position.step,
        epochs=position.epoch,
        best_epoch=position.best_epoch or None,
        weights_sha256=weights_hash(setup.scheme.state()),
    )


def device_name(device: torch.device) -> str:
    """Return the device's name as its maker gives it, and whether MKL takes a processor for Intel's that is not.

    So it does where a library is loaded before torch (`envs/mkl_as_on_intel.c`); products then round otherwise.
    """
    name = devices.describe(device)
    return f"{name}, MKL as on Intel" if device.type == "cpu" and _mkl_is_told_otherwise() else name


def _mkl_is_told_otherwise() -> bool:
    before_torch = ctypes.CDLL(None)
    if not hasattr(before_torch, "mkl_serv_intel_cpu_true") or not before_torch.mkl_serv_intel_cpu_true():
        return False
    return "GenuineIntel" not in Path("/proc/cpuinfo").read_text(encoding="utf-8")


def _peak_memory(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def weights_hash(state: Any) -> str:
    """Return the SHA-256 over all tensors of a state, in its order."""
    digest = hashlib.sha256()

    def add(part: Any) -> None:
        if isinstance(part, torch.Tensor):
            digest.update(part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
        elif isinstance(part, dict):
            for key in part:
                add(part[key])
        elif isinstance(part, list | tuple):
            for item in part:
                add(item)

    add(state)
    return digest.hexdigest()


def _command(run: Run, seed: int) -> str:
    trial = ["--trial", os.path.relpath(run.trial)] if run.trial else []
    return shlex.join(
        ["python", "-m", "shared", "train", run.paper, run.name, "--scale", run.scale, "--seed", str(seed), *trial]
    )
