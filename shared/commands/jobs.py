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
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock, Timeout

from shared.commands.checkpoint_folders import evaluated, trained_on
from shared.data import Sampling
from shared.data.files import write_atomically
from shared.data.image_arrays import ImageArrays
from shared.data.image_source import ArraySource, ImageSource, LabelledSource
from shared.data.sampling import Sample, sample, select
from shared.errors import UserError
from shared.evaluation.output import Output
from shared.records.fingerprint import ROOT, evaluation_code, training_code
from shared.records.records import ARRAYS, CURVE, FEATURES, RECORD, DataUsed, Provenance, Record, write_json
from shared.records.results import Results
from shared.runs.fields import Split
from shared.runs.registry import Run, benchmarks, images_of
from shared.training import device as devices
from shared.training import parallel
from shared.training.batches import Images, ImageTensor, Normalisation
from shared.training.checkpoint import Checkpoints, Made
from shared.training.loop import EVALUATION_BATCH, Position, Stopped, embed, fit
from shared.training.streaming import StreamedImages

__all__ = ["Stopped", "evaluate", "train"]

PACKAGES = ("torch", "torchvision", "numpy", "scipy")
Arrays = dict[str, np.ndarray[Any, Any]]

FACES = Normalisation(mean=0.5, std=0.5)


