"""What is kept beside a record: embeddings of the images of a split, arrays of a benchmark, the learning curve."""

from __future__ import annotations

import csv
import fnmatch
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.data.files import write_atomically
from shared.data.reading.regular import opened
from shared.errors import UserError
from shared.records.forms import Form

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.evaluation.output import Output
    from shared.runs.fields import Split

FEATURES = "features-{split}.npz"
ARRAYS = "arrays-{benchmark}.npz"
CURVE = "curve.csv"
_FEATURES = Form(
    {"embeddings": "N d", "labels": "N", "predictions": "N", "class_vectors": "C m d"},
    indices={"labels": "C", "predictions": "C"},
)
_OF_UNSEEN = replace(_FEATURES, indices={"labels": "classes of the data set", "predictions": "C"})
_ALWAYS = ("epoch", "step", "loss")
_REMEDY = "restore it, or remove the record beside it and train again"


class Features:
    """The arrays kept of one seed: `embeddings` [N, d], `labels`, `predictions` [N], `class_vectors` [C, m, d].

    `dimension` is d, where it is known.
    """

    def __init__(self, folder: Path, dimension: int | None = None) -> None:
        self._folder = folder
        self._known = {} if dimension is None else {"d": dimension}

    def load(self, split: Split = "test") -> dict[str, NDArray[np.generic]]:
        """Read the arrays of the images of one split.

        Raises:
            UserError: the file is missing or damaged, or its arrays do not fit together.

        """
        form = _OF_UNSEEN if split == "unseen" else _FEATURES
        return read_arrays(self._folder / FEATURES.format(split=split), form, **self._known)


class _Arrays(dict[str, "NDArray[np.generic]"]):
    """Arrays by name; one that the file lacks is a UserError."""

    def __init__(self, path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        super().__init__(arrays)
        self._path = path

    def __missing__(self, name: str) -> NDArray[np.generic]:
        raise UserError(f"{self._path}: it has no array '{name}'; {_REMEDY}.")


def read_arrays(path: Path, form: Form | None = None, **lengths: int) -> dict[str, NDArray[np.generic]]:
    """Read the arrays in a file, which are to be of a form, if one is given, with axes of the lengths given.

    Raises:
        UserError: the file is missing or damaged, or, once it is asked for, an array is not in it.

    """
    import numpy as np  # noqa: PLC0415 - reading records need not cost its import

    try:
        with opened(path) as file, np.load(file) as archive:
            arrays = {name: archive[name] for name in archive.files}
            if not all(isinstance(array, np.ndarray) for array in arrays.values()):
                raise ValueError("a member is no array")
    except FileNotFoundError:
        raise UserError(f"{path}: its arrays cannot be read, as there is no such file; {_REMEDY}.") from None
    except Exception:  # damaged bytes lead zipfile, zlib and NumPy's parser of headers to errors of some fifteen types
        raise UserError(f"{path}: its arrays cannot be read, as the file is damaged; {_REMEDY}.") from None
    if form is not None and (problem := form.problem(arrays, **lengths)):
        raise UserError(f"{path}: {problem}; {_REMEDY}.")
    return _Arrays(path, arrays)


def write_features(folder: Path, split: Split, output: Output) -> None:
    """Write what `Features` reads of a split."""
    import numpy as np  # noqa: PLC0415 - reading records need not cost its import

    numbers = np.uint8 if output.classes <= 256 else np.int32
    arrays = {
        "embeddings": output.embeddings,
        "labels": output.labels.astype(numbers),
        "predictions": output.predictions.astype(numbers),
        "class_vectors": output.class_vectors,
    }
    _write(folder / FEATURES.format(split=split), arrays)


def write_arrays(folder: Path, kept: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
    """Write the arrays that benchmarks keep, given by benchmark and by name."""
    for benchmark, arrays in kept.items():
        _write(folder / ARRAYS.format(benchmark=benchmark), arrays)


def write_curve(folder: Path, curve: Sequence[Mapping[str, float]]) -> None:
    """Write a learning curve, a row an epoch, with the columns that any epoch has."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(dict.fromkeys(name for row in curve for name in row)))
    writer.writeheader()
    writer.writerows(curve)
    write_atomically(folder / CURVE, text.getvalue().encode())


def curve_rows(path: Path) -> list[dict[str, str]]:
    """Read the rows of a learning curve as they are written, "" where an epoch does not have a column.

    Raises:
        UserError: the file is missing, or is no learning curve.

    """
    columns: Sequence[str] = ()
    try:
        with opened(path) as file:
            reader = csv.DictReader(io.TextIOWrapper(file, "utf-8", newline=""), strict=True)
            rows, columns = list(reader), reader.fieldnames or ()
    except FileNotFoundError:
        raise UserError(f"{path} is missing; {_REMEDY}.") from None
    except (OSError, UnicodeDecodeError, csv.Error):
        rows = []
    if not rows or not all(columns) or len(set(columns)) < len(columns) or not all(map(_is_of_curve, rows)):
        raise UserError(f"{path}: it is no learning curve, or damaged; {_REMEDY}.")
    return rows


def _is_of_curve(row: Mapping[Any, Any]) -> bool:
    """Whether a row has what each row has, no cell too few (None) or too many (a list), and numbers alone."""
    try:
        numbers = {name: float(value) for name, value in row.items() if value != ""}
    except (TypeError, ValueError):
        return False
    return set(_ALWAYS) <= set(numbers) and not any("_" in value for value in row.values())


def read_curve(path: Path, needed: Sequence[str] = ()) -> list[dict[str, float]]:
    """Read the rows of a learning curve, without what an epoch does not have.

    Raises:
        UserError: as `curve_rows`, or some epoch has no column of one of the patterns `needed`.

    """
    rows = [{name: float(value) for name, value in row.items() if value} for row in curve_rows(path)]
    for pattern in needed:
        if not all(fnmatch.filter(row, pattern) for row in rows):
            raise UserError(f"{path}: not every epoch has a number '{pattern}'; {_REMEDY}.")
    return rows


def _write(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    import numpy as np  # noqa: PLC0415 - reading records need not cost its import

    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)  # type: ignore[arg-type]
    write_atomically(path, archive.getbuffer())
