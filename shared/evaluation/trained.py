"""A trained run: what it makes of images, and what its benchmarks measure of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shared.data.drawn import Part
from shared.errors import UserError
from shared.evaluation.output import Output
from shared.training.loop import EVALUATION_BATCH, embed

if TYPE_CHECKING:
    from shared.data.image_source import ImageSource
    from shared.runs.catalogue import Evaluation
    from shared.runs.components import DataSet
    from shared.runs.fields import Split
    from shared.training.setup import Setup

Arrays = dict[str, np.ndarray[Any, Any]]
Metrics = dict[str, dict[str, float]]

WHAT_GIVES_IMAGES = {
    "held-out": "data.sampling.held_out or held_out_images above 0",
    "unseen": "data.sampling.classes to some classes",
    "gallery": "data.sampling.under_represented to the classes that are divided",
}


class Trained:
    """What the scheme of a run makes of images, once it is trained, and the data that its benchmarks embed.

    What is asked for again is computed once. Reading begins with the constructor, so that what is wrong with the
    benchmarks or their data shows before a training that may take days.

    Raises:
        UserError: a benchmark's data are damaged, or it asks for a method that the scheme does not have.

    """

    def __init__(self, setup: Setup, root: Path, evaluations: Mapping[str, Evaluation]) -> None:
        self.setup, self.run, self.scheme = setup, setup.run, setup.scheme
        self._root = root
        self._outputs: dict[tuple[Split, str], Output] = {}
        self._given: dict[str, Any] = {}
        self._embedded: dict[tuple[str, bool], tuple[ImageSource, np.ndarray[Any, Any]]] = {}
        self._benchmarks = {name: benchmark for name, (benchmark, _) in evaluations.items()}
        self._require_methods()
        images = {name: images for name, (_, images) in evaluations.items() if images is not None}
        self.skipped = self._without_data(images)
        self._embeds = {name: data for name, data in images.items() if name not in self.skipped}
        for data in self._embeds.values():
            self._read(data)

    def _require_methods(self) -> None:
        for name, asked in self._benchmarks.items():
            for method in (asked.embedding, *asked.needs):
                if not hasattr(self.scheme, method):
                    raise UserError(
                        f"run '{self.run.name}' names the benchmark '{name}', which asks its scheme for {method}; "
                        f"{self.run.config.scheme.name} has none: leave the benchmark out, or set scheme.name otherwise"
                    )

    def _without_data(self, images: Mapping[str, DataSet]) -> dict[str, str]:
        """Return the benchmarks whose data are not to be had, each with what is missing."""
        return {
            name: f"{data.whose.title} is not in {data.place} under the data root; {data.whose.how_to_get}"
            for name, data in images.items()
            if not (data.obtainable or data.is_there(self._root))
        }

    def _read(self, data: DataSet) -> Any:
        """Return what benchmarks on a data set are given, read once; raises UserError where it is damaged."""
        if data.name not in self._given:
            self._given[data.name] = data.load(self._root)
        return self._given[data.name]

    def row(self) -> dict[str, float]:
        """Return what is measured along training, by "benchmark/metric", as a row of the learning curve has it."""
        measured, _ = self.measure(self.run.config.along_training)
        return {f"{name}/{metric}": value for name, metrics in measured.items() for metric, value in metrics.items()}

    def measure(
        self, names: Iterable[str], curve: Sequence[Mapping[str, float]] = (), *, alone: bool = False
    ) -> tuple[Metrics, dict[str, Arrays]]:
        """Return the metrics of the named benchmarks, and the arrays of those that keep any.

        `curve` is that of the training, for benchmarks that look at it. No image of a split that none of them asks for
        is looked at. One whose data are not to be had is left out, and one marked `alone` unless asked for. The names
        are among those that the constructor was given.
        """
        # The weights may have changed since the last call, which training makes at the end of each epoch.
        self._outputs.clear()
        self._embedded.clear()
        metrics, kept = {}, {}
        for name in names:
            if name not in self.skipped and (alone or not self._benchmarks[name].alone):
                metrics[name], arrays = self._measured(name, curve)
                if arrays:
                    kept[name] = arrays
        return metrics, kept

    def _measured(self, name: str, curve: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], Arrays]:
        benchmark = self._benchmarks[name]
        measure = benchmark.build()
        if benchmark.of_curve:
            measured = measure(curve)
        elif benchmark.inside:
            measured = measure(self.scheme, self.setup.images["train"])
        elif name in self._embeds:
            measured = measure(self._read(self._embeds[name]), partial(self._embed, benchmark.embedding))
        else:
            measured = measure(*(self.output(split, benchmark.embedding) for split in benchmark.splits))
        metrics, arrays = measured if benchmark.keeps else (measured, {})
        return metrics, arrays

    def _embed(self, method: str, images: ImageSource, mirrored: bool) -> np.ndarray[Any, Any]:
        """Return what a method of the scheme embeds all images to, [N, d], float32, mirrored left-right if asked.

        What was embedded last is kept, read-only, for the next benchmark on the same images.
        """
        source, embeddings = self._embedded.get((method, mirrored), (None, np.empty(0)))
        if source is not images:
            everything = Part(images, np.arange(len(images)), np.zeros(len(images), np.int64))
            on_device = self.setup.on_device(everything)
            faces = (batch.flip(3) if mirrored else batch for batch, _ in on_device.in_order(EVALUATION_BATCH))
            embeddings = getattr(self.scheme, method)(faces).cpu().numpy()
            embeddings.flags.writeable = False
            self._embedded[method, mirrored] = images, embeddings
        return embeddings

    def output(self, split: Split, method: str = "embed") -> Output:
        """Embed, by a method of the scheme, and classify the images of a split, once.

        Raises:
            UserError: the split has no images.

        """
        if (split, method) not in self._outputs:
            self._outputs[split, method] = self._output(split, method)
        return self._outputs[split, method]

    def _output(self, split: Split, method: str) -> Output:
        images = self.setup.images[split]
        if not len(images):
            raise UserError(
                f"run '{self.run.name}' has no {split} images, yet names a benchmark on them or keeps their features; "
                f"set {WHAT_GIVES_IMAGES.get(split, 'data.sampling otherwise')}."
            )
        if method != "embed":
            other = embed(getattr(self.scheme, method), images)
            return replace(self.output(split), embeddings=other.cpu().numpy())
        embeddings = embed(self.scheme.embed, images)
        true_labels = self.setup.drawn.parts[split].true_labels
        return Output(
            embeddings=embeddings.cpu().numpy(),
            labels=images.labels.cpu().numpy(),
            predictions=self.scheme.predict(embeddings).cpu().numpy(),
            class_vectors=self.scheme.class_vectors().float().cpu().numpy(),
            minority=self.setup.drawn.minority,
            true_labels=None if true_labels is None else true_labels.astype(np.int64),
        )