class _Trained:
    """A run's data and scheme on their device, ready to train or to evaluate."""

    def __init__(self, run: Run, seed: int, root: Path, device: torch.device) -> None:
        config = run.config
        self.run, self.seed, self.root, self.device = run, seed, root, device
        loaded = config.data.load(root)
        self.sampling: Sampling = config.data.sampling  # type: ignore[attr-defined]
        training, test = _parts(loaded, config.data.classes)
        chosen = self.sampling.classes
        self.drawn: Sample = sample(training.labels, self.sampling, training.classes, seed, training.division)
        tested = np.arange(len(test.labels))
        test_labels: np.ndarray[Any, Any] = test.labels
        if chosen is not None:
            tested, test_labels, _ = select(test_labels, chosen, training.classes)
        unseen = np.setdiff1d(np.arange(len(test_labels)), tested)
        division = self.drawn.division
        gallery = np.empty(0, np.intp)
        if division is not None:
            test, tested, test_labels, gallery = training, division.test, division.labels, division.gallery
        self.classes = self.drawn.classes
        self.normalisation = (
            Normalisation.of(loaded.train_images[self.drawn.train]) if isinstance(loaded, ImageArrays) else FACES
        )
        flip = config.training.flip
        self.images: dict[Split, Images] = {
            "train": self._images(
                training.images, self.drawn.train, self.drawn.train_labels, flip=flip, yaw=training.yaw
            ),
            "held-out": self._images(training.images, self.drawn.held_out, self.drawn.held_out_labels),
            "test": self._images(test.images, tested, test_labels[tested]),
            "unseen": self._images(test.images, unseen, test.labels[unseen]),
            "gallery": self._images(test.images, gallery, test_labels[gallery]),
        }
        self.checksums = training.checksums
        self._outputs: dict[tuple[Split, str], Output] = {}
        self._tested_on: dict[str, Any] = {}
        self._embedded: dict[tuple[str, bool], tuple[ImageSource, np.ndarray[Any, Any]]] = {}
        torch.manual_seed(seed)
        self.scheme = config.scheme.build(config, training.images.shape, self.classes, self.device)

    def _images(
        self,
        images: ImageSource,
        index: np.ndarray[Any, Any],
        labels: np.ndarray[Any, Any],
        *,
        flip: bool = False,
        yaw: np.ndarray[Any, Any] | None = None,
    ) -> Images:
        """Return images on the device where they are in memory, else a stream that reads them when asked for.

        `yaw` is that of all the images of the source.
        """
        turned = None if yaw is None else yaw[index]
        if isinstance(images, ArraySource):
            return ImageTensor(images.images[index], labels, self.normalisation, self.device, flip=flip, yaw=turned)
        workers = self.run.config.training.workers
        return StreamedImages(images, index, labels, self.device, flip=flip, yaw=turned, workers=workers)

    def embed(self, method: str, images: ImageSource, mirrored: bool) -> np.ndarray[Any, Any]:
        """Return what a method of the scheme embeds all images to, [N, d], float32, mirrored left-right if asked.

        Only after training. What was embedded last is kept, read-only, for the next benchmark on the same images.
        """
        source, embeddings = self._embedded.get((method, mirrored), (None, np.empty(0)))
        if source is not images:
            everything = np.arange(len(images))
            batches = self._images(images, everything, np.zeros(len(images), np.int64)).in_order(EVALUATION_BATCH)
            faces = (batch.flip(3) if mirrored else batch for batch, _ in batches)
            embeddings = getattr(self.scheme, method)(faces).cpu().numpy()
            embeddings.flags.writeable = False
            self._embedded[method, mirrored] = images, embeddings
        return embeddings

    def tested_on(self, benchmark: str) -> Any:
        """Return what a benchmark on images of its own is given, read once; raises UserError where it is damaged."""
        data = images_of(self.run, benchmark)
        if data is None:
            return None
        if data.name not in self._tested_on:
            self._tested_on[data.name] = data.load(self.root)
        return self._tested_on[data.name]

    def require_methods(self, names: Iterable[str]) -> None:
        """Raise UserError, naming it, where one of the benchmarks asks for a method that the scheme does not have."""
        for name in names:
            benchmark = benchmarks(self.run.paper)[name]
            for method in (benchmark.embedding, *benchmark.needs):
                if not hasattr(self.scheme, method):
                    raise UserError(
                        f"run '{self.run.name}' names the benchmark '{name}', which asks its scheme for {method}; "
                        f"{self.run.config.scheme.name} has none: leave the benchmark out, or set scheme.name otherwise"
                    )

    def skipped(self, names: Iterable[str]) -> dict[str, str]:
        """Return the benchmarks among `names` whose data are not to be had, each with what is missing."""
        missing = {}
        for name in names:
            data = images_of(self.run, name)
            if data is not None and not (data.obtainable or data.is_there(self.root)):
                missing[name] = (
                    f"{data.whose.title} is not in {data.place} under the data root; {data.whose.how_to_get}"
                )
        return missing

    def output(self, split: Split, method: str = "embed") -> Output:
        """Embed, by a method of the scheme, and classify the images of a split, once; only after training.

        Raises:
            UserError: the split has no images.

        """
        if (split, method) not in self._outputs:
            self._outputs[split, method] = self._output(split, method)
        return self._outputs[split, method]

    def _output(self, split: Split, method: str) -> Output:
        images = self.images[split]
        if not len(images):
            setting = {
                "held-out": "data.sampling.held_out above 0",
                "unseen": "data.sampling.classes to some classes",
                "gallery": "data.sampling.under_represented to the classes that are divided",
            }
            raise UserError(
                f"run '{self.run.name}' has no {split} images, yet names a benchmark on them or keeps their features; "
                f"set {setting.get(split, 'data.sampling otherwise')}."
            )
        if method != "embed":
            other = embed(getattr(self.scheme, method), images)
            return replace(self.output(split), embeddings=other.cpu().numpy())
        embeddings = embed(self.scheme.embed, images)
        return Output(
            embeddings=embeddings.cpu().numpy(),
            labels=images.labels.cpu().numpy(),
            predictions=self.scheme.predict(embeddings).cpu().numpy(),
            class_vectors=self.scheme.class_vectors().float().cpu().numpy(),
            minority=self.drawn.minority,
        )


def _parts(loaded: ImageArrays | LabelledSource, classes: int) -> tuple[LabelledSource, LabelledSource]:
    """Return the images to train on and the test images, none where the data set has no test images of its own."""
    if isinstance(loaded, ImageArrays):
        return (
            LabelledSource(ArraySource(loaded.train_images), loaded.train_labels, classes, loaded.checksums),
            LabelledSource(ArraySource(loaded.test_images), loaded.test_labels, classes, loaded.checksums),
        )
    channels, height, width = loaded.images.shape
    nothing = np.empty((0, height, width, *([channels] if channels > 1 else [])), np.uint8)
    return loaded, LabelledSource(ArraySource(nothing), np.empty(0, np.int64), loaded.classes, loaded.checksums)


