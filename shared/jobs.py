"""The costly jobs: train one seed of a run into its record, and evaluate a trained run."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import platform
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from shared.config import Split
from shared.data import ImageDataSet
from shared.data.files import write_atomically
from shared.data.sampling import Sample, sample, select
from shared.errors import UserError
from shared.evaluation.output import Output
from shared.fingerprint import ROOT, training_code
from shared.records import CURVE, FEATURES, RECORD, DataUsed, Provenance, Record, write_json
from shared.registry import Run, benchmarks
from shared.results import Results
from shared.training import device as devices
from shared.training.batches import ImageTensor, Normalisation
from shared.training.checkpoint import Checkpoints
from shared.training.loop import Position, Stopped, embed, fit

__all__ = ["Stopped", "evaluate", "train"]

PACKAGES = ("torch", "torchvision", "numpy", "scipy")


class _Trained:
    """A run's data and scheme on their device, ready to train or to evaluate."""

    def __init__(self, run: Run, seed: int, root: Path) -> None:
        config = run.config
        if not isinstance(config.data, ImageDataSet):
            raise UserError(f"run '{run.name}': data set '{config.data.name}' is no small image set.")
        self.run, self.seed = run, seed
        self.device, self.hold = devices.prepare(config.training)
        arrays = config.data.load(root)
        self.classes = config.data.trained_classes
        chosen = config.data.sampling.classes
        self.drawn: Sample = sample(arrays.train_labels, config.data.sampling, config.data.classes, seed)
        test = np.arange(len(arrays.test_labels))
        test_labels: np.ndarray[Any, Any] = arrays.test_labels
        if chosen is not None:
            test, test_labels, _ = select(test_labels, chosen, config.data.classes)
        unseen = np.setdiff1d(np.arange(len(test_labels)), test)
        training_images = arrays.train_images[self.drawn.train]
        self.normalisation = Normalisation.of(training_images)
        self.images: dict[Split, ImageTensor] = {
            "train": self._tensor(training_images, self.drawn.train_labels),
            "held-out": self._tensor(arrays.train_images[self.drawn.held_out], self.drawn.held_out_labels),
            "test": self._tensor(arrays.test_images[test], test_labels[test]),
            "unseen": self._tensor(arrays.test_images[unseen], arrays.test_labels[unseen]),
        }
        self.checksums = arrays.checksums
        self._outputs: dict[Split, Output] = {}
        torch.manual_seed(seed)
        self.scheme = config.scheme.build(config, (1, *training_images.shape[1:]), self.classes, self.device)

    def _tensor(self, images: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> ImageTensor:
        return ImageTensor(images, labels, self.normalisation, self.device)

    def output(self, split: Split) -> Output:
        """Embed and classify the images of a split, once; only after training.

        Raises:
            UserError: the split has no images.

        """
        if split not in self._outputs:
            self._outputs[split] = self._output(split)
        return self._outputs[split]

    def _output(self, split: Split) -> Output:
        images = self.images[split]
        if not len(images):
            setting = {"held-out": "data.sampling.held_out above 0", "unseen": "data.sampling.classes to some classes"}
            raise UserError(
                f"run '{self.run.name}' has no {split} images, yet names a benchmark on them or keeps their features; "
                f"set {setting.get(split, 'data.sampling otherwise')}."
            )
        embeddings = embed(self.scheme, images)
        imbalance = self.run.config.data.sampling.imbalance  # type: ignore[attr-defined]
        return Output(
            embeddings=embeddings.cpu().numpy(),
            labels=images.labels.cpu().numpy(),
            predictions=self.scheme.predict(embeddings).cpu().numpy(),
            class_vectors=self.scheme.class_vectors().float().cpu().numpy(),
            minority=imbalance.classes if imbalance else (),
        )


def train(run: Run, seed: int, results: Results, root: Path) -> Record:
    """Train one seed of a run, or take it up where it stopped, and write its record, features and curve.

    Raises:
        UserError: the data set cannot be had, the loss is no longer finite, or the checkpoint is another
            run's.

    Where another process trains the same weights (a run of another name configured alike, or one left over from a
    killed workflow), this one waits and takes up what it left.

    """
    began = time.monotonic()
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    checkpoints = _checkpoints(run, seed, results)
    folder = results.seed(run.scale, run.paper, run.name, seed)
    with _only_writer(checkpoints.folder, f"{run.name} (seed {seed})"):
        trained = _Trained(run, seed, root)
        label = f"{run.paper} {run.name} seed {seed}"
        position = fit(
            trained.scheme,
            trained.images["train"],
            run.config.training,
            seed,
            checkpoints,
            held_out=trained.images["held-out"] if len(trained.images["held-out"]) else None,
            label=label,
        )
        last = {name: value for name, value in position.curve[-1].items() if name not in {"epoch", "step"}}
        measured = {"training": last, **_measure(trained, run.config.benchmarks)}
        record = Record(
            paper=run.paper,
            run=run.name,
            scale=run.scale,
            seed=seed,
            axes=run.axes,
            config=run.config.plain(),
            config_hash=run.hash,
            metrics=measured,
            data=DataUsed(
                name=run.config.data.name,
                checksums=trained.checksums,
                counts=trained.drawn.counts | {"test": _counts(trained.images["test"], trained.classes)},
            ),
            provenance=_provenance(trained, position, started, time.monotonic() - began),
        )
        folder.mkdir(parents=True, exist_ok=True)
        _write_curve(folder / CURVE, position)
        for split in run.config.keep_features:
            _write_features(folder / FEATURES.format(split=split), trained.output(split))
        write_json(folder / RECORD, record.model_dump(mode="json"))
    return record


def evaluate(run: Run, seed: int, benchmark: str, results: Results, root: Path) -> dict[str, float]:
    """Evaluate a trained seed of a run on one benchmark, from its last checkpoint, and write the metrics.

    Raises:
        UserError: the run is not trained to its end.

    """
    checkpoints = _checkpoints(run, seed, results)
    saved = checkpoints.load()
    if saved is None or not saved["position"]["ended"]:
        raise UserError(
            f"{run.name}, seed {seed}, is not trained at scale '{run.scale}' with its present configuration; first run "
            f"python -m shared train {run.paper} {run.name} --scale {run.scale} --seed {seed}"
        )
    trained = _Trained(run, seed, root)
    trained.scheme.restore(saved["position"]["best_state"] or saved["scheme"])
    metrics: dict[str, float] = _measure(trained, [benchmark], alone=True)[benchmark]
    path = results.benchmark(run.scale, run.paper, run.name, seed, benchmark)
    write_json(path, {"benchmark": benchmark, "config_hash": run.hash, "seed": seed, "metrics": metrics})
    return metrics


def _checkpoints(run: Run, seed: int, results: Results) -> Checkpoints:
    return Checkpoints(results.checkpoints(run.scale, run.paper, run.hash, seed), run.config.identity(), seed)


def _measure(trained: _Trained, names: Iterable[str], *, alone: bool = False) -> dict[str, dict[str, float]]:
    """Return the metrics of the named benchmarks; no image of a split that none of them asks for is looked at."""
    chosen = {name: benchmarks(trained.run.paper)[name] for name in names}
    chosen = {name: benchmark for name, benchmark in chosen.items() if alone or not benchmark.alone}
    return {name: benchmark.build()(*map(trained.output, benchmark.splits)) for name, benchmark in chosen.items()}


@contextmanager
def _only_writer(folder: Path, name: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "writer.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{name}: waiting for another process that trains the same weights", file=sys.stderr, flush=True)  # noqa: T201
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _counts(images: ImageTensor, classes: int) -> list[int]:
    return [int(count) for count in images.labels.bincount(minlength=classes)]


def _write_features(path: Path, output: Output) -> None:
    archive = io.BytesIO()
    np.savez_compressed(
        archive,
        embeddings=output.embeddings,
        labels=output.labels.astype(np.uint8),
        predictions=output.predictions.astype(np.uint8),
        class_vectors=output.class_vectors,
    )
    write_atomically(path, archive.getbuffer())


def _write_curve(path: Path, position: Position) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(position.curve[0]))
    writer.writeheader()
    writer.writerows(position.curve)
    write_atomically(path, text.getvalue().encode())


