"""A record such as a training leaves behind, for the tests of what reads records."""

from __future__ import annotations

from shared.records.records import Record, write_json


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
