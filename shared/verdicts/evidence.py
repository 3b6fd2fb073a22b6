"""What a claim is judged by: measured quantities and printed numbers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import product
from typing import Literal

from shared.errors import UserError
from shared.runs.claims import Level, Quantity, listed
from shared.runs.reference import Reference
from shared.verdicts.measurements import Measurements, Seeds, finite, recorded
from shared.verdicts.words import counted

Pairing = Literal["by seed", "with a number", "with a printed result"]
"""Whether two quantities share seeds, or one of them is a threshold, or what the paper prints of one run."""


class Evidence:
    """The measurements and the printed numbers, for one claim: notes which of them it asks for.

    `failed` are the runs of which no seed was trained to where anything can be read from it.
    """

    def __init__(self, reference: Reference, measurements: Measurements, failed: Collection[str] = ()) -> None:
        self._cells = {(value.target, value.row, value.column): value.value for value in reference.values}
        self._places = {value.run: (value.target, value.row) for value in reference.values if value.run is not None}
        self._measurements = measurements
        self.failed = failed
        self._asked: dict[tuple[str, str], None] = {}

    @property
    def runs(self) -> tuple[str, ...]:
        """The names of the runs asked for, in the order of asking."""
        return tuple(dict.fromkeys(run for run, _ in self._asked))

    def missing(self) -> str:
        """Return the first few of the quantities asked for that have no record."""
        return _few([f"{metric} of {run}" for run, metric in self._asked if (run, metric) not in self._measurements])

    def not_finite(self) -> str:
        """Return the first few of the quantities asked for of which some seeds gave no finite number, and how many."""
        lost = {place: _not_finite(self._measurements.get(place, {})) for place in self._asked}
        return _few(
            [f"{counted(count, 'seed')} of {metric} of {run}" for (run, metric), count in lost.items() if count]
        )

    def seeds(self, run: str, metric: str) -> Seeds:
        """Return every seed of a run, finite or not, or the mean over the runs and metrics that are listed."""
        self._asked |= dict.fromkeys(product(listed(run), listed(metric)))
        return recorded(self._measurements, run, metric)

    def levels(self, runs: str, metric: str, levels: Sequence[Level]) -> dict[Level, Seeds]:
        """Return the finite measurements of every level."""
        quantity = Quantity(runs=runs, metric=metric)
        return {level: finite(self.seeds(*quantity.at(level))) for level in levels}

    def trained(self, runs: str, metric: str, levels: Sequence[Level]) -> list[Level]:
        """Return the levels but for those of which all runs failed."""
        quantity = Quantity(runs=runs, metric=metric)
        return [level for level in levels if not set(listed(quantity.at(level)[0])) <= set(self.failed)]

    def pair(self, first: Quantity, second: Quantity, level: Level) -> tuple[Seeds, Seeds, Pairing]:
        """Return the two quantities at a level by seed, and how they are paired.

        Raises:
            UserError: one is a column that has no number beside the run of the other.

        """
        one = finite(self.seeds(*first.at(level))) if first.runs else {}
        two = finite(self.seeds(*second.at(level))) if second.runs else {}
        if not first.runs:
            return dict.fromkeys(two, self._constant(first, second.at(level)[0])), two, _pairing(first)
        if not second.runs:
            return one, dict.fromkeys(one, self._constant(second, first.at(level)[0])), _pairing(second)
        return one, two, "by seed"

    def _constant(self, side: Quantity, run: str) -> float:
        """Return the number a side gives, or what its column prints beside the paper's number for a run."""
        number = side.constant
        if side.column is not None:
            number = self._cells.get((*self._places.get(run, ("", "")), side.column))
        if number is None:
            raise UserError(f"a claim compares {run} with column '{side.column}', which has no number beside it")
        return number


def _pairing(constant: Quantity) -> Pairing:
    return "with a printed result" if constant.number is None else "with a number"


def _not_finite(seeds: Seeds) -> int:
    return len(seeds) - len(finite(seeds))


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
