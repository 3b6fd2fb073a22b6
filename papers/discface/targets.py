"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from papers.discface.curves import figure6
from papers.discface.differences import table_characters
from papers.discface.displacements import table_discrepancy
from papers.discface.tables import table1, table2, table3, table4, table5
from papers.discface.toys import figure4, figure5

__all__ = [
    "figure4",
    "figure5",
    "figure6",
    "table1",
    "table2",
    "table3",
    "table4",
    "table5",
    "table_characters",
    "table_discrepancy",
]
