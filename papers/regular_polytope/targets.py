"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from papers.regular_polytope.figures import figure2, figure4, figure5, figure6
from papers.regular_polytope.tables import table_accuracy, table_geometry, table_search

__all__ = [
    "figure2",
    "figure4",
    "figure5",
    "figure6",
    "table_accuracy",
    "table_geometry",
    "table_search",
]
