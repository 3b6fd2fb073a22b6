"""The form of arrays that are kept: how long each axis is, what points into which, and that all are numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REST = "..."
"""Stands last for any further axes."""
MAY_BE_EMPTY = "?"


@dataclass(frozen=True)
class Form:
    """What arrays are to look like, by their names: `{"embeddings": "N d", "labels": "N"}`.

    Axes of one name are of one length, and of none only where the name ends in "?"; a number is a length itself.
    `indices` are whole numbers, each below the length of the axis named, where that is known. Numbers are finite, but
    for those `unknown` where NaN stands for what is not known.
    """

    axes: Mapping[str, str]
    indices: Mapping[str, str] = field(default_factory=dict)
    unknown: Collection[str] = ()

    def problem(self, arrays: Mapping[str, NDArray[np.generic]], **lengths: int) -> str | None:
        """Return what is wrong with the first array that is not of this form, None where all that are there are."""
        problems = (*self._of_axes(arrays, lengths), *self._of_numbers(arrays, lengths))
        return next(iter(problems), None)

    def _there(self, arrays: Mapping[str, NDArray[np.generic]]) -> list[str]:
        return [name for name in self.axes if name in arrays]

    def _of_axes(self, arrays: Mapping[str, NDArray[np.generic]], lengths: dict[str, int]) -> Iterator[str]:
        """Yield the arrays whose axes are not those of the form, and add to `lengths` those that are found."""
        for name in self._there(arrays):
            shape, axes = arrays[name].shape, self.axes[name].split()
            if axes[-1:] == [REST]:
                axes = axes[:-1]
                shape = shape[: len(axes)]
            if len(shape) != len(axes) or not all(_fits(*pair, lengths) for pair in zip(axes, shape, strict=True)):
                found = " x ".join(map(str, arrays[name].shape)) or "no axes"
                yield f"'{name}' is of {found} where [{', '.join(self.axes[name].split())}] is meant"

    def _of_numbers(self, arrays: Mapping[str, NDArray[np.generic]], lengths: Mapping[str, int]) -> Iterator[str]:
        import numpy as np  # noqa: PLC0415 - reading records need not cost its import

        for name in self._there(arrays):
            array = arrays[name]
            if name in self.indices and array.dtype.kind not in "iu":
                yield f"'{name}' has other things than whole numbers"
            elif name in self.indices:
                end = lengths.get(self.indices[name], np.inf)
                if not ((np.asarray(array, np.int64) >= 0) & (np.asarray(array, np.int64) < end)).all():
                    yield f"'{name}' has numbers that are not from 0 to {end - 1}"
            elif array.dtype.kind not in "iuf":
                yield f"'{name}' has other things than numbers"
            elif name not in self.unknown and not np.isfinite(array).all():
                yield f"'{name}' has numbers that are not finite"


def _fits(axis: str, length: int, lengths: dict[str, int]) -> bool:
    """Whether an axis may be so long; the first of its name gives the length of all."""
    meant = int(axis) if axis.isdigit() else lengths.setdefault(axis, length)
    return length == meant and (length > 0 or axis.endswith(MAY_BE_EMPTY))
