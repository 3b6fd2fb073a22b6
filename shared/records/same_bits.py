"""Compare what two trainings of one run left behind, bit by bit."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import from_json

from shared.errors import UserError
from shared.records.kept import ARRAYS, CURVE, curve_rows, read_arrays
from shared.records.records import RECORD

_COUNTED = ("weights_sha256", "parameters", "steps", "epochs", "best_epoch")


@dataclass(frozen=True)
class Left:
    """What one seed of one run left behind, as plain data, so that records of other code can be read too."""

    folder: Path
    record: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, float]]
    evaluation: Mapping[str, str]

    @property
    def code(self) -> str:
        """The fingerprint of the code that trained it."""
        return str(self.record["provenance"]["code"])

    @property
    def configuration(self) -> str:
        """The hash of what the run was configured as."""
        return str(self.record["config_hash"])

    @property
    def health(self) -> Mapping[str, Any]:
        """What became of the images trained on; nothing in older records."""
        return self.record.get("health") or {}

    def evaluation_code(self, benchmark: str) -> str:
        """Return the fingerprint of the code that measured a benchmark, or trained where that is ""."""
        return self.evaluation.get(benchmark, self.code)


@dataclass(frozen=True)
class Differences:
    """What differs, told in words: in what was trained, and in what each benchmark measured of it."""

    trained: tuple[str, ...]
    measured: Mapping[str, tuple[str, ...]]

    def __iter__(self) -> Iterator[str]:
        yield from self.trained
        for told in self.measured.values():
            yield from told


def read_left(folder: Path) -> Left:
    """Read what is in the folder of a seed.

    Raises:
        UserError: its record is damaged.

    """
    record = _json(folder / RECORD)
    apart = {path.stem: _json(path) for path in sorted((folder / "benchmarks").glob("[!.]*.json"))}
    try:
        metrics = record["metrics"] | {name: content["metrics"] for name, content in apart.items()}
        codes = {name: content["code"] for name, content in apart.items() if "code" in content}
        made = record["provenance"]
        _ = (record["paper"], record["run"], record["scale"], record["data"], made["code"], made["commit"])
        return Left(folder, record, metrics, made.get("evaluation", {}) | codes)
    except (AttributeError, KeyError, TypeError):
        raise UserError(f"{folder / RECORD}: no valid record; remove it and train again.") from None


def compare(here: Left, there: Left) -> Differences:
    """Compare weights, counts, checksums, learning curve, kept features, and each benchmark's metrics and arrays.

    What depends on the machine or the moment is left out, as are fields that one of the two records does not have.

    Raises:
        UserError: an array cannot be read.

    """
    trained = [
        *_of_fields("", here.record["provenance"], there.record["provenance"], _COUNTED),
        *_of_fields("data ", here.record["data"], there.record["data"], ("name", "checksums", "counts")),
        *_of_curves(here.folder / CURVE, there.folder / CURVE),
        *_of_metrics("training", here, there),
        *_of_fields("health ", here.health, there.health, here.health),
        *_of_files("features-*.npz", here.folder, there.folder),
    ]
    names = dict.fromkeys([*here.metrics, *there.metrics])
    measured = {
        name: (
            *_of_metrics(name, here, there),
            *_of_files(ARRAYS.format(benchmark=name), here.folder, there.folder),
        )
        for name in names
        if name != "training"
    }
    return Differences(tuple(trained), measured)


def _json(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = from_json(path.read_bytes())
    except (OSError, ValueError):
        raise UserError(f"{path}: cannot be read, or is no JSON; remove it and train again.") from None
    return content


def _of_fields(prefix: str, here: Mapping[str, Any], there: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if name in here and name in there:
            ours, theirs = here[name], there[name]
            if isinstance(ours, dict) and isinstance(theirs, dict):
                yield from _of_fields(f"{prefix}{name} ", ours, theirs, ours)
            else:
                yield from _unlike(f"{prefix}{name}", theirs, ours)


def _of_metrics(benchmark: str, here: Left, there: Left) -> Iterator[str]:
    ours, theirs = here.metrics.get(benchmark), there.metrics.get(benchmark)
    if ours is None or theirs is None:
        yield from _unlike(benchmark, theirs, ours)
        return
    for name in dict.fromkeys([*ours, *theirs]):
        yield from _unlike(f"{benchmark}/{name}", theirs.get(name), ours.get(name))


def _of_curves(here: Path, there: Path) -> Iterator[str]:
    """Tell the first row in which each column of two learning curves differs."""
    if not (here.exists() and there.exists()):
        if here.exists() != there.exists():
            yield f"learning curve: only {'here' if here.exists() else 'there'}"
        return
    nothing: dict[str, str] = {}
    rows = list(zip_longest(curve_rows(there), curve_rows(here), fillvalue=nothing))
    for name in dict.fromkeys(name for pair in rows for row in pair for name in row):
        for number, (theirs, ours) in enumerate(rows, start=1):
            told = list(_unlike(f"learning curve, {name}, row {number}", theirs.get(name), ours.get(name)))
            if told:
                yield from told
                break


def _of_files(pattern: str, here: Path, there: Path) -> Iterator[str]:
    """Tell which kept arrays differ in type, shape or any bit."""
    for name in sorted({path.name for folder in (here, there) for path in folder.glob(pattern)}):
        if not ((here / name).exists() and (there / name).exists()):
            yield f"{name}: only {'here' if (here / name).exists() else 'there'}"
            continue
        ours, theirs = read_arrays(here / name), read_arrays(there / name)
        for array in dict.fromkeys([*ours, *theirs]):
            if array not in ours or array not in theirs:
                yield f"{name}, {array}: only {'here' if array in ours else 'there'}"
            elif _bits(ours[array]) != _bits(theirs[array]):
                yield f"{name}, {array}"


def _bits(array: np.ndarray[Any, Any]) -> tuple[str, tuple[int, ...], bytes]:
    return array.dtype.str, array.shape, array.tobytes()


def _unlike(name: str, there: Any, here: Any) -> Iterator[str]:
    """Tell two values that differ, one of which may be missing."""
    if (here is None) != (there is None):
        yield f"{name}: only {'there' if here is None else 'here'}"
    elif json.dumps(there, sort_keys=True) != json.dumps(here, sort_keys=True):
        yield f"{name}: there {_shown(there)}, here {_shown(here)}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
