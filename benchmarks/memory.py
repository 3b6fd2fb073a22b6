"""The memory of a process, for the benchmarks that measure it in processes of their own; Linux alone tells it so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def resident(field: str) -> float:
    """Return a field of this process's memory status, such as VmRSS, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(line for line in status.splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def rise(work: Callable[[], object]) -> float:
    """Return how far (MiB) the memory of this process rises above its present level while some work is done."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # The peak so far is forgotten.
    level = resident("VmRSS")
    work()
    return resident("VmHWM") - level
