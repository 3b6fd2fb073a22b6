"""A record such as a training leaves behind, for the tests of what reads records."""

from __future__ import annotations

from shared.records.records import DataUsed, Record, write_json
from shared.runs.config import Run


def record(run: str = "table1/odd-10/affinity", seed: int = 0, accuracy: float = 99.0) -> Record:
    return Record(
        paper="gaussian_affinity",
        run=run,
        scale="full",
        seed=seed,
        axes={"split": "odd-10", "loss": "affinity"},
        config={"loss": {"name": "affinity", "sigma": 10.0}, "training": {"milestones": [0.5]}},
        config_hash="0123456789ab",
        metrics={"mnist-test": {"accuracy": accuracy, "error": 100 - accuracy}},
        data={"name": "mnist", "checksums": {}, "counts": {"train": [1, 2]}},
        provenance={
            "command": "python -m shared train",
            "commit": "c" * 40,
            "code": "abc",
            "started": "2026-01-01T00:00:00+00:00",
            "packages": {"torch": "2"},
            "device": "CPU",
            "precision": "fp32",
            "threads": 2,
            "wall_seconds": 1.5,
            "images_per_second": 100.0,
            "peak_memory_mib": 700.0,
            "parameters": 10,
            "steps": 20,
            "epochs": 1,
            "best_epoch": None,
            "weights_sha256": "f" * 64,
        },
    )


def write(folder, entry: Record):
    path = folder / "runs" / entry.run / f"seed{entry.seed}" / "record.json"
    write_json(path, entry.model_dump(mode="json"))
    return path


def of(run: Run, seed: int = 0) -> Record:
    """A record of a seed of a run as runs.yaml gives it, at a made-up accuracy of each of its benchmarks."""
    classes = run.config.data.trained_classes
    made_up = {
        "paper": run.paper,
        "scale": run.scale,
        "axes": run.axes,
        "config": run.config.plain(),
        "config_hash": run.hash,
        "metrics": {name: {"accuracy": 99.0, "error": 1.0} for name in run.config.benchmarks},
        "data": DataUsed(name=run.config.data.name, checksums={}, counts={"train": [5] * classes}),
    }
    return record(run.name, seed).model_copy(update=made_up)