def train(run: Run, seed: int, results: Results, root: Path) -> None:
    """Train one seed of a run, or take it up where it stopped, and write its record, its curve and what it keeps.

    Started by `torchrun`, the processes train together, and the first of them writes.

    Raises:
        UserError: the data set cannot be had, the loss is no longer finite, the checkpoint is another run's, or
            another of the processes died.

    Where another process trains the same weights (a run of another name configured alike, or one left over from a
    killed workflow), this one waits and takes up what it left.

    """
    began = time.monotonic()
    started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    made = Made(training_code(run), _commit())
    checkpoints = Checkpoints(trained_on(run, seed, results, made.code), run.config.identity(), seed, made)
    folder = results.seed(run.scale, run.paper, run.name, seed)
    with _only_writer(checkpoints.folder, f"{run.name} (seed {seed})"):
        device, _hold = devices.prepare(run.config.training)
        with parallel.together(device):
            trained = _Trained(run, seed, root, device)
            position = _fit(trained, checkpoints)
        if parallel.rank() > 0:
            return
        skipped = trained.skipped(run.config.benchmarks)
        for reason in skipped.values():
            warnings.warn(f"{run.name}: not measured: {reason}", MissingBenchmarkWarning, stacklevel=2)
        last = {name: value for name, value in position.curve[-1].items() if name not in {"epoch", "step"}}
        measured, kept = _measure(trained, run.config.benchmarks)
        record = Record(
            paper=run.paper,
            run=run.name,
            scale=run.scale,
            seed=seed,
            axes=run.axes,
            config=run.config.plain(),
            config_hash=run.hash,
            metrics={"training": last, **measured},
            data=DataUsed(
                name=run.config.data.name,
                checksums=trained.checksums,
                counts=trained.drawn.counts | {"test": _counts(trained.images["test"], trained.classes)},
            ),
            skipped=skipped,
            provenance=_provenance(trained, position, checkpoints.made, list(measured), started, began),
        )
        folder.mkdir(parents=True, exist_ok=True)
        _write_curve(folder / CURVE, position)
        for split in run.config.keep_features:
            _write_features(folder / FEATURES.format(split=split), trained.output(split))
        _write_kept(folder, kept)
        write_json(folder / RECORD, record.model_dump(mode="json"))


class MissingBenchmarkWarning(UserWarning):
    """The data of a benchmark are not to be had, and it is not measured."""


def _fit(trained: _Trained, checkpoints: Checkpoints) -> Position:
    run, seed = trained.run, trained.seed
    along = run.config.along_training

    def measure() -> dict[str, float]:
        return {
            f"{benchmark}/{metric}": value
            for benchmark, metrics in _measure(trained, along)[0].items()
            for metric, value in metrics.items()
        }

    # What is wrong with the benchmarks or their data shows before the training, which may take days.
    trained.require_methods((*run.config.benchmarks, *along))
    missing = trained.skipped((*run.config.benchmarks, *along))
    for benchmark in (*run.config.benchmarks, *along):
        if benchmark not in missing:
            trained.tested_on(benchmark)
    return fit(
        trained.scheme,
        trained.images["train"],
        run.config.training,
        seed,
        checkpoints,
        held_out=trained.images["held-out"] if len(trained.images["held-out"]) else None,
        measure=measure if along else None,
        label=f"{run.paper} {run.name} seed {seed}",
    )


def evaluate(run: Run, seed: int, benchmark: str, results: Results, root: Path) -> dict[str, float]:
    """Evaluate a trained seed of a run on one benchmark, from its last checkpoint, and write the metrics.

    The weights are those that the record tells of, whatever code trained them.

    Raises:
        UserError: the run is not trained to its end.

    """
    checkpoints = Checkpoints(evaluated(run, seed, results), run.config.identity(), seed)
    saved = checkpoints.load()
    if saved is None or not saved["position"]["ended"]:
        raise UserError(
            f"{run.name}, seed {seed}, is not trained at scale '{run.scale}' with its present configuration; first run "
            f"python -m shared train {run.paper} {run.name} --scale {run.scale} --seed {seed}"
        )
    device, _hold = devices.prepare(run.config.training)
    trained = _Trained(run, seed, root, device)
    for missing in trained.skipped([benchmark]).values():
        raise UserError(missing)
    trained.scheme.restore(saved["position"]["best_state"] or saved["scheme"])
    measured, kept = _measure(trained, [benchmark], alone=True)
    metrics: dict[str, float] = measured[benchmark]
    _write_kept(results.seed(run.scale, run.paper, run.name, seed), kept)
    path = results.benchmark(run.scale, run.paper, run.name, seed, benchmark)
    code = evaluation_code(run, benchmark)
    content = {"benchmark": benchmark, "code": code, "config_hash": run.hash, "seed": seed, "metrics": metrics}
    write_json(path, content)
    return metrics


