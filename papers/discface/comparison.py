"""What is measured beside the paper's own columns: IJB by other weights, and what stands in at lite scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.records.records import Records
from shared.reporting import comparison as printed_and_measured
from shared.reporting.comparison import Ours, Place, evaluated
from shared.reporting.table import Table

OLIVETTI = {
    "Olivetti, accuracy": ("olivetti", "accuracy"),
    "Olivetti, TAR @ FAR 10%": ("olivetti", "tar@1e-1"),
    "Olivetti, TAR @ FAR 1%": ("olivetti", "tar@1e-2"),
}
ON_OLIVETTI = (
    "Columns and rows of Olivetti are ours: the same losses on a small set of real faces, all pairs of people whom no "
    "run trained on. They are not to be compared with the printed numbers. One pair in eleven is of one person: who "
    "takes every pair for two people is right in 90.9 %."
)
NO_DETECTOR = (
    "Without detector: ours, templates in which the detector's score does not weigh an image. Elsewhere on IJB-B and "
    "IJB-C it does, as in InsightFace's evaluation; the paper does not say."
)


def comparison(
    records: Records,
    target: str,
    rows: Mapping[str, str | None],
    columns: Mapping[str, Place],
    caption: str,
    **options: Any,
) -> Table:
    """Return a table of methods, what is printed beside what is measured, with the columns of ours that some run has.

    Beside each column on IJB-B or IJB-C stands the same without the detector's score. `options` are those of
    `shared.reporting.comparison.comparison`.
    """
    unweighed = {
        f"{name}, without detector": (f"{benchmark}-no-detector", metric)
        for name, (benchmark, metric) in columns.items()
        if benchmark in ("ijb-b", "ijb-c")
    }
    there = evaluated(records)
    notes = [
        note
        for note, places in ((NO_DETECTOR, unweighed), (ON_OLIVETTI, OLIVETTI))
        if not there.isdisjoint(places.values())
    ]
    ours = Ours(unweighed | OLIVETTI, " ".join(notes))
    return printed_and_measured.comparison(records, target, rows, columns, caption, ours=ours, **options)
