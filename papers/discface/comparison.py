"""What is printed beside what is measured, on the paper's benchmarks or on what stands in for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from shared.records import Records
from shared.reporting.table import Table, measured

OLIVETTI = {
    "Olivetti, accuracy": ("olivetti", "accuracy"),
    "Olivetti, TAR @ FAR 10%": ("olivetti", "tar@1e-1"),
    "Olivetti, TAR @ FAR 1%": ("olivetti", "tar@1e-2"),
}
"""What stands in for the paper's benchmarks where the faces trained on are those of Olivetti."""

SEEDS = "Measured: mean over seeds ± standard deviation (number of seeds)."
DASH = "–: not printed, or not measured, where there is no run, no data, or too few pairs for so low a FAR."
QUOTED = "Rows with a number in brackets are quoted by the authors from other papers."
ON_OLIVETTI = (
    "Columns and rows of Olivetti are ours: the same losses on a small set of real faces, all pairs of people whom no "
    "run trained on. They are not to be compared with the printed numbers. One pair in eleven is of one person: who "
    "takes every pair for two people is right in 90.9 %."
)


def comparison(
    records: Records,
    target: str,
    rows: Mapping[str, str | None],
    columns: Mapping[str, tuple[str, str]],
    caption: str,
    *,
    decimals: int = 2,
    first: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Table:
    """Return a table of methods, what is printed beside what is measured; `first` are printed columns of settings.

    Where a benchmark was measured by no run and Olivetti by some, its measured column gives way to those of Olivetti.
    """
    printed = {(value.row, value.column): value for value in records.reference.values if value.target == target}
    there = evaluated(records)
    stand_in = {name: place for name, place in OLIVETTI.items() if place in there}
    display = []
    for label, run in rows.items():
        row = {"Method": label}
        for name in first:
            value = printed[label, name]
            row[name] = value.text or f"{value.value:g}{value.unit}"
        for name, (benchmark, metric) in (dict(columns) | stand_in).items():
            if name in columns:
                number = printed.get((label, name))
                row[f"{name} (printed)"] = "–" if number is None else f"{number.value:.{number.decimals}f}"
            if (benchmark, metric) in there or not stand_in:
                row[f"{name} (measured)"] = "–" if run is None else shown(records, run, benchmark, metric, decimals)
        display.append(row)
    return Table(
        data=tidy(records, [*columns.values(), *stand_in.values()]),
        display=pd.DataFrame(display),
        caption=caption,
        notes=[
            *([QUOTED] if None in rows.values() else []),
            *notes,
            SEEDS,
            DASH,
            *([ON_OLIVETTI] if stand_in else []),
        ],
    )


def evaluated(records: Records) -> set[tuple[str, str]]:
    """Return each benchmark and metric that some run has."""
    table = records.table
    return set(zip(table["benchmark"], table["metric"], strict=True))


def by_seed(records: Records, run: str, benchmark: str, metric: str) -> dict[int, float]:
    """Return the values of a run by seed."""
    table = records.metric(benchmark, metric)
    of_run = table[table["run"] == run].sort_values("seed")
    return dict(zip(of_run["seed"].astype(int), of_run["value"].astype(float), strict=True))


def shown(records: Records, run: str, benchmark: str, metric: str, decimals: int = 2) -> str:
    """Return what is measured, or a dash where the run has other measurements alone."""
    values = list(by_seed(records, run, benchmark, metric).values())
    return "–" if run in records.first_seeds() and not values else measured(values, decimals)


def tidy(records: Records, places: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Return the rows of the table for some benchmarks and metrics."""
    table = records.table
    asked = set(places)
    chosen = [place in asked for place in zip(table["benchmark"], table["metric"], strict=True)]
    return table.loc[np.array(chosen, dtype=bool)][["run", "seed", "benchmark", "metric", "value"]]