def _measure(
    trained: _Trained, names: Iterable[str], *, alone: bool = False
) -> tuple[dict[str, dict[str, float]], dict[str, Arrays]]:
    """Return the metrics of the named benchmarks, and the arrays of those that keep any.

    No image of a split that none of them asks for is looked at. One whose data are not to be had is left out, and one
    marked `alone` unless asked for.
    """
    names = list(names)
    missing = trained.skipped(names)
    metrics, kept = {}, {}
    for name in names:
        if name not in missing and (alone or not benchmarks(trained.run.paper)[name].alone):
            metrics[name], arrays = _measured(trained, name)
            if arrays:
                kept[name] = arrays
    return metrics, kept


def _measured(trained: _Trained, name: str) -> tuple[dict[str, float], Arrays]:
    benchmark = benchmarks(trained.run.paper)[name]
    measure = benchmark.build()
    if benchmark.inside:
        measured = measure(trained.scheme, trained.images["train"])
    elif benchmark.images is not None:
        measured = measure(trained.tested_on(name), partial(trained.embed, benchmark.embedding))
    else:
        measured = measure(*(trained.output(split, benchmark.embedding) for split in benchmark.splits))
    metrics, arrays = measured if benchmark.keeps else (measured, {})
    return metrics, arrays


@contextmanager
def _only_writer(folder: Path, name: str) -> Iterator[None]:
    """Hold the lock of a run's checkpoints; of several processes that train together, the first holds it for all."""
    if parallel.rank() > 0:
        yield
        return
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


def _counts(images: Images, classes: int) -> list[int]:
    return [int(count) for count in images.labels.bincount(minlength=classes)]


def _write_features(path: Path, output: Output) -> None:
    _write_arrays(
        path,
        {
            "embeddings": output.embeddings,
            "labels": output.labels.astype(np.uint8 if output.classes <= 256 else np.int32),
            "predictions": output.predictions.astype(np.uint8 if output.classes <= 256 else np.int32),
            "class_vectors": output.class_vectors,
        },
    )


def _write_kept(folder: Path, kept: dict[str, Arrays]) -> None:
    for benchmark, arrays in kept.items():
        _write_arrays(folder / ARRAYS.format(benchmark=benchmark), arrays)


def _write_arrays(path: Path, arrays: Arrays) -> None:
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)  # type: ignore[arg-type]
    write_atomically(path, archive.getbuffer())


def _write_curve(path: Path, position: Position) -> None:
    text = io.StringIO()
    names = dict.fromkeys(name for row in position.curve for name in row)
    writer = csv.DictWriter(text, fieldnames=list(names))
    writer.writeheader()
    writer.writerows(position.curve)
    write_atomically(path, text.getvalue().encode())


def _provenance(
    trained: _Trained, position: Position, made: Made, measured: Iterable[str], started: str, began: float
) -> Provenance:
    config = trained.run.config
    device = trained.device
    seen = (
        position.step * config.training.batch_size
        if config.training.steps
        else position.epoch * len(trained.images["train"])
    )
    return Provenance(
        command=_command(trained.run, trained.seed),
        commit=made.commit,
        code=made.code,
        evaluation={name: evaluation_code(trained.run, name) for name in measured},
        started=started,
        packages={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        device=devices.describe(device),
        precision=config.training.precision,
        threads=torch.get_num_threads(),
        wall_seconds=round(max(time.monotonic() - began, position.seconds), 3),
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
