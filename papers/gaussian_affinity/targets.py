"""The tables and figures of the paper, each a function from its records."""

from __future__ import annotations

from papers.gaussian_affinity.class_sizes import figure3
from papers.gaussian_affinity.confusions import figure4
from papers.gaussian_affinity.embeddings import figure2
from papers.gaussian_affinity.error_curves import figure5, figure6, figure7, figure8
from papers.gaussian_affinity.face_tables import table3, table_text
from papers.gaussian_affinity.tables import table1, table2, table4, table_diversity, table_recipes, table_search

__all__ = [
    "figure2",
    "figure3",
    "figure4",
    "figure5",
    "figure6",
    "figure7",
    "figure8",
    "table1",
    "table2",
    "table3",
    "table4",
    "table_diversity",
    "table_recipes",
    "table_search",
    "table_text",
]
