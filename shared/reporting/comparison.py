"""What is printed beside what is measured, on the paper's benchmarks or on what stands in for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
import pandas as pd

from shared.records.records import Records
from shared.reporting.health_marks import mark
from shared.reporting.table import Table, measured
from shared.runs.reference import Value
from shared.verdicts.findings import interval_text, p_text
from shared.verdicts.measurements import finite
from shared.verdicts.statistics import Comparison, paired_differences, t_test
from shared.verdicts.words import in_print

Place = tuple[str, str]
"""A benchmark and a metric of it."""

SIGNED = "+z.2f"
SEEDS = "Measured: mean over seeds ± standard deviation (number of seeds)."
DASH = "–: not printed, or not measured, where there is no run, no data, or too few pairs for so low a FAR."
QUOTED = "Rows with a number in brackets are quoted by the authors from other papers."


@dataclass(frozen=True)
class Ours:
    """Columns that the paper does not have, with what is to be said of them."""

    columns: Mapping[str, Place] = field(default_factory=dict)
    note: str = ""


def comparison(
    records: Records,
    target: str,
    rows: Mapping[str, str | None],
    columns: Mapping[str, Place | None],
    caption: str,
    *,
    heading: str = "Method",
    decimals: int = 2,
    first: Sequence[str] = (),
    notes: Sequence[str] = (),
    quoted: str = QUOTED,
    ours: Ours | None = None,
    instead: Mapping[str, str] | None = None,
) -> Table:
    """Return a table of methods, each with its run, what is printed beside what is measured.

    `first` are printed columns of settings; a column without a place is printed only. Of `ours` those columns are
    shown that some run has. Where there is one, columns of the paper that no run has are printed only. `instead` names,
    by row, the benchmark that measures it in place of that of the column.
    """
    printed = {(value.row, value.column): value for value in records.reference.values if value.target == target}
    there = evaluated(records)
    added = {name: place for name, place in ours.columns.items() if place in there} if ours else {}
    display = []
    for label, run in rows.items():
        row = {heading: label}
        for name in first:
            row[name] = _setting(printed.get((label, name)))
        for name, place in (dict(columns) | added).items():
            if name in columns:
                row[f"{name} (printed)"] = _number(printed.get((label, name)))
            if place is not None and (place in there or not added):
                benchmark = (instead or {}).get(label, place[0])
                row[f"{name} (measured)"] = "–" if run is None else shown(records, run, benchmark, place[1], decimals)
        display.append(row)
    places = [place for place in (*columns.values(), *added.values()) if place is not None]
    return Table(
        data=tidy(records, [*places, *product((instead or {}).values(), [metric for _, metric in places])]),
        display=pd.DataFrame(display),
        caption=caption,
        notes=[
            *([quoted] if None in rows.values() else []),
            *notes,
            SEEDS,
            DASH,
            *([ours.note] if ours and added else []),
        ],
    )


def _number(value: Value | None) -> str:
    """Return what the paper prints in a cell, a dash where that is nothing."""
    text = value.text if value else None
    return text or ("–" if value is None or value.value is None else f"{value.value:.{value.decimals}f}")


def _setting(value: Value | None) -> str:
    """Return a setting with its unit, a dash where there is none."""
    text = value.text if value else None
    return text or ("–" if value is None or value.value is None else f"{value.value:g}{value.unit}")


def printed_cell(records: Records, target: str, row: str, column: str) -> str:
    """Return what the paper prints in a cell: a number with its spread and its unit but %, a word, or a dash."""
    value = records.reference.printed(target, row, column)
    if value.text is not None or value.value is None:
        return _number(value)
    spread = "" if value.spread is None else f" ± {value.spread:.{value.decimals}f}"
    return f"{_number(value)}{spread}{value.unit if value.unit != '%' else ''}"


def evaluated(records: Records) -> set[Place]:
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
    return "–" if run in records.runs and not values else measured(values, decimals, mark=mark(records, [run]))


@dataclass(frozen=True)
class Difference:
    """The values of a base run and of a method by seed, and the method minus the base over the seeds of both.

    `marks` are those of the two (see `shared.reporting.health_marks`).
    """

    base: dict[int, float]
    method: dict[int, float]
    test: Comparison
    marks: tuple[str, str] = ("", "")

    def cells(self) -> dict[str, str]:
        """Return the cells of a table that show it."""
        interval = self.test.interval
        return {
            "Base (measured)": measured(list(self.base.values()), mark=self.marks[0]),
            "Method (measured)": measured(list(self.method.values()), mark=self.marks[1]),
            "Difference (measured)": in_print(self.test.effect, SIGNED),
            "95% interval": "–" if interval is None else interval_text(interval, SIGNED),
            "p": p_text(self.test.p),
            "seeds": str(self.test.n),
        }


def difference(records: Records, base_run: str, method_run: str, place: Place) -> Difference | None:
    """Compare a method with its base by Student's t-test paired over the seeds; None where no seed has both, finite."""
    base, method = (by_seed(records, run, *place) for run in (base_run, method_run))
    differences = paired_differences(finite(method), finite(base))
    if not differences:
        return None
    marks = mark(records, [base_run]), mark(records, [method_run])
    return Difference(base, method, t_test(differences, "paired Student t-test"), marks)


def of_tests(tests: Sequence[str]) -> str:
    """Return the note on the intervals and p of a table of differences, by the names of their tests."""
    names = " and ".join(dict.fromkeys(tests)) or "paired Student t-test"
    return (
        f"Interval and p: {names}, two-sided, not corrected for the number of comparisons in the table. Of one seed "
        "there is neither."
    )


def tidy(records: Records, places: Sequence[Place]) -> pd.DataFrame:
    """Return the rows of the table for some benchmarks and metrics."""
    table = records.table
    asked = set(places)
    chosen = [place in asked for place in zip(table["benchmark"], table["metric"], strict=True)]
    return table.loc[np.array(chosen, dtype=bool)][["run", "seed", "benchmark", "metric", "value"]]
