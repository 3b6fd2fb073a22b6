"""Records: what one seed of one run leaves behind, and the tidy table that targets are drawn from."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field, ValidationError

from shared.data.files import write_atomically
from shared.data.reading.listing import is_stray
from shared.data.reading.regular import contents
from shared.data.reading.texts import from_json
from shared.errors import UserError
from shared.records.kept import ARRAYS, CURVE, Features, read_arrays, read_curve
from shared.runs.config import Searched
from shared.runs.fields import Strict
from shared.runs.yaml_files import complaint

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from shared.records.forms import Form
    from shared.runs.reference import Reference

RECORD = "record.json"
BENCHMARKS = "benchmarks"
S = TypeVar("S", bound=Strict)


class Provenance(Strict):
    """What is needed to make a record again, and what it cost.

    `commit` and `code` (its fingerprint) are those of the code that trained the weights, `evaluation` has the
    fingerprint of the code that measured each benchmark; in older records `code` stands for both. `device` names all
    that trained, one after the other, where a training was taken up elsewhere.
    """

    command: str
    commit: str
    code: str
    evaluation: dict[str, str] = Field(default_factory=dict)
    started: str
    packages: dict[str, str]
    device: str
    precision: str
    threads: int
    wall_seconds: float
    images_per_second: float
    peak_memory_mib: float
    parameters: int
    steps: int
    epochs: int
    best_epoch: int | None
    weights_sha256: str


class DataUsed(Strict):
    """The files that were read and the exact counts of what was drawn from them."""

    name: str
    checksums: dict[str, str]
    counts: dict[str, Any]


class TrainedOn(Strict):
    """What a run, once trained, made of the images that it was trained on (see `shared.evaluation.health`).

    `optimum` is what the term by which the training is judged comes to at the least loss over free embeddings; None
    where that was not looked for, as at smoke scale, or where `no_optimum` of the paper's runs.yaml says why it cannot
    be.
    """

    images: int
    classes: int
    error: float
    chance: float
    predicted: int
    spread: float
    optimum: float | None = None


class Record(Strict):
    """What one seed of one run leaves behind.

    `metrics` holds those of each benchmark by name, and under "training" the loss and its terms over the last epoch.
    `skipped` names the benchmarks whose data were not to be had, each with where they were looked for. `health` is what
    became of the images trained on; older records lack it. `searched` is what was spent on a choice of settings.
    `not_finite` says of a training that did not stay finite what of it was a number no longer, and since when: a result
    too, though without metrics, curve and features.
    """

    paper: str
    run: str
    scale: str
    seed: int
    axes: dict[str, str]
    config: dict[str, Any]
    config_hash: str
    metrics: dict[str, dict[str, float]]
    data: DataUsed
    skipped: dict[str, str] = Field(default_factory=dict)
    health: TrainedOn | None = None
    searched: Searched | None = Field(None, exclude_if=lambda searched: searched is None)
    not_finite: str | None = Field(None, exclude_if=lambda what: what is None)
    provenance: Provenance


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that the file appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(content, indent=1, sort_keys=True) + "\n").encode())


class Apart(Strict):
    """What a benchmark that is evaluated apart from the training leaves behind, and of which weights it tells.

    Those of the record beside it, where configuration, seed and weights (in older files not told) are the same.
    """

    benchmark: str | None = None
    code: str | None = None
    config_hash: str | None = None
    seed: int | None = None
    weights_sha256: str | None = None
    metrics: dict[str, float]

    def is_of(self, record: Record) -> bool:
        """Whether it was measured of the weights that a record tells of."""
        weights = record.provenance.weights_sha256
        of_run = (self.config_hash, self.seed) == (record.config_hash, record.seed)
        return of_run and self.weights_sha256 in (None, weights)


class OtherWeightsWarning(UserWarning):
    """A benchmark's file tells of other weights than the record beside it, and is left out."""


def read_record(path: Path) -> Record:
    """Read a record, with the metrics of benchmarks that were evaluated apart from the training.

    A benchmark that was measured of other weights is left out, with an `OtherWeightsWarning`.

    Raises:
        UserError: the record or a benchmark's file is missing or damaged; names it in one sentence.

    """
    record = _read(path, Record, "train the run again")
    for extra in sorted((path.parent / BENCHMARKS).glob("*.json")):
        if is_stray(extra.name):
            continue
        measured = _read(extra, Apart, "evaluate that benchmark again")
        if not measured.is_of(record):
            warnings.warn(
                f"{extra}: it was measured of other weights than {path} tells of, and is left out; evaluate that "
                "benchmark again",
                OtherWeightsWarning,
                stacklevel=2,
            )
            continue
        record.metrics[extra.stem] = measured.metrics
        if measured.code is not None:
            record.provenance.evaluation[extra.stem] = measured.code
    return record


def _read(path: Path, kind: type[S], remedy: str) -> S:
    try:
        return kind.model_validate(from_json(contents(path)))
    except FileNotFoundError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); {remedy}.") from None
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); put that right, or remove it and {remedy}."
        ) from None
    except ValidationError as error:
        where, problem = complaint(error)
        name = ".".join(map(str, where)) or "the file"
        raise UserError(f"{path}: no valid record: {name}: {problem}, or remove the file and {remedy}.") from None
    except ValueError as error:
        raise UserError(f"{path}: no valid record: no JSON ({error}); remove the file and {remedy}.") from None


