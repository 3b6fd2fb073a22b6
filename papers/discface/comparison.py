"""What is measured beside the paper's own columns: IJB by other weights, and what stands in at lite scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.records.records import Records
from shared.reporting import comparison as printed_and_measured
from shared.reporting.comparison import Ours, Place, evaluated
from shared.reporting.table import Table

FAR = ("1e-1", "1e-2", "1e-3", "1e-4", "1e-5")
CHARACTERS = {
    "Characters, accuracy": ("unseen-pairs", "accuracy"),
    "Characters, equal error": ("unseen-pairs", "eer"),
    **{f"Characters, TAR @ FAR {100 * float(far):g}%": ("unseen-pairs", f"tar@{far}") for far in FAR},
}
ON_CHARACTERS = (
    "What is measured on characters is ours: the same losses on the handwritten characters of Omniglot, and pairs of "
    "drawings from three alphabets that the run did not train on, drawn anew for each seed. It is not to be compared "
    "with the printed numbers. TAR, FAR and the equal error rate, which is better when lower, are over all pairs; the "
    "accuracy is over all pairs of one character and as many of two, so that guessing is right in 50 %."
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
        for note, places in ((NO_DETECTOR, unweighed), (ON_CHARACTERS, CHARACTERS))
        if not there.isdisjoint(places.values())
    ]
    ours = Ours(unweighed | CHARACTERS, " ".join(notes))
    return printed_and_measured.comparison(records, target, rows, columns, caption, ours=ours, **options)
