"""What stands in for the benchmarks of the paper where the faces trained on are those of Olivetti."""

from __future__ import annotations

from functools import partial

from shared.reporting import comparison as printed_and_measured
from shared.reporting.comparison import Ours

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

comparison = partial(printed_and_measured.comparison, ours=Ours(OLIVETTI, ON_OLIVETTI))
"""A table of methods, what is printed beside what is measured, with the columns of Olivetti where some run has them."""