def find_records(folder: Path) -> Iterator[Path]:
    """Yield the paths of all records below a paper's folder, in a fixed order."""
    yield from sorted((folder / "runs").rglob(RECORD))


def has_records(folder: Path) -> bool:
    """Whether there is a record of any paper in the folder of a scale."""
    return any(path for paper in folder.glob("*") for path in find_records(paper))


class Records:
    """All that a target may look at: the tidy table of its records and the features kept with them.

    `table` has one row per run, seed, benchmark and metric: columns `run`, `seed`, `benchmark`, `metric`, `value`,
    then the axes of the runs' names and the settings of their configuration by dotted path (`loss.sigma`).
    `features[run, seed]` holds the arrays where the run keeps them, `curve(run, seed)` the learning curve, and
    `arrays(run, seed, benchmark)` what a benchmark keeps beside its metrics.
    """

    def __init__(self, records: Iterable[tuple[Record, Path]], reference: Reference) -> None:
        self.records = list(records)
        self.reference = reference

    @classmethod
    def read(cls, paths: Iterable[Path], reference: Reference) -> Records:
        """Read the records at `paths`."""
        return cls(((read_record(path), path.parent) for path in paths), reference)

    @property
    def finite(self) -> list[tuple[Record, Path]]:
        """Those whose training stayed finite, which alone have curve and features."""
        return [(record, folder) for record, folder in self.records if record.not_finite is None]

    @property
    def runs(self) -> set[str]:
        """The names of the runs that there are records of."""
        return {record.run for record, _ in self.records}

    def first_seeds(self) -> dict[str, Record]:
        """Return, by run, the record of its first finite seed, which a figure of embeddings draws."""
        return {record.run: record for record, _ in sorted(self.finite, key=lambda entry: -entry[0].seed)}

    def metric(self, benchmark: str, metric: str) -> pd.DataFrame:
        """Return the rows of the table for one metric of one benchmark."""
        table = self.table
        return table[(table["benchmark"] == benchmark) & (table["metric"] == metric)]

    def printed(self, target: str, row: str, column: str) -> str:
        """Return a printed number as the paper shows it, "–" where it prints a dash.

        Raises:
            UserError: `reference.yaml` has no such number.

        """
        value = self.reference.printed(target, row, column)
        return "–" if value.value is None else f"{value.value:.{value.decimals}f}"

    @cached_property
    def table(self) -> pd.DataFrame:
        """The tidy table, with its columns also where no record has any metric.

        Of a training that did not stay finite there is no number where others have one: NaN in each metric that the
        other seeds of its run have or, where none stayed finite, other runs by the same benchmarks.
        """
        import pandas as pd  # noqa: PLC0415 - reading records need not cost its import

        settings = [{**record.axes, **dict(flat(record.config))} for record, _ in self.records]
        rows = [
            {
                "run": record.run,
                "seed": record.seed,
                "benchmark": benchmark,
                "metric": metric,
                "value": value,
                **of_run,
            }
            for (record, _), of_run in zip(self.records, settings, strict=True)
            for benchmark, metrics in (record.metrics if record.not_finite is None else self._lacked(record)).items()
            for metric, value in metrics.items()
        ]
        columns = ["run", "seed", "benchmark", "metric", "value", *(name for of_run in settings for name in of_run)]
        return pd.DataFrame(rows, columns=None if rows else list(dict.fromkeys(columns)))

    def _lacked(self, lost: Record) -> dict[str, dict[str, float]]:
        finite = [record for record, _ in self.finite]
        alike = [record for record in finite if record.run == lost.run] or finite
        return {
            benchmark: {metric: math.nan for record in alike for metric in record.metrics.get(benchmark, {})}
            for benchmark in ("training", *lost.config.get("benchmarks", ()))
        }

    @property
    def features(self) -> Mapping[tuple[str, int], Features]:
        """The kept features by run and seed."""
        return {
            (record.run, record.seed): Features(folder, record.config.get("backbone", {}).get("embedding"))
            for record, folder in self.finite
            if record.config.get("keep_features")
        }

    def curve(self, run: str, seed: int, needed: Sequence[str] = ()) -> pd.DataFrame:
        """Return the learning curve of one seed of a run, a row an epoch.

        Columns: `epoch`, `step`, the mean of the loss and of each of its terms over the epoch, `held_out_error` (%)
        where images are held out, and `<benchmark>/<metric>` for the benchmarks measured along training.

        Raises:
            UserError: the file is missing or damaged, or some epoch has no column of one of the patterns `needed`.

        """
        import pandas as pd  # noqa: PLC0415 - reading records need not cost its import

        return pd.DataFrame(read_curve(self._folder(run, seed) / CURVE, needed), dtype=float)

    def arrays(self, run: str, seed: int, benchmark: str, form: Form | None = None) -> dict[str, NDArray[np.generic]]:
        """Read the arrays that a benchmark kept of one seed of a run, in the form that they are drawn from.

        Raises:
            UserError: the file is missing or damaged, or has arrays of another form.

        """
        return read_arrays(self._folder(run, seed) / ARRAYS.format(benchmark=benchmark), form)

    def _folder(self, run: str, seed: int) -> Path:
        [folder] = [folder for record, folder in self.records if (record.run, record.seed) == (run, seed)]
        return folder


def flat(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings of a configuration by dotted path, a list as text."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value) if isinstance(value, list) else value