def _provenance(trained: _Trained, position: Position, started: str, seconds: float) -> Provenance:
    config = trained.run.config
    device = trained.device
    seen = position.epoch * len(trained.images["train"])
    return Provenance(
        command=_command(trained.run, trained.seed),
        commit=_commit(),
        code=training_code(trained.run.paper),
        started=started,
        packages={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        device=devices.describe(device),
        precision=config.training.precision,
        threads=torch.get_num_threads(),
        wall_seconds=round(max(seconds, position.seconds), 3),
        images_per_second=round(seen / position.seconds, 1),
        peak_memory_mib=round(_peak_memory(device), 1),
        parameters=trained.scheme.parameters,
        steps=position.step,
        epochs=position.epoch,
        best_epoch=position.best_epoch or None,
        weights_sha256=_weights_hash(trained.scheme.state()),
    )


def _peak_memory(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def _weights_hash(state: Any) -> str:
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


def _commit() -> str:
    """Return the commit of the code, with "+" after it where files differ from it, or "unknown"."""
    try:
        git = ["git", "-C", str(ROOT)]
        head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        status = subprocess.run(
            [*git, "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.stdout.strip() + ("+" if status.stdout.strip() else "")


def _command(run: Run, seed: int) -> str:
    return shlex.join(
        ["python", "-m", "shared", "train", run.paper, run.name, "--scale", run.scale, "--seed", str(seed)]
    )
